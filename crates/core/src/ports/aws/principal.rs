//! Roles and users of IAM as others refer to them: by an ARN that may be wrong in its path, or be that of a namesake made
//! later.

use async_trait::async_trait;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ports::CallError;

/// A role or user of IAM, by what tells it from others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Principal {
    /// ARN with path.
    pub arn: String,
    /// Unique id, `AROA…` or `AIDA…`: a recreated one has another.
    pub id: String,
    /// When it was made.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
}

/// Reads roles and users of IAM, without their policies.
#[async_trait]
pub trait PrincipalReader: Send + Sync {
    /// The role or user of the caller's account that has the name in this ARN (IAM `GetRole`, `GetUser`), whatever its
    /// path; none where there is none. IAM compares names without case.
    async fn principal(&self, arn: &str) -> Result<Option<Principal>, CallError>;
    /// Every role of the caller's account (IAM `ListRoles`, all pages).
    async fn role_principals(&self) -> Result<Vec<Principal>, CallError>;
}
