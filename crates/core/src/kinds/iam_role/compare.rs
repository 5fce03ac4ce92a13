//! What differs between a live role and the wanted one, attribute by attribute: values, never existence, never the text
//! of templates alone.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    desired::{DesiredRole, context},
    overlay, shared,
    wanted::{deleted, is_to_go, limit, owned},
};
use crate::{
    kinds::{Request, service_account_scope::RoleAttribute},
    live::{Live, StackState, role_name_of, role_owner_of, state_of},
    ports::aws::{DEFAULT_SESSION_SECONDS, Role, Stack},
};
use eksact_identity::{
    cloudformation::{
        RolePurpose,
        wanted_role::{self, WantedRole},
    },
    iam::policy,
};

/// One thing about a role that is not as wanted.
#[derive(Clone, Debug, PartialEq)]
pub enum RoleDifference {
    /// The trust policy is another.
    TrustPolicy,
    /// A managed policy is missing.
    ManagedPolicyMissing(String),
    /// A managed policy is attached that nobody wants.
    ManagedPolicyForeign(String),
    /// An inline policy is missing.
    InlinePolicyMissing(String),
    /// An inline policy has another document.
    InlinePolicyDiffers(String),
    /// An inline policy is there that nobody wants.
    InlinePolicyForeign(String),
    /// The permissions boundary is missing, another or unwanted.
    PermissionsBoundary,
    /// A session may last longer or shorter.
    MaxSession {
        /// How long it shall last at most, in seconds.
        wanted: u32,
    },
    /// The role has another name than the file gives it.
    Name {
        /// The name that is wanted; none for one that CloudFormation makes up.
        wanted: Option<String>,
    },
    /// The stack is missing a tag, or has it with another value.
    StackTag(String),
    /// The role is missing a tag that the stack has, or has it with another value.
    RoleTag(String),
    /// The stack is protected against deletion and shall not be, or the other way round.
    TerminationProtection {
        /// What it is.
        live: bool,
    },
}

/// All differences of a role. A role that CloudFormation named and that the file does not name is not compared by name.
pub fn differences(
    request: &Request,
    desired: &DesiredRole,
    stack: &Stack,
    role: &Role,
) -> Vec<RoleDifference> {
    let only = limit(request, &desired.owner);
    let compares = |attribute| only.is_none_or(|only| only.contains(&attribute));
    let wanted = &desired.wanted;
    let mut found = Vec::new();
    if compares(RoleAttribute::Name) {
        let was_named = stack
            .capabilities
            .iter()
            .any(|capability| capability == "CAPABILITY_NAMED_IAM");
        match &wanted.role_name {
            Some(name) if *name != role.name => {
                found.push(RoleDifference::Name {
                    wanted: Some(name.clone()),
                });
            }
            // Whether the name came from the template is told by the template, which is read for this.
            None if was_named => {
                found.push(RoleDifference::Name { wanted: None });
            }
            _ => {}
        }
    }
    if compares(RoleAttribute::TrustPolicy)
        && !shared::same_own_part(&role.trust_policy, &wanted.trust_policy)
    {
        found.push(RoleDifference::TrustPolicy);
    }
    if compares(RoleAttribute::PermissionsBoundary)
        && role.permissions_boundary != wanted.permissions_boundary
    {
        found.push(RoleDifference::PermissionsBoundary);
    }
    if let Some(wanted) = wanted.max_session_seconds
        && wanted != role.max_session_seconds.unwrap_or(DEFAULT_SESSION_SECONDS)
    {
        found.push(RoleDifference::MaxSession { wanted });
    }
    if compares(RoleAttribute::ManagedPolicies) {
        let live: BTreeSet<&String> = role.managed_policy_arns.iter().collect();
        found.extend(
            wanted
                .managed_policy_arns
                .iter()
                .filter(|arn| !live.contains(arn))
                .map(|arn| RoleDifference::ManagedPolicyMissing(arn.clone())),
        );
        found.extend(
            live.into_iter()
                .filter(|arn| !wanted.managed_policy_arns.contains(*arn))
                .map(|arn| RoleDifference::ManagedPolicyForeign(arn.clone())),
        );
    }
    // Where flags name attributes, an inline policy is compared only if it is one that they stand for.
    let compares_inline = |name: &str| match only {
        None => true,
        Some(only) => match name
            .strip_prefix(&format!("{}-", desired.stack_name))
            .unwrap_or(name)
        {
            "Policy1" => only.contains(&RoleAttribute::OwnInlinePolicy),
            id => overlay::is_well_known(id) && only.contains(&RoleAttribute::WellKnownPolicies),
        },
    };
    for (name, document) in wanted
        .inline_policies
        .iter()
        .filter(|(name, _)| compares_inline(name))
    {
        match role.inline_policies.get(name) {
            None => found.push(RoleDifference::InlinePolicyMissing(name.clone())),
            Some(live) if !policy::equal(live, document) => {
                found.push(RoleDifference::InlinePolicyDiffers(name.clone()));
            }
            Some(_) => {}
        }
    }
    found.extend(
        role.inline_policies
            .keys()
            .filter(|name| compares_inline(name) && !wanted.inline_policies.contains_key(*name))
            .map(|name| RoleDifference::InlinePolicyForeign(name.clone())),
    );
    if compares(RoleAttribute::Tags) {
        for (key, value) in desired.compared_tags() {
            if stack.tags.get(key) != Some(value) {
                found.push(RoleDifference::StackTag(key.clone()));
            } else if role.tags.get(key) != Some(value) {
                found.push(RoleDifference::RoleTag(key.clone()));
            }
        }
    }
    if compares(RoleAttribute::TerminationProtection)
        && stack.termination_protection != request.settings.termination_protection
    {
        found.push(RoleDifference::TerminationProtection {
            live: stack.termination_protection,
        });
    }
    found
}

