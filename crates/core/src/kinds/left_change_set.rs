//! Change sets that a run left when it ended between making and executing one. Whoever executes one later changes the stack
//! as nobody planned it.

use std::{cmp::Reverse, collections::BTreeSet, time::Duration};

use eksact_message::{code::Code, duration::in_words};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{RunContext, runner::run_again, stack_write::is_own_change_set};
use crate::{
    engine::{
        Address, AttributeChange, Finding, Plan, PlanDraft, Reason, Severity, StepDone, StepError,
        StepFailure, StepId,
    },
    live::{ChangeSetsOf, Live, StackState, state_of},
    ports::{
        CallError, CallErrorKind,
        aws::{ChangeSetSummary, Stack},
    },
};

/// How old a change set must be until no run is about to execute it. A run executes its own as soon as it is computed, which
/// takes seconds; nothing in CloudFormation tells whether its maker still lives, so only time does. A run that was stopped for
/// longer than this and goes on finds its change set gone, has changed nothing, and says so.
pub(super) const LEFT_AFTER: Duration = Duration::from_hours(1);

/// Up to this many stacks of a kind, each is looked at. Of more, those whose object differs, and as many of the others of which the
/// listing of the stacks says that a change set was made last, those first that were updated last: a plan over many roles takes few
/// calls more than before.
const FEW: usize = 10;

/// The stacks, by their names, whose change sets are read, of those of a kind's objects that shall be there.
pub(super) fn to_look_at<'live>(
    stacks: impl Iterator<Item = &'live Stack>,
    differing: &BTreeSet<String>,
) -> BTreeSet<String> {
    let (mut names, mut others) = (BTreeSet::new(), BTreeSet::new());
    // Others take no updates, and so no change sets.
    for stack in stacks.filter(|stack| state_of(&stack.status) == StackState::Healthy) {
        if differing.contains(&stack.name) {
            names.insert(stack.name.as_str());
        } else {
            let newest_first = Reverse(stack.updated.or(stack.created));
            others.insert((!stack.has_new_change_set, newest_first, stack.name.as_str()));
        }
    }
    let are_few = names.len() + others.len() <= FEW;
    let looked_at = others.into_iter().filter(|(is_calm, _, _)| are_few || !is_calm);
    names.extend(looked_at.map(|(_, _, name)| name).take(FEW));
    names.into_iter().map(str::to_owned).collect()
}

/// A change set that is deleted, as plans keep it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LeftChangeSet {
    /// Name of the stack.
    pub(crate) stack: String,
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

/// The steps that delete what was left, with what they say in the change of the object.
#[derive(Debug, Default)]
pub(super) struct CleanUp {
    pub(super) steps: Vec<StepId>,
    pub(super) attributes: Vec<AttributeChange>,
    /// Why the change is there for its sake; none where there is nothing to delete.
    pub(super) reason: Option<Reason>,
}

