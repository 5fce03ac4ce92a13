//! Nothing is taken away from anybody while something that the files give cannot be planned: it may be what was to take
//! its place. What is held back is told, object by object.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    engine::{Action, Address, Change, Deferred, Finding, PlanDraft, Severity, StepId},
    guard::{Guard, access::principal_key},
    kinds::gives_access,
    live::addresses,
};
use eksact_message::code::Code;

/// Whether something about access could not be planned so far: a mapping, a role, a binding, or all of them, because the
/// cluster was not to be read.
pub(super) fn is_held_back(draft: &PlanDraft) -> bool {
    draft.findings().iter().any(|finding| match finding.severity {
        // One that is allowed leaves out what it is about all the same.
        Severity::Refusal => finding.code == Guard::KubernetesUnreachable.code(),
        Severity::Error => finding.address.as_ref().is_none_or(gives_access),
        Severity::Warning | Severity::Note => false,
    })
}

/// The steps so far that are about access. What takes access waits for them: nobody who is moved from one group, role or provider to
/// another is without rights in between.
pub(super) fn steps_about_access(draft: &PlanDraft) -> BTreeSet<StepId> {
    draft
        .changes()
        .iter()
        .filter(|change| gives_access(&change.address))
        .filter_map(|change| draft.last_step_of(&change.address))
        .collect()
}

/// Lets what takes a role from the pods of a service account wait for what gives them one in the other way, by an association
/// or by the annotation, where the plan has that.
pub(super) fn after_other_way(other: Address, going: Address, draft: &mut PlanDraft) {
    let gives = |change: &Change| !matches!(change.action, Action::Delete | Action::Forget);
    if draft.change(&other).is_some_and(gives) {
        draft.order(other, going);
    }
}

/// Lets a role that the plan makes or changes wait for `going`, which takes away what whoever has its ARN is given: whom it lets in anew
/// would have it for a moment. Not where `going` itself waits for the role, because an access entry of it comes before.
pub(super) fn before_role(going: &Address, role: &Address, draft: &mut PlanDraft) {
    draft.prefer_order(going.clone(), role.clone());
}

/// Lets `coming`, which gives something to whoever has the ARN of a role that people assume, wait until the role lets in whom the files
/// say; where the role cannot be made or changed, nothing is given.
pub(super) fn after_assumable_role(coming: &Address, role: &Address, draft: &mut PlanDraft) {
    if addresses::is_assumable_role(role) {
        draft.order(role.clone(), coming.clone());
    }
}

/// The roles of the files that the plan makes or changes and whose ARN is known, by that ARN as `aws-auth` would have to name it
/// ([`principal_key`]).
pub(super) fn roles_by_principal(draft: &PlanDraft) -> BTreeMap<String, Vec<Address>> {
    let mut roles: BTreeMap<String, Vec<Address>> = BTreeMap::new();
    for change in draft.changes() {
        if let Some(Deferred::Known(arn)) = draft.outcome(change.address.clone(), addresses::ARN) {
            let of_arn = roles.entry(principal_key(arn)).or_default();
            of_arn.push(change.address.clone());
        }
    }
    roles
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
