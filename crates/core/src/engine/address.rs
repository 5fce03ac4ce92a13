//! Names of objects in a plan: `kind/name`.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The address of an object: its kind and, after the first slash, its name (`iam-role/app/s3-reader`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    kind: String,
    name: String,
}

impl Address {
    /// The address of the object `name` of `kind`; a kind has no slash in it.
    pub fn new(kind: &str, name: impl Into<String>) -> Self {
        debug_assert!(!kind.contains('/'), "a kind has no slash");
        Self {
            kind: kind.to_owned(),
            name: name.into(),
        }
    }

    /// The kind: what stands before the first slash.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The name: what stands after the first slash; it may have slashes of its own.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

impl JsonSchema for Address {
    fn schema_name() -> Cow<'static, str> {
        "Address".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[^/]+/",
            "description": "The address of an object: its kind and, after the first slash, its name.",
        })
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (kind, name) = text
            .split_once('/')
            .ok_or_else(|| D::Error::custom(format!("`{text}` is not an address")))?;
        Ok(Self {
            kind: kind.to_owned(),
            name: name.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_keeps_its_slashes_through_json() {
        let address = Address::new("iam-role", "app/s3-reader");
        let json = serde_json::to_string(&address).unwrap();
        assert_eq!(json, r#""iam-role/app/s3-reader""#);
        assert_eq!(serde_json::from_str::<Address>(&json).unwrap(), address);
        assert!(serde_json::from_str::<Address>(r#""nothing""#).is_err());
    }
}
