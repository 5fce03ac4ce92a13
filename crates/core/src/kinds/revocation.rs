//! Nothing is taken away from anybody while something that the files give cannot be planned: it may be what was to take
//! its place. What is held back is told, object by object.

use crate::{
    engine::{Action, Address, Change, Deferred, Finding, PlanDraft, Severity},
    guard::{Guard, access::principal_key},
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

/// Lets the roles that the plan makes or changes wait for `going`, which takes away what whoever has their ARN is given: whom they let
/// in anew would have it for a moment. Not where `going` itself waits for the role, because an access entry of it comes before.
///
/// `loses` is asked with the role's ARN as `aws-auth` would have to name it ([`principal_key`]).
pub(super) fn before_roles(going: &Address, loses: impl Fn(&str) -> bool, draft: &mut PlanDraft) {
    for role in roles_of_files(loses, draft) {
        draft.prefer_order(going.clone(), role);
    }
}

/// Lets `coming`, which gives something to whoever has the ARN of a role, wait until the role lets in whom the files say; where the role
/// cannot be made or changed, nothing is given.
pub(super) fn after_assumable_roles(coming: &Address, names: impl Fn(&str) -> bool, draft: &mut PlanDraft) {
    for role in roles_of_files(names, draft) {
        if addresses::is_assumable_role(&role) {
            draft.order(role, coming.clone());
        }
    }
}

/// The roles of the files whose ARN is such, where the plan makes or changes them.
fn roles_of_files(is_such: impl Fn(&str) -> bool, draft: &PlanDraft) -> Vec<Address> {
    let addresses = draft.changes().iter().map(|change| &change.address);
    let such = addresses.filter(
        |address| match draft.outcome((*address).clone(), addresses::ARN) {
            Some(Deferred::Known(arn)) => is_such(&principal_key(arn)),
            Some(Deferred::Unknown { .. }) | None => false,
        },
    );
    such.cloned().collect()
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
