//! Nothing is taken away from anybody while something that the files give cannot be planned: it may be what was to take
//! its place. What is held back is told, object by object.

use crate::{
    engine::{Action, Address, Change, Finding, PlanDraft, Severity},
    guard::Guard,
    live::addresses,
};
use eksact_message::code::Code;

/// Whether something about access could not be planned so far: a mapping, a role, a binding, or all of them, because the
/// cluster was not to be read.
pub(super) fn is_held_back(draft: &PlanDraft) -> bool {
    draft.findings().iter().any(|finding| match finding.severity {
        // One that is allowed leaves out what it is about all the same.
        Severity::Refusal => finding.code == Guard::KubernetesUnreachable.code(),
        Severity::Error => finding.address.as_ref().is_none_or(addresses::gives_access),
        Severity::Warning | Severity::Note => false,
    })
}

/// Lets what takes a role from the pods of a service account wait for what gives them one in the other way, by an association
/// or by the annotation, where the plan has that.
pub(super) fn after_other_way(other: Address, going: Address, draft: &mut PlanDraft) {
    let gives = |change: &Change| !matches!(change.action, Action::Delete | Action::Forget);
    if draft.change(&other).is_some_and(gives) {
        draft.order(other, going);
    }
}

/// That something stays for now.
pub(super) fn held_back(address: &Address, stays: &str) -> Finding {
    Finding::new(
        Severity::Error,
        Code::HeldBack,
        format!(
            "{stays} for now: another change to access in the file cannot be planned, and rights are \
             removed only after all are granted"
        ),
    )
    .about(address)
    .with_help(remedy!("Fix the other errors; the next plan includes it."))
}
