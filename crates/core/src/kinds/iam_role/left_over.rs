//! What runs that ended early left on the stack of a role that shall be there: change sets that nobody will execute as planned.
//! Those of a stack that goes, go with it.

use std::collections::BTreeSet;

use super::{operation::Operation, plan::Subject, wanted::owned};
use crate::{
    engine::{Action, PlanDraft, StepId, plan::fingerprint},
    kinds::{
        Request,
        left_change_set::{self, CleanUp},
    },
    live::Live,
    ports::aws::Stack,
};
use eksact_identity::cloudformation::RolePurpose;

/// The stacks, by their names, whose change sets are read: those of roles that shall be there, as far as updates can be made.
pub(super) fn to_look_at(
    request: &Request,
    live: &Live,
    differing: &BTreeSet<String>,
    purpose: RolePurpose,
) -> BTreeSet<String> {
    let owned = owned(request, purpose);
    let stacks = owned.iter().filter_map(|role| live.stack_of(&role.owner));
    left_change_set::to_look_at(stacks, differing)
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
        let whose = (&self.address, stack);
        left_change_set::clean_up(whose, first, self.live, Operation::DeleteChangeSet, draft)
    }

    /// Adds that a role is as wanted, but for what was left on its stack.
    pub(super) fn unchanged_but_for(&self, clean_up: CleanUp, stack: &Stack, draft: &mut PlanDraft) {
        let Some(reason) = clean_up.reason else {
            draft.add_unchanged(self.address.clone());
            return;
        };
        // What waits for the role does not wait for the clean-up, which may be refused.
        draft.set_ready(&self.address, None);
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
