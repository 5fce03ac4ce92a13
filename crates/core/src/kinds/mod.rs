//! The kinds of objects that eksact manages, one file or folder each: how each is desired, read, compared and applied.
//!
//! A kind is added by its file and one line in [`kinds`]. Reading ([`crate::live`]) and comparing (`plan`) are apart:
//! comparing sees only values and has no client in reach.

pub mod access_effect;
pub mod access_entry;
pub mod access_migration;
pub mod authentication_mode;
pub mod bridge;
mod caller_rights;
mod cluster_update;
pub mod iam_role;
pub mod identity_mapping;
pub mod identity_provider;
mod kubernetes_write;
mod left_change_set;
pub mod managed_policy;
pub mod namespace;
pub mod oidc_provider;
pub mod origin;
mod patience;
mod permission_set;
pub mod permissions;
pub mod planner;
pub mod pod_identity;
pub mod pod_identity_agent;
pub mod pod_identity_association;
pub mod pod_identity_migration;
mod policy_of_files;
pub mod preflight;
pub mod provider_intent;
pub mod rbac;
pub mod request;
pub mod revocation;
mod role_arn;
mod role_of_files;
pub mod runner;
mod scope;
mod selection;
pub mod service_account;
pub mod service_account_scope;
pub mod shared_role;
mod stack_health;
mod stack_removal;
pub mod stack_wait;
mod stack_write;
mod standing;
pub mod to_access_entries;
pub mod to_pod_identity;
mod trust_policy;
mod unreachable;

use std::borrow::Cow;

use async_trait::async_trait;
use futures::future::join_all;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

pub use left_change_set::keep_what_grew_old;
pub use planner::{PlanError, plan, plan_with_outcome};
pub use request::Request;
pub use runner::{RunContext, Runner};
pub use scope::Scope;

use permissions::{Place, Rights};

use crate::{
    engine::{Address, PlanDraft, Step, StepDone, StepError, executor::Progress},
    guard::access::KnownRefusal,
    live::{Live, LiveReader, StackInterest},
    ports::kubernetes::AccessReview,
};

/// One kind of object.
#[async_trait]
pub(crate) trait Kind: Send + Sync {
    /// The first part of the addresses of its steps.
    const NAME: &'static str;

    /// The kinds of addresses under which it says who may do what in the cluster; guards and removals look at them.
    const GIVES_ACCESS: &'static [&'static str] = &[];

    /// One write, as the plan keeps it in [`crate::engine::Step::operation`].
    type Operation: Serialize + DeserializeOwned + Send;

    /// Which stacks the request is about for this kind.
    fn stack_interest(&self, _request: &Request) -> StackInterest {
        StackInterest::default()
    }

    /// Reads what comparing will need. Failures are kept with what they belong to, so that one object's never hides
    /// another's.
    async fn read(&self, request: &Request, reader: &LiveReader);

    /// Compares what is wanted with what was read and adds the difference to the draft. Pure.
    fn plan(&self, request: &Request, live: &Live, draft: &mut PlanDraft);

    /// Adds what goes although nobody named it. Called once every kind has added what shall be there, so that nothing is
    /// taken away while something that is to take its place cannot be planned. Pure.
    fn plan_removals(&self, _request: &Request, _live: &Live, _draft: &mut PlanDraft) {}

    /// Changes what was read as the operation would, as far as guards and [`Self::review`] look at it. What planning has
    /// worked out is among the outcomes of the draft. Pure.
    ///
    /// # Errors
    /// When it cannot be told what the operation does.
    fn predict(
        &self,
        _operation: &Self::Operation,
        _draft: &PlanDraft,
        _live: &mut Live,
    ) -> Result<(), StepError> {
        Ok(())
    }

    /// Says what looks wrong in what the finished plan leads to: `after` is `live` once every step is done. Pure.
    fn review(&self, _request: &Request, _live: &Live, _after: &Live, _draft: &mut PlanDraft) {}

    /// Keeps with the operation what guards refuse of the plan, should it be allowed: for one that asks them again.
    fn keep_refusals(&self, _operation: &mut Self::Operation, _refusals: &[KnownRefusal]) {}

    /// What the Kubernetes API must allow the caller for this operation.
    fn access_reviews(&self, _operation: &Self::Operation) -> Vec<AccessReview> {
        Vec::new()
    }

    /// The rights that [`Self::read`] needs, whatever it finds.
    fn rights_to_read(&self, _request: &Request, _place: &Place) -> Rights {
        Rights::default()
    }

    /// The rights in AWS that [`Self::run`] needs; those in the cluster are [`Self::access_reviews`].
    fn rights_to_write(&self, _operation: &Self::Operation, _place: &Place) -> Rights {
        Rights::default()
    }

    /// Carries out one step of this kind.
    async fn run(
        &self,
        operation: Self::Operation,
        context: &RunContext,
        progress: &Progress,
    ) -> Result<StepDone, StepError>;
}

