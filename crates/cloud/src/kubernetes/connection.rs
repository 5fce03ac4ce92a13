//! How a cluster's API is reached, and the tokens that are signed for it in this process.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use jiff::Timestamp;

use super::{
    BearerToken, ClusterEndpoint, KubeconfigContext, NetworkSettings, TokenSource, Transport,
    connect::connecting,
};
use eksact_core::ports::{
    CallError, CallErrorKind,
    aws::{AwsReader, Cluster},
};
use eksact_identity::{
    authn::token::{self, TokenRequest},
    iam::Partition,
};

/// How the API is reached.
#[derive(Clone)]
pub enum Connection {
    /// The endpoint that EKS tells, with tokens signed here.
    Endpoint {
        /// Who asks EKS for the endpoint.
        aws: Arc<dyn AwsReader>,
        /// Whose tokens.
        credentials: SharedCredentialsProvider,
        /// Region of the cluster.
        region: String,
    },
    /// A kubeconfig, as kubectl would use it.
    Kubeconfig(KubeconfigContext),
    /// The server of a kubeconfig's context, with tokens signed here in place of its user: for callers who may not ask EKS
    /// for the endpoint.
    KubeconfigServer {
        /// Where the server is named.
        context: KubeconfigContext,
        /// Whose tokens.
        credentials: SharedCredentialsProvider,
        /// Region of the cluster.
        region: String,
    },
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection")
    }
}

impl Connection {
    /// Connects to the API of `cluster`; EKS is asked for the endpoint where it is not known, and once.
    pub(super) async fn open(
        &self,
        cluster: &str,
        known: &OnceLock<Cluster>,
    ) -> Result<Transport, CallError> {
        let network = NetworkSettings::from_variables(|name| std::env::var_os(name)).map_err(|error| {
            connecting(&format!("cluster {cluster}")).error(CallErrorKind::Invalid, error.to_string())
        })?;
        match self {
            Self::Kubeconfig(context) => Transport::connect_kubeconfig(context, &network).await,
            Self::KubeconfigServer {
                context,
                credentials,
                region,
            } => {
                let tokens = signed_tokens(cluster, credentials, region);
                Transport::connect_kubeconfig_with(context, tokens, &network).await
            }
            Self::Endpoint {
                aws,
                credentials,
                region,
            } => {
                let cluster = match known.get() {
                    Some(cluster) => cluster,
                    None => {
                        // Kept also of one that is being created and has no endpoint yet: in one run it will have none.
                        let cluster = aws.cluster(cluster).await?;
                        known.get_or_init(|| cluster)
                    }
                };
                let tokens = signed_tokens(cluster.name_in_tokens(), credentials, region);
                Transport::connect_cluster(&ClusterEndpoint::of(cluster)?, tokens, &network)
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

#[cfg(test)]
mod tests {
    use aws_credential_types::Credentials;
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    use super::*;
    use crate::kubernetes::KubernetesClient;
    use eksact_core::ports::{aws::ClusterReader as _, kubernetes::KubernetesReader as _};
    use eksact_simulator::{Fault, ManualClock, Matching, Rule, Sandbox, Seed, World};

    fn api_of(sandbox: &Arc<Sandbox>) -> KubernetesClient {
        let credentials = Credentials::new("AKIAEXAMPLE", "s3cret", None, None, "test");
        let connection = Connection::Endpoint {
            aws: Arc::clone(sandbox) as _,
            credentials: SharedCredentialsProvider::new(credentials),
            region: "us-west-2".to_owned(),
        };
        KubernetesClient::new("prod".to_owned(), connection)
    }

    #[tokio::test]
    async fn cluster_without_an_endpoint_is_asked_for_once_and_told_as_what_it_is() {
        let mut world = World::seeded(&Seed {
            cluster: "prod".to_owned(),
            region: "us-west-2".to_owned(),
            account: None,
        });
        for cluster in world.clusters.values_mut() {
            "CREATING".clone_into(&mut cluster.cluster.status);
            cluster.cluster.endpoint = None;
        }
        let sandbox = Arc::new(Sandbox::in_memory(world, Arc::new(ManualClock::default())));
        let api = api_of(&sandbox);
        for _ in 0..2 {
            let error = api.transport().await.unwrap_err();
            assert_eq!(error.help(), None, "nothing was changed meanwhile");
            let said = "(its status is CREATING): wait until it is ACTIVE";
            assert!(error.message.contains(said), "{error}");
        }
        assert_eq!(sandbox.faults().calls().len(), 1);
        // Who has been told does not ask.
        let api = api_of(&sandbox);
        api.learn(&sandbox.cluster("prod").await.unwrap());
        let told = sandbox.faults().calls().len();
        assert!(api.transport().await.is_err());
        assert_eq!(sandbox.faults().calls().len(), told);
    }

    #[tokio::test]
    async fn failed_connection_is_tried_again_and_one_that_stands_is_kept() {
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
        let api = api_of(&sandbox);
        assert_eq!(api.transport().await.unwrap_err().kind, CallErrorKind::Throttled);
        assert!(api.transport().await.is_ok());
        assert!(api.transport().await.is_ok());
        assert_eq!(sandbox.faults().calls().len(), 2);
        // Who has been told does not ask.
        let told = sandbox.faults().calls().len();
        let api = api_of(&sandbox);
        api.learn(&sandbox.cluster("prod").await.unwrap());
        assert!(api.transport().await.is_ok());
        assert_eq!(sandbox.faults().calls().len(), told + 1);
    }
}
