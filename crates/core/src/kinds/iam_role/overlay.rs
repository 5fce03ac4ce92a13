//! A wanted template laid over a live one: the properties that eksact writes take the wanted values, everything else of
//! the live template stays. A rendered template sent as it is would drop what another tool or a person added, and
//! where flags name one attribute, it would change the others unseen.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::kinds::service_account_scope::RoleAttribute;
use eksact_identity::{cloudformation::well_known, iam::WellKnownPolicy};

const ROLE: &str = "Role1";
const OWN_POLICY: &str = "Policy1";
const POLICY_TYPE: &str = "AWS::IAM::Policy";

/// `wanted` laid over `live`, whole or only in what `only` names.
pub(super) fn over(wanted: &Value, live: &Value, only: Option<&BTreeSet<RoleAttribute>>) -> Value {
    let is_named = |attribute| only.is_none_or(|only| only.contains(&attribute));
    let mut template = live.clone();
    let properties = [
        ("AssumeRolePolicyDocument", RoleAttribute::TrustPolicy),
        ("ManagedPolicyArns", RoleAttribute::ManagedPolicies),
        ("PermissionsBoundary", RoleAttribute::PermissionsBoundary),
        ("RoleName", RoleAttribute::Name),
    ];
    let wanted_role = member(wanted, &["Resources", ROLE, "Properties"])
        .cloned()
        .unwrap_or_default();
    if let Some(role) = object(&mut template, &["Resources", ROLE, "Properties"]) {
        for (property, attribute) in properties {
            if is_named(attribute) {
                place(role, property, wanted_role.get(property).cloned());
            }
        }
        // Said of roles of people alone; of the others it stays as somebody else has set it.
        if let Some(seconds) = wanted_role.get("MaxSessionDuration").filter(|_| only.is_none()) {
            place(role, "MaxSessionDuration", Some(seconds.clone()));
        }
        if only.is_none() {
            // Policies inside the role are none of ours; the difference shows them going.
            role.remove("Policies");
        }
    }
    let empty = Map::new();
    let wanted_resources = member(wanted, &["Resources"])
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    if let Some(resources) = object(&mut template, &["Resources"]) {
        let policies: BTreeSet<String> = resources
            .iter()
            .chain(wanted_resources)
            .filter(|(_, resource)| resource.get("Type").and_then(Value::as_str) == Some(POLICY_TYPE))
            .map(|(id, _)| id.clone())
            .collect();
        for id in policies {
            let named = match id.as_str() {
                OWN_POLICY => is_named(RoleAttribute::OwnInlinePolicy),
                id if is_well_known(id) => is_named(RoleAttribute::WellKnownPolicies),
                _ => only.is_none(),
            };
            if named {
                place(resources, &id, wanted_resources.get(&id).cloned());
            }
        }
    }
    if only.is_none()
        && let Some(root) = template.as_object_mut()
    {
        for member in ["Description", "Outputs"] {
            place(root, member, wanted.get(member).cloned());
        }
    }
    template
}

/// Whether an inline policy of this logical id belongs to a well-known policy.
pub(super) fn is_well_known(logical_id: &str) -> bool {
    WellKnownPolicy::ALL.into_iter().any(|policy| {
        well_known::definition(policy)
            .is_ok_and(|definition| definition.policies.iter().any(|own| own.logical_id == logical_id))
    })
}

fn place(object: &mut Map<String, Value>, key: &str, value: Option<Value>) {
    match value {
        Some(value) => {
            object.insert(key.to_owned(), value);
        }
        None => {
            object.remove(key);
        }
    }
}

fn member<'value>(value: &'value Value, path: &[&str]) -> Option<&'value Value> {
    path.iter().try_fold(value, |value, key| value.get(*key))
}

fn object<'value>(value: &'value mut Value, path: &[&str]) -> Option<&'value mut Map<String, Value>> {
    path.iter()
        .try_fold(value, |value, key| value.get_mut(*key))?
        .as_object_mut()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn template(role: &Value, policies: &[(&str, &str)]) -> Value {
        let mut resources = json!({"Role1": {"Type": "AWS::IAM::Role", "Properties": role}});
        for (id, action) in policies {
            resources[*id] =
                json!({"Type": "AWS::IAM::Policy", "Properties": {"PolicyDocument": {"Action": action}}});
        }
        json!({"Resources": resources})
    }

    #[test]
    fn fields_that_no_flag_names_stay_to_the_letter() {
        let live = template(
            &json!({"Path": "/x/", "MaxSessionDuration": 7200, "PermissionsBoundary": "b", "ManagedPolicyArns": ["old"],
                   "AssumeRolePolicyDocument": {"Statement": ["ours", "added by hand"]}}),
            &[
                ("Policy1", "mine"),
                ("PolicyExternalDNSHostedZones", "of an older release"),
                ("Extra", "foreign"),
            ],
        );
        let wanted = template(
            &json!({"ManagedPolicyArns": ["new"], "AssumeRolePolicyDocument": {"Statement": ["ours"]}}),
            &[("PolicyExternalDNSHostedZones", "of today")],
        );
        let named = BTreeSet::from([RoleAttribute::ManagedPolicies]);
        let mut expected = live.clone();
        expected["Resources"]["Role1"]["Properties"]["ManagedPolicyArns"] = json!(["new"]);
        assert_eq!(over(&wanted, &live, Some(&named)), expected);
    }

    #[test]
    fn file_changes_all_that_it_has_words_for_and_nothing_else() {
        let live = template(
            &json!({"Path": "/x/", "PermissionsBoundary": "b", "ManagedPolicyArns": ["old"]}),
            &[("Policy1", "mine")],
        );
        let wanted = template(
            &json!({"ManagedPolicyArns": ["new"]}),
            &[("PolicyAutoScaling", "scale")],
        );
        assert_eq!(
            over(&wanted, &live, None),
            template(
                &json!({"Path": "/x/", "ManagedPolicyArns": ["new"]}),
                &[("PolicyAutoScaling", "scale")]
            )
        );
    }
}
