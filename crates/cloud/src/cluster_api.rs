//! The cluster's own API, connected to when something first asks for it: a plan that needs no Kubernetes never does.

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use jiff::Timestamp;
use tokio::sync::OnceCell;

use super::kubernetes::{
    BearerToken, ClusterEndpoint, KubeconfigContext, KubernetesClient, NetworkSettings, TokenSource,
};
use eksact_core::ports::{
    CallError, CallErrorKind,
    access::{ConfigMap, ConfigMapPatch, NewConfigMap, RbacBinding, RbacRole, UserInfo},
    aws::AwsReader,
    kubernetes::{
        AccessReview, KubernetesReader, KubernetesWriter, Namespace, Pod, ServiceAccount,
        ServiceAccountMetadata,
    },
    web_identity::WebIdentityToken,
};
use eksact_identity::{
    authn::token::{self, TokenRequest},
    iam::Partition,
};

/// How the API is reached.
#[derive(Clone, Debug)]
pub enum Way {
    /// The endpoint that EKS tells, with tokens signed here.
    Endpoint {
        /// Whose tokens.
        credentials: SharedCredentialsProvider,
        /// Region of the cluster.
        region: String,
    },
    /// A kubeconfig, as kubectl would use it.
    Kubeconfig {
        /// The file; none for the one that kubectl would take.
        path: Option<PathBuf>,
        /// The context; none for the current one.
        context: Option<String>,
    },
    /// The server of a kubeconfig's context, with tokens signed here in place of its user: for callers who may not ask EKS
    /// for the endpoint.
    KubeconfigServer {
        /// As above.
        path: Option<PathBuf>,
        /// As above.
        context: Option<String>,
        /// Whose tokens.
        credentials: SharedCredentialsProvider,
        /// Region of the cluster.
        region: String,
    },
}

/// The API of one cluster.
pub struct ClusterApi {
    cluster: String,
    aws: Arc<dyn AwsReader>,
    way: Way,
    client: OnceCell<KubernetesClient>,
}

impl std::fmt::Debug for ClusterApi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClusterApi")
            .field("cluster", &self.cluster)
            .finish_non_exhaustive()
    }
}

impl ClusterApi {
    /// The API of `cluster`; nothing is connected yet.
    pub fn new(cluster: String, aws: Arc<dyn AwsReader>, way: Way) -> Self {
        Self {
            cluster,
            aws,
            way,
            client: OnceCell::new(),
        }
    }

    /// A token of a service account: `TokenRequest`.
    pub(super) async fn service_account_token(
        &self,
        namespace: &str,
        name: &str,
        audience: &str,
    ) -> Result<WebIdentityToken, CallError> {
        self.client()
            .await?
            .request_token(namespace, name, audience)
            .await
    }

    /// The connection. Only one that stands is kept: what failed once (a call to EKS that was throttled) is tried again
    /// by the next call.
    async fn client(&self) -> Result<&KubernetesClient, CallError> {
        self.client.get_or_try_init(|| self.connect()).await
    }

    async fn connect(&self) -> Result<KubernetesClient, CallError> {
        let network = NetworkSettings::from_variables(|name| std::env::var_os(name)).map_err(|error| {
            CallError::new(
                "kubernetes",
                "connect to the API",
                format!("cluster {}", self.cluster),
                CallErrorKind::Invalid,
                error.to_string(),
            )
        })?;
        match &self.way {
            Way::Kubeconfig { path, context } => {
                let context = KubeconfigContext {
                    path: path.clone(),
                    context: context.clone(),
                };
                KubernetesClient::connect_kubeconfig(&context, &network).await
            }
            Way::KubeconfigServer {
                path,
                context,
                credentials,
                region,
            } => {
                let context = KubeconfigContext {
                    path: path.clone(),
                    context: context.clone(),
                };
                let tokens = signed_tokens(&self.cluster, credentials, region);
                KubernetesClient::connect_kubeconfig_with(&context, tokens, &network).await
            }
            Way::Endpoint { credentials, region } => {
                let cluster = self.aws.cluster(&self.cluster).await?;
                let tokens = signed_tokens(cluster.name_in_tokens(), credentials, region);
                KubernetesClient::connect_cluster(&ClusterEndpoint::of(&cluster)?, tokens, &network)
            }
        }
    }
}

