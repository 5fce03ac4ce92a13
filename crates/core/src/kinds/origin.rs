//! Whose doing each change of a plan is. A kind that can tell says so on its change; for the others this is worked out from the
//! codes of their reasons and from what else the plan has found. Nothing is claimed that is not sure: an origin that is not known
//! is shown as such, while one that is wrong hides drift.

use std::collections::BTreeMap;

use crate::{
    engine::{Action, Address, Change, Origin, Plan},
    live::addresses,
};

/// What the code of a reason says alone: every code there is, so that a new one is thought about.
pub const REASONS: &[(&str, Option<Origin>)] = &[
    ("adopted", None),
    ("annotation-missing", None),
    ("audience-missing", None),
    ("authentication-mode-differs", None),
    ("bound-otherwise", None),
    // A run that was ended made it, whatever the configuration says since.
    ("change-set-left", None),
    ("cluster-tag-missing", None),
    ("deleting", None),
    ("different", None),
    ("differs", None),
    // The role is not what the template of its stack made of it.
    ("drift", Some(Origin::Live)),
    ("identity-provider-differs", None),
    ("made-by-others", None),
    ("migration", None),
    ("missing", Some(Origin::New)),
    ("named", None),
    ("not-wanted", None),
    ("override", None),
    // Its stack is there, and CloudFormation deletes both.
    ("policy-gone", Some(Origin::Live)),
    ("principal-made-anew", None),
    ("pruned", None),
    ("requested", None),
    ("restore", None),
    ("role-differs", None),
    // Its stack is there, and CloudFormation deletes both.
    ("role-gone", Some(Origin::Live)),
    ("role-name", None),
    ("stack-broken", None),
    ("stale", None),
    ("tags-differ", None),
    ("termination-protection", None),
    ("thumbprint-differs", None),
    ("type-differs", None),
    ("well-known-policy-version", None),
];

/// Says of each change whose doing it is, where no kind has.
pub(super) fn assign(plan: &mut Plan) {
    let mut known: BTreeMap<Address, Option<Origin>> = plan
        .changes
        .iter()
        .map(|change| (change.address.clone(), of(change, plan)))
        .collect();
    // What something waits for that was there before is not new itself: it was deleted, or was never needed.
    for change in &plan.changes {
        if change.action != Action::Create || known.get(&change.address) != Some(&Some(Origin::New)) {
            for needed in &change.depends_on {
                if let Some(origin) = known.get_mut(needed)
                    && *origin == Some(Origin::New)
                {
                    *origin = None;
                }
            }
        }
    }
    for change in &mut plan.changes {
        change.origin = known.remove(&change.address).flatten();
    }
}

fn of(change: &Change, plan: &Plan) -> Option<Origin> {
    if change.origin.is_some() {
        return change.origin;
    }
    let said = |code: &str| REASONS.iter().find(|(known, _)| *known == code)?.1;
    let mut origins = change.reasons.iter().map(|reason| said(&reason.code));
    if origins.clone().any(|origin| origin == Some(Origin::Live)) {
        return Some(Origin::Live);
    }
    (change.action == Action::Create
        && origins.all(|origin| origin == Some(Origin::New))
        && !has_remains(&change.address, plan))
    .then_some(Origin::New)
}

/// Whether something of ours is there that comes with the object: a role's stack, and the object is not. An apply that was
/// interrupted leaves the same.
fn has_remains(address: &Address, plan: &Plan) -> bool {
    let there = |is_remains: &dyn Fn(&Address) -> bool| {
        plan.unchanged.iter().any(is_remains)
            || plan
                .changes
                .iter()
                .any(|change| change.action != Action::Create && is_remains(&change.address))
    };
    there(&|other| {
        let owner = addresses::role_owner(other);
        owner.is_some_and(|owner| {
            *address == addresses::service_account(&owner.account)
                || *address == addresses::pod_identity_association(&owner.account)
                || *address == addresses::namespace(&owner.account.namespace)
                || address.kind() == addresses::oidc_provider("").kind()
        }) || (address.kind() == addresses::rbac_binding(None, "").kind()
            && other.kind() == addresses::rbac_role(None, "").kind()
            && address.name() == other.name())
    })
}
