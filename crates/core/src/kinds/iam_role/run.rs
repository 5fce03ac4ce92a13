//! Carries out the writes that roles need, each harmless when repeated: what exists already or is gone already is looked
//! at again and taken as done where it is what was wanted.

use eksact_message::remedy::Remedy;
use std::{collections::BTreeMap, time::Duration};

use serde_json::json;

use super::{operation::Operation, shared, stack_health::to_health};
use crate::{
    engine::{StepDone, StepError, executor::Progress},
    kinds::{RunContext, runner::run_again, stack_wait::root_cause},
    live::addresses::ARN,
    live::{StackState, state_of},
    ports::{
        CallError, CallErrorKind,
        aws::{ChangeSet, ChangeSetRequest, Stack, StackRequest},
    },
};
use eksact_identity::cloudformation::{RoleOwner, tags};

/// How often and how long a status that may still be the one of before is looked at again.
const STALE_LOOKS: usize = 10;
const STALE_PAUSE: Duration = Duration::from_secs(1);

/// Carries out one write.
pub(super) async fn run(
    operation: Operation,
    context: &RunContext,
    progress: &Progress,
) -> Result<StepDone, StepError> {
    let aws = &context.writers.aws;
    let gone_is_done = |result: Result<(), CallError>| match result {
        Err(error) if error.kind == CallErrorKind::NotFound => Ok(()),
        other => other,
    };
    match operation {
        Operation::CreateStack { request, .. } => return create_stack(&request, context, progress).await,
        Operation::UpdateStack {
            request,
            stack_name,
            replaces_role,
            shared,
        } => {
            let kept = shared::Kept::look(shared, context).await?;
            let done = update_stack(&request, &stack_name, replaces_role, context, progress).await?;
            if let Some(kept) = kept {
                kept.restore(context, progress).await?;
            }
            return Ok(done);
        }
        Operation::DeleteStack {
            name,
            id,
            cloudformation_role_arn,
            client_request_token,
        } => {
            return delete_stack(
                &name,
                &id,
                cloudformation_role_arn.as_deref(),
                &client_request_token,
                context,
                progress,
            )
            .await;
        }
        Operation::SetTerminationProtection { stack, enabled } => {
            aws.set_termination_protection(&stack, enabled).await?;
        }
        Operation::SetTrustPolicy { role, document } => {
            shared::set_own_part(&role, &document, context, progress).await?;
        }
        Operation::AttachPolicy { role, policy_arn } => aws.attach_role_policy(&role, &policy_arn).await?,
        Operation::DetachPolicy { role, policy_arn } => {
            gone_is_done(aws.detach_role_policy(&role, &policy_arn).await)?;
        }
        Operation::PutInlinePolicy { role, name, document } => {
            aws.put_role_policy(&role, &name, &document).await?;
        }
        Operation::DeleteInlinePolicy { role, name } => {
            gone_is_done(aws.delete_role_policy(&role, &name).await)?;
        }
        Operation::SetPermissionsBoundary { role, boundary } => {
            aws.set_permissions_boundary(&role, boundary.as_deref()).await?;
        }
        Operation::TagRole { role, tags } => aws.tag_role(&role, &tags).await?,
    }
    Ok(StepDone::default())
}

/// Whether a change set does what the plan showed and no more. `replaces_role` says whether the plan showed another role;
/// a template with parts that eksact has no words for could make it so unseen.
fn as_planned(change_set: &ChangeSet, stack: &str, replaces_role: bool) -> Result<(), StepError> {
    for change in &change_set.changes {
        let replaced = change.replacement.as_deref() == Some("True");
        let what = if change.action == "Remove" && change.resource_type != "AWS::IAM::Policy" {
            "remove"
        } else if replaced && !(replaces_role && change.logical_id == "Role1") {
            "replace"
        } else {
            continue;
        };
        return Err(StepError::new(format!(
            "CloudFormation would {what} {} ({}) of stack {stack}, which the plan did not show, and so \
             nothing was changed: another tool or a person changed the stack",
            change.logical_id, change.resource_type
        ))
        .with_help(run_again()));
    }
    Ok(())
}

/// Whether the effect of a failed write is unknown, so that only a look can tell.
fn effect_unknown(kind: CallErrorKind) -> bool {
    matches!(
        kind,
        CallErrorKind::Unreachable | CallErrorKind::ServiceFailure | CallErrorKind::Throttled
    )
}

async fn create_stack(
    request: &StackRequest,
    context: &RunContext,
    progress: &Progress,
) -> Result<StepDone, StepError> {
    let id = match context.writers.aws.create_stack(request).await {
        Ok(id) => id,
        Err(error) if error.kind == CallErrorKind::AlreadyExists || effect_unknown(error.kind) => {
            appeared(request, error, context).await?
        }
        Err(error) => return Err(error.into()),
    };
    let stack = context.stacks.settled(&id, progress).await?;
    if stack.status == "CREATE_COMPLETE" {
        return told_role(&stack);
    }
    Err(failure("creation", &stack, &request.client_request_token, context).await)
}

