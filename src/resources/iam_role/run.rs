//! Carries out the writes that roles need, each harmless when repeated: what exists already or is gone already is looked
//! at again and taken as done where it is what was wanted.

use std::collections::BTreeMap;

use serde_json::json;

use super::{
    ARN,
    operation::Operation,
    stack_state::{StackState, remedy, state_of},
};
use crate::{
    cloudformation::tags,
    engine::{StepDone, StepError, executor::Progress},
    ports::{
        CallError, CallErrorKind,
        aws::{ChangeSetRequest, Stack, StackRequest},
    },
    resources::{RunContext, stack_wait::root_cause},
};

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
        Operation::CreateStack {
            request,
            cluster,
            service_account,
        } => {
            return create_stack(&request, &cluster, &service_account, context, progress).await;
        }
        Operation::UpdateStack { request, stack_id } => {
            return update_stack(&request, &stack_id, context, progress).await;
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
        Operation::SetTrustPolicy { role, document } => aws.set_trust_policy(&role, &document).await?,
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

/// Whether the effect of a failed write is unknown, so that only a look can tell.
fn effect_unknown(kind: CallErrorKind) -> bool {
    matches!(
        kind,
        CallErrorKind::Unreachable | CallErrorKind::ServiceFailure | CallErrorKind::Throttled
    )
}

async fn create_stack(
    request: &StackRequest,
    cluster: &str,
    service_account: &str,
    context: &RunContext,
    progress: &Progress,
) -> Result<StepDone, StepError> {
    let id = match context.writers.aws.create_stack(request).await {
        Ok(id) => id,
        Err(error) if error.kind == CallErrorKind::AlreadyExists || effect_unknown(error.kind) => {
            appeared(request, cluster, service_account, error, context).await?
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
    cluster: &str,
    service_account: &str,
    error: CallError,
    context: &RunContext,
) -> Result<String, StepError> {
    let Some(stack) = context.readers.aws.stack(&request.name).await? else {
        return Err(error.into());
    };
    let same_subject = stack
        .tags
        .get(tags::CLUSTER_NAME)
        .is_some_and(|name| name == cluster)
        && stack
            .tags
            .get(tags::SERVICE_ACCOUNT_NAME)
            .is_some_and(|name| name == service_account);
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
    .with_help("Run the same command again: it plans from what is there now."))
}

async fn update_stack(
    request: &ChangeSetRequest,
    stack_id: &str,
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
    let mut pause = std::time::Duration::from_millis(300);
    let ready = loop {
        let change_set = context.readers.aws.change_set(&id).await?;
        match change_set.status.as_str() {
            "CREATE_COMPLETE" => break true,
            "FAILED" if change_set.is_empty_change() => break false,
            "CREATE_PENDING" | "CREATE_IN_PROGRESS" => {
                tokio::time::sleep(pause).await;
                pause = (pause * 3 / 2).min(std::time::Duration::from_secs(3));
            }
            status => {
                let reason = change_set
                    .status_reason
                    .as_deref()
                    .unwrap_or("CloudFormation gives no reason")
                    .to_owned();
                let status = status.to_owned();
                // A failed change set is of no use to anybody; that it stays is no failure of the step.
                let _ = aws.delete_change_set(&id).await;
                return Err(StepError::new(format!(
                    "the change set for stack {} failed ({status}): {reason}",
                    request.stack
                )));
            }
        }
    };
    if !ready {
        let _ = aws.delete_change_set(&id).await;
        let note = format!(
            "CloudFormation found nothing to change in stack {}.",
            request.stack
        );
        return Ok(StepDone {
            notes: vec![note],
            ..StepDone::default()
        });
    }
    execute(&id, &request.client_request_token, context).await?;
    let stack = context.stacks.settled(stack_id, progress).await?;
    if stack.status == "UPDATE_COMPLETE" {
        return told_role(&stack);
    }
    Err(failure("update", &stack, &request.client_request_token, context).await)
}

/// Executes a change set; where the answer is lost, the change set itself tells whether it was begun.
async fn execute(id: &str, token: &str, context: &RunContext) -> Result<(), StepError> {
    let Err(error) = context.writers.aws.execute_change_set(id, token).await else {
        return Ok(());
    };
    if !effect_unknown(error.kind) {
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
            if error.kind == CallErrorKind::Invalid && error.message.contains("TerminationProtection") =>
        {
            return Err(StepError::new(format!(
                "the stack {name} is protected against deletion, and was not when the plan was made"
            ))
            .with_help("Run the same command again: it plans from what is there now."));
        }
        Err(error) if !effect_unknown(error.kind) => return Err(error.into()),
        _ => {}
    }
    match context.stacks.settled_or_gone(id, progress).await? {
        None => Ok(StepDone::default()),
        Some(stack) if state_of(&stack.status) == StackState::Gone => Ok(StepDone::default()),
        Some(stack) => Err(failure("deletion", &stack, token, context).await),
    }
}

fn told_role(stack: &Stack) -> Result<StepDone, StepError> {
    let Some(arn) = stack.outputs.get("Role1") else {
        return Err(StepError::new(format!(
            "the stack {} is made but has no output Role1",
            stack.name
        )));
    };
    Ok(StepDone {
        outputs: BTreeMap::from([(ARN.to_owned(), json!(arn))]),
        notes: Vec::new(),
    })
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
        .or_else(|| root_cause(&events, ""))
        .or_else(|| stack.status_reason.clone())
        .unwrap_or_else(|| "CloudFormation gives no reason".to_owned());
    let error = StepError::new(format!(
        "the {what} of stack {} failed: {cause} (now {})",
        stack.name, stack.status
    ));
    match state_of(&stack.status) {
        StackState::Stuck => error.with_help(remedy(&stack.status, &stack.name)),
        StackState::Broken => {
            error.with_help("Mend the cause and run the same command again: it replaces the failed stack.")
        }
        _ => error.with_help("Mend the cause and run the same command again."),
    }
}
