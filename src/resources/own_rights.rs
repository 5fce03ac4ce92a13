//! Asks the guard over the caller's own rights about a whole plan: mappings and bindings together.

use super::{Live, identity_mapping, rbac};
use crate::{
    engine::PlanDraft,
    guard::{
        Guard,
        own_rights::{OwnRights, own_rights_lost},
    },
};

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
    let (Some(now), Some(caller)) = (rbac::Bound::now(live), identity_mapping::caller_over(live, draft))
    else {
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
