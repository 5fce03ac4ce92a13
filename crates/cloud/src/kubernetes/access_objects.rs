//! What decides who may do what, between the API's form and the port's own values. Pure.
//!
//! `Role` and `ClusterRole` differ on the wire in nothing that is read, and so do the two kinds of bindings: one type
//! serves each pair.

use std::collections::BTreeMap;

use k8s_openapi::api::authentication::v1 as authentication;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::api::rbac::v1 as rbac;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use eksact_core::ports::access::{
    ConfigMap, ConfigMapPatch, NewConfigMap, PolicyRule, RbacBinding, RbacRole, Subject, UserInfo,
};

/// The API group of roles and bindings.
pub(super) const RBAC: &str = "rbac.authorization.k8s.io";

/// A `Role` or `ClusterRole` (`rbac.authorization.k8s.io/v1`). An aggregated role without rules has `rules: null`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireRole {
    metadata: ObjectMeta,
    #[serde(default)]
    rules: Option<Vec<rbac::PolicyRule>>,
    #[serde(default)]
    aggregation_rule: Option<rbac::AggregationRule>,
}

/// A `RoleBinding` or `ClusterRoleBinding`. One that binds nobody has no `subjects`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireBinding {
    metadata: ObjectMeta,
    role_ref: rbac::RoleRef,
    #[serde(default)]
    subjects: Option<Vec<rbac::Subject>>,
}

pub(super) fn config_map(object: core::ConfigMap) -> ConfigMap {
    let metadata = object.metadata;
    ConfigMap {
        namespace: metadata.namespace.unwrap_or_default(),
        name: metadata.name.unwrap_or_default(),
        uid: metadata.uid.unwrap_or_default(),
        resource_version: metadata.resource_version.unwrap_or_default(),
        labels: metadata.labels.into_iter().flatten().collect(),
        annotations: metadata.annotations.into_iter().flatten().collect(),
        data: object.data.into_iter().flatten().collect(),
        immutable: object.immutable == Some(true),
    }
}

pub(super) fn role(object: WireRole) -> RbacRole {
    let metadata = object.metadata;
    RbacRole {
        namespace: metadata.namespace.filter(|namespace| !namespace.is_empty()),
        name: metadata.name.unwrap_or_default(),
        uid: metadata.uid.unwrap_or_default(),
        resource_version: metadata.resource_version.unwrap_or_default(),
        labels: metadata.labels.into_iter().flatten().collect(),
        annotations: metadata.annotations.into_iter().flatten().collect(),
        rules: object.rules.into_iter().flatten().map(rule).collect(),
        aggregated: object.aggregation_rule.is_some(),
    }
}

fn rule(rule: rbac::PolicyRule) -> PolicyRule {
    PolicyRule {
        api_groups: rule.api_groups.unwrap_or_default(),
        resources: rule.resources.unwrap_or_default(),
        resource_names: rule.resource_names.unwrap_or_default(),
        non_resource_urls: rule.non_resource_urls.unwrap_or_default(),
        verbs: rule.verbs,
    }
}

pub(super) fn binding(object: WireBinding) -> RbacBinding {
    let metadata = object.metadata;
    RbacBinding {
        namespace: metadata.namespace.filter(|namespace| !namespace.is_empty()),
        name: metadata.name.unwrap_or_default(),
        uid: metadata.uid.unwrap_or_default(),
        resource_version: metadata.resource_version.unwrap_or_default(),
        labels: metadata.labels.into_iter().flatten().collect(),
        annotations: metadata.annotations.into_iter().flatten().collect(),
        role_kind: object.role_ref.kind,
        role_name: object.role_ref.name,
        subjects: object.subjects.into_iter().flatten().map(subject).collect(),
    }
}

fn subject(subject: rbac::Subject) -> Subject {
    Subject {
        kind: subject.kind,
        name: subject.name,
        namespace: subject.namespace.filter(|namespace| !namespace.is_empty()),
    }
}

pub(super) fn user_info(review: authentication::SelfSubjectReview) -> UserInfo {
    let user = review
        .status
        .and_then(|status| status.user_info)
        .unwrap_or_default();
    UserInfo {
        username: user.username.unwrap_or_default(),
        groups: user.groups.unwrap_or_default(),
        extra: user.extra.into_iter().flatten().collect(),
    }
}

/// Body of the POST that makes a ConfigMap.
pub(super) fn config_map_body(config_map: &NewConfigMap) -> Value {
    let metadata = metadata(
        Some(&config_map.namespace),
        &config_map.name,
        &config_map.labels,
        &config_map.annotations,
    );
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": config_map.data})
}