/// The stack that is there although this run did not hear of its creation: it is ours when it came of the same request
/// (its answer was lost, or the run before was killed) or is the very same stack.
async fn appeared(
    request: &StackRequest,
    error: CallError,
    context: &RunContext,
) -> Result<String, StepError> {
    let Some(stack) = context.readers.aws.stack(&request.name).await? else {
        return Err(error.into());
    };
    let sent: BTreeMap<String, String> = request.tags.iter().cloned().collect();
    let same_subject = sent.contains_key(tags::CLUSTER_NAME)
        && stack.tags.get(tags::CLUSTER_NAME) == sent.get(tags::CLUSTER_NAME)
        && RoleOwner::of_tags(&stack.tags) == RoleOwner::of_tags(&sent);
    let usable = stack.status == "CREATE_COMPLETE" || stack.status == "CREATE_IN_PROGRESS";
    if same_subject && usable {
        let template = context.readers.aws.stack_template(&stack.id).await?;
        let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
        if parsed(&template).is_some() && parsed(&template) == parsed(&request.template_body) {
            return Ok(stack.id);
        }
    }
    Err(StepError::new(format!(
        "the stack {} appeared since the plan was made, and it is not the one of the plan ({})",
        request.name, stack.status
    ))
    .with_help(run_again()))
}

async fn update_stack(
    request: &ChangeSetRequest,
    stack_name: &str,
    replaces_role: bool,
    context: &RunContext,
    progress: &Progress,
) -> Result<StepDone, StepError> {
    let aws = &context.writers.aws;
    let id = match aws.create_change_set(request).await {
        // The answer was lost, or an earlier try of this very request was: the same token gives the same change set.
        Err(error) if error.kind == CallErrorKind::AlreadyExists || effect_unknown(error.kind) => {
            aws.create_change_set(request).await?
        }
        made => made?,
    };
    let judged = match ready(&id, stack_name, context).await {
        Ok(change_set) => as_planned(&change_set, stack_name, replaces_role),
        Err(error) => Err(error),
    };
    if let Err(error) = judged {
        // A change set that is not executed is of no use to anybody; that it stays is no failure of its own.
        let _ = aws.delete_change_set(&id).await;
        return Err(error);
    }
    execute(&id, &request.client_request_token, context).await?;
    let stack = executed(&id, &request.stack, context, progress).await?;
    if stack.status == "UPDATE_COMPLETE" {
        return told_role(&stack);
    }
    Err(failure("update", &stack, &request.client_request_token, context).await)
}

/// The change set once it can be executed.
async fn ready(id: &str, stack_name: &str, context: &RunContext) -> Result<ChangeSet, StepError> {
    let mut pause = Duration::from_millis(300);
    loop {
        let change_set = context.readers.aws.change_set(id).await?;
        match change_set.status.as_str() {
            "CREATE_COMPLETE" => return Ok(change_set),
            "CREATE_PENDING" | "CREATE_IN_PROGRESS" => {
                tokio::time::sleep(pause).await;
                pause = (pause * 3 / 2).min(Duration::from_secs(3));
            }
            "FAILED" if change_set.is_empty_change() => {
                return Err(StepError::new(format!(
                    "CloudFormation found nothing to change in stack {stack_name}, although its template differs"
                ))
                .with_help(run_again()));
            }
            status => {
                return Err(StepError::new(format!(
                    "the change set for stack {stack_name} failed ({status}): {}",
                    change_set
                        .status_reason
                        .as_deref()
                        .unwrap_or("CloudFormation gives no reason")
                ))
                .with_help(fix_and_run_again()));
            }
        }
    }
}

/// The stack once CloudFormation is done with the change set. The stack's status alone may still be the one of before, so
/// the change set is asked as well.
async fn executed(
    id: &str,
    stack: &str,
    context: &RunContext,
    progress: &Progress,
) -> Result<Stack, StepError> {
    for _ in 0..STALE_LOOKS {
        let settled = context.stacks.settled(stack, progress).await?;
        match context.readers.aws.change_set(id).await {
            Ok(change_set)
                if matches!(
                    change_set.execution_status.as_deref(),
                    Some("AVAILABLE" | "EXECUTE_IN_PROGRESS")
                ) =>
            {
                tokio::time::sleep(STALE_PAUSE).await;
            }
            // One that is gone was executed: CloudFormation forgets them with time.
            _ => return Ok(settled),
        }
    }
    Ok(context.stacks.settled(stack, progress).await?)
}

