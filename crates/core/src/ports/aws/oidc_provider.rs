//! IAM's OIDC providers.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::ports::CallError;

/// An IAM OIDC provider (IAM `GetOpenIDConnectProvider`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OidcProvider {
    /// `arn:…:oidc-provider/host/path`.
    pub arn: String,
    /// Host and path; AWS returns it without `https://`, and so does every adapter.
    pub url: String,
    /// Client ids, in the order that IAM returns them.
    pub audiences: Vec<String>,
    /// Lower-case hex SHA-1.
    pub thumbprints: Vec<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// Reads OIDC providers.
#[async_trait]
pub trait OidcProviderReader: Send + Sync {
    /// IAM `GetOpenIDConnectProvider`.
    async fn oidc_provider(&self, arn: &str) -> Result<Option<OidcProvider>, CallError>;
}

/// Changes OIDC providers.
#[async_trait]
pub trait OidcProviderWriter: Send + Sync {
    /// IAM `CreateOpenIDConnectProvider`; gives the ARN. No thumbprint lets IAM compute it.
    async fn create_oidc_provider(
        &self,
        url: &str,
        audiences: &[String],
        thumbprint: Option<&str>,
        tags: &BTreeMap<String, String>,
    ) -> Result<String, CallError>;
    /// IAM `AddClientIDToOpenIDConnectProvider`.
    async fn add_oidc_audience(&self, arn: &str, audience: &str) -> Result<(), CallError>;
    /// IAM `UpdateOpenIDConnectProviderThumbprint`; replaces the list.
    async fn set_oidc_thumbprints(&self, arn: &str, thumbprints: &[String]) -> Result<(), CallError>;
    /// IAM `TagOpenIDConnectProvider`; other tags stay.
    async fn tag_oidc_provider(&self, arn: &str, tags: &BTreeMap<String, String>) -> Result<(), CallError>;
    /// IAM `DeleteOpenIDConnectProvider`.
    async fn delete_oidc_provider(&self, arn: &str) -> Result<(), CallError>;
}
