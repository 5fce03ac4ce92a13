//! What really exists, as it was read: plain values, each read once, shared by all that compare them. A value that could not
//! be read is kept with its failure.
//!
//! One file per object says how it is read ([`Query`]) and how [`Live`] is asked for it. Only readers are in reach here.

mod access;
mod account;
pub mod addresses;
mod managed_policy;
mod namespace;
mod oidc_provider;
mod ownership;
mod pod;
mod pod_identity;
mod principal;
mod query;
mod rbac;
mod reader;
mod role;
mod service_account;
mod stack;
mod stack_state;

use std::{fmt, sync::Arc};

use crate::ports::{
    CallError, CallErrorKind,
    aws::{CallerIdentity, Cluster},
};
use eksact_identity::iam::Partition;

pub use access::{
    AWS_AUTH, AWS_AUTH_NAMESPACE, AccessEntries, AwsAuth, CallerInCluster, OfferedAccessPolicies,
};
pub use account::AccountAuthorization;
pub use managed_policy::{ManagedPolicyByArn, UseOfPolicy};
pub use namespace::{AllNamespaces, NamespaceByName};
pub use oidc_provider::{ClusterOidcProvider, IssuerChain, OidcProviderByArn};
pub use ownership::{MANAGED_BY, MANAGED_BY_LABEL, Ownership, ROLE_ANNOTATION, other_owner, ownership};
pub use pod::PodsOf;
pub use pod_identity::{
    AGENT, Agent, PodIdentityAgent, PodIdentityAssociationById, PodIdentityAssociations, admits_any_pods,
    admits_pods,
};
pub use principal::PrincipalByArn;
pub use query::{Observed, Query};
pub use rbac::{
    AllRbacRoles, Bindings, RBAC_GROUP, RbacRoleByKey, RoleKey, binding_words, role_key, role_words,
};
pub use reader::LiveReader;
pub use role::{AllRoles, PermissionSetRoles, RoleByName, TrustPolicyQuota};
pub use service_account::{AllServiceAccounts, ServiceAccountByKey};
pub use stack::{
    ChangeSetsOf, ClusterStacks, StackInterest, StackTemplate, Stacks, is_of_cluster, role_name_of,
    role_owner_of, service_account_of,
};

pub use stack_state::{StackState, region_of, state_of};

/// From this many objects on, one listing is cheaper than reading each.
pub(crate) const BULK_FROM: usize = 6;

/// Everything that was read: what every plan needs by name, the rest by its [`Query`].
#[derive(Clone)]
pub struct Live {
    /// The caller, where it could be asked.
    pub caller: Observed<CallerIdentity>,
    /// The cluster.
    pub cluster: Cluster,
    /// Account of the cluster, from its ARN.
    pub account: String,
    /// Partition of the cluster, from its ARN.
    pub partition: Partition,
    /// Region of the cluster, from its ARN.
    pub region: String,
    answers: query::Answers,
    derived: query::Derived,
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live")
            .field("cluster", &self.cluster)
            .finish_non_exhaustive()
    }
}

impl Live {
    /// The answer to a query; none where nobody asked it.
    pub fn get<Q: Query>(&self, query: &Q) -> Option<&Observed<Q::Answer>> {
        self.answers.get(query).map(AsRef::as_ref)
    }

    /// Every query of a type that was asked, with its answer.
    pub fn each<Q: Query>(&self) -> impl Iterator<Item = (&Q, &Observed<Q::Answer>)> {
        let answered = self.answers.of::<Q>();
        answered
            .into_iter()
            .flatten()
            .map(|(query, answer)| (query, answer.as_ref()))
    }

    /// What `derive` makes of all this, worked out once: for what is costly and that several ask for.
    pub fn derived<T: Send + Sync + 'static>(&self, derive: impl FnOnce(&Self) -> T) -> Arc<T> {
        self.derived.get(|| derive(self))
    }

    /// Answers a query otherwise than it was: how it would be after a plan, or in a world that no simulator makes.
    pub fn put<Q: Query>(&mut self, query: Q, answer: Observed<Q::Answer>) {
        self.derived = query::Derived::default();
        self.answers.put([(query, Arc::new(answer))]);
    }

    /// Changes an answer; nothing where there is none that could be read.
    pub fn change<Q: Query>(&mut self, query: &Q, change: impl FnOnce(&mut Q::Answer))
    where
        Q::Answer: Clone,
    {
        self.derived = query::Derived::default();
        if let Some(answer) = self.answers.get_mut(query)
            && let Ok(answer) = Arc::make_mut(answer)
        {
            change(answer);
        }
    }
}

/// What could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The cluster's API does not answer, or lets the caller in for nothing: no object can be read.
    Cluster,
    /// This one.
    Object,
}

/// What a failed reading of a Kubernetes object says about the cluster.
pub fn unreadable(error: &CallError) -> Unreadable {
    match error.kind {
        CallErrorKind::Unreachable | CallErrorKind::Credentials => Unreadable::Cluster,
        _ => Unreadable::Object,
    }
}
