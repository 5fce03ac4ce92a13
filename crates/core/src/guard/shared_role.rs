//! The guard over roles that service accounts of other clusters assume.

use super::Guard;
use crate::{
    engine::PlanDraft,
    live::{Live, addresses, role_name_of},
    ports::aws::Role,
};
use eksact_identity::iam::{
    pod_trust,
    shared_trust::{self, sid_of},
};

/// The `Sid`s of the statements that other clusters have in the trust policy of a role.
pub fn statements_of_others(live: &Live, role: &Role) -> Vec<String> {
    let own = shared_trust::sid(&live.cluster.arn);
    shared_trust::shared(&role.trust_policy)
        .into_iter()
        .filter(|statement| {
            pod_trust::read(statement).is_none_or(|(cluster, ..)| cluster != live.cluster.arn)
        })
        .filter_map(sid_of)
        .filter(|sid| *sid != own)
        .map(str::to_owned)
        .collect()
}

/// Adds the refusal where a role goes that other clusters share.
pub(super) fn check(before: &Live, after: &Live, draft: &mut PlanDraft) {
    let mut refusals = Vec::new();
    for change in draft.changes() {
        let Some(owner) = addresses::role_owner(&change.address) else {
            continue;
        };
        let stack = before.stack_of(&owner).or_else(|| before.own_stack(&owner));
        let Some(name) = stack.and_then(role_name_of) else {
            continue;
        };
        let (Some(Ok(Some(role))), Some(Ok(None))) = (before.role(name), after.role(name)) else {
            continue;
        };
        let others = statements_of_others(before, role);
        if others.is_empty() {
            continue;
        }
        let refusal = Guard::SharedRoleInUse.refusal(format!(
            "the role {} would be deleted, and service accounts of other clusters assume it ({})",
            role.name,
            others.join(", ")
        ));
        refusals.push(refusal.about(&change.address).with_help(remedy!(
            "Remove the role from `sharedRoles` of those clusters' files and apply them with --prune, or \
             allow it: their pods lose the role then."
        )));
    }
    for refusal in refusals {
        draft.add_finding(refusal);
    }
}
