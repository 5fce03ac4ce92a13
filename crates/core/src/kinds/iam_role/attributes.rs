//! How a role and its differences look in a plan: one attribute each, with what it means for access.

use std::collections::BTreeMap;

use serde_json::json;

use super::{compare::RoleDifference, desired::DesiredRole};
use crate::{
    engine::{AttributeChange, Effect, Reason},
    kinds::access_effect::document_change,
    ports::aws::{DEFAULT_SESSION_SECONDS, Role, Stack},
};
use eksact_identity::{
    cloudformation::{tags, wanted_role::WantedRole, well_known},
    iam::{WellKnownPolicy, shared_trust::with_shared_of},
};

/// The attributes of a role that will be made.
pub(super) fn of_new(desired: &DesiredRole) -> Vec<AttributeChange> {
    let wanted = &desired.wanted;
    let mut attributes = vec![AttributeChange::plain(
        "stack",
        None,
        Some(json!(desired.stack_name)),
    )];
    if let Some(name) = &wanted.role_name {
        attributes.push(AttributeChange::plain("role name", None, Some(json!(name))));
    }
    if let Some(path) = &desired.path {
        attributes.push(AttributeChange::plain("path", None, Some(json!(path))));
    }
    attributes.push(document_change("trust policy", None, Some(&wanted.trust_policy)));
    if let Some(seconds) = wanted.max_session_seconds {
        attributes.push(AttributeChange::plain(
            "maximum session (s)",
            None,
            Some(json!(seconds)),
        ));
    }
    attributes.extend(wanted.managed_policy_arns.iter().map(|arn| {
        AttributeChange::plain("managed policy", None, Some(json!(arn))).with_effect(Effect::Broader)
    }));
    for (name, document) in &wanted.inline_policies {
        let mut change = document_change(format!("inline policy {name}"), None, Some(document));
        if let Some(policy) = desired.well_known_of(name) {
            change.remark = Some(format!(
                "well-known policy {} as of {}",
                policy.field_name(),
                version_of(policy)
            ));
        }
        attributes.push(change);
    }
    if let Some(boundary) = &wanted.permissions_boundary {
        attributes.push(AttributeChange::plain(
            "permissions boundary",
            None,
            Some(json!(boundary)),
        ));
    }
    let own: BTreeMap<&String, &String> = desired
        .tags
        .iter()
        .filter(|(key, _)| !tags::is_mark(key))
        .map(|(key, value)| (key, value))
        .collect();
    attributes.extend(
        own.into_iter()
            .map(|(key, value)| AttributeChange::plain(format!("tag {key}"), None, Some(json!(value)))),
    );
    attributes
}

/// What a difference is to people.
pub(super) fn of(
    difference: &RoleDifference,
    desired: &DesiredRole,
    stack: &Stack,
    role: &Role,
) -> AttributeChange {
    let wanted = &desired.wanted;
    match difference {
        RoleDifference::TrustPolicy => document_change(
            "trust policy",
            Some(&role.trust_policy),
            Some(&with_shared_of(&wanted.trust_policy, &role.trust_policy)),
        ),
        RoleDifference::ManagedPolicyMissing(arn) => {
            AttributeChange::plain("managed policy", None, Some(json!(arn))).with_effect(Effect::Broader)
        }
        RoleDifference::ManagedPolicyForeign(arn) => {
            AttributeChange::plain("managed policy", Some(json!(arn)), None).with_effect(Effect::Narrower)
        }
        RoleDifference::InlinePolicyMissing(name)
        | RoleDifference::InlinePolicyDiffers(name)
        | RoleDifference::InlinePolicyForeign(name) => {
            let mut change = document_change(
                format!("inline policy {name}"),
                role.inline_policies.get(name),
                wanted.inline_policies.get(name),
            );
            if let (Some(policy), Some(live)) = (desired.well_known_of(name), role.inline_policies.get(name))
                && let Some(version) = well_known::identify(policy, live)
            {
                change.remark = Some(if version == version_of(policy) {
                    format!("well-known policy {} as of {version}", policy.field_name())
                } else {
                    format!("looks like {version}, becomes {}", version_of(policy))
                });
            }
            change
        }
        RoleDifference::PermissionsBoundary => {
            let effect = match (&role.permissions_boundary, &wanted.permissions_boundary) {
                (None, Some(_)) => Effect::Narrower,
                (Some(_), None) => Effect::Broader,
                _ => Effect::Incomparable,
            };
            AttributeChange::plain(
                "permissions boundary",
                role.permissions_boundary.as_ref().map(|arn| json!(arn)),
                wanted.permissions_boundary.as_ref().map(|arn| json!(arn)),
            )
            .with_effect(effect)
        }
        RoleDifference::MaxSession { wanted } => {
            let live = role.max_session_seconds.unwrap_or(DEFAULT_SESSION_SECONDS);
            let effect = if live < *wanted {
                Effect::Broader
            } else {
                Effect::Narrower
            };
            AttributeChange::plain("maximum session (s)", Some(json!(live)), Some(json!(wanted)))
                .with_effect(effect)
        }
        RoleDifference::Name { wanted } => AttributeChange::plain(
            "role name",
            Some(json!(role.name)),
            Some(
                wanted
                    .as_ref()
                    .map_or_else(|| json!("made up by CloudFormation"), |name| json!(name)),
            ),
        ),
        RoleDifference::StackTag(key) => AttributeChange::plain(
            format!("tag {key}"),
            stack.tags.get(key).map(|value| json!(value)),
            desired.tag(key).map(|value| json!(value)),
        ),
        RoleDifference::RoleTag(key) => AttributeChange::plain(
            format!("tag {key} of the role"),
            role.tags.get(key).map(|value| json!(value)),
            desired.tag(key).map(|value| json!(value)),
        ),
        RoleDifference::TerminationProtection { live } => {
            AttributeChange::plain("termination protection", Some(json!(live)), Some(json!(!live)))
        }
    }
}

/// Why the template differs: a newer well-known policy is named, everything else is "not as wanted".
pub(super) fn reason_of(desired: &DesiredRole, old: &WantedRole, by_template: &[&RoleDifference]) -> Reason {
    for difference in by_template {
        let RoleDifference::InlinePolicyDiffers(name) = difference else {
            continue;
        };
        let Some(policy) = desired.well_known_of(name) else {
            continue;
        };
        let versions = (
            old.inline_policies
                .get(name)
                .and_then(|document| well_known::identify(policy, document)),
            well_known::definition(policy)
                .ok()
                .map(|definition| definition.version.as_str()),
        );
        if let (Some(before), Some(after)) = versions
            && before != after
        {
            return Reason::new(
                "well-known-policy-version",
                format!(
                    "the well-known policy {} looks like {before} and becomes {after}",
                    policy.field_name()
                ),
            );
        }
    }
    Reason::new("differs", "it differs from the desired state")
}

/// The version that a well-known policy has here.
fn version_of(policy: WellKnownPolicy) -> &'static str {
    well_known::definition(policy).map_or("an unknown version", |definition| definition.version.as_str())
}
