//! What really exists, as it was read: plain values, each read once, shared by the kinds that compare them. A value
//! that could not be read is kept with its failure.

use eksact_identity::service_account::ServiceAccountKey;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::live_access::LiveAccess;
use crate::ports::{
    CallError,
    aws::{CallerIdentity, Cluster, OidcProvider, Role, Stack},
    issuer::CertificateChain,
    kubernetes::{Namespace, ServiceAccount},
};
use eksact_identity::{
    cloudformation::{stack_name::eksctl_name, tags},
    iam::Partition,
};

/// A value as it was read, or why it could not be.
pub type Observed<T> = Result<T, CallError>;

/// Everything that was read.
#[derive(Clone, Debug)]
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
    /// The provider that belongs to the cluster's issuer; none when nobody needed it.
    pub oidc_provider: Option<Observed<Option<OidcProvider>>>,
    /// The chain that the issuer serves; none when nobody needed it.
    pub issuer_chain: Option<Observed<CertificateChain>>,
    /// The stacks that bear the cluster's tag or a name that the request wants; none when nobody needed them.
    pub stacks: Option<Observed<Arc<ClusterStacks>>>,
    /// The stack name of each wanted service account, by the rule of [`eksact_identity::cloudformation::stack_name`].
    pub stack_names: BTreeMap<ServiceAccountKey, String>,
    /// Roles by name, those that were asked for.
    pub roles: BTreeMap<String, Observed<Option<Arc<Role>>>>,
    /// All roles of the account, when every role had to be looked at.
    pub all_roles: Option<Observed<Vec<Arc<Role>>>>,
    /// How long a trust policy may be in this account, when some policy is longer than every account allows; none where
    /// IAM does not say.
    pub trust_policy_quota: Option<Observed<Option<usize>>>,
    /// Templates by stack name, those that were asked for.
    pub templates: BTreeMap<String, Observed<String>>,
    /// Namespaces, those that were asked for.
    pub namespaces: BTreeMap<String, Observed<Option<Namespace>>>,
    /// Service accounts, those that were asked for.
    pub service_accounts: BTreeMap<ServiceAccountKey, Observed<Option<ServiceAccount>>>,
    /// Every service account of the cluster, when all had to be looked at.
    pub all_service_accounts: Option<Observed<Vec<ServiceAccount>>>,
    /// What decides who gets into the cluster.
    pub access: LiveAccess,
}

impl Live {
    /// The ARN of the IAM OIDC provider that belongs to the cluster's issuer.
    pub fn provider_arn(&self) -> Option<String> {
        let issuer = self.cluster.oidc_issuer.as_deref()?;
        eksact_identity::iam::trust::provider_arn(self.partition, &self.account, issuer)
            .ok()
            .map(|arn| arn.to_string())
    }

    /// The issuer without its scheme, as trust policies name it.
    pub fn issuer_host_path(&self) -> Option<String> {
        self.cluster
            .oidc_issuer
            .as_deref()
            .and_then(|issuer| eksact_identity::iam::trust::issuer_without_scheme(issuer).ok())
    }

    /// The stacks that could be read.
    pub fn known_stacks(&self) -> &[Stack] {
        match &self.stacks {
            Some(Ok(stacks)) => stacks.all(),
            _ => &[],
        }
    }

    /// The stack of this service account: the one whose tag names it, else the one that bears its name.
    pub fn stack_of(&self, key: &ServiceAccountKey) -> Option<&Stack> {
        let Some(Ok(stacks)) = &self.stacks else {
            return None;
        };
        stacks
            .tagged(key)
            .or_else(|| self.stack_names.get(key).and_then(|name| stacks.named(name)))
    }
}

impl Live {
    /// The stack of an account that shall go: the one whose tag names it, else the one of eksctl's name that bears the
    /// cluster's tag and names nobody (eksctl's own migration drops the other tag).
    pub fn own_stack(&self, key: &ServiceAccountKey) -> Option<&Stack> {
        let Some(Ok(stacks)) = &self.stacks else {
            return None;
        };
        stacks.tagged(key).or_else(|| {
            stacks
                .named(&eksctl_name(&self.cluster.name, &key.namespace, &key.name))
                .filter(|stack| {
                    is_of_cluster(stack, &self.cluster.name) && service_account_of(stack).is_none()
                })
        })
    }
}

/// The stacks that matter to a cluster, to be found by name and by the service account that their tag names: a plan
/// looks for one several times per account.
#[derive(Clone, Debug, Default)]
pub struct ClusterStacks {
    all: Vec<Stack>,
    by_name: HashMap<String, usize>,
    by_account: HashMap<ServiceAccountKey, usize>,
}

impl ClusterStacks {
    /// Those of `all`, where the ones that bear the tag of `cluster` are its own.
    pub fn new(all: Vec<Stack>, cluster: &str) -> Self {
        let mut stacks = Self::default();
        for (index, stack) in all.iter().enumerate() {
            stacks.by_name.entry(stack.name.clone()).or_insert(index);
            if !is_of_cluster(stack, cluster) {
                continue;
            }
            let Some(key) = service_account_of(stack) else {
                continue;
            };
            // Should two stacks carry the tag, eksctl's own name is the likelier one: the rule of `stack_name::assign`.
            let own = eksctl_name(cluster, &key.namespace, &key.name);
            let rank = |stack: &Stack| (stack.name != own, stack.name.clone());
            let better = stacks
                .by_account
                .get(&key)
                .and_then(|other| all.get(*other))
                .is_none_or(|other| rank(stack) < rank(other));
            if better {
                stacks.by_account.insert(key, index);
            }
        }
        Self { all, ..stacks }
    }

    /// All of them.
    pub fn all(&self) -> &[Stack] {
        &self.all
    }

    /// The one of this name.
    pub fn named(&self, name: &str) -> Option<&Stack> {
        self.all.get(*self.by_name.get(name)?)
    }

    /// The one of the cluster whose tag names this service account.
    pub fn tagged(&self, key: &ServiceAccountKey) -> Option<&Stack> {
        self.all.get(*self.by_account.get(key)?)
    }
}

/// Whether a stack bears the tag of this cluster.
pub fn is_of_cluster(stack: &Stack, cluster: &str) -> bool {
    stack
        .tags
        .get(tags::CLUSTER_NAME)
        .is_some_and(|name| name == cluster)
}

/// The service account that a stack's tag names.
pub fn service_account_of(stack: &Stack) -> Option<ServiceAccountKey> {
    ServiceAccountKey::parse(stack.tags.get(tags::SERVICE_ACCOUNT_NAME)?)
}

/// The name of the role that a stack's output tells.
pub fn role_name_of(stack: &Stack) -> Option<&str> {
    stack
        .outputs
        .get("Role1")
        .and_then(|arn| arn.rsplit('/').next())
        .filter(|name| !name.is_empty())
}
