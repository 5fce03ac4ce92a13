//! The call that a pod makes to get its role, made on request: a token of the service account, then
//! `sts:AssumeRoleWithWebIdentity`.
//!
//! Neither changes anything, and yet neither is a reader's: a plan has no use for credentials. What STS gives is thrown
//! away in the adapter; only its words come out.

use std::fmt;

use async_trait::async_trait;

use super::CallError;

/// A token of a service account. Its `Debug` shows no token.
#[derive(Clone, PartialEq, Eq)]
pub struct WebIdentityToken(String);

impl WebIdentityToken {
    /// A token, as it stands in the file of a pod.
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    /// The token itself, for the call.
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for WebIdentityToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("WebIdentityToken")
    }
}

/// Makes the call of a pod.
#[async_trait]
pub trait WebIdentityTrial: Send + Sync {
    /// A token of a service account for an audience, of the shortest life that Kubernetes gives (ten minutes):
    /// `TokenRequest` of `authentication.k8s.io/v1`.
    async fn service_account_token(
        &self,
        namespace: &str,
        name: &str,
        audience: &str,
    ) -> Result<WebIdentityToken, CallError>;

    /// Asks STS for the role, and gives the ARN of the session that it opened.
    async fn assume_role_with_web_identity(
        &self,
        role: &str,
        token: &WebIdentityToken,
    ) -> Result<String, CallError>;
}
