//! Bindings of RBAC: `RoleBinding` and `ClusterRoleBinding` have the same form, so one type serves both.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    metadata::{Metadata, set, wire},
    object::{Fields, Object, WireError},
    resource::{ApiResource, ObjectKey, RBAC, Resources},
};

/// Whom a binding names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Subject {
    /// `Group`, `User` or `ServiceAccount`.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Namespace of a service account.
    pub namespace: Option<String>,
}

/// A `RoleBinding` (with a namespace) or a `ClusterRoleBinding` (without).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RbacBinding {
    /// Namespace; none for a `ClusterRoleBinding`.
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
    /// `metadata.uid`, empty for one that shall be created.
    pub uid: String,
    /// `metadata.resourceVersion`, empty for one that shall be created.
    pub resource_version: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// `roleRef.kind`: `Role` or `ClusterRole`. A binding's reference can never be changed.
    pub role_kind: String,
    /// `roleRef.name`.
    pub role_name: String,
    /// Subjects, in their order.
    pub subjects: Vec<Subject>,
}

impl RbacBinding {
    /// The merge patch that sets the subjects and nothing else.
    pub fn subjects_patch(&self) -> Value {
        json!({"subjects": subjects(&self.subjects)})
    }
}

impl Object for RbacBinding {
    const RESOURCES: Resources = Resources::Both {
        namespaced: ApiResource::rbac("RoleBinding", "rolebindings"),
        cluster: ApiResource::rbac("ClusterRoleBinding", "clusterrolebindings"),
    };

    fn key(&self) -> ObjectKey<'_> {
        ObjectKey::new(self.namespace.as_deref(), &self.name)
    }

    fn to_wire(&self) -> Value {
        let stamps = (self.uid.as_str(), self.resource_version.as_str());
        let mut wire = wire(self, stamps, &self.labels, &self.annotations);
        let role = json!({"apiGroup": RBAC, "kind": self.role_kind, "name": self.role_name});
        set(&mut wire, "roleRef", role);
        set(&mut wire, "subjects", subjects(&self.subjects));
        wire
    }

    fn from_fields(fields: &mut Fields) -> Result<Self, WireError> {
        let metadata = Metadata::take(fields)?;
        // One that binds nobody has no subjects.
        let mut subjects: Vec<Subject> = fields.take("/subjects")?;
        for subject in &mut subjects {
            subject.namespace.take_if(|namespace| namespace.is_empty());
        }
        Ok(Self {
            namespace: metadata.namespace,
            name: metadata.name,
            uid: metadata.uid,
            resource_version: metadata.resource_version,
            labels: metadata.labels,
            annotations: metadata.annotations,
            role_kind: fields.required("/roleRef/kind")?,
            role_name: fields.required("/roleRef/name")?,
            subjects,
        })
    }
}

/// Subjects in the API's form. Users and groups belong to the group of RBAC, service accounts to the core one, whose
/// name is empty and left out.
fn subjects(subjects: &[Subject]) -> Value {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binding_without_subjects_is_read() {
        let system_node = RbacBinding::from_wire(json!({
            "metadata": {"name": "system:node"}, "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "system:node"}
        }))
        .unwrap();
        assert_eq!(system_node.subjects, []);
    }

    #[test]
    fn subjects_go_out_as_they_come_in() {
        let subjects = json!([
            {"kind": "Group", "name": "deployers", "apiGroup": RBAC},
            {"kind": "ServiceAccount", "name": "ci", "namespace": "app"},
        ]);
        let binding = RbacBinding::from_wire(json!({
            "kind": "RoleBinding", "metadata": {"name": "b", "namespace": "app"},
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "r"}, "subjects": subjects
        }))
        .unwrap();
        assert_eq!(binding.to_wire()["subjects"], subjects);
        assert_eq!(binding.subjects_patch(), json!({"subjects": subjects}));
        assert_eq!(RbacBinding::from_wire(binding.to_wire()), Ok(binding));
    }
}
