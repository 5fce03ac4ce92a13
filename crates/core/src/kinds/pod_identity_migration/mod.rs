//! The migration from annotated service accounts to pod identity associations, as far as it is more than the associations: the
//! statement that lets EKS Pod Identity hand a role out, and the way out of the annotation once no pod needs it.
//!
//! The associations and the annotations that go are changes of their own kinds.

mod operation;
mod plan;
mod run;
mod verdicts;

use std::sync::Arc;

use async_trait::async_trait;

use super::{Kind, Request, RunContext, Scope as ScopeOfKind};
use crate::{
    engine::{PlanDraft, StepDone, StepError, executor::Progress},
    live::{Live, LiveReader, RoleByName},
    migration::pod_identity::Account,
    ports::aws::Role,
};
use operation::Operation;

/// The kind `pod-identity-migration`.
#[derive(Debug)]
pub struct PodIdentityMigrationKind;

/// A migration to pod identity associations. What is wanted of associations is said in the configuration of the request.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The annotated accounts that were chosen, and what becomes of each.
    pub accounts: Vec<Account>,
    /// The annotations go, and the subjects of their accounts from the trust policies, where no pod needs them.
    pub removes_irsa: bool,
}

impl ScopeOfKind for Scope {}

#[async_trait]
impl Kind for PodIdentityMigrationKind {
    const NAME: &'static str = "pod-identity-migration";
    type Operation = Operation;

    async fn read(&self, request: &Request, reader: &LiveReader) {
        let Some(scope) = request.scope::<Scope>() else {
            return;
        };
        let moving = scope.accounts.iter().filter(|account| account.moves());
        let roles = moving.map(|account| RoleByName(account.role.clone()));
        reader.read(roles).await;
    }

    fn plan(&self, request: &Request, live: &Live, draft: &mut PlanDraft) {
        if let Some(scope) = request.scope::<Scope>() {
            verdicts::report(scope, live, draft);
            plan::plan(scope, live, draft);
        }
    }

    fn predict(&self, operation: &Operation, _draft: &PlanDraft, live: &mut Live) -> Result<(), StepError> {
        let Some((name, edit)) = operation.edit() else {
            return Ok(());
        };
        let Some(Ok(Some(role))) = live.role(name) else {
            return Ok(());
        };
        let mut role = Role::clone(role);
        role.trust_policy = edit(&role.trust_policy)?;
        live.put(RoleByName(role.name.clone()), Ok(Some(Arc::new(role))));
        Ok(())
    }

    async fn run(
        &self,
        operation: Operation,
        context: &RunContext,
        progress: &Progress,
    ) -> Result<StepDone, StepError> {
        run::run(operation, context, progress).await
    }
}
