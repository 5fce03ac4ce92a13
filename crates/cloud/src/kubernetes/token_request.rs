//! A token of a service account, as the kubelet asks for it on behalf of a pod.

use k8s_openapi::api::{authentication::v1 as authentication, core::v1 as core};
use kube::core::params::PostParams;
use serde_json::json;

use super::{
    KubernetesClient,
    error::Call,
    request::{collection, invalid_request},
};
use eksact_core::ports::{CallError, CallErrorKind, web_identity::WebIdentityToken};

/// The shortest life that the API server gives (`k8s.io/kubernetes` `pkg/apis/authentication/validation`, ten minutes).
const SECONDS: i64 = 600;

impl KubernetesClient {
    /// `TokenRequest` for one audience.
    pub(crate) async fn request_token(
        &self,
        namespace: &str,
        name: &str,
        audience: &str,
    ) -> Result<WebIdentityToken, CallError> {
        let call = Call::new("create", "serviceaccounts/token", format!("{namespace}/{name}"));
        let body = json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"audiences": [audience], "expirationSeconds": SECONDS},
        });
        let request = collection::<core::ServiceAccount>(&call, Some(namespace), Some(name))?
            .create_subresource(
                "token",
                name,
                &PostParams::default(),
                body.to_string().into_bytes(),
            )
            .map_err(|error| invalid_request(&call, &error))?;
        let answer: authentication::TokenRequest = self.send(&call, &request).await?;
        answer
            .status
            .and_then(|status| status.token)
            .filter(|token| !token.is_empty())
            .map(WebIdentityToken::new)
            .ok_or_else(|| call.error(CallErrorKind::Other, "the response has no token".to_owned()))
    }
}
