//! Pod identity associations, with the roles that our stacks hold.

use super::{
    document::{Item, Section},
    role::{Names, RoleWords, given_tags},
    service_accounts::{role_of, stacks_of},
    words::map,
};
use crate::{
    live::{Live, addresses, role_name_of},
    ports::aws::PodIdentityAssociation,
};
use eksact_identity::{cloudformation::RolePurpose, service_account::ServiceAccountKey};
use eksact_yaml::edit::Value;

const NAMES: Names = Names {
    managed: "permissionPolicyARNs",
    inline: "permissionPolicy",
    inline_name: Some("permissionPolicyName"),
    boundary: "permissionsBoundaryARN",
};

/// The associations, by namespace and service account.
pub(super) fn associations(live: &Live) -> Section {
    let mut section = Section::list(Some("iam"), "podIdentityAssociations");
    let stacks = stacks_of(live, RolePurpose::PodIdentity, &mut section);
    let mut keys: Vec<&ServiceAccountKey> = match live.pod_identity_associations() {
        Some(Ok(listed)) => listed.keys().collect(),
        _ => Vec::new(),
    };
    keys.sort();
    for key in &keys {
        // One that vanished between the calls is none.
        let Some(Ok(Some(association))) = live.pod_identity_association(key) else {
            continue;
        };
        if let Some(owner) = association.owner() {
            section.leave_out(
                key.to_string(),
                format!("it belongs to the add-on {owner}, which alone changes it"),
            );
            continue;
        }
        let own = stacks.get(*key).filter(|stack| {
            role_name_of(stack).is_some_and(|name| association.role_arn.ends_with(&format!("/{name}")))
        });
        let (role, own_tags) =
            match own.map(|stack| role_of(stack, live).map(|role| RoleWords::of(role, stack))) {
                Some(Ok(words)) => {
                    let tags = words.tags.clone();
                    (words.fields(&NAMES), tags)
                }
                Some(Err(why)) => {
                    section.leave_out(key.to_string(), why);
                    continue;
                }
                None => (
                    vec![("roleARN".to_owned(), Value::text(&association.role_arn))],
                    given_tags(&association.tags),
                ),
            };
        let tags = (own.is_none() && !own_tags.is_empty()).then(|| ("tags".to_owned(), map(&own_tags)));
        let fields = [
            ("namespace".to_owned(), Value::text(&key.namespace)),
            ("serviceAccountName".to_owned(), Value::text(&key.name)),
        ];
        section.items.push(Item {
            name: key.to_string(),
            addresses: vec![
                addresses::pod_identity_association(key),
                addresses::pod_identity_role(key),
            ],
            value: Value::mapping(
                fields
                    .into_iter()
                    .chain(role)
                    .chain(session(association))
                    .chain(tags),
            ),
        });
    }
    for (key, stack) in &stacks {
        if !keys.contains(&key) {
            section.leave_out(
                key.to_string(),
                format!(
                    "the stack {} holds a role for it, and there is no association",
                    stack.name
                ),
            );
        }
    }
    section
}

/// What limits or extends the session.
fn session(association: &PodIdentityAssociation) -> Vec<(String, Value)> {
    let mut fields = Vec::new();
    if let Some(target) = &association.target_role_arn {
        fields.push(("targetRoleARN".to_owned(), Value::text(target)));
    }
    if association.disable_session_tags {
        fields.push(("disableSessionTags".to_owned(), Value::Bool(true)));
    }
    if let Some(policy) = &association.policy {
        fields.push(("policy".to_owned(), Value::text(policy)));
    }
    fields
}
