//! Whose doing it is that a role under a healthy stack is not as wanted: the template of the stack is what was applied last.

use super::{compare::RoleDifference, shared};
use crate::{
    engine::Origin,
    ports::aws::{DEFAULT_SESSION_SECONDS, Role},
};
use eksact_identity::{cloudformation::wanted_role::WantedRole, iam::policy};

/// The origin of these differences together. `old` is what the template of the stack makes of the role. A role that was changed is
/// drift, whatever else the file asks for.
pub(super) fn of(found: &[RoleDifference], old: &WantedRole, role: &Role) -> Option<Origin> {
    let applied: Vec<Option<bool>> = found
        .iter()
        .map(|difference| is_as_applied(difference, old, role))
        .collect();
    if applied.contains(&Some(false)) {
        Some(Origin::Live)
    } else {
        applied
            .iter()
            .all(|applied| *applied == Some(true))
            .then_some(Origin::Configuration)
    }
}

/// Whether the role is in this respect as its stack made it; none where the stack itself is what differs.
fn is_as_applied(difference: &RoleDifference, old: &WantedRole, role: &Role) -> Option<bool> {
    Some(match difference {
        RoleDifference::TrustPolicy => shared::same_own_part(&role.trust_policy, &old.trust_policy),
        RoleDifference::ManagedPolicyMissing(arn) => !old.managed_policy_arns.contains(arn),
        RoleDifference::ManagedPolicyForeign(arn) => old.managed_policy_arns.contains(arn),
        RoleDifference::InlinePolicyMissing(name)
        | RoleDifference::InlinePolicyDiffers(name)
        | RoleDifference::InlinePolicyForeign(name) => {
            match (role.inline_policies.get(name), old.inline_policies.get(name)) {
                (Some(live), Some(old)) => policy::equal(live, old),
                (live, old) => live == old,
            }
        }
        RoleDifference::PermissionsBoundary => role.permissions_boundary == old.permissions_boundary,
        RoleDifference::MaxSession { .. } => {
            let told = |seconds: Option<u32>| seconds.unwrap_or(DEFAULT_SESSION_SECONDS);
            told(role.max_session_seconds) == told(old.max_session_seconds)
        }
        // IAM has no call that gives a role another name.
        RoleDifference::Name { .. } => true,
        RoleDifference::RoleTag(_) => false,
        RoleDifference::StackTag(_) | RoleDifference::TerminationProtection { .. } => return None,
    })
}