/// Merge patch (RFC 7386) of single keys: null removes one. What it does not name stays, `binaryData` included.
pub(super) fn config_map_patch(patch: &ConfigMapPatch, resource_version: &str) -> Value {
    let mut metadata = json!({"resourceVersion": resource_version});
    if !patch.annotations.is_empty()
        && let Some(fields) = metadata.as_object_mut()
    {
        fields.insert("annotations".to_owned(), json!(patch.annotations));
    }
    let mut body = json!({"metadata": metadata});
    if !patch.data.is_empty()
        && let Some(fields) = body.as_object_mut()
    {
        fields.insert("data".to_owned(), json!(patch.data));
    }
    body
}

/// Body of the POST that makes a role.
pub(super) fn role_body(role: &RbacRole) -> Value {
    let kind = if role.namespace.is_some() {
        "Role"
    } else {
        "ClusterRole"
    };
    let metadata = metadata(
        role.namespace.as_deref(),
        &role.name,
        &role.labels,
        &role.annotations,
    );
    json!({"apiVersion": format!("{RBAC}/v1"), "kind": kind, "metadata": metadata, "rules": role.rules})
}

/// Body of the POST that makes a binding.
pub(super) fn binding_body(binding: &RbacBinding) -> Value {
    let kind = if binding.namespace.is_some() {
        "RoleBinding"
    } else {
        "ClusterRoleBinding"
    };
    json!({
        "apiVersion": format!("{RBAC}/v1"),
        "kind": kind,
        "metadata": metadata(
            binding.namespace.as_deref(),
            &binding.name,
            &binding.labels,
            &binding.annotations,
        ),
        "roleRef": {"apiGroup": RBAC, "kind": binding.role_kind, "name": binding.role_name},
        "subjects": subjects(&binding.subjects),
    })
}

/// Subjects in the API's form. Users and groups belong to the group of RBAC, service accounts to the core one, whose
/// name is empty and left out.
pub(super) fn subjects(subjects: &[Subject]) -> Value {
    let one = |subject: &Subject| {
        let mut fields = Map::new();
        fields.insert("kind".to_owned(), subject.kind.as_str().into());
        fields.insert("name".to_owned(), subject.name.as_str().into());
        if subject.kind != "ServiceAccount" {
            fields.insert("apiGroup".to_owned(), RBAC.into());
        }
        if let Some(namespace) = &subject.namespace {
            fields.insert("namespace".to_owned(), namespace.as_str().into());
        }
        Value::Object(fields)
    };
    subjects.iter().map(one).collect()
}

fn metadata(
    namespace: Option<&str>,
    name: &str,
    labels: &BTreeMap<String, String>,
    annotations: &BTreeMap<String, String>,
) -> Value {
    let mut fields = Map::new();
    fields.insert("name".to_owned(), name.into());
    if let Some(namespace) = namespace {
        fields.insert("namespace".to_owned(), namespace.into());
    }
    for (key, map) in [("labels", labels), ("annotations", annotations)] {
        if !map.is_empty() {
            fields.insert(key.to_owned(), json!(map));
        }
    }
    Value::Object(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aggregated_role_without_rules_is_read() {
        let view = role(
            serde_json::from_value(json!({
                "kind": "ClusterRole", "metadata": {"name": "view", "uid": "u", "resourceVersion": "7"}, "rules": null,
                "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "true"}}]}
            }))
            .unwrap(),
        );
        assert!(view.aggregated && view.rules.is_empty() && view.namespace.is_none());
        let system_node = binding(
            serde_json::from_value(json!({
                "metadata": {"name": "system:node"}, "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "system:node"}
            }))
            .unwrap(),
        );
        assert_eq!(system_node.subjects, []);
    }

    #[test]
    fn rules_go_out_as_they_come_in() {
        let rules = json!([
            {"apiGroups": ["", "apps"], "resources": ["pods/log"], "verbs": ["get"], "resourceNames": ["web-0"]},
            {"nonResourceURLs": ["/metrics"], "verbs": ["get"]}
        ]);
        let wire = json!({"metadata": {"name": "r", "namespace": "app"}, "rules": rules});
        let sent = role_body(&role(serde_json::from_value(wire).unwrap()));
        assert_eq!(sent["rules"], rules);
        assert_eq!(sent["kind"], "Role");
    }

    #[test]
    fn a_patch_names_only_what_it_changes() {
        assert_eq!(
            config_map_patch(&ConfigMapPatch::default(), "7"),
            json!({"metadata": {"resourceVersion": "7"}})
        );
        let patch = ConfigMapPatch {
            data: BTreeMap::from([
                ("mapRoles".to_owned(), Some("[]\n".to_owned())),
                ("gone".to_owned(), None),
            ]),
            annotations: BTreeMap::from([("a".to_owned(), None)]),
        };
        assert_eq!(
            config_map_patch(&patch, "7"),
            json!({
                "metadata": {"resourceVersion": "7", "annotations": {"a": null}},
                "data": {"mapRoles": "[]\n", "gone": null}
            })
        );
    }
}
