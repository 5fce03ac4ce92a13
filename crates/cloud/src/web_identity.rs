//! The call that a pod makes, through the real STS and the cluster's real API.

use std::sync::Arc;

use async_trait::async_trait;

use super::{aws::AwsClient, kubernetes::KubernetesClient};
use eksact_core::ports::{
    CallError,
    web_identity::{WebIdentityToken, WebIdentityTrial},
};

/// The account's STS and one cluster.
pub struct WebIdentity {
    /// The account and region.
    pub aws: Arc<AwsClient>,
    /// The cluster's API.
    pub kubernetes: Arc<KubernetesClient>,
}

#[async_trait]
impl WebIdentityTrial for WebIdentity {
    async fn service_account_token(
        &self,
        namespace: &str,
        name: &str,
        audience: &str,
    ) -> Result<WebIdentityToken, CallError> {
        self.kubernetes.request_token(namespace, name, audience).await
    }

    async fn assume_role_with_web_identity(
        &self,
        role: &str,
        token: &WebIdentityToken,
    ) -> Result<String, CallError> {
        self.aws.assume_with_web_identity(role, token).await
    }
}