fn signed_tokens(cluster: &str, credentials: &SharedCredentialsProvider, region: &str) -> Arc<SignedTokens> {
    Arc::new(SignedTokens {
        cluster: cluster.to_owned(),
        region: region.to_owned(),
        credentials: credentials.clone(),
    })
}

/// Tokens as `aws eks get-token` makes them, signed in this process.
struct SignedTokens {
    cluster: String,
    region: String,
    credentials: SharedCredentialsProvider,
}

#[async_trait]
impl TokenSource for SignedTokens {
    async fn token(&self) -> Result<BearerToken, CallError> {
        let failed = |message: String| {
            CallError::new(
                "sts",
                "GetCallerIdentity",
                &self.cluster,
                CallErrorKind::Credentials,
                message,
            )
        };
        let credentials = self
            .credentials
            .provide_credentials()
            .await
            .map_err(|error| failed(error.to_string()))?;
        let partition = Partition::of_region(&self.region);
        let sts_host = token::sts_host(partition.as_str(), &self.region)
            .ok_or_else(|| failed(format!("no STS host is known for partition {partition}")))?;
        let request = TokenRequest {
            cluster: &self.cluster,
            region: &self.region,
            sts_host: &sts_host,
            time: Timestamp::now(),
        };
        let token = token::sign(&request, &credentials).map_err(|error| failed(error.to_string()))?;
        Ok(BearerToken::new(token.secret(), Some(token.expires())))
    }
}

#[async_trait]
impl KubernetesReader for ClusterApi {
    async fn server_version(&self) -> Result<String, CallError> {
        self.client().await?.server_version().await
    }

    async fn namespace(&self, name: &str) -> Result<Option<Namespace>, CallError> {
        self.client().await?.namespace(name).await
    }

    async fn namespaces(&self) -> Result<Vec<Namespace>, CallError> {
        self.client().await?.namespaces().await
    }

    async fn service_account(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<ServiceAccount>, CallError> {
        self.client().await?.service_account(namespace, name).await
    }

    async fn service_accounts(&self, namespace: Option<&str>) -> Result<Vec<ServiceAccount>, CallError> {
        self.client().await?.service_accounts(namespace).await
    }

    async fn pods(&self, namespace: &str, service_account: &str) -> Result<Vec<Pod>, CallError> {
        self.client().await?.pods(namespace, service_account).await
    }

    async fn service_account_issuer(&self) -> Result<Option<String>, CallError> {
        self.client().await?.service_account_issuer().await
    }

    async fn may(&self, review: &AccessReview) -> Result<bool, CallError> {
        self.client().await?.may(review).await
    }

    async fn user_info(&self) -> Result<UserInfo, CallError> {
        self.client().await?.user_info().await
    }

    async fn config_map(&self, namespace: &str, name: &str) -> Result<Option<ConfigMap>, CallError> {
        self.client().await?.config_map(namespace, name).await
    }

    async fn config_maps(
        &self,
        namespace: &str,
        label: &str,
        value: &str,
    ) -> Result<Vec<ConfigMap>, CallError> {
        self.client().await?.config_maps(namespace, label, value).await
    }

    async fn rbac_role(&self, namespace: Option<&str>, name: &str) -> Result<Option<RbacRole>, CallError> {
        self.client().await?.rbac_role(namespace, name).await
    }

    async fn rbac_bindings(&self) -> Result<Vec<RbacBinding>, CallError> {
        self.client().await?.rbac_bindings().await
    }
}

#[async_trait]
impl KubernetesWriter for ClusterApi {
    async fn create_namespace(&self, name: &str) -> Result<(), CallError> {
        self.client().await?.create_namespace(name).await
    }

    async fn create_service_account(
        &self,
        metadata: &ServiceAccountMetadata,
    ) -> Result<ServiceAccount, CallError> {
        self.client().await?.create_service_account(metadata).await
    }

    async fn apply_service_account(
        &self,
        metadata: &ServiceAccountMetadata,
        resource_version: &str,
    ) -> Result<ServiceAccount, CallError> {
        self.client()
            .await?
            .apply_service_account(metadata, resource_version)
            .await
    }

