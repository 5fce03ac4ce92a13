//! The kinds of objects that eksact manages, one file or folder each: how each is desired, read, compared and applied.
//!
//! A kind is added by its file and one line in [`kinds`]. Reading ([`crate::live`]) and comparing (`plan`) are apart:
//! comparing sees only values and has no client in reach.

pub mod access_effect;
pub mod iam_role;
pub mod identity_mapping;
pub mod namespace;
pub mod oidc_provider;
pub mod own_rights;
pub mod planner;
pub mod preflight;
pub mod rbac;
pub mod request;
pub mod revocation;
pub mod runner;
pub mod service_account;
pub mod shared_role;
pub mod stack_wait;
mod trust_policy;
mod unreachable;

use async_trait::async_trait;
use futures::future::join_all;
use serde_json::Value;

pub use planner::plan;
pub use request::Request;
pub use runner::{RunContext, Runner};

use crate::{
    engine::{PlanDraft, StepDone, StepError, executor::Progress},
    live::{Live, LiveReader},
    ports::kubernetes::AccessReview,
};

/// One kind of object.
#[async_trait]
pub trait Kind: Send + Sync {
    /// The first part of its addresses.
    fn name(&self) -> &'static str;

    /// Reads what comparing will need. Failures are kept with what they belong to, so that one object's never hides
    /// another's.
    async fn read(&self, request: &Request, reader: &LiveReader);

    /// Compares what is wanted with what was read and adds the difference to the draft. Pure.
    fn plan(&self, request: &Request, live: &Live, draft: &mut PlanDraft);

    /// Adds what goes although nobody named it. Called once every kind has added what shall be there, so that nothing is
    /// taken away while something that is to take its place cannot be planned. Pure.
    fn plan_removals(&self, _request: &Request, _live: &Live, _draft: &mut PlanDraft) {}

    /// What the Kubernetes API must allow the caller for this operation. One that cannot be decoded is an error: nobody
    /// knows what it needs.
    fn access_reviews(&self, _operation: &Value) -> Result<Vec<AccessReview>, StepError> {
        Ok(Vec::new())
    }

    /// Carries out one step of this kind.
    async fn run(
        &self,
        operation: Value,
        context: &RunContext,
        progress: &Progress,
    ) -> Result<StepDone, StepError>;
}

/// Reads what every kind asks for and gives it as plain values.
pub async fn read(request: &Request, reader: &LiveReader) -> Live {
    join_all(kinds().iter().map(|kind| kind.read(request, reader))).await;
    reader.snapshot()
}

/// Every kind, in the order in which they are read and planned: what others build on comes first.
pub fn kinds() -> &'static [&'static dyn Kind] {
    &[
        &oidc_provider::OidcProviderKind,
        &iam_role::IamRoleKind,
        &namespace::NamespaceKind,
        &shared_role::SharedRoleKind,
        &service_account::ServiceAccountKind,
        &rbac::RbacRoleKind,
        &rbac::RbacBindingKind,
        &identity_mapping::AwsAuthKind,
    ]
}
