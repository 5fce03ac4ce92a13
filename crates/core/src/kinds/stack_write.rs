//! Makes, changes and deletes stacks, each write harmless when repeated: what CloudFormation did meanwhile, or did by a call whose answer
//! was lost, is looked at and taken as done where it is what was wanted.

use std::{collections::BTreeMap, time::Duration};

use eksact_identity::cloudformation::tags;
use eksact_message::remedy::Remedy;
use sha2::{Digest as _, Sha256};

use super::{RunContext, runner::run_again, stack_health::to_health, stack_wait::root_cause};
use crate::{
    engine::{StepDone, StepError, executor::Progress},
    live::{StackState, state_of},
    ports::{
        CallError, CallErrorKind,
        aws::{ChangeSet, ChangeSetRequest, ResourceChange, Stack, StackRequest},
    },
};

/// How often and how long a status that may still be the one of before is looked at again.
const STALE_LOOKS: usize = 10;
const STALE_PAUSE: Duration = Duration::from_secs(1);

/// A client request token: the same for the same write of the same run, letters, digits and hyphens as CloudFormation
/// wants, at most 128.
pub(super) fn token(verb: &str, stack: &str, parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in [verb, stack].iter().chain(parts) {
        hasher.update(part.len().to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let digest = hex::encode(hasher.finalize());
    format!("eksact-{verb}-{}", digest.get(..32).unwrap_or(&digest))
}

/// Makes a stack, and gives it as it is then.
pub(super) async fn create(
    request: &StackRequest,
    context: &RunContext,
    progress: &Progress,
) -> Result<Stack, StepError> {
    let id = match context.writers.aws.create_stack(request).await {
        Ok(id) => id,
        Err(error) if error.kind == CallErrorKind::AlreadyExists || error.kind.is_passing() => {
            appeared(request, error, context).await?
        }
        Err(error) => return Err(error.into()),
    };
    let stack = context.stacks.settled(&id, progress).await?;
    if stack.status == "CREATE_COMPLETE" {
        return Ok(stack);
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
    let same_subject =
        sent.contains_key(tags::CLUSTER_NAME) && tags::subject(&stack.tags) == tags::subject(&sent);
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

/// That a change set would do (`what`) more than the plan showed: `remove`, `replace`.
pub(super) fn more_than_planned(what: &str, change: &ResourceChange, stack: &str) -> StepError {
    StepError::new(format!(
        "CloudFormation would {what} {} ({}) of stack {stack}, which the plan did not show, and so nothing was changed: \
         another tool or a person changed the stack",
        change.logical_id, change.resource_type
    ))
    .with_help(run_again())
}

/// Whether a change set has the name that [`update`] gives, and no other tool and no person: a prefix of eksact's and the whole
/// digest of its [`token`].
pub(super) fn is_own_change_set(name: &str) -> bool {
    name.strip_prefix("eksact-update-").is_some_and(|digest| {
        digest.len() == 32
            && digest
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// Changes a stack through a change set, and gives the stack as it is then. `as_planned` judges what CloudFormation would do:
/// what the plan did not show is not executed.
pub(super) async fn update(
    request: &ChangeSetRequest,
    stack_name: &str,
    as_planned: impl Fn(&ChangeSet) -> Result<(), StepError> + Send,
    context: &RunContext,
    progress: &Progress,
) -> Result<Stack, StepError> {
    let aws = &context.writers.aws;
    let id = match aws.create_change_set(request).await {
        // The answer was lost, or an earlier try of this very request was: the same token gives the same change set.
        Err(error) if error.kind == CallErrorKind::AlreadyExists || error.kind.is_passing() => {
            aws.create_change_set(request).await?
        }
        made => made?,
    };
    let judged = match ready(&id, stack_name, context).await {
        Ok(change_set) => as_planned(&change_set),
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
        return Ok(stack);
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

/// Deletes a stack and waits until it is gone.
pub(super) async fn delete(
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
        Err(error) if !error.kind.is_passing() => return Err(error.into()),
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

fn fix_and_run_again() -> Remedy {
    remedy!("Fix the cause, then run the same command again: it replaces a stack that failed.")
}

/// What went wrong with a stack: the first failing resource's own reason, not the status that it led to.
pub(super) async fn failure(what: &str, stack: &Stack, token: &str, context: &RunContext) -> StepError {
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
