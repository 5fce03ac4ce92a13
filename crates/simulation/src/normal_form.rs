//! A world in a form that two runs can be compared in: without ids, versions, times and made-up names.

use std::collections::BTreeMap;

use eksact_core::ports::aws::PodIdentityAssociation;
use eksact_simulator::World;
use serde_json::{Value, json};

use crate::hands::CONFIG_MAP;

/// The normal form: what AWS and Kubernetes hold, each object under the name that does not depend on the run.
pub fn normal_form(world: &World) -> Value {
    let live: Vec<_> = world
        .stacks
        .values()
        .filter(|record| record.stack.status != "DELETE_COMPLETE")
        .collect();
    let stacks: BTreeMap<&str, Value> = live
        .iter()
        .map(|record| {
            let stack = &record.stack;
            let form = json!({
                "status": stack.status,
                "tags": stack.tags,
                "outputs": stack.outputs,
                "capabilities": stack.capabilities,
                "protected": stack.termination_protection,
                "template": serde_json::from_str::<Value>(&record.template).unwrap(),
            });
            (stack.name.as_str(), form)
        })
        .collect();
    let roles: BTreeMap<&String, Value> = world
        .roles
        .iter()
        .map(|(name, role)| {
            let mut role = role.clone();
            role.id.clear();
            role.tags.remove("aws:cloudformation:stack-id");
            role.managed_policy_arns.sort();
            (name, json!(role))
        })
        .collect();
    let clusters: BTreeMap<&String, Value> = world
        .clusters
        .iter()
        .map(|(arn, cluster)| {
            let accounts: BTreeMap<&String, Value> = cluster
                .service_accounts
                .iter()
                .map(|(key, account)| {
                    let mut account = account.clone();
                    account.uid.clear();
                    account.resource_version.clear();
                    account.field_managers.sort_by(|a, b| a.manager.cmp(&b.manager));
                    (key, json!(account))
                })
                .collect();
            let form = json!({
                "tags": cluster.cluster.tags,
                "namespaces": cluster.namespaces.keys().collect::<Vec<_>>(),
                "service accounts": accounts,
            });
            (arn, form)
        })
        .collect();
    // A change set that was never executed is a leftover; the others are history.
    let change_sets: Vec<&str> = world
        .change_sets
        .values()
        .filter(|change_set| !change_set.execution_status.starts_with("EXECUTE"))
        .filter_map(|change_set| world.stacks.get(&change_set.stack_id))
        .map(|record| record.stack.name.as_str())
        .collect();
    // How many versions a policy has had is history.
    let policies: BTreeMap<&String, Value> = world
        .managed_policies
        .iter()
        .map(|(arn, policy)| (arn, json!([policy.description, policy.document])))
        .collect();
    let mut text = json!({
        "policies": policies,
        "providers": world.oidc_providers,
        "stacks": stacks,
        "roles": roles,
        "clusters": clusters,
        "change sets": change_sets,
    })
    .to_string();
    for record in live {
        for (logical_id, resource) in &record.resources {
            let made_up = resource.properties.get("RoleName").is_none();
            if resource.resource_type == "AWS::IAM::Role" && made_up {
                let stands_for = format!("<{logical_id} of {}>", record.stack.name);
                text = text.replace(&resource.physical_id, &stands_for);
            }
        }
    }
    serde_json::from_str(&text).unwrap()
}

/// The normal form with all that lets people and pods in: the authentication mode, `aws-auth`, the roles and bindings of the
/// cluster, access entries, identity providers, add-ons and pod identity associations.
pub fn form_with_access(world: &World) -> Value {
    let clusters: BTreeMap<&String, Value> = world
        .clusters
        .iter()
        .map(|(arn, cluster)| {
            let eks = &cluster.eks;
            let associations: BTreeMap<String, &PodIdentityAssociation> = eks
                .pod_identity_associations
                .values()
                .map(|one| (format!("{}/{}", one.namespace, one.service_account), one))
                .collect();
            let form = json!({
                "mode": cluster.cluster.authentication_mode,
                "aws-auth": cluster.config_maps.get(CONFIG_MAP),
                "roles": cluster.rbac_roles,
                "bindings": cluster.rbac_bindings,
                "access entries": eks.access_entries,
                "identity providers": eks.identity_providers,
                "add-ons": eks.addons,
                "associations": associations,
            });
            (arn, without_identity(form))
        })
        .collect();
    let mut form = normal_form(world);
    form["access"] = json!(clusters);
    form
}

/// Without what tells an object from the next of its name.
fn without_identity(mut value: Value) -> Value {
    const OWN: [&str; 7] = [
        "uid",
        "resource_version",
        "created_at",
        "modified_at",
        "arn",
        "id",
        "association_arn",
    ];
    match &mut value {
        Value::Object(fields) => {
            // Access policies have an ARN that is no identity.
            fields.retain(|name, value| {
                !OWN.contains(&name.as_str())
                    || value
                        .as_str()
                        .is_some_and(|arn| arn.contains(":cluster-access-policy/"))
            });
            for value in fields.values_mut() {
                *value = without_identity(value.take());
            }
        }
        Value::Array(items) => {
            for item in items {
                *item = without_identity(item.take());
            }
        }
        _ => {}
    }
    value
}

/// Says where two normal forms differ, one line each; empty when they are equal.
pub fn differences(expected: &Value, found: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    walk("", expected, found, &mut lines);
    lines
}

fn walk(path: &str, expected: &Value, found: &Value, lines: &mut Vec<String>) {
    match (expected, found) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, value) in a {
                let path = format!("{path}/{key}");
                match b.get(key) {
                    Some(other) => walk(&path, value, other, lines),
                    None => lines.push(format!("{path} is missing; it should be {value}")),
                }
            }
            for (key, value) in b.iter().filter(|(key, _)| !a.contains_key(*key)) {
                lines.push(format!("{path}/{key} should not be there: {value}"));
            }
        }
        (a, b) if a != b => lines.push(format!("{path} is {b}; it should be {a}")),
        _ => {}
    }
}
