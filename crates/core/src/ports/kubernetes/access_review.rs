//! `SelfSubjectAccessReview`: whether the caller may.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::object::{Fields, WireError};

/// A question to the access review API: may the caller do this?
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AccessReview {
    /// `create`, `patch`, `delete`, …
    pub verb: String,
    /// API group, empty for the core group.
    pub group: String,
    /// Plural, lower case: `serviceaccounts`.
    pub resource: String,
    /// Namespace, none for cluster-wide resources.
    pub namespace: Option<String>,
}

impl AccessReview {
    /// The collection of the API that answers it.
    pub const PATH: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

    /// The question as the API reads it.
    pub fn to_wire(&self) -> Value {
        let mut attributes = json!({"verb": self.verb, "group": self.group, "resource": self.resource});
        if let (Some(namespace), Some(fields)) = (&self.namespace, attributes.as_object_mut()) {
            fields.insert("namespace".to_owned(), namespace.as_str().into());
        }
        json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        })
    }

    /// What the API answered.
    ///
    /// # Errors
    /// When that is no answer to an access review.
    pub fn is_allowed(answer: Value) -> Result<bool, WireError> {
        Fields::new("SelfSubjectAccessReview", answer).take("/status/allowed")
    }
}
