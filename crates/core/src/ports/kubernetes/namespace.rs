//! Namespaces.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    metadata::{SOME_TIME, bare, set, set_metadata},
    object::{Fields, Object, WireError},
    resource::{ApiResource, Names, ObjectKey, Resources},
};

/// A namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespace {
    /// Name.
    pub name: String,
    /// Whether it is being deleted: nothing can be created in it then.
    pub terminating: bool,
}

impl Namespace {
    /// A namespace that shall be created, without labels.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            terminating: false,
        }
    }
}

impl Object for Namespace {
    const RESOURCES: Resources =
        Resources::Cluster(ApiResource::core("Namespace", "namespaces", Names::Label));

    fn key(&self) -> ObjectKey<'_> {
        ObjectKey::cluster(&self.name)
    }

    fn to_wire(&self) -> Value {
        let mut wire = bare(self);
        if self.terminating {
            set_metadata(&mut wire, "deletionTimestamp", SOME_TIME.into());
            set(&mut wire, "status", json!({"phase": "Terminating"}));
        }
        wire
    }

    fn from_fields(fields: &mut Fields) -> Result<Self, WireError> {
        Ok(Self {
            name: fields.required("/metadata/name")?,
            terminating: fields.has("/metadata/deletionTimestamp")
                || fields.take::<String>("/status/phase")? == "Terminating",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespace_under_deletion_is_seen() {
        for wire in [
            json!({"metadata": {"name": "app", "deletionTimestamp": "2026-01-01T00:00:00Z"}}),
            json!({"metadata": {"name": "app"}, "status": {"phase": "Terminating"}}),
        ] {
            let namespace = Namespace::from_wire(wire).unwrap();
            assert!(namespace.terminating);
            assert_eq!(Namespace::from_wire(namespace.to_wire()), Ok(namespace));
        }
    }
}
