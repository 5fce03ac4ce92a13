//! All of an account's IAM that says who may do what: roles, users, groups, and the managed policies that they have.

use std::collections::BTreeMap;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Role;
use crate::ports::CallError;

/// A user with everything that decides what it may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// ARN with path.
    pub arn: String,
    /// Names of its groups.
    pub groups: Vec<String>,
    /// ARNs of the attached managed policies.
    pub managed_policy_arns: Vec<String>,
    /// Decoded inline policies by name.
    pub inline_policies: BTreeMap<String, Value>,
    /// ARN of the permissions boundary.
    pub permissions_boundary: Option<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// A group of users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// Name without path.
    pub name: String,
    /// Its ARN, with its path; none in a snapshot of an eksact that did not read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// ARNs of the attached managed policies.
    pub managed_policy_arns: Vec<String>,
    /// Decoded inline policies by name.
    pub inline_policies: BTreeMap<String, Value>,
}

/// What `GetAccountAuthorizationDetails` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthorizationDetails {
    /// Every role.
    pub roles: Vec<Role>,
    /// Every user.
    pub users: Vec<User>,
    /// Every group.
    pub groups: Vec<Group>,
    /// The default version of the managed policies, by ARN: those of the account, and those of AWS that are attached.
    pub policies: BTreeMap<String, Value>,
}

/// Reads the whole of an account's IAM.
#[async_trait]
pub trait AuthorizationDetailsReader: Send + Sync {
    /// IAM `GetAccountAuthorizationDetails`, all pages.
    async fn authorization_details(&self) -> Result<AuthorizationDetails, CallError>;
}
