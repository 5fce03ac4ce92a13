//! Change sets that a run left when it ended between making and executing one. Whoever executes one later changes the stack
//! as nobody planned it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{RunContext, runner::run_again, stack_write::is_own_change_set};
use crate::{
    engine::{Plan, StepDone, StepError, StepFailure},
    live::{ChangeSetsOf, Live},
    ports::{
        CallError, CallErrorKind,
        aws::{ChangeSetSummary, Stack},
    },
};

/// How old a change set must be until no run is about to execute it. A run executes its own as soon as it is computed, which
/// takes seconds; nothing in CloudFormation tells whether its maker still lives, so only time does. A run that was stopped for
/// longer than this and goes on finds its change set gone, has changed nothing, and says so.
pub(super) const LEFT_AFTER: Duration = Duration::from_hours(1);

/// A change set that is deleted, as plans keep it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LeftChangeSet {
    /// Name of the stack.
    pub(super) stack: String,
    /// Name of the change set.
    pub(super) name: String,
    /// Its ARN.
    pub(super) id: String,
}

/// What eksact's runs left on a stack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Left<'live> {
    /// What no run needs any more.
    pub(super) to_delete: Vec<&'live ChangeSetSummary>,
    /// What may belong to a run that is at work.
    pub(super) to_keep: Vec<&'live ChangeSetSummary>,
}

/// What eksact's runs left on a stack; nothing where nobody looked.
///
/// # Errors
/// When its change sets could not be listed.
pub(super) fn left_on<'live>(stack: &Stack, live: &'live Live) -> Result<Left<'live>, &'live CallError> {
    match live.get(&ChangeSetsOf(stack.name.clone())) {
        Some(listed) => listed.as_ref().map(|listed| left_of(listed)),
        None => Ok(Left::default()),
    }
}

/// What of a stack's change sets eksact's runs left.
fn left_of(listed: &[ChangeSetSummary]) -> Left<'_> {
    let (to_delete, to_keep) = listed
        .iter()
        .filter(|change_set| is_own_change_set(&change_set.name) && !is_begun(change_set))
        .partition(|change_set| change_set.age.is_some_and(|age| age >= LEFT_AFTER));
    Left { to_delete, to_keep }
}

/// Time alone moves nothing: what is live as `plan` saw it, for a comparison with it. A change set that the plan keeps, or does not
/// know, is kept, however old it has become since. An age that is not known keeps it.
pub fn keep_what_grew_old(plan: &Plan, live: &mut Live) {
    let listed: Vec<ChangeSetsOf> = live
        .each::<ChangeSetsOf>()
        .map(|(query, _)| query.clone())
        .collect();
    if listed.is_empty() {
        return;
    }
    let operations: Vec<String> = plan.steps.iter().map(|step| step.operation.to_string()).collect();
    for query in listed {
        live.change(&query, |change_sets| {
            for change_set in change_sets {
                if !operations
                    .iter()
                    .any(|operation| operation.contains(&change_set.id))
                {
                    change_set.age = None;
                }
            }
        });
    }
}

/// Whether it was executed, or is deleted already.
fn is_begun(change_set: &ChangeSetSummary) -> bool {
    change_set.status.starts_with("DELETE_")
        || change_set
            .execution_status
            .as_deref()
            .is_some_and(|status| status.starts_with("EXECUTE_"))
}

/// Deletes one, unless somebody has begun to execute it since the plan was made.
pub(super) async fn delete(left: &LeftChangeSet, context: &RunContext) -> Result<StepDone, StepError> {
    let gone_is_done = |answer: Result<(), CallError>| match answer {
        Err(error) if error.kind != CallErrorKind::NotFound => Err(error),
        _ => Ok(StepDone::default()),
    };
    match context.readers.aws.change_set(&left.id).await {
        Ok(now)
            if now
                .execution_status
                .as_deref()
                .is_some_and(|status| status.starts_with("EXECUTE_")) =>
        {
            Err(StepError::new(format!(
                "the change set {} of stack {} was executed since the plan was made, and was not deleted",
                left.name, left.stack
            ))
            .because(StepFailure::Moved)
            .with_help(run_again()))
        }
        Ok(_) => Ok(gone_is_done(
            context.writers.aws.delete_change_set(&left.id).await,
        )?),
        Err(error) => Ok(gone_is_done(Err(error))?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::stack_write::token;

    fn listed(name: &str, status: &str, execution: &str, minutes: u64) -> ChangeSetSummary {
        ChangeSetSummary {
            id: format!("arn:{name}"),
            name: name.to_owned(),
            status: status.to_owned(),
            execution_status: Some(execution.to_owned()),
            created: None,
            age: (minutes > 0).then(|| Duration::from_mins(minutes)),
        }
    }

    /// Name, status and age decide; whatever is not sure is kept.
    #[test]
    fn what_is_deleted_kept_and_not_looked_at() {
        let ours = token("update", "stack", &["template"]);
        let of_eksctl = "updating-policy-0f61ba87-44b9-4d3a-8d1b-6d0d9f9b1a52";
        let of_person = "eksact-update-by-hand";
        let longer = format!("{ours}0");
        let deletion = token("delete", "stack", &[]);
        for (name, status, execution, minutes, expected) in [
            (ours.as_str(), "CREATE_COMPLETE", "AVAILABLE", 60, "deleted"),
            (&ours, "FAILED", "UNAVAILABLE", 60, "deleted"),
            (&ours, "CREATE_COMPLETE", "OBSOLETE", 600, "deleted"),
            (&ours, "CREATE_COMPLETE", "AVAILABLE", 59, "kept"),
            (&ours, "CREATE_IN_PROGRESS", "UNAVAILABLE", 1, "kept"),
            // Its age is not known.
            (&ours, "CREATE_COMPLETE", "AVAILABLE", 0, "kept"),
            (&ours, "CREATE_COMPLETE", "EXECUTE_IN_PROGRESS", 600, ""),
            (&ours, "CREATE_COMPLETE", "EXECUTE_COMPLETE", 600, ""),
            (&ours, "DELETE_COMPLETE", "UNAVAILABLE", 600, ""),
            (of_eksctl, "CREATE_COMPLETE", "AVAILABLE", 600, ""),
            (of_person, "CREATE_COMPLETE", "AVAILABLE", 600, ""),
            (&longer, "CREATE_COMPLETE", "AVAILABLE", 600, ""),
            (&deletion, "CREATE_COMPLETE", "AVAILABLE", 600, ""),
        ] {
            let listed = [listed(name, status, execution, minutes)];
            let left = left_of(&listed);
            let found = match (left.to_delete.len(), left.to_keep.len()) {
                (1, 0) => "deleted",
                (0, 1) => "kept",
                _ => "",
            };
            assert_eq!(found, expected, "{name} {status} {execution} {minutes}");
        }
    }
}
