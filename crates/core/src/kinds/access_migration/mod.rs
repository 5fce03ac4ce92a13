//! The migration from `aws-auth` to access entries, as far as it is more than the entries themselves: in which order they are made,
//! what each principal keeps, a binding that holds an administrator's place while its entry has no access policy yet, and the proof
//! that the caller still gets in.
//!
//! The entries, the authentication mode and the lines that go are changes of their own kinds.

mod commands;
mod operation;
mod plan;
mod verdicts;

use async_trait::async_trait;

use super::{Kind, Request, RunContext, Scope as ScopeOfKind, bridge::Bridge};
use crate::{
    engine::{PlanDraft, StepDone, StepError, executor::Progress},
    live::{Bindings, CallerInCluster, Live, LiveReader},
    migration::{Choices, Line},
    ports::{aws::AuthenticationMode, kubernetes::AccessReview},
};
use operation::Operation;

/// The kind `access-migration`.
#[derive(Debug)]
pub struct AccessMigrationKind;

/// A migration to access entries: what becomes of each line of `aws-auth`. What is wanted of entries, mode and lines is said in the
/// configuration of the request.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The lines.
    pub lines: Vec<Line>,
    /// The caller's key, as lines have it; none where it is not known.
    pub caller: Option<String>,
    /// What the user decided about single lines.
    pub choices: Choices,
}

impl ScopeOfKind for Scope {}

#[async_trait]
impl Kind for AccessMigrationKind {
    const NAME: &'static str = "access-migration";
    type Operation = Operation;

    async fn read(&self, request: &Request, reader: &LiveReader) {
        if request.scope::<Scope>().is_some() {
            tokio::join!(reader.ask(Bindings), reader.ask(CallerInCluster));
        }
    }

    fn plan(&self, request: &Request, live: &Live, draft: &mut PlanDraft) {
        if let Some(scope) = request.scope::<Scope>() {
            verdicts::report(scope, live, draft);
        }
    }

    fn plan_removals(&self, request: &Request, live: &Live, draft: &mut PlanDraft) {
        if let Some(scope) = request.scope::<Scope>() {
            plan::plan(scope, request.scope::<Bridge>(), live, draft);
        }
    }

    fn review(&self, request: &Request, live: &Live, after: &Live, draft: &mut PlanDraft) {
        let goes_to_api = live.cluster.mode() != after.cluster.mode()
            && after.cluster.mode() == Ok(AuthenticationMode::Api);
        if let Some(scope) = request.scope::<Scope>().filter(|_| goes_to_api) {
            verdicts::report_unproven(scope, live, draft);
            verdicts::report_administrators(scope, after, draft);
        }
    }

    fn access_reviews(&self, operation: &Operation) -> Vec<AccessReview> {
        operation.access_reviews()
    }

    async fn run(
        &self,
        operation: Operation,
        context: &RunContext,
        progress: &Progress,
    ) -> Result<StepDone, StepError> {
        operation.run(context, progress).await
    }
}
