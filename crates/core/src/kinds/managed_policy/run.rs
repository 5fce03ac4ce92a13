//! Carries out the writes that policies need, each harmless when repeated.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::operation::Operation;
use crate::{
    engine::{StepDone, StepError, StepFailure, executor::Progress},
    kinds::{RunContext, left_change_set, runner::run_again, stack_write},
    live::addresses::ARN,
    ports::{CallErrorKind, aws::ChangeSet},
};
use eksact_identity::iam::policy;

/// Carries out one write.
pub(super) async fn run(
    operation: Operation,
    context: &RunContext,
    progress: &Progress,
) -> Result<StepDone, StepError> {
    let aws = &context.writers.aws;
    match operation {
        Operation::CreateStack { request, arn } => {
            stack_write::create(&request, context, progress).await?;
            return Ok(StepDone {
                outputs: BTreeMap::from([(ARN.to_owned(), json!(arn))]),
                notes: Vec::new(),
            });
        }
        Operation::UpdateStack {
            request, stack_name, ..
        } => {
            let as_planned = |change_set: &ChangeSet| as_planned(change_set, &stack_name);
            stack_write::update(&request, &stack_name, as_planned, context, progress).await?;
        }
        Operation::DeleteStack {
            name,
            id,
            cloudformation_role_arn,
            client_request_token,
            ..
        } => {
            return stack_write::delete(
                &name,
                &id,
                cloudformation_role_arn.as_deref(),
                &client_request_token,
                context,
                progress,
            )
            .await;
        }
        Operation::DeleteChangeSet(left) => return left_change_set::delete(&left, context).await,
        Operation::SetTerminationProtection { stack, enabled } => {
            aws.set_termination_protection(&stack, enabled).await?;
        }
        Operation::CreateVersion {
            arn,
            document,
            version,
        } => create_version(&arn, &document, version.as_deref(), context).await?,
        Operation::DeleteVersion { arn, version } => match aws.delete_policy_version(&arn, &version).await {
            Err(error) if error.kind == CallErrorKind::NotFound => {}
            done => done?,
        },
    }
    Ok(StepDone::default())
}

/// Writes the document, unless it holds already, or somebody else has written one since the plan was made.
async fn create_version(
    arn: &str,
    document: &Value,
    planned_over: Option<&str>,
    context: &RunContext,
) -> Result<(), StepError> {
    let moved = |what: String| {
        StepError::new(what)
            .with_help(run_again())
            .because(StepFailure::Moved)
    };
    let Some(now) = context.readers.aws.managed_policy(arn).await? else {
        return Err(moved(format!("the policy {arn} is gone since the plan was made")));
    };
    if policy::equal(&now.document, document) {
        return Ok(());
    }
    if now.default_version() != planned_over {
        return Err(moved(format!(
            "another version of the policy {arn} holds now than when the plan was made"
        )));
    }
    Ok(context.writers.aws.create_policy_version(arn, document).await?)
}

/// Whether a change set does no more than the plan showed: the document and the tags.
fn as_planned(change_set: &ChangeSet, stack: &str) -> Result<(), StepError> {
    for change in &change_set.changes {
        let what = match (change.action.as_str(), change.replacement.as_deref()) {
            ("Remove", _) => "remove",
            (_, Some("True")) => "replace",
            _ => continue,
        };
        return Err(stack_write::more_than_planned(what, change, stack));
    }
    Ok(())
}
