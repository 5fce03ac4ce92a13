//! Service accounts: the annotation that names the role, and the labels and annotations that the file gives. Nothing else
//! on the object is read or written.
//!
//! Whose a service account is decides what may happen to it; the rules stand in [`ownership`].

mod operation;
pub mod ownership;
mod plan;
mod removal;
mod run;

use eksact_identity::service_account::ServiceAccountKey;

use async_trait::async_trait;
use serde_json::Value;

use super::{Kind, Request, RunContext, namespace::in_kubernetes, request::key_of};
use crate::{
    engine::{Address, PlanDraft, StepDone, StepError, executor::Progress},
    live::{AllServiceAccounts, Live, LiveReader, ServiceAccountByKey},
    ports::kubernetes::AccessReview,
};

pub use ownership::{Ownership, Standing, Unreadable, standing, unreadable};

/// The annotation that names the role (pod identity webhook 0.6.17, `pkg/annotations.go`).
pub const ROLE_ANNOTATION: &str = "eks.amazonaws.com/role-arn";
/// The label that marks an object as eksctl's or eksact's.
pub const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";
/// Its value; eksctl's, so that either tool can manage what the other made.
pub const MANAGED_BY: &str = "eksctl";

/// The kind `service-account`.
#[derive(Debug)]
pub struct ServiceAccountKind;

/// The address of a service account.
pub fn address(key: &ServiceAccountKey) -> Address {
    Address::new(ServiceAccountKind.name(), format!("{key}"))
}

#[async_trait]
impl Kind for ServiceAccountKind {
    fn name(&self) -> &'static str {
        "service-account"
    }

    async fn read(&self, request: &Request, reader: &LiveReader) {
        if request.prune.is_some() {
            reader.ask(AllServiceAccounts).await;
        }
        let wanted = in_kubernetes(request).map(key_of);
        reader
            .read(
                wanted
                    .chain(request.delete.iter().cloned())
                    .map(ServiceAccountByKey),
            )
            .await;
    }

    fn plan(&self, request: &Request, live: &Live, draft: &mut PlanDraft) {
        plan::plan(request, live, draft);
        removal::plan(request, live, draft);
    }

    fn access_reviews(&self, operation: &Value) -> Result<Vec<AccessReview>, StepError> {
        let operation: operation::Operation = super::runner::operation_of(operation.clone())?;
        Ok(operation.access_reviews())
    }

    async fn run(
        &self,
        operation: Value,
        context: &RunContext,
        _progress: &Progress,
    ) -> Result<StepDone, StepError> {
        run::run(super::runner::operation_of(operation)?, context).await
    }
}
