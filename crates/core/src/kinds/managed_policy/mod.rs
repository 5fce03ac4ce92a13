//! Customer managed policies of IAM that the files have, each through a stack of its own. A policy of the name that has no such
//! stack is somebody else's and stays as it is.
//!
//! `wanted` says which policies, `plan` and `update` what is done about them, `removal` how one goes, `run` does it.

mod operation;
mod plan;
mod removal;
mod run;
mod update;
mod wanted;

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::{Kind, Request, RunContext};
use crate::kinds::permissions::{Place, Rights};
use crate::{
    engine::{PlanDraft, StepDone, StepError, executor::Progress},
    live::{
        ChangeSetsOf, Live, LiveReader, ManagedPolicyByArn, StackInterest, StackTemplate, Stacks, UseOfPolicy,
    },
};
use eksact_identity::cloudformation::managed_policy::stack_name;

/// The kind `managed-policy`.
#[derive(Debug)]
pub struct ManagedPolicyKind;

/// What CloudFormation calls for a policy that it makes, changes or deletes.
const THROUGH_STACK: [&str; 8] = [
    "iam:CreatePolicy",
    "iam:CreatePolicyVersion",
    "iam:DeletePolicy",
    "iam:DeletePolicyVersion",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:ListEntitiesForPolicy",
    "iam:ListPolicyVersions",
];

#[async_trait]
impl Kind for ManagedPolicyKind {
    const NAME: &'static str = "managed-policy";
    type Operation = operation::Operation;

    fn stack_interest(&self, request: &Request) -> StackInterest {
        let cluster = &request.config.metadata.name.value;
        StackInterest {
            named: wanted::wanted(request)
                .iter()
                .map(|policy| stack_name(cluster, &policy.name.value))
                .collect(),
            timeout: request.settings.timeout,
            ..StackInterest::default()
        }
    }

    async fn read(&self, request: &Request, reader: &LiveReader) {
        if !wanted::is_asked(request) {
            return;
        }
        if reader.ask(Stacks).await.is_err() {
            return;
        }
        let so_far = reader.snapshot();
        let going: BTreeSet<String> = wanted::going(request, &so_far)
            .filter_map(|(_, stack)| wanted::arn_of(stack).map(str::to_owned))
            .collect();
        let own = wanted::wanted(request)
            .iter()
            .map(|policy| policy.arn(so_far.partition, &so_far.account));
        let all: BTreeSet<String> = own.chain(going.iter().cloned()).collect();
        tokio::join!(
            reader.read(all.into_iter().map(ManagedPolicyByArn)),
            reader.read(going.into_iter().map(UseOfPolicy)),
        );
        let so_far = reader.snapshot();
        let in_use = wanted::made_again(request, &so_far);
        let templates = wanted::templates_needed(request, &so_far);
        let change_sets = wanted::change_sets_needed(request, &so_far, &templates);
        tokio::join!(
            reader.read(templates.into_iter().map(StackTemplate)),
            reader.read(change_sets.into_iter().map(ChangeSetsOf)),
            reader.read(in_use.into_iter().map(UseOfPolicy)),
        );
    }

    fn plan(&self, request: &Request, live: &Live, draft: &mut PlanDraft) {
        if wanted::is_asked(request) {
            plan::plan(request, live, draft);
        }
    }

    fn plan_removals(&self, request: &Request, live: &Live, draft: &mut PlanDraft) {
        if wanted::is_pruned(request) {
            removal::plan(request, live, draft);
        }
    }

    fn predict(
        &self,
        operation: &Self::Operation,
        _draft: &PlanDraft,
        live: &mut Live,
    ) -> Result<(), StepError> {
        operation.predict(live);
        Ok(())
    }

    fn rights_to_read(&self, request: &Request, place: &Place) -> Rights {
        let mut rights = Rights::default();
        if !wanted::is_asked(request) {
            return rights;
        }
        rights.aws("*", &["cloudformation:DescribeStacks"]);
        rights.aws(
            place.named_stacks(),
            &["cloudformation:GetTemplate", "cloudformation:ListChangeSets"],
        );
        let policies: Vec<String> = if wanted::is_pruned(request) {
            vec![place.policies()]
        } else {
            let wanted = wanted::wanted(request).iter();
            wanted
                .map(|policy| place.policy(policy.path(), &policy.name.value))
                .collect()
        };
        for policy in policies {
            rights.read_policy(policy.as_str());
            rights.aws(policy, &["iam:ListEntitiesForPolicy"]);
        }
        rights
    }

    fn rights_to_write(&self, operation: &Self::Operation, place: &Place) -> Rights {
        use operation::Operation;
        let mut rights = Rights::default();
        match operation {
            Operation::CreateStack { request, arn } => {
                rights.create_stack(&request.name, place);
                rights.through_stack(request.service_role_arn.as_deref(), |rights| {
                    rights.aws(arn.as_str(), &THROUGH_STACK);
                });
            }
            Operation::UpdateStack {
                request,
                stack_name,
                arn,
            } => {
                rights.update_stack(stack_name, place);
                rights.through_stack(request.service_role_arn.as_deref(), |rights| {
                    rights.aws(arn.as_str(), &THROUGH_STACK);
                });
            }
            Operation::DeleteStack {
                name,
                arn,
                cloudformation_role_arn,
                ..
            } => {
                rights.delete_stack(name, place);
                rights.through_stack(cloudformation_role_arn.as_deref(), |rights| {
                    rights.aws(arn.as_str(), &THROUGH_STACK);
                });
            }
            Operation::SetTerminationProtection { stack, .. } => {
                rights.aws(
                    place.stack(stack),
                    &["cloudformation:UpdateTerminationProtection"],
                );
            }
            Operation::CreateVersion { arn, .. } => {
                rights.read_policy(arn.as_str());
                rights.aws(arn.as_str(), &["iam:CreatePolicyVersion"]);
            }
            Operation::DeleteChangeSet(left) => rights.delete_change_set(&left.stack, place),
            Operation::DeleteVersion { arn, .. } => {
                rights.aws(arn.as_str(), &["iam:DeletePolicyVersion"]);
            }
        }
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
