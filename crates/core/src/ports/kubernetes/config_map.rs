//! ConfigMaps: `aws-auth` and its backups.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    metadata::{Metadata, set, set_metadata, wire},
    object::{Fields, Object, WireError},
    resource::{ApiResource, Names, ObjectKey, Resources},
};

/// A ConfigMap, as far as eksact reads it. `binaryData` is neither read nor written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigMap {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// `metadata.uid`, empty for one that shall be created: a recreated object has another.
    pub uid: String,
    /// `metadata.resourceVersion`, empty for one that shall be created.
    pub resource_version: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// `data`, each value byte for byte.
    pub data: BTreeMap<String, String>,
    /// `immutable: true`: the API server refuses every change of `data`.
    pub immutable: bool,
}

impl Object for ConfigMap {
    const RESOURCES: Resources =
        Resources::Namespaced(ApiResource::core("ConfigMap", "configmaps", Names::Subdomain));

    fn key(&self) -> ObjectKey<'_> {
        ObjectKey::namespaced(&self.namespace, &self.name)
    }

    fn to_wire(&self) -> Value {
        let stamps = (self.uid.as_str(), self.resource_version.as_str());
        let mut wire = wire(self, stamps, &self.labels, &self.annotations);
        set(&mut wire, "data", json!(self.data));
        if self.immutable {
            set(&mut wire, "immutable", true.into());
        }
        wire
    }

    fn from_fields(fields: &mut Fields) -> Result<Self, WireError> {
        let metadata = Metadata::take(fields)?;
        Ok(Self {
            namespace: metadata.namespace.unwrap_or_default(),
            name: metadata.name,
            uid: metadata.uid,
            resource_version: metadata.resource_version,
            labels: metadata.labels,
            annotations: metadata.annotations,
            data: fields.take("/data")?,
            immutable: fields.take("/immutable")?,
        })
    }
}

/// Changes to single keys of a ConfigMap, all in one write: a value sets the key, none removes it. Keys that are not
/// named stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigMapPatch {
    /// Keys of `data`.
    pub data: BTreeMap<String, Option<String>>,
    /// Keys of `metadata.annotations`.
    pub annotations: BTreeMap<String, Option<String>>,
}

impl ConfigMapPatch {
    /// Merge patch (RFC 7386): null removes a key. What it does not name stays, `binaryData` included.
    pub fn to_wire(&self) -> Value {
        let mut patch = json!({});
        if !self.annotations.is_empty() {
            set_metadata(&mut patch, "annotations", json!(self.annotations));
        }
        if !self.data.is_empty() {
            set(&mut patch, "data", json!(self.data));
        }
        patch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patch_names_only_what_it_changes() {
        assert_eq!(ConfigMapPatch::default().to_wire(), json!({}));
        let patch = ConfigMapPatch {
            data: BTreeMap::from([
                ("mapRoles".to_owned(), Some("[]\n".to_owned())),
                ("gone".to_owned(), None),
            ]),
            annotations: BTreeMap::from([("a".to_owned(), None)]),
        };
        assert_eq!(
            patch.to_wire(),
            json!({"metadata": {"annotations": {"a": null}}, "data": {"mapRoles": "[]\n", "gone": null}})
        );
    }
}
