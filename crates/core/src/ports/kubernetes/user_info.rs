//! `SelfSubjectReview`: who the caller is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::object::{Fields, WireError};

/// Who the caller is to the API server (`SelfSubjectReview`, `authentication.k8s.io/v1`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserInfo {
    /// User name.
    pub username: String,
    /// Groups, `system:authenticated` among them.
    pub groups: Vec<String>,
    /// `extra`: the authenticator tells `arn`, `canonicalArn`, `sessionName`, `accessKeyId` there.
    pub extra: BTreeMap<String, Vec<String>>,
}

impl UserInfo {
    /// The collection of the API that says it.
    pub const PATH: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

    /// The question as the API reads it.
    pub fn question() -> Value {
        json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"})
    }

    /// What the API answered.
    ///
    /// # Errors
    /// When that does not say who the caller is.
    pub fn from_wire(answer: Value) -> Result<Self, WireError> {
        let mut fields = Fields::new("SelfSubjectReview", answer);
        Ok(Self {
            username: fields.required("/status/userInfo/username")?,
            groups: fields.take("/status/userInfo/groups")?,
            extra: fields.take("/status/userInfo/extra")?,
        })
    }
}
