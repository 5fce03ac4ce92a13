//! IAM's roles, with their trust and permissions.

use std::collections::BTreeMap;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ports::CallError;

/// How long a session of a role lasts at most where nobody says (IAM's `CreateRole`).
pub const DEFAULT_SESSION_SECONDS: u32 = 3_600;

/// A role with everything that decides what it may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Role {
    /// Name without path.
    pub name: String,
    /// ARN with path.
    pub arn: String,
    /// Unique id `AROA…`: a recreated role has another.
    pub id: String,
    /// `/` or a path.
    pub path: String,
    /// The decoded trust policy.
    pub trust_policy: Value,
    /// ARNs of the attached managed policies.
    pub managed_policy_arns: Vec<String>,
    /// Decoded inline policies by name.
    pub inline_policies: BTreeMap<String, Value>,
    /// ARN of the permissions boundary.
    pub permissions_boundary: Option<String>,
    /// How long a session may last, in seconds; none for [`DEFAULT_SESSION_SECONDS`]. A listing of all roles does not tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_session_seconds: Option<u32>,
    /// Tags, those of CloudFormation (`aws:cloudformation:…`) included.
    pub tags: BTreeMap<String, String>,
}

impl Role {
    /// Whether AWS alone may write its trust policy: a service-linked role, or one of IAM Identity Center.
    pub fn is_reserved(&self) -> bool {
        ["/aws-service-role/", "/aws-reserved/"]
            .iter()
            .any(|path| self.path.starts_with(path))
    }
}

/// A role's trust policy alone (IAM `GetRole`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleTrust {
    /// Unique id `AROA…` of the role: a recreated role has another.
    pub role_id: String,
    /// The decoded document.
    pub policy: Value,
}

/// Reads roles.
#[async_trait]
pub trait RoleReader: Send + Sync {
    /// One role with its policies: IAM `GetRole`, `ListAttachedRolePolicies`, `ListRolePolicies`, `GetRolePolicy`.
    async fn role(&self, name: &str) -> Result<Option<Role>, CallError>;
    /// A role's trust policy and no more: one call, IAM `GetRole`.
    async fn trust_policy(&self, role: &str) -> Result<Option<RoleTrust>, CallError>;
    /// How long a trust policy may be in this account (IAM `GetAccountSummary`, `AssumeRolePolicySizeQuota`); none where IAM
    /// does not say.
    async fn trust_policy_quota(&self) -> Result<Option<usize>, CallError>;
    /// The ARN of a role, with its path; none for one that does not exist. Needs `iam:GetRole` alone.
    async fn role_arn(&self, name: &str) -> Result<Option<String>, CallError>;
    /// How many roles the account has (IAM `GetAccountSummary`), to choose between reading one by one and in bulk.
    async fn role_count(&self) -> Result<u64, CallError>;
    /// Every role of the account with its policies (IAM `GetAccountAuthorizationDetails`, all pages).
    async fn roles(&self) -> Result<Vec<Role>, CallError>;
    /// The ARNs of the account's roles under a path (IAM `ListRoles` with `PathPrefix`, all pages).
    async fn role_arns(&self, path_prefix: &str) -> Result<Vec<String>, CallError>;
}

/// Changes roles directly. Roles are made and deleted by their stacks.
#[async_trait]
pub trait RoleWriter: Send + Sync {
    /// IAM `UpdateAssumeRolePolicy`.
    async fn set_trust_policy(&self, role: &str, document: &Value) -> Result<(), CallError>;
    /// IAM `AttachRolePolicy`.
    async fn attach_role_policy(&self, role: &str, policy_arn: &str) -> Result<(), CallError>;
    /// IAM `DetachRolePolicy`.
    async fn detach_role_policy(&self, role: &str, policy_arn: &str) -> Result<(), CallError>;
    /// IAM `PutRolePolicy`.
    async fn put_role_policy(&self, role: &str, name: &str, document: &Value) -> Result<(), CallError>;
    /// IAM `DeleteRolePolicy`.
    async fn delete_role_policy(&self, role: &str, name: &str) -> Result<(), CallError>;
    /// IAM `PutRolePermissionsBoundary`, or `DeleteRolePermissionsBoundary` for `None`.
    async fn set_permissions_boundary(&self, role: &str, boundary: Option<&str>) -> Result<(), CallError>;
    /// IAM `UpdateRole`: how long a session may last. The description stays.
    async fn set_max_session(&self, role: &str, seconds: u32) -> Result<(), CallError>;
    /// IAM `TagRole`; other tags stay.
    async fn tag_role(&self, role: &str, tags: &BTreeMap<String, String>) -> Result<(), CallError>;
}