/// The templates that planning needs: those of stacks whose role differs, for there it matters whether the difference is
/// one of the template or of the role alone.
pub fn templates_needed(
    request: &Request,
    live: &Live,
    stacks: &[&Stack],
    purpose: RolePurpose,
) -> BTreeSet<String> {
    let by_owner: BTreeMap<_, _> = stacks
        .iter()
        .filter_map(|stack| Some((role_owner_of(stack)?, *stack)))
        .filter(|(owner, _)| owner.purpose == purpose)
        .collect();
    let mut needed: BTreeSet<String> = by_owner
        .iter()
        .filter(|(owner, _)| is_to_go(request, owner))
        .map(|(_, stack)| stack.name.clone())
        .collect();
    needed.extend(
        deleted(request, purpose)
            .iter()
            .filter_map(|owner| live.own_stack(owner))
            .map(|stack| stack.name.clone()),
    );
    for wanted in owned(request, purpose) {
        let owner = &wanted.owner;
        let Some(stack) = by_owner.get(owner).copied().or_else(|| live.stack_of(owner)) else {
            continue;
        };
        let Some(Ok(Some(role))) = role_name_of(stack).and_then(|name| live.role(name)) else {
            continue;
        };
        if state_of(&stack.status) == StackState::Broken {
            needed.insert(stack.name.clone());
            continue;
        }
        let Ok(desired) = DesiredRole::of(&wanted, live, request) else {
            continue;
        };
        let differs = differences(request, &desired, stack, role)
            .iter()
            .any(|difference| !matches!(difference, RoleDifference::TerminationProtection { .. }));
        if differs || limit(request, owner).is_some() {
            needed.insert(stack.name.clone());
        }
    }
    needed
}

/// What the template of a live stack makes of the role; none when it cannot be told.
pub fn template_of(live: &Live, stack: &Stack) -> Option<(Value, WantedRole)> {
    let body = live.template(&stack.name)?.as_ref().ok()?;
    let value: Value = serde_json::from_str(body).ok()?;
    let wanted = wanted_role::resolve(&value, &context(live, &stack.name)).ok()?;
    Some((value, wanted))
}

/// Whether CloudFormation would repair this difference when it goes from the old template to the wanted one: it writes a
/// property only where the templates differ, so what was changed by hand under an equal template stays as it is.
pub fn repaired_by_template(difference: &RoleDifference, old: &WantedRole, wanted: &WantedRole) -> bool {
    match difference {
        RoleDifference::TrustPolicy => !shared::same_own_part(&old.trust_policy, &wanted.trust_policy),
        RoleDifference::ManagedPolicyMissing(arn) => !old.managed_policy_arns.contains(arn),
        RoleDifference::ManagedPolicyForeign(arn) => old.managed_policy_arns.contains(arn),
        RoleDifference::InlinePolicyMissing(name) | RoleDifference::InlinePolicyDiffers(name) => {
            match (old.inline_policies.get(name), wanted.inline_policies.get(name)) {
                (Some(old), Some(wanted)) => !policy::equal(old, wanted),
                _ => true,
            }
        }
        RoleDifference::InlinePolicyForeign(name) => old.inline_policies.contains_key(name),
        RoleDifference::PermissionsBoundary => old.permissions_boundary != wanted.permissions_boundary,
        RoleDifference::MaxSession { .. } => old.max_session_seconds != wanted.max_session_seconds,
        RoleDifference::Name { .. } | RoleDifference::StackTag(_) => true,
        RoleDifference::RoleTag(_) | RoleDifference::TerminationProtection { .. } => false,
    }
}