/// Deletes what was left on the stack of this address once `first` is done, by the operation of its kind; and says what is kept.
pub(super) fn clean_up<Operation: Serialize>(
    (address, stack): (&Address, &Stack),
    first: Option<&StepId>,
    live: &Live,
    operation: impl Fn(LeftChangeSet) -> Operation,
    draft: &mut PlanDraft,
) -> CleanUp {
    let left = match left_on(stack, live) {
        Ok(left) => left,
        Err(error) => {
            let message = format!(
                "whether a run that was ended left a change set on the stack {} is not known: {error}",
                stack.name
            );
            let finding = Finding::new(Severity::Note, Code::ChangeSetsUnreadable, message);
            draft.add_finding(finding.about(address).with_help_for(error));
            return CleanUp::default();
        }
    };
    for change_set in &left.to_keep {
        draft.add_finding(
            Finding::new(
                Severity::Note,
                Code::ChangeSetKept,
                format!(
                    "the stack {} has the change set {}{} of another run of eksact, which is at work or was ended: the \
                     next apply deletes it once it is {} old",
                    stack.name,
                    change_set.name,
                    made_at(change_set),
                    in_words(LEFT_AFTER)
                ),
            )
            .about(address),
        );
    }
    let mut clean_up = CleanUp::default();
    for change_set in &left.to_delete {
        let operation = operation(LeftChangeSet {
            stack: stack.name.clone(),
            name: change_set.name.clone(),
            id: change_set.id.clone(),
        });
        let title = format!(
            "delete change set {} of stack {}, which a run left",
            change_set.name, stack.name
        );
        let part = format!("delete {}", change_set.name);
        let after = clean_up.steps.last().or(first).cloned().into_iter().collect();
        let step = draft.add_step(address, &part, title, after, &operation);
        clean_up.steps.push(step);
        let remark = format!("left by a run{}", made_at(change_set));
        clean_up.attributes.push(AttributeChange {
            remark: Some(remark),
            ..AttributeChange::plain("change set", Some(json!(change_set.name)), None)
        });
    }
    clean_up.reason = (!left.to_delete.is_empty()).then(|| {
        Reason::new(
            "change-set-left",
            "a run that was ended left a change set on its stack, which would change it when somebody executes it",
        )
    });
    clean_up
}

fn made_at(change_set: &ChangeSetSummary) -> String {
    let made = |created: jiff::Timestamp| format!(" (made {})", created.strftime("%Y-%m-%d %H:%M:%SZ"));
    change_set.created.map(made).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::kinds::stack_write::token;

    /// Few are all looked at; of many those that differ, and no more than ten of those that show a new change set, the newest.
    #[test]
    fn stacks_are_looked_at_few_of_many() {
        let stack = |number: usize, has_new_change_set: bool, status: &str| Stack {
            name: format!("stack-{number:02}"),
            id: String::new(),
            status: status.to_owned(),
            status_reason: None,
            description: None,
            tags: BTreeMap::new(),
            outputs: BTreeMap::new(),
            capabilities: Vec::new(),
            termination_protection: false,
            created: None,
            updated: None,
            has_new_change_set,
        };
        let looked_at = |stacks: &[Stack], differing: &[&str]| {
            let differing = differing.iter().map(|name| (*name).to_owned()).collect();
            let names = to_look_at(stacks.iter(), &differing).into_iter();
            names.collect::<Vec<String>>().join(" ").replace("stack-", "")
        };
        let well = |count: usize, new: &[usize]| -> Vec<Stack> {
            let made = (0..count).map(|number| stack(number, new.contains(&number), "UPDATE_COMPLETE"));
            made.collect()
        };
        assert_eq!(looked_at(&well(3, &[]), &[]), "00 01 02");
        assert_eq!(looked_at(&well(40, &[]), &[]), "");
        assert_eq!(looked_at(&well(40, &[7, 31]), &["stack-39"]), "07 31 39");
        let all: Vec<usize> = (0..40).collect();
        assert_eq!(
            looked_at(&well(40, &all), &["stack-39"]),
            "00 01 02 03 04 05 06 07 08 09 39"
        );
        assert_eq!(looked_at(&[stack(0, true, "ROLLBACK_COMPLETE")], &[]), "");

        // Of some it is known when they were made, of fewer when they were updated.
        let at = |seconds: i64| Some(jiff::Timestamp::from_second(seconds).unwrap());
        let mut dated = well(40, &all);
        for (second, stack) in (1..).zip(&mut dated) {
            stack.created = at(second);
        }
        for stack in dated.iter_mut().take(3) {
            stack.updated = at(1_000);
        }
        for stack in dated.iter_mut().skip(35) {
            (stack.created, stack.updated) = (None, None);
        }
        assert_eq!(looked_at(&dated, &[]), "00 01 02 28 29 30 31 32 33 34");
    }

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
    fn change_sets_that_are_deleted_kept_and_not_looked_at() {
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
