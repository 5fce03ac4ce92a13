//! The steps by which a stack goes, whatever it has made. Pure.

use serde::Serialize;

use crate::{
    engine::{Address, PlanDraft, StepId},
    ports::aws::Stack,
};

/// Adds the steps that delete the stack of this address, one after the other: its protection is lifted by `lift`, what would be in the
/// way is taken off (`before`: part, title, operation), and it goes by `delete`.
pub(super) fn steps<Operation: Serialize>(
    (address, stack): (&Address, &Stack),
    lift: Operation,
    before: Vec<(String, String, Operation)>,
    delete: Operation,
    draft: &mut PlanDraft,
) -> Vec<StepId> {
    let lifting = stack.termination_protection.then(|| {
        let title = format!("lift the termination protection of stack {}", stack.name);
        ("lift-protection".to_owned(), title, lift)
    });
    let title = format!("delete stack {}", stack.name);
    let deletion = ("delete-stack".to_owned(), title, delete);
    let all = lifting.into_iter().chain(before).chain([deletion]);
    let mut steps: Vec<StepId> = Vec::new();
    for (part, title, operation) in all {
        let after = steps.last().cloned().into_iter().collect();
        steps.push(draft.add_step(address, &part, title, after, &operation));
    }
    steps
}
