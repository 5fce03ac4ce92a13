//! Service accounts: the annotation that names the role, and the labels and annotations that the file gives. Nothing else
//! on the object is read or written.
//!
//! Whose a service account is decides what may happen to it; the rules stand in [`ownership`].

mod operation;
mod plain;
mod plan;
mod removal;
mod run;

use async_trait::async_trait;

use super::{Kind, Request, RunContext};
use crate::kinds::permissions::{Place, Rights};
use crate::{
    config::{ServiceAccount, pod_identity_association::PodIdentityAssociation},
    engine::{PlanDraft, StepDone, StepError, executor::Progress},
    kinds::pod_identity::making_accounts,
    live::{AllServiceAccounts, Live, LiveReader, ServiceAccountByKey},
    ports::kubernetes::AccessReview,
};

/// The annotation that names the role (pod identity webhook 0.6.17, `pkg/annotations.go`).
pub const ROLE_ANNOTATION: &str = "eks.amazonaws.com/role-arn";
/// The label that marks an object as eksctl's or eksact's.
pub const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";
/// Its value; eksctl's, so that either tool can manage what the other made.
pub const MANAGED_BY: &str = "eksctl";

/// The kind `service-account`.
#[derive(Debug)]
pub struct ServiceAccountKind;

#[async_trait]
impl Kind for ServiceAccountKind {
    const NAME: &'static str = "service-account";
    type Operation = operation::Operation;

    async fn read(&self, request: &Request, reader: &LiveReader) {
        if request.prunes_service_accounts() {
            reader.ask(AllServiceAccounts).await;
        }
        let wanted = request.in_kubernetes().map(ServiceAccount::key);
        let plain = making_accounts(request).map(PodIdentityAssociation::key);
        let scope = request.service_account_scope();
        let named = scope.delete.iter().chain(&scope.forget_role).cloned();
        reader
            .read(wanted.chain(plain).chain(named).map(ServiceAccountByKey))
            .await;
    }

    fn plan(&self, request: &Request, live: &Live, draft: &mut PlanDraft) {
        plan::plan(request, live, draft);
        plain::plan(request, live, draft);
        removal::plan(request, live, draft);
    }

    fn access_reviews(&self, operation: &Self::Operation) -> Vec<AccessReview> {
        operation.access_reviews()
    }

    fn rights_to_read(&self, request: &Request, _place: &Place) -> Rights {
        let mut rights = Rights::default();
        let wanted = request.in_kubernetes().map(ServiceAccount::key);
        let keys: Vec<_> = wanted
            .chain(making_accounts(request).map(PodIdentityAssociation::key))
            .collect();
        for key in &keys {
            rights.kubernetes("", "serviceaccounts", &["get"], Some(&key.namespace));
            // After an apply: which pods still run with another role.
            rights.kubernetes("", "pods", &["list"], Some(&key.namespace));
        }
        if request.prunes_service_accounts() || keys.len() >= crate::live::BULK_FROM {
            rights.kubernetes("", "serviceaccounts", &["list"], None);
        }
        rights
    }

    async fn run(
        &self,
        operation: Self::Operation,
        context: &RunContext,
        _progress: &Progress,
    ) -> Result<StepDone, StepError> {
        run::run(operation, context).await
    }
}
