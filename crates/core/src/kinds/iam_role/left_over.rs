//! What runs that ended early left on the stack of a role that shall be there: change sets that nobody will execute as planned.
//! Those of a stack that goes, go with it.

use std::collections::BTreeSet;

use serde_json::json;

use super::{operation::Operation, plan::Subject, wanted::owned};
use crate::{
    engine::{Action, AttributeChange, Finding, PlanDraft, Reason, Severity, StepId, plan::fingerprint},
    kinds::{
        Request,
        left_change_set::{LEFT_AFTER, LeftChangeSet, left_on},
    },
    live::{Live, StackState, state_of},
    ports::aws::{ChangeSetSummary, Stack},
};
use eksact_identity::cloudformation::RolePurpose;
use eksact_message::{code::Code, duration::in_words};

/// Up to this many stacks, each is looked at; of more only those whose role differs, so that a plan over many roles that are as
/// wanted takes no more calls than before. No listing of stacks shows that one has a change set.
const FEW: usize = 10;

/// The stacks, by their names, whose change sets are read: those of roles that shall be there, as far as updates can be made.
pub(super) fn to_look_at(
    request: &Request,
    live: &Live,
    differing: &BTreeSet<String>,
    purpose: RolePurpose,
) -> BTreeSet<String> {
    let mut stacks: BTreeSet<String> = owned(request, purpose)
        .iter()
        .filter_map(|role| live.stack_of(&role.owner))
        .filter(|stack| state_of(&stack.status) == StackState::Healthy)
        .map(|stack| stack.name.clone())
        .collect();
    if stacks.len() > FEW {
        stacks.retain(|name| differing.contains(name));
    }
    stacks
}

/// The steps that delete what was left, with what they say in the change of the role.
#[derive(Debug, Default)]
pub(super) struct CleanUp {
    pub(super) steps: Vec<StepId>,
    pub(super) attributes: Vec<AttributeChange>,
    reason: Option<Reason>,
}

impl CleanUp {
    /// Why the change is there for its sake; none where there is nothing to delete.
    pub(super) fn reason(&self) -> Option<Reason> {
        self.reason.clone()
    }
}

impl Subject<'_> {
    /// Deletes what was left on the role's stack, and says what is kept.
    pub(super) fn clean_up(&self, stack: &Stack, draft: &mut PlanDraft) -> CleanUp {
        self.clean_up_after(None, stack, draft)
    }

    /// The same once `first` is done.
    pub(super) fn clean_up_after(
        &self,
        first: Option<&StepId>,
        stack: &Stack,
        draft: &mut PlanDraft,
    ) -> CleanUp {
        let left = match left_on(stack, self.live) {
            Ok(left) => left,
            Err(error) => {
                let message = format!(
                    "whether a run that was ended left a change set on the stack {} is not known: {error}",
                    stack.name
                );
                let finding = Finding::new(Severity::Note, Code::ChangeSetsUnreadable, message);
                draft.add_finding(finding.about(&self.address).with_help_for(error));
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
                .about(&self.address),
            );
        }
        let mut clean_up = CleanUp::default();
        for change_set in &left.to_delete {
            let operation = Operation::DeleteChangeSet(LeftChangeSet {
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
            let step = draft.add_step(&self.address, &part, title, after, &operation);
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

    /// Adds that a role is as wanted, but for what was left on its stack.
    pub(super) fn unchanged_but_for(&self, clean_up: CleanUp, stack: &Stack, draft: &mut PlanDraft) {
        let Some(reason) = clean_up.reason else {
            draft.add_unchanged(self.address.clone());
            return;
        };
        let read = fingerprint(&(stack, &clean_up.attributes));
        draft.add_change(self.change(
            Action::Update,
            vec![reason],
            clean_up.attributes,
            clean_up.steps,
            read,
        ));
    }
}

fn made_at(change_set: &ChangeSetSummary) -> String {
    let made = |created: jiff::Timestamp| format!(" (made {})", created.strftime("%Y-%m-%d %H:%M:%SZ"));
    change_set.created.map(made).unwrap_or_default()
}