    async fn remove_service_account_metadata(
        &self,
        namespace: &str,
        name: &str,
        labels: &[String],
        annotations: &[String],
        resource_version: &str,
    ) -> Result<ServiceAccount, CallError> {
        self.client()
            .await?
            .remove_service_account_metadata(namespace, name, labels, annotations, resource_version)
            .await
    }

    async fn delete_service_account(
        &self,
        namespace: &str,
        name: &str,
        uid: &str,
        resource_version: &str,
    ) -> Result<(), CallError> {
        self.client()
            .await?
            .delete_service_account(namespace, name, uid, resource_version)
            .await
    }

    async fn create_config_map(&self, config_map: &NewConfigMap) -> Result<ConfigMap, CallError> {
        self.client().await?.create_config_map(config_map).await
    }

    async fn patch_config_map(
        &self,
        namespace: &str,
        name: &str,
        patch: &ConfigMapPatch,
        resource_version: &str,
    ) -> Result<ConfigMap, CallError> {
        self.client()
            .await?
            .patch_config_map(namespace, name, patch, resource_version)
            .await
    }

    async fn delete_config_map(
        &self,
        namespace: &str,
        name: &str,
        uid: &str,
        resource_version: &str,
    ) -> Result<(), CallError> {
        self.client()
            .await?
            .delete_config_map(namespace, name, uid, resource_version)
            .await
    }

    async fn create_rbac_role(&self, role: &RbacRole) -> Result<RbacRole, CallError> {
        self.client().await?.create_rbac_role(role).await
    }

    async fn set_rbac_rules(&self, role: &RbacRole) -> Result<RbacRole, CallError> {
        self.client().await?.set_rbac_rules(role).await
    }

    async fn delete_rbac_role(&self, role: &RbacRole) -> Result<(), CallError> {
        self.client().await?.delete_rbac_role(role).await
    }

    async fn create_rbac_binding(&self, binding: &RbacBinding) -> Result<RbacBinding, CallError> {
        self.client().await?.create_rbac_binding(binding).await
    }

    async fn set_rbac_subjects(&self, binding: &RbacBinding) -> Result<RbacBinding, CallError> {
        self.client().await?.set_rbac_subjects(binding).await
    }

    async fn delete_rbac_binding(&self, binding: &RbacBinding) -> Result<(), CallError> {
        self.client().await?.delete_rbac_binding(binding).await
    }
}

#[cfg(test)]
mod tests {
    use aws_credential_types::Credentials;
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    use super::*;
    use eksact_simulator::{Fault, ManualClock, Matching, Rule, Sandbox, Seed, World};

    #[tokio::test]
    async fn a_failed_connection_is_tried_again_and_one_that_stands_is_kept() {
        let mut world = World::seeded(&Seed {
            cluster: "prod".to_owned(),
            region: "us-west-2".to_owned(),
            account: None,
        });
        let authority = rcgen::generate_simple_self_signed(["api".to_owned()]).unwrap();
        for cluster in world.clusters.values_mut() {
            cluster.cluster.certificate_authority_data = Some(STANDARD.encode(authority.cert.pem()));
        }
        let sandbox = Arc::new(Sandbox::in_memory(world, Arc::new(ManualClock::default())));
        let throttled = Fault::ErrorBefore(CallErrorKind::Throttled);
        sandbox.faults().add(Rule::once(
            Matching::Action("DescribeCluster".to_owned()),
            1,
            throttled,
        ));
        let way = Way::Endpoint {
            credentials: SharedCredentialsProvider::new(Credentials::new(
                "AKIAEXAMPLE",
                "s3cret",
                None,
                None,
                "test",
            )),
            region: "us-west-2".to_owned(),
        };
        let api = ClusterApi::new("prod".to_owned(), Arc::clone(&sandbox) as _, way);
        assert_eq!(api.client().await.unwrap_err().kind, CallErrorKind::Throttled);
        assert!(api.client().await.is_ok());
        assert!(api.client().await.is_ok());
        assert_eq!(sandbox.faults().calls().len(), 2);
    }
}
