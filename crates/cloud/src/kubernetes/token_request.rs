//! A token of a service account, as the kubelet asks for it on behalf of a pod.

use serde_json::{Value, json};

use super::{KubernetesClient, error::Call, verbs::object_path};
use eksact_core::ports::{
    CallError, CallErrorKind,
    kubernetes::{Object as _, ObjectKey, ServiceAccount},
    web_identity::WebIdentityToken,
};

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
        let key = ObjectKey::namespaced(namespace, name);
        let call = Call::new("create", "serviceaccounts/token", key.to_string());
        let body = json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"audiences": [audience], "expirationSeconds": SECONDS},
        });
        let path = object_path(&call, ServiceAccount::RESOURCES.of(key.namespace), key)?;
        let answer = self.ask(&call, &format!("{path}/token"), &body).await?;
        answer
            .pointer("/status/token")
            .and_then(Value::as_str)
            .filter(|token| !token.is_empty())
            .map(WebIdentityToken::new)
            .ok_or_else(|| call.error(CallErrorKind::Other, "the response has no token".to_owned()))
    }
}
