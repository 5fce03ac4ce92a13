//! `metadata`, which all objects have alike.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    object::{Fields, Object, WireError},
    resource::ObjectKey,
};

/// What stands for the time at which an object was deleted: it is not kept, only that it happened.
pub(super) const SOME_TIME: &str = "1970-01-01T00:00:00Z";

/// The fields of `metadata` that most kinds keep.
pub(super) struct Metadata {
    pub(super) namespace: Option<String>,
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) resource_version: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
}

impl Metadata {
    pub(super) fn take(fields: &mut Fields) -> Result<Self, WireError> {
        Ok(Self {
            name: fields.required("/metadata/name")?,
            namespace: fields
                .take::<Option<String>>("/metadata/namespace")?
                .filter(|namespace| !namespace.is_empty()),
            uid: fields.take("/metadata/uid")?,
            resource_version: fields.take("/metadata/resourceVersion")?,
            labels: fields.take("/metadata/labels")?,
            annotations: fields.take("/metadata/annotations")?,
        })
    }
}

/// An object with these labels and annotations. Empty maps are left out: server-side apply would own them.
pub(super) fn wire<O: Object>(
    object: &O,
    (uid, resource_version): (&str, &str),
    labels: &BTreeMap<String, String>,
    annotations: &BTreeMap<String, String>,
) -> Value {
    let mut wire = bare(object);
    for (field, value) in [("uid", uid), ("resourceVersion", resource_version)] {
        if !value.is_empty() {
            set_metadata(&mut wire, field, value.into());
        }
    }
    for (field, map) in [("labels", labels), ("annotations", annotations)] {
        if !map.is_empty() {
            set_metadata(&mut wire, field, json!(map));
        }
    }
    wire
}

/// An object with nothing but its name.
pub(super) fn bare<O: Object>(object: &O) -> Value {
    let ObjectKey { namespace, name } = object.key();
    let resource = O::RESOURCES.of(namespace);
    let mut metadata = Map::from_iter([("name".to_owned(), name.into())]);
    if let Some(namespace) = namespace {
        metadata.insert("namespace".to_owned(), namespace.into());
    }
    json!({"apiVersion": resource.api_version(), "kind": resource.kind, "metadata": metadata})
}

/// Sets a field of an object.
pub(super) fn set(wire: &mut Value, field: &str, value: Value) {
    if let Some(fields) = wire.as_object_mut() {
        fields.insert(field.to_owned(), value);
    }
}

/// Sets a field of the `metadata` of an object or of a patch.
pub fn set_metadata(wire: &mut Value, field: &str, value: Value) {
    if let Some(fields) = wire.as_object_mut() {
        set(
            fields
                .entry("metadata")
                .or_insert_with(|| Value::Object(Map::new())),
            field,
            value,
        );
    }
}
