//! The direct IAM calls that repair what was changed by hand, where CloudFormation sees nothing to update.

use std::collections::BTreeMap;

use super::{compare::RoleDifference, desired::DesiredRole, operation::Operation};
use crate::ports::aws::{Role, Stack};
use eksact_identity::iam::shared_trust::without_shared;

/// The direct call that repairs a difference: its part of the step's name, its title, the write.
pub(super) fn of(
    difference: &RoleDifference,
    desired: &DesiredRole,
    role: &Role,
    stack: &Stack,
) -> (String, String, Operation) {
    let name = role.name.clone();
    let wanted = &desired.wanted;
    let document_of = |policy: &String| wanted.inline_policies.get(policy).cloned().unwrap_or_default();
    match difference {
        RoleDifference::TrustPolicy => (
            "trust-policy".to_owned(),
            format!("restore the trust policy of role {name}"),
            Operation::SetTrustPolicy {
                role: name,
                document: without_shared(&wanted.trust_policy),
            },
        ),
        RoleDifference::ManagedPolicyMissing(arn) => (
            format!("attach {arn}"),
            format!("attach {arn} to role {name}"),
            Operation::AttachPolicy {
                role: name,
                policy_arn: arn.clone(),
            },
        ),
        RoleDifference::ManagedPolicyForeign(arn) => (
            format!("detach {arn}"),
            format!("detach {arn} from role {name}"),
            Operation::DetachPolicy {
                role: name,
                policy_arn: arn.clone(),
            },
        ),
        RoleDifference::InlinePolicyMissing(policy) | RoleDifference::InlinePolicyDiffers(policy) => (
            format!("put {policy}"),
            format!("restore the inline policy {policy} of role {name}"),
            Operation::PutInlinePolicy {
                role: name,
                document: document_of(policy),
                name: policy.clone(),
            },
        ),
        RoleDifference::InlinePolicyForeign(policy) => (
            format!("delete {policy}"),
            format!("delete the inline policy {policy} of role {name}"),
            Operation::DeleteInlinePolicy {
                role: name,
                name: policy.clone(),
            },
        ),
        RoleDifference::PermissionsBoundary => (
            "permissions-boundary".to_owned(),
            format!("restore the permissions boundary of role {name}"),
            Operation::SetPermissionsBoundary {
                role: name,
                boundary: wanted.permissions_boundary.clone(),
            },
        ),
        RoleDifference::MaxSession { wanted } => (
            "max-session".to_owned(),
            format!("let sessions of role {name} last {wanted} s at most"),
            Operation::SetMaxSession {
                role: name,
                seconds: *wanted,
            },
        ),
        RoleDifference::TerminationProtection { live } => (
            "termination-protection".to_owned(),
            format!(
                "switch termination protection {} for stack {}",
                if *live { "off" } else { "on" },
                stack.name
            ),
            Operation::SetTerminationProtection {
                stack: stack.id.clone(),
                enabled: !live,
            },
        ),
        RoleDifference::RoleTag(key) | RoleDifference::StackTag(key) => (
            format!("tag {key}"),
            format!("tag role {name} with {key}"),
            Operation::TagRole {
                role: name,
                tags: desired
                    .tag(key)
                    .map(|value| (key.clone(), value.to_owned()))
                    .into_iter()
                    .collect(),
            },
        ),
        // Mended by the template, always.
        RoleDifference::Name { .. } => (
            "name".to_owned(),
            format!("tag role {name}"),
            Operation::TagRole {
                role: name,
                tags: BTreeMap::new(),
            },
        ),
    }
}
