//! What a kind of object must say about itself, and how its JSON is read: field by field, so that an error names the
//! field and never quotes a value, which may be secret.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::resource::{ObjectKey, Resources};

/// A kind of object.
pub trait Object: Sized + Send + Sync {
    /// Where the API keeps it.
    const RESOURCES: Resources;

    /// Which object it is.
    fn key(&self) -> ObjectKey<'_>;

    /// The object as the API writes it. What only the server sets is left out where it is empty, so that this is the
    /// body that makes a new object, too.
    fn to_wire(&self) -> Value;

    /// Reads the fields that matter here.
    fn from_fields(fields: &mut Fields) -> Result<Self, WireError>;

    /// The object that the API wrote.
    fn from_wire(value: Value) -> Result<Self, WireError> {
        let kinds = Self::RESOURCES.kinds();
        let mut fields = Fields::new(kinds[0], value);
        // An item of a list has no kind of its own.
        let kind: String = fields.take("/kind")?;
        if !kind.is_empty() && !kinds.contains(&kind.as_str()) {
            return Err(fields.error("/kind", "is of another object"));
        }
        Self::from_fields(&mut fields)
    }
}

/// JSON that is not the object which it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} of a {kind} {problem}")]
pub struct WireError {
    /// `ServiceAccount`.
    pub kind: &'static str,
    /// `metadata.labels`.
    pub field: String,
    /// `is missing`.
    pub problem: &'static str,
}

/// The JSON of an object, of which fields are taken out by their pointers (RFC 6901).
#[derive(Debug)]
pub struct Fields {
    kind: &'static str,
    value: Value,
}

impl Fields {
    pub(super) fn new(kind: &'static str, value: Value) -> Self {
        Self { kind, value }
    }

    /// A field; the default where it is absent or null, which Go's encoder writes for an empty list.
    pub(super) fn take<T: DeserializeOwned + Default>(&mut self, pointer: &str) -> Result<T, WireError> {
        Ok(self.find(pointer)?.unwrap_or_default())
    }

    /// A text that every such object has.
    pub(super) fn required(&mut self, pointer: &str) -> Result<String, WireError> {
        self.find(pointer)?
            .filter(|text: &String| !text.is_empty())
            .ok_or_else(|| self.error(pointer, "is missing"))
    }

    /// Whether a field is there.
    pub(super) fn has(&self, pointer: &str) -> bool {
        self.value.pointer(pointer).is_some_and(|value| !value.is_null())
    }

    fn find<T: DeserializeOwned>(&mut self, pointer: &str) -> Result<Option<T>, WireError> {
        match self.value.pointer_mut(pointer).map(Value::take) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => serde_json::from_value(value)
                .map(Some)
                .map_err(|_| self.error(pointer, "is of another type than Kubernetes gives it")),
        }
    }

    fn error(&self, pointer: &str, problem: &'static str) -> WireError {
        WireError {
            kind: self.kind,
            field: pointer.trim_start_matches('/').replace('/', "."),
            problem,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ports::kubernetes::{ConfigMap, RbacBinding, RbacRole, ServiceAccount};

    fn problem<T: Object + std::fmt::Debug>(value: Value) -> String {
        T::from_wire(value).unwrap_err().to_string()
    }

    #[test]
    fn error_names_the_field_and_quotes_nothing() {
        let named = |extra: Value| {
            let mut object = json!({"metadata": {"name": "a", "namespace": "app"}});
            object
                .as_object_mut()
                .unwrap()
                .extend(extra.as_object().unwrap().clone());
            object
        };
        for (problem, expected) in [
            (
                problem::<ServiceAccount>(json!("secret")),
                "metadata.name of a ServiceAccount is missing",
            ),
            (
                problem::<ServiceAccount>(json!({"kind": "Status", "metadata": {}})),
                "kind of a ServiceAccount is of another object",
            ),
            (
                problem::<ServiceAccount>(json!({"metadata": {"name": "a", "labels": "secret"}})),
                "metadata.labels of a ServiceAccount is of another type than Kubernetes gives it",
            ),
            (
                problem::<ConfigMap>(named(json!({"data": {"mapRoles": ["secret"]}}))),
                "data of a ConfigMap is of another type than Kubernetes gives it",
            ),
            (
                problem::<RbacRole>(named(json!({"rules": [{"verbs": "secret"}]}))),
                "rules of a Role is of another type than Kubernetes gives it",
            ),
            (
                problem::<RbacBinding>(named(json!({"roleRef": {"kind": "Role"}}))),
                "roleRef.name of a RoleBinding is missing",
            ),
        ] {
            assert_eq!(problem, expected);
        }
    }
}