/// A [`Kind`] whose operations are JSON, as plans keep them. One that cannot be decoded is an error: what it does and needs
/// is not known.
#[async_trait]
pub(crate) trait AnyKind: Send + Sync {
    /// [`Kind::NAME`].
    fn name(&self) -> &'static str;
    /// [`Kind::GIVES_ACCESS`].
    fn gives_access(&self) -> &'static [&'static str];
    /// [`Kind::stack_interest`].
    fn stack_interest(&self, request: &Request) -> StackInterest;
    /// [`Kind::read`].
    async fn read(&self, request: &Request, reader: &LiveReader);
    /// [`Kind::plan`].
    fn plan(&self, request: &Request, live: &Live, draft: &mut PlanDraft);
    /// [`Kind::plan_removals`].
    fn plan_removals(&self, request: &Request, live: &Live, draft: &mut PlanDraft);
    /// [`Kind::predict`].
    fn predict(&self, operation: &Value, draft: &PlanDraft, live: &mut Live) -> Result<(), StepError>;
    /// [`Kind::review`].
    fn review(&self, request: &Request, live: &Live, after: &Live, draft: &mut PlanDraft);
    /// [`Kind::keep_refusals`].
    fn keep_refusals(&self, operation: &mut Value, refusals: &[KnownRefusal]) -> Result<(), StepError>;
    /// Decodes an operation and encodes it again.
    fn rewrite(&self, operation: &mut Value) -> Result<(), StepError>;
    /// [`Kind::access_reviews`].
    fn access_reviews(&self, operation: &Value) -> Result<Vec<AccessReview>, StepError>;
    /// [`Kind::rights_to_read`].
    fn rights_to_read(&self, request: &Request, place: &Place) -> Rights;
    /// [`Kind::rights_to_write`].
    fn rights_to_write(&self, operation: &Value, place: &Place) -> Result<Rights, StepError>;
    /// [`Kind::run`].
    async fn run(
        &self,
        operation: &Value,
        context: &RunContext,
        progress: &Progress,
    ) -> Result<StepDone, StepError>;
}

#[async_trait]
impl<K: Kind> AnyKind for K {
    fn name(&self) -> &'static str {
        K::NAME
    }

    fn gives_access(&self) -> &'static [&'static str] {
        K::GIVES_ACCESS
    }

    fn stack_interest(&self, request: &Request) -> StackInterest {
        Kind::stack_interest(self, request)
    }

    async fn read(&self, request: &Request, reader: &LiveReader) {
        Kind::read(self, request, reader).await;
    }

    fn plan(&self, request: &Request, live: &Live, draft: &mut PlanDraft) {
        Kind::plan(self, request, live, draft);
    }

    fn plan_removals(&self, request: &Request, live: &Live, draft: &mut PlanDraft) {
        Kind::plan_removals(self, request, live, draft);
    }

    fn predict(&self, operation: &Value, draft: &PlanDraft, live: &mut Live) -> Result<(), StepError> {
        Kind::predict(self, &operation_of(operation)?, draft, live)
    }

    fn review(&self, request: &Request, live: &Live, after: &Live, draft: &mut PlanDraft) {
        Kind::review(self, request, live, after, draft);
    }

    fn keep_refusals(&self, operation: &mut Value, refusals: &[KnownRefusal]) -> Result<(), StepError> {
        let mut decoded = operation_of(operation)?;
        Kind::keep_refusals(self, &mut decoded, refusals);
        *operation = serde_json::to_value(decoded).map_err(|error| StepError::new(error.to_string()))?;
        Ok(())
    }

    fn rewrite(&self, operation: &mut Value) -> Result<(), StepError> {
        let decoded: K::Operation = operation_of(operation)?;
        *operation = serde_json::to_value(decoded).map_err(|error| StepError::new(error.to_string()))?;
        Ok(())
    }

    fn access_reviews(&self, operation: &Value) -> Result<Vec<AccessReview>, StepError> {
        Ok(Kind::access_reviews(self, &operation_of(operation)?))
    }

    fn rights_to_read(&self, request: &Request, place: &Place) -> Rights {
        Kind::rights_to_read(self, request, place)
    }

    fn rights_to_write(&self, operation: &Value, place: &Place) -> Result<Rights, StepError> {
        Ok(Kind::rights_to_write(self, &operation_of(operation)?, place))
    }

    async fn run(
        &self,
        operation: &Value,
        context: &RunContext,
        progress: &Progress,
    ) -> Result<StepDone, StepError> {
        Kind::run(self, operation_of(operation)?, context, progress).await
    }
}

