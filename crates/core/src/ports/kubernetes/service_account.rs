//! Service accounts, and who set which of their labels and annotations.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    metadata::{Metadata, SOME_TIME, set_metadata, wire},
    object::{Fields, Object, WireError},
    resource::{ApiResource, Names, ObjectKey, Resources},
};

/// Metadata that belongs to one field manager (`metadata.managedFields`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldManager {
    /// Name of the manager.
    pub manager: String,
    /// `Apply` or `Update`.
    pub operation: String,
    /// Keys of `metadata.labels` that it owns.
    pub labels: BTreeSet<String>,
    /// Keys of `metadata.annotations` that it owns.
    pub annotations: BTreeSet<String>,
}

/// A service account, as far as eksact reads it. Secrets, imagePullSecrets and the rest are neither read nor written.
/// One that shall be created or applied has its labels and annotations only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceAccount {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// `metadata.uid`: a recreated object has another.
    pub uid: String,
    /// `metadata.resourceVersion`.
    pub resource_version: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// Who set which of them.
    pub field_managers: Vec<FieldManager>,
    /// Whether it is being deleted.
    pub terminating: bool,
}

impl ServiceAccount {
    /// The merge patch that removes these labels and annotations.
    pub fn removal(labels: &[String], annotations: &[String]) -> Value {
        let mut patch = json!({});
        for (field, keys) in [("labels", labels), ("annotations", annotations)] {
            if !keys.is_empty() {
                let removed = keys.iter().map(|key| (key.clone(), Value::Null)).collect();
                set_metadata(&mut patch, field, Value::Object(removed));
            }
        }
        patch
    }
}

impl Object for ServiceAccount {
    const RESOURCES: Resources = Resources::Namespaced(ApiResource::core(
        "ServiceAccount",
        "serviceaccounts",
        Names::Subdomain,
    ));

    fn key(&self) -> ObjectKey<'_> {
        ObjectKey::namespaced(&self.namespace, &self.name)
    }

    fn to_wire(&self) -> Value {
        let stamps = (self.uid.as_str(), self.resource_version.as_str());
        let mut wire = wire(self, stamps, &self.labels, &self.annotations);
        if !self.field_managers.is_empty() {
            let managed: Value = self.field_managers.iter().map(managed_fields).collect();
            set_metadata(&mut wire, "managedFields", managed);
        }
        if self.terminating {
            set_metadata(&mut wire, "deletionTimestamp", SOME_TIME.into());
        }
        wire
    }

    fn from_fields(fields: &mut Fields) -> Result<Self, WireError> {
        let metadata = Metadata::take(fields)?;
        let managed: Vec<ManagedFields> = fields.take("/metadata/managedFields")?;
        Ok(Self {
            namespace: metadata.namespace.unwrap_or_default(),
            name: metadata.name,
            uid: metadata.uid,
            resource_version: metadata.resource_version,
            labels: metadata.labels,
            annotations: metadata.annotations,
            field_managers: managed.into_iter().map(field_manager).collect(),
            terminating: fields.has("/metadata/deletionTimestamp"),
        })
    }
}

/// An entry of `metadata.managedFields`. A manager may have several, for `Apply` and for `Update`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ManagedFields {
    manager: Option<String>,
    operation: Option<String>,
    fields_v1: Option<Value>,
}

fn field_manager(entry: ManagedFields) -> FieldManager {
    let owned = |pointer| owned_keys(entry.fields_v1.as_ref(), pointer);
    FieldManager {
        labels: owned("/f:metadata/f:labels"),
        annotations: owned("/f:metadata/f:annotations"),
        manager: entry.manager.unwrap_or_default(),
        operation: entry.operation.unwrap_or_default(),
    }
}

/// The keys of one map in `FieldsV1` form: `f:` before each key, and `.` for the map itself
/// (`sigs.k8s.io/structured-merge-diff`, `fieldpath/serialize-pe.go`).
fn owned_keys(fields: Option<&Value>, pointer: &str) -> BTreeSet<String> {
    fields
        .and_then(|fields| fields.pointer(pointer))
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|keys| keys.keys())
        .filter_map(|key| key.strip_prefix("f:"))
        .map(ToOwned::to_owned)
        .collect()
}

fn managed_fields(manager: &FieldManager) -> Value {
    let keys = |keys: &BTreeSet<String>| -> Map<String, Value> {
        keys.iter().map(|key| (format!("f:{key}"), json!({}))).collect()
    };
    json!({
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        "manager": manager.manager,
        "operation": manager.operation,
        "fieldsV1": {"f:metadata": {
            "f:annotations": keys(&manager.annotations),
            "f:labels": keys(&manager.labels),
        }},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(keys: &[&str]) -> BTreeSet<String> {
        keys.iter().map(ToString::to_string).collect()
    }

    /// As eksctl 0.231 left it, then with an annotation that kubectl applied.
    #[test]
    fn field_managers_tell_who_set_what() {
        let account = ServiceAccount::from_wire(json!({
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
        assert_eq!(ServiceAccount::from_wire(account.to_wire()), Ok(account));
    }
}
