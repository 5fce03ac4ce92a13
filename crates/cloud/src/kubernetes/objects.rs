//! Kubernetes objects, as the API gives them, turned into the port's own values. Pure.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1 as core;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta, OwnerReference};
use serde_json::Value;

use eksact_core::ports::kubernetes::{FieldManager, Namespace, Pod, ServiceAccount};

/// The variable that the pod identity webhook sets from the annotation.
const ROLE_ARN_VARIABLE: &str = "AWS_ROLE_ARN";
/// The variables by which AWS's SDKs find credentials in a pod.
const CREDENTIAL_VARIABLES: [&str; 4] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
];
/// The label by which a Deployment's controller tells its `ReplicaSets` apart; the `ReplicaSet`'s name ends with it.
const POD_TEMPLATE_HASH: &str = "pod-template-hash";

pub(super) fn namespace(object: core::Namespace) -> Namespace {
    let phase = object.status.and_then(|status| status.phase);
    Namespace {
        terminating: object.metadata.deletion_timestamp.is_some() || phase.as_deref() == Some("Terminating"),
        name: object.metadata.name.unwrap_or_default(),
    }
}

pub(super) fn service_account(object: core::ServiceAccount) -> ServiceAccount {
    let metadata = object.metadata;
    ServiceAccount {
        field_managers: field_managers(&metadata),
        terminating: metadata.deletion_timestamp.is_some(),
        namespace: metadata.namespace.unwrap_or_default(),
        name: metadata.name.unwrap_or_default(),
        uid: metadata.uid.unwrap_or_default(),
        resource_version: metadata.resource_version.unwrap_or_default(),
        labels: metadata.labels.into_iter().flatten().collect(),
        annotations: metadata.annotations.into_iter().flatten().collect(),
    }
}

/// Who owns which labels and annotations. A manager may appear several times, for `Apply` and for `Update`.
fn field_managers(metadata: &ObjectMeta) -> Vec<FieldManager> {
    metadata
        .managed_fields
        .iter()
        .flatten()
        .map(field_manager)
        .collect()
}

fn field_manager(entry: &ManagedFieldsEntry) -> FieldManager {
    let owned = entry
        .fields_v1
        .as_ref()
        .and_then(|fields| fields.0.get("f:metadata"));
    FieldManager {
        manager: entry.manager.clone().unwrap_or_default(),
        operation: entry.operation.clone().unwrap_or_default(),
        labels: owned_keys(owned, "f:labels"),
        annotations: owned_keys(owned, "f:annotations"),
    }
}

/// The keys of one map in `FieldsV1` form: `f:` before each key, and `.` for the map itself
/// (`sigs.k8s.io/structured-merge-diff`, `fieldpath/serialize-pe.go`).
fn owned_keys(metadata: Option<&Value>, map: &str) -> BTreeSet<String> {
    metadata
        .and_then(|fields| fields.get(map))
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|keys| keys.keys())
        .filter_map(|key| key.strip_prefix("f:"))
        .map(ToOwned::to_owned)
        .collect()
}

pub(super) fn pod(object: core::Pod) -> Pod {
    let controller = controller(&object.metadata);
    let spec = object.spec.unwrap_or_default();
    let containers = || spec.init_containers.iter().flatten().chain(&spec.containers);
    Pod {
        role_arns: role_arns(containers()),
        credential_variables: credential_variables(containers()),
        namespace: object.metadata.namespace.unwrap_or_default(),
        name: object.metadata.name.unwrap_or_default(),
        service_account: spec
            .service_account_name
            .clone()
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| "default".to_owned()),
        phase: object.status.and_then(|status| status.phase).unwrap_or_default(),
        controller,
    }
}

fn role_arns<'a>(containers: impl Iterator<Item = &'a core::Container>) -> BTreeMap<String, String> {
    containers
        .filter_map(|container| {
            let variable = container
                .env
                .iter()
                .flatten()
                .find(|variable| variable.name == ROLE_ARN_VARIABLE)?;
            Some((container.name.clone(), variable.value.clone()?))
        })
        .collect()
}

/// Names only: keys that stand in a pod's environment are not to be carried around.
fn credential_variables<'a>(
    containers: impl Iterator<Item = &'a core::Container>,
) -> BTreeMap<String, BTreeSet<String>> {
    containers
        .map(|container| {
            let names = container
                .env
                .iter()
                .flatten()
                .map(|variable| variable.name.as_str())
                .filter(|name| CREDENTIAL_VARIABLES.contains(name));
            (container.name.clone(), names.map(str::to_owned).collect())
        })
        .collect()
}