/// A kind's operation as it was planned.
///
/// # Errors
/// When another version of eksact planned it in a way that this one does not know.
pub(crate) fn operation_of<T: DeserializeOwned>(operation: &Value) -> Result<T, StepError> {
    // Not from a copy: one operation may be all of a large aws-auth.
    T::deserialize(operation).map_err(|error| {
        StepError::new(format!(
            "this version of eksact does not understand the step: {error}"
        ))
    })
}

/// The operation of a step as this version would write it; none where it does not know the kind or the operation.
pub fn operation_in_full(step: &Step) -> Option<Value> {
    let mut operation = step.operation.clone();
    kind_of(step)?.rewrite(&mut operation).ok()?;
    Some(operation)
}

/// Reads what every kind asks for and gives it as plain values.
pub async fn read(request: &Request, reader: &LiveReader) -> Live {
    read_for(std::slice::from_ref(request), reader).await
}

/// The same for several requests about one cluster, which are planned over the same state.
pub async fn read_for(requests: &[Request], reader: &LiveReader) -> Live {
    let so_far = reader.snapshot();
    let with_arns = |request| Request::with_arns(request, so_far.partition, &so_far.account);
    let requests: Vec<Cow<'_, Request>> = requests.iter().map(with_arns).collect();
    let asking = || {
        requests
            .iter()
            .flat_map(|request| kinds().iter().map(move |kind| (*kind, &**request)))
    };
    let interests = asking().map(|(kind, request)| kind.stack_interest(request));
    reader.is_about_stacks(interests.fold(StackInterest::default(), StackInterest::and));
    join_all(asking().map(|(kind, request)| kind.read(request, reader))).await;
    reader.snapshot()
}

/// The kind of a step's object.
pub(crate) fn kind_of(step: &Step) -> Option<&'static dyn AnyKind> {
    kinds()
        .iter()
        .copied()
        .find(|kind| kind.name() == step.address.kind())
}

/// Whether the object at this address is about who may do what in the cluster.
pub(crate) fn gives_access(address: &Address) -> bool {
    kinds()
        .iter()
        .any(|kind| kind.gives_access().contains(&address.kind()))
}

/// Every type of [`Scope`], for saved plans.
fn scopes() -> &'static [scope::ScopeType] {
    use scope::ScopeType;
    const {
        &[
            ScopeType::of::<access_entry::AccessEntryScope>(),
            ScopeType::of::<bridge::Bridge>(),
            ScopeType::of::<identity_mapping::AwsAuthScope>(),
            ScopeType::of::<identity_provider::IdentityProvidersToGo>(),
            ScopeType::of::<pod_identity::AgentNeeded>(),
            ScopeType::of::<pod_identity::PodIdentityScope>(),
            ScopeType::of::<pod_identity_agent::InstallAgent>(),
            ScopeType::of::<provider_intent::ProviderIntent>(),
            ScopeType::of::<service_account_scope::ServiceAccountScope>(),
        ]
    }
}

/// Every kind, in the order in which they are read and planned: what others build on comes first.
pub(crate) fn kinds() -> &'static [&'static dyn AnyKind] {
    &[
        &authentication_mode::AuthenticationModeKind,
        &oidc_provider::OidcProviderKind,
        &iam_role::IamRoleKind,
        &iam_role::PodIdentityRoleKind,
        &iam_role::AssumableRoleKind,
        // A policy goes once no role has it: what becomes of the roles is planned before.
        &managed_policy::ManagedPolicyKind,
        &pod_identity_association::PodIdentityAssociationKind,
        &pod_identity_agent::PodIdentityAgentKind,
        &namespace::NamespaceKind,
        &shared_role::SharedRoleKind,
        &service_account::ServiceAccountKind,
        &rbac::RbacRoleKind,
        &rbac::RbacBindingKind,
        &identity_provider::IdentityProviderKind,
        &access_entry::AccessEntryKind,
        &identity_mapping::AwsAuthKind,
        &access_migration::AccessMigrationKind,
        &pod_identity_migration::PodIdentityMigrationKind,
    ]
}
