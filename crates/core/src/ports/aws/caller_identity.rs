//! Who calls.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::ports::CallError;

/// Who the caller is (STS `GetCallerIdentity`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerIdentity {
    /// Twelve digits.
    pub account: String,
    /// For an assumed role the `sts` ARN with the session name.
    pub arn: String,
    /// The unique id, with the session name after a colon for roles.
    pub user_id: String,
}

/// Reads who calls.
#[async_trait]
pub trait CallerIdentityReader: Send + Sync {
    /// STS `GetCallerIdentity`.
    async fn caller_identity(&self) -> Result<CallerIdentity, CallError>;
}