/// What restarts the pod. A `ReplicaSet` is not what people restart: where its name ends with the template's hash, a
/// Deployment of the name before it made it. (Argo's Rollouts use another label, so they stay `ReplicaSets` here.)
fn controller(metadata: &ObjectMeta) -> Option<String> {
    let owner: &OwnerReference = metadata
        .owner_references
        .iter()
        .flatten()
        .find(|owner| owner.controller == Some(true))?;
    if owner.kind == "ReplicaSet" {
        let deployment = metadata
            .labels
            .iter()
            .flatten()
            .find(|(key, _)| key.as_str() == POD_TEMPLATE_HASH)
            .and_then(|(_, hash)| owner.name.strip_suffix(hash.as_str()))
            .and_then(|rest| rest.strip_suffix('-'));
        if let Some(deployment) = deployment {
            return Some(format!("deployment/{deployment}"));
        }
    }
    Some(format!("{}/{}", owner.kind.to_lowercase(), owner.name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn keys(keys: &[&str]) -> BTreeSet<String> {
        keys.iter().map(ToString::to_string).collect()
    }

    /// As eksctl 0.231 left it, then with an annotation that kubectl applied.
    #[test]
    fn field_managers_tell_who_set_what() {
        let object = serde_json::from_value(json!({
            "apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {
                "name": "managed", "namespace": "app", "uid": "u-1", "resourceVersion": "42",
                "labels": {"app.kubernetes.io/managed-by": "eksctl", "tier": "backend"},
                "annotations": {
                    "eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/eksctl-bench-addon-iamserviceaccount-app-managed-RoA31F6EAABBD61",
                    "owner": "payments"
                },
                "managedFields": [
                    {
                        "apiVersion": "v1", "fieldsType": "FieldsV1", "manager": "eksctl", "operation": "Update",
                        "fieldsV1": {"f:metadata": {
                            "f:annotations": {".": {}, "f:eks.amazonaws.com/role-arn": {}},
                            "f:labels": {".": {}, "f:app.kubernetes.io/managed-by": {}, "f:tier": {}}
                        }}
                    },
                    {
                        "apiVersion": "v1", "fieldsType": "FieldsV1", "manager": "kubectl", "operation": "Apply",
                        "fieldsV1": {"f:imagePullSecrets": {"k:{\"name\":\"registry\"}": {}}, "f:metadata": {"f:annotations": {"f:owner": {}}}}
                    },
                    {"apiVersion": "v1", "manager": "empty", "operation": "Update"}
                ]
            }
        }))
        .unwrap();
        let account = service_account(object);
        assert_eq!(account.labels.get("tier").map(String::as_str), Some("backend"));
        assert_eq!(
            (account.uid.as_str(), account.resource_version.as_str()),
            ("u-1", "42")
        );
        assert!(!account.terminating);
        assert_eq!(
            account.field_managers,
            [
                FieldManager {
                    manager: "eksctl".to_owned(),
                    operation: "Update".to_owned(),
                    labels: keys(&["app.kubernetes.io/managed-by", "tier"]),
                    annotations: keys(&["eks.amazonaws.com/role-arn"]),
                },
                FieldManager {
                    manager: "kubectl".to_owned(),
                    operation: "Apply".to_owned(),
                    labels: keys(&[]),
                    annotations: keys(&["owner"]),
                },
                FieldManager {
                    manager: "empty".to_owned(),
                    operation: "Update".to_owned(),
                    ..FieldManager::default()
                },
            ]
        );
    }

    fn pod_owned_by(kind: &str, name: &str, hash: Option<&str>) -> Pod {
        let labels = hash
            .map(|hash| json!({ POD_TEMPLATE_HASH: hash }))
            .unwrap_or(json!({}));
        pod(serde_json::from_value(json!({
            "metadata": {
                "name": "web-1", "namespace": "app", "labels": labels,
                "ownerReferences": [
                    {"apiVersion": "v1", "kind": "ConfigMap", "name": "not-the-controller", "uid": "1"},
                    {"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": "2", "controller": true}
                ]
            }
        }))
        .unwrap())
    }

    #[test]
    fn the_controller_is_what_people_restart() {
        for (kind, name, hash, expected) in [
            (
                "ReplicaSet",
                "web-api-5d4f8c7b9",
                Some("5d4f8c7b9"),
                "deployment/web-api",
            ),
            // No Deployment made this one.
            ("ReplicaSet", "web-5d4f8c7b9", None, "replicaset/web-5d4f8c7b9"),
            ("ReplicaSet", "by-hand", Some("5d4f8c7b9"), "replicaset/by-hand"),
            ("StatefulSet", "db", None, "statefulset/db"),
            ("DaemonSet", "agent", Some("x"), "daemonset/agent"),
            ("Job", "nightly-29", None, "job/nightly-29"),
        ] {
            assert_eq!(
                pod_owned_by(kind, name, hash).controller.as_deref(),
                Some(expected)
            );
        }
    }

    #[test]
    fn a_pods_roles_are_read_per_container() {
        let pod = pod(serde_json::from_value(json!({
            "metadata": {"name": "web-1", "namespace": "app"},
            "spec": {
                "serviceAccountName": "s3-reader",
                "initContainers": [{"name": "migrate", "env": [{"name": "AWS_ROLE_ARN", "value": "arn:old"}]}],
                "containers": [
                    {"name": "web", "env": [{"name": "A", "value": "b"}, {"name": "AWS_ROLE_ARN", "value": "arn:new"}]},
                    {"name": "sidecar"},
                    {"name": "from-field", "env": [{"name": "AWS_ROLE_ARN", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]}
                ]
            },
            "status": {"phase": "Running"}
        }))
        .unwrap());
        let expected = [("migrate", "arn:old"), ("web", "arn:new")];
        assert_eq!(
            pod.role_arns,
            expected
                .map(|(name, arn)| (name.to_owned(), arn.to_owned()))
                .into()
        );
        assert_eq!(
            (pod.service_account.as_str(), pod.phase.as_str()),
            ("s3-reader", "Running")
        );
        assert_eq!(pod.controller, None);
    }

    #[test]
    fn a_namespace_under_deletion_is_seen() {
        let object = serde_json::from_value(json!({
            "metadata": {"name": "app", "deletionTimestamp": "2026-01-01T00:00:00Z"}, "status": {"phase": "Terminating"}
        }))
        .unwrap();
        assert!(namespace(object).terminating);
    }
}
