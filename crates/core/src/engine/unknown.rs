//! Values that only another step will tell: which object and which attribute they come from, and how they are filled
//! in while a plan is carried out.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Address;

/// Where a value will come from: an attribute of an object of the same plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Unknown {
    /// The object that will tell it.
    pub address: Address,
    /// The attribute, in people's words: `ARN`.
    pub attribute: String,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.attribute, self.address)
    }
}

/// A value in an operation that may not be known yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Deferred<T> {
    /// Known only after another step. Tried first when read, so that a known value never looks like it.
    Unknown {
        /// Where it comes from.
        #[serde(rename = "$unknown")]
        unknown: Unknown,
    },
    /// Known while planning.
    Known(T),
}

impl<T> Deferred<T> {
    /// The value, once known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown { .. } => None,
        }
    }
}

impl<T> From<Unknown> for Deferred<T> {
    fn from(unknown: Unknown) -> Self {
        Self::Unknown { unknown }
    }
}

/// The name of the field that stands for one, in [`Deferred::Unknown`].
const UNKNOWN: &str = "$unknown";

/// What finished steps have told, by object and attribute.
#[derive(Debug, Default)]
pub struct Outputs(Mutex<BTreeMap<Unknown, Value>>);

impl Outputs {
    /// Keeps the attributes that a step of `address` told.
    pub fn record(&self, address: &Address, attributes: BTreeMap<String, Value>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (attribute, value) in attributes {
            known.insert(
                Unknown {
                    address: address.clone(),
                    attribute,
                },
                value,
            );
        }
    }

    /// `operation` with every unknown value filled in, or the first one that nobody told.
    pub fn resolve<'plan>(&self, operation: &'plan Value) -> Result<Cow<'plan, Value>, Unknown> {
        if !has_unknown(operation) {
            return Ok(Cow::Borrowed(operation));
        }
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        fill(operation, &known).map(Cow::Owned)
    }
}

fn has_unknown(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.contains_key(UNKNOWN) || fields.values().any(has_unknown),
        Value::Array(items) => items.iter().any(has_unknown),
        _ => false,
    }
}

fn fill(value: &Value, known: &BTreeMap<Unknown, Value>) -> Result<Value, Unknown> {
    match value {
        Value::Object(fields) => {
            if let (1, Some(reference)) = (fields.len(), fields.get(UNKNOWN))
                && let Ok(unknown) = serde_json::from_value::<Unknown>(reference.clone())
            {
                return known.get(&unknown).cloned().ok_or(unknown);
            }
            fields
                .iter()
                .map(|(key, value)| Ok((key.clone(), fill(value, known)?)))
                .collect::<Result<_, _>>()
                .map(Value::Object)
        }
        Value::Array(items) => items
            .iter()
            .map(|item| fill(item, known))
            .collect::<Result<_, _>>()
            .map(Value::Array),
        plain => Ok(plain.clone()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn operation_is_filled_in_from_what_steps_told() {
        let role = Address::new("iam-role", "app/reader");
        let unknown = Unknown {
            address: role.clone(),
            attribute: "ARN".to_owned(),
        };
        let operation = json!({
            "annotations": {"role": Deferred::<String>::from(unknown.clone()), "owner": Deferred::Known("me")},
        });
        let outputs = Outputs::default();
        assert_eq!(outputs.resolve(&operation), Err(unknown));
        outputs.record(
            &role,
            BTreeMap::from([("ARN".to_owned(), json!("arn:aws:iam::1:role/x"))]),
        );
        assert_eq!(
            outputs.resolve(&operation),
            Ok(Cow::Owned(
                json!({"annotations": {"role": "arn:aws:iam::1:role/x", "owner": "me"}})
            ))
        );
    }
}
