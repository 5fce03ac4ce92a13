//! The reading port: which calls give which objects.

use async_trait::async_trait;
use k8s_openapi::api::authorization::v1 as authorization;
use k8s_openapi::api::core::v1 as core;
use kube::core::params::{GetParams, ListParams, PostParams};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{
    KubernetesClient,
    error::{self, Call},
    objects,
    request::{collection, invalid_request},
};
use eksact_core::ports::{
    CallError, CallErrorKind,
    access::{ConfigMap, RbacBinding, RbacRole, UserInfo},
    kubernetes::{AccessReview, KubernetesReader, Namespace, Pod, ServiceAccount},
};

/// Answer of `/version` (`k8s.io/apimachinery` `version.Info`), as far as it is read.
#[derive(Deserialize)]
struct Version {
    #[serde(rename = "gitVersion")]
    git_version: String,
}

/// Where an API server describes the issuer of its tokens (Kubernetes documentation, "Service account issuer
/// discovery").
const ISSUER_DISCOVERY: &str = "/.well-known/openid-configuration";

/// The discovery document (`OpenID` Connect Discovery 1.0, section 3), as far as it is read.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
}

impl KubernetesClient {
    /// One object; none when the API says that there is no such object.
    async fn get<K>(&self, call: &Call, namespace: Option<&str>, name: &str) -> Result<Option<K>, CallError>
    where
        K: kube::Resource<DynamicType = ()> + DeserializeOwned,
    {
        let request = collection::<K>(call, namespace, Some(name))?
            .get(name, &GetParams::default())
            .map_err(|error| invalid_request(call, &error))?;
        match self.send(call, &request).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.kind == CallErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl KubernetesReader for KubernetesClient {
    async fn server_version(&self) -> Result<String, CallError> {
        let call = Call::new("get", "version", "the cluster");
        let request = http::Request::get("/version")
            .body(Vec::new())
            .map_err(|error| call.error(CallErrorKind::Invalid, error.to_string()))?;
        match tokio::time::timeout(self.answer_limit, self.send::<Version>(&call, &request)).await {
            Ok(version) => Ok(version?.git_version),
            Err(_) => Err(error::from_silence(&call, &self.way, self.answer_limit)),
        }
    }

    async fn namespace(&self, name: &str) -> Result<Option<Namespace>, CallError> {
        let call = Call::new("get", "namespaces", name);
        let found = self.get::<core::Namespace>(&call, None, name).await?;
        Ok(found.map(objects::namespace))
    }

    async fn namespaces(&self) -> Result<Vec<Namespace>, CallError> {
        let call = Call::new("list", "namespaces", "the cluster");
        let collection = collection::<core::Namespace>(&call, None, None)?;
        let found = self.list(&call, &collection, &ListParams::default()).await?;
        Ok(found.into_iter().map(objects::namespace).collect())
    }

    async fn service_account(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<ServiceAccount>, CallError> {
        let call = Call::new("get", "serviceaccounts", format!("{namespace}/{name}"));
        let found = self
            .get::<core::ServiceAccount>(&call, Some(namespace), name)
            .await?;
        Ok(found.map(objects::service_account))
    }

    async fn service_accounts(&self, namespace: Option<&str>) -> Result<Vec<ServiceAccount>, CallError> {
        let object = namespace.map_or_else(
            || "the cluster".to_owned(),
            |namespace| format!("namespace {namespace}"),
        );
        let call = Call::new("list", "serviceaccounts", object);
        let collection = collection::<core::ServiceAccount>(&call, namespace, None)?;
        let found = self.list(&call, &collection, &ListParams::default()).await?;
        Ok(found.into_iter().map(objects::service_account).collect())
    }

    async fn pods(&self, namespace: &str, service_account: &str) -> Result<Vec<Pod>, CallError> {
        let call = Call::new("list", "pods", format!("namespace {namespace}"));
        // The name is checked as those in paths are: a comma would begin another selector.
        let collection = collection::<core::Pod>(&call, Some(namespace), Some(service_account))?;
        let selected = ListParams::default().fields(&format!("spec.serviceAccountName={service_account}"));
        let found = self.list(&call, &collection, &selected).await?;
        Ok(found.into_iter().map(objects::pod).collect())
    }

    async fn service_account_issuer(&self) -> Result<Option<String>, CallError> {
        let call = Call::new("get", ISSUER_DISCOVERY, "the cluster");
        let request = http::Request::get(ISSUER_DISCOVERY)
            .body(Vec::new())
            .map_err(|error| call.error(CallErrorKind::Invalid, error.to_string()))?;
        let document: Option<Discovery> = self.send_unless_withheld(&call, &request).await?;
        Ok(document.map(|document| document.issuer))
    }

    async fn may(&self, review: &AccessReview) -> Result<bool, CallError> {
        let object = format!(
            "{} {} in {}",
            review.verb,
            review.resource,
            review.namespace.as_deref().unwrap_or("the cluster")
        );
        let call = Call::new("create", "selfsubjectaccessreviews", object);
        let question = authorization::SelfSubjectAccessReview {
            spec: authorization::SelfSubjectAccessReviewSpec {
                resource_attributes: Some(authorization::ResourceAttributes {
                    verb: Some(review.verb.clone()),
                    group: Some(review.group.clone()),
                    resource: Some(review.resource.clone()),
                    namespace: review.namespace.clone(),
                    ..Default::default()
                }),
                ..Default::default()
            },
            ..Default::default()
        };
        let body = serde_json::to_vec(&question)
            .map_err(|error| call.error(CallErrorKind::Invalid, error.to_string()))?;
        let request = collection::<authorization::SelfSubjectAccessReview>(&call, None, None)?
            .create(&PostParams::default(), body)
            .map_err(|error| invalid_request(&call, &error))?;
        let answer: authorization::SelfSubjectAccessReview = self.send(&call, &request).await?;
        Ok(answer.status.is_some_and(|status| status.allowed))
    }

    async fn user_info(&self) -> Result<UserInfo, CallError> {
        self.read_user_info().await
    }

    async fn config_map(&self, namespace: &str, name: &str) -> Result<Option<ConfigMap>, CallError> {
        self.read_config_map(namespace, name).await
    }

    async fn config_maps(
        &self,
        namespace: &str,
        label: &str,
        value: &str,
    ) -> Result<Vec<ConfigMap>, CallError> {
        self.read_config_maps(namespace, label, value).await
    }

    async fn rbac_role(&self, namespace: Option<&str>, name: &str) -> Result<Option<RbacRole>, CallError> {
        self.read_rbac_role(namespace, name).await
    }

    async fn rbac_bindings(&self) -> Result<Vec<RbacBinding>, CallError> {
        self.read_rbac_bindings().await
    }
}
