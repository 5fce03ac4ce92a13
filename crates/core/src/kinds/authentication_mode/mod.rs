//! The authentication mode of the cluster: from `aws-auth` to access entries, one step at a time and never back.
//!
//! EKS refuses every other transition (<https://docs.aws.amazon.com/eks/latest/userguide/grant-k8s-access.html>). Each step is
//! a change of its own, and a guard asks for each. The one to `API`, which makes `aws-auth` void, comes after all that
//! gives access.

mod plan;
mod run;

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Kind, Request, RunContext};
use crate::kinds::permissions::{Place, Rights};
use crate::{
    engine::{PlanDraft, StepDone, StepError, executor::Progress},
    guard::{Guard, access::KnownRefusal, authentication_mode::UNREAD},
    live::{AWS_AUTH_NAMESPACE, AccessEntries, AwsAuth, CallerInCluster, Live, LiveReader},
    ports::{aws::AuthenticationMode, kubernetes::AccessReview},
};

/// The kind `authentication-mode`.
#[derive(Debug)]
pub struct AuthenticationModeKind;

/// One transition.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Operation {
    cluster: String,
    from: AuthenticationMode,
    to: AuthenticationMode,
    /// Principals of `aws-auth` without an access entry that the plan named: others stop the step.
    #[serde(default)]
    known: BTreeSet<String>,
}

impl Operation {
    /// Whether `aws-auth` is looked at once more before the step. Not where the plan was made without it.
    fn looks_at_aws_auth(&self) -> bool {
        self.to == AuthenticationMode::Api && !self.known.contains(UNREAD)
    }
}

#[async_trait]
impl Kind for AuthenticationModeKind {
    const NAME: &'static str = "authentication-mode";
    type Operation = Operation;

    async fn read(&self, request: &Request, reader: &LiveReader) {
        let wanted = request.config.authentication_mode.as_ref().map(|mode| mode.value);
        let is_there = reader.cluster().mode() == Ok(AuthenticationMode::Api);
        if wanted == Some(AuthenticationMode::Api) && !is_there {
            tokio::join!(
                reader.ask(AwsAuth),
                reader.ask(AccessEntries),
                reader.ask(CallerInCluster)
            );
        }
    }

    fn plan(&self, request: &Request, live: &Live, draft: &mut PlanDraft) {
        plan::plan(request, live, draft);
    }

    fn plan_removals(&self, request: &Request, live: &Live, draft: &mut PlanDraft) {
        plan::plan_api(request, live, draft);
    }

    fn predict(
        &self,
        operation: &Self::Operation,
        _draft: &PlanDraft,
        live: &mut Live,
    ) -> Result<(), StepError> {
        live.cluster.authentication_mode = Some(operation.to.as_str().to_owned());
        Ok(())
    }

    fn keep_refusals(&self, operation: &mut Self::Operation, refusals: &[KnownRefusal]) {
        let about_lines = refusals
            .iter()
            .filter(|refusal| refusal.code == Guard::AwsAuthInUse.code());
        operation
            .known
            .extend(about_lines.flat_map(|refusal| refusal.subjects.iter().cloned()));
    }

    fn access_reviews(&self, operation: &Self::Operation) -> Vec<AccessReview> {
        let review = AccessReview {
            verb: "get".to_owned(),
            group: String::new(),
            resource: "configmaps".to_owned(),
            namespace: Some(AWS_AUTH_NAMESPACE.to_owned()),
        };
        operation
            .looks_at_aws_auth()
            .then_some(review)
            .into_iter()
            .collect()
    }

    fn rights_to_read(&self, request: &Request, place: &Place) -> Rights {
        let mut rights = Rights::default();
        if request.config.authentication_mode.is_some() {
            rights.read_aws_auth();
            rights.read_access_entries(place);
        }
        rights
    }

    fn rights_to_write(&self, _operation: &Self::Operation, place: &Place) -> Rights {
        let mut rights = Rights::default();
        rights.aws(
            place.cluster(),
            &[
                "eks:CreateAccessEntry",
                "eks:DescribeUpdate",
                "eks:ListUpdates",
                "eks:UpdateClusterConfig",
            ],
        );
        rights.read_access_entries(place);
        rights
    }

    async fn run(
        &self,
        operation: Self::Operation,
        context: &RunContext,
        progress: &Progress,
    ) -> Result<StepDone, StepError> {
        run::run(operation, context, progress).await
    }
}
