//! Asks the guard over the caller's own rights about a whole plan: mappings and bindings together.

use super::{Live, identity_mapping, rbac};
use crate::{
    engine::{Finding, PlanDraft, Severity},
    guard::{
        Guard,
        own_rights::{OwnRights, own_rights_lost},
    },
    ports::CallError,
};

/// That nobody knows what the caller loses.
fn unknown(caller: &str, error: &CallError) -> Finding {
    Finding::new(
        Severity::Warning,
        "own-rights-unknown",
        format!(
            "the plan changes as whom the caller, {caller}, gets in, and what RBAC gives it could not be read: {error}"
        ),
    )
    .with_help(remedy!(
        "Give the caller the right to list rolebindings and clusterrolebindings, or let somebody apply it who has it."
    ))
}

/// Adds the refusal where the plan takes such rights from the caller.
pub(super) fn guard(live: &Live, draft: &mut PlanDraft) {
    let writes_access = draft
        .steps()
        .iter()
        .any(|step| rbac::is_address(&step.address) || identity_mapping::is_address(&step.address));
    // One refusal about the caller is enough.
    let refused = draft
        .findings()
        .iter()
        .any(|finding| finding.code == Guard::OwnAccessLost.code());
    if !writes_access || refused {
        return;
    }
    let Some(caller) = identity_mapping::caller_over(live, draft) else {
        return;
    };
    let Some(now) = rbac::Bound::now(live) else {
        if let Some(Err(error)) = &live.access.bindings
            && caller.before != caller.after
        {
            draft.add_finding(unknown(&caller.key, error));
        }
        return;
    };
    let may = now.rights(&caller.before);
    let after = now.after(draft);
    let own = OwnRights {
        would: after.rights(&caller.after),
        named_by: after.naming(&caller.before.username),
        may,
        key: caller.key,
        before: caller.before,
        after: caller.after,
        way_back: caller.way_back,
    };
    if let Some(refusal) = own_rights_lost(&own) {
        draft.add_finding(refusal.finding());
    }
}