/// Executes a change set; where the answer is lost, the change set itself tells whether it was begun.
async fn execute(id: &str, token: &str, context: &RunContext) -> Result<(), StepError> {
    let Err(error) = context.writers.aws.execute_change_set(id, token).await else {
        return Ok(());
    };
    if error.kind == CallErrorKind::AccessDenied {
        return Err(error.into());
    }
    let begun = context.readers.aws.change_set(id).await.is_ok_and(|change_set| {
        matches!(
            change_set.execution_status.as_deref(),
            Some("EXECUTE_IN_PROGRESS" | "EXECUTE_COMPLETE")
        )
    });
    if begun { Ok(()) } else { Err(error.into()) }
}

async fn delete_stack(
    name: &str,
    id: &str,
    cloudformation_role_arn: Option<&str>,
    token: &str,
    context: &RunContext,
    progress: &Progress,
) -> Result<StepDone, StepError> {
    match context
        .writers
        .aws
        .delete_stack(id, cloudformation_role_arn, token)
        .await
    {
        Err(error) if error.kind == CallErrorKind::NotFound => return Ok(StepDone::default()),
        Err(error)
            if error.kind == CallErrorKind::Conflict && error.message.contains("TerminationProtection") =>
        {
            return Err(StepError::new(format!(
                "the stack {name} is protected against deletion, and was not when the plan was made"
            ))
            .with_help(run_again()));
        }
        Err(error) if !effect_unknown(error.kind) => return Err(error.into()),
        _ => {}
    }
    for _ in 0..STALE_LOOKS {
        match context.stacks.settled_or_gone(id, progress).await? {
            None => return Ok(StepDone::default()),
            Some(stack) if state_of(&stack.status) == StackState::Gone => return Ok(StepDone::default()),
            Some(stack) if stack.status == "DELETE_FAILED" => {
                return Err(failure("deletion", &stack, token, context).await);
            }
            // Still the status of before.
            Some(_) => tokio::time::sleep(STALE_PAUSE).await,
        }
    }
    Err(StepError::new(format!(
        "CloudFormation accepted the deletion of stack {name} and did not start it"
    ))
    .with_help(run_again()))
}

fn told_role(stack: &Stack) -> Result<StepDone, StepError> {
    let Some(arn) = stack.outputs.get("Role1") else {
        return Err(StepError::new(format!(
            "the stack {} was created but has no output Role1",
            stack.name
        )));
    };
    Ok(StepDone {
        outputs: BTreeMap::from([(ARN.to_owned(), json!(arn))]),
        notes: Vec::new(),
    })
}

fn fix_and_run_again() -> Remedy {
    remedy!("Fix the cause, then run the same command again: it replaces a stack that failed.")
}

/// What went wrong with a stack: the first failing resource's own reason, not the status that it led to.
async fn failure(what: &str, stack: &Stack, token: &str, context: &RunContext) -> StepError {
    let events = context
        .readers
        .aws
        .stack_events(&stack.id)
        .await
        .unwrap_or_default();
    let cause = root_cause(&events, token)
        .or_else(|| stack.status_reason.clone())
        .unwrap_or_else(|| "CloudFormation gives no reason".to_owned());
    let error = StepError::new(format!(
        "the {what} of stack {} failed: {cause} (now {})",
        stack.name, stack.status
    ));
    match state_of(&stack.status) {
        StackState::Stuck => error.with_help(to_health(stack)),
        _ => error.with_help(fix_and_run_again()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::aws::ResourceChange;

    /// What a change set would do against what the plan showed: only the role of a plan that replaces it is made anew.
    #[test]
    fn a_change_set_that_does_more_than_the_plan_showed_is_refused() {
        let change =
            |logical_id: &str, resource_type: &str, action: &str, replacement: Option<&str>| ChangeSet {
                id: String::new(),
                status: "CREATE_COMPLETE".to_owned(),
                status_reason: None,
                execution_status: None,
                changes: vec![ResourceChange {
                    logical_id: logical_id.to_owned(),
                    physical_id: None,
                    resource_type: resource_type.to_owned(),
                    action: action.to_owned(),
                    replacement: replacement.map(ToOwned::to_owned),
                }],
            };
        let (role, policy, bucket) = ("AWS::IAM::Role", "AWS::IAM::Policy", "AWS::S3::Bucket");
        for (changes, shown, fits) in [
            (change("Role1", role, "Modify", Some("False")), false, true),
            (change("Role1", role, "Modify", Some("True")), false, false),
            (change("Role1", role, "Modify", Some("True")), true, true),
            (change("Policy1", policy, "Remove", None), false, true),
            (change("Bucket", bucket, "Remove", None), false, false),
            (change("Bucket", bucket, "Modify", Some("True")), true, false),
        ] {
            let judged = as_planned(&changes, "roles", shown);
            assert_eq!(judged.is_ok(), fits, "{changes:?} {shown}: {judged:?}");
        }
    }
}
