//! Whom `whoami` asks: AWS and the cluster's server, or the sandbox in place of both.

use std::sync::Arc;

use aws_credential_types::provider::SharedCredentialsProvider;
use jiff::Timestamp;

use crate::cli::{Failure, flags::global::GlobalFlags};
use eksact_cloud::{
    aws::{AwsClient, token_replay::replay},
    kubernetes::{Connection, KubeconfigContext, KubernetesClient},
    trust::TrustRoots,
};
use eksact_core::{
    diagnosis::token_verdict,
    engine::Finding,
    kubeconfig::SignIn,
    ports::{
        CallError,
        aws::{AwsReader, Cluster},
        kubernetes::KubernetesReader,
    },
};
use eksact_identity::authn::{
    token::Token,
    token_decode::{self, DecodedToken},
};
use eksact_simulator::Sandbox;

/// The API of a cluster.
pub(crate) type Server = Arc<dyn KubernetesReader>;

/// The account and the ways to the cluster.
pub(crate) enum Sources {
    /// AWS, and the server with tokens of the caller.
    Real {
        aws: Arc<AwsClient>,
        credentials: SharedCredentialsProvider,
        region: String,
        roots: TrustRoots,
        /// The token that the server is shown.
        token: Option<Token>,
    },
    /// What is simulated.
    Simulated(Box<Sandbox>),
}

impl Sources {
    pub(crate) fn aws(&self) -> Arc<dyn AwsReader> {
        match self {
            Self::Real { aws, .. } => aws.clone(),
            Self::Simulated(sandbox) => sandbox.readers().aws,
        }
    }

    /// The server, as the caller; none where nobody tells where it is.
    pub(crate) fn own_server(
        &self,
        cluster: &str,
        described: Option<&Cluster>,
        sign_in: Option<&SignIn>,
        global: &GlobalFlags,
    ) -> Option<Server> {
        let (aws, credentials, region) = match self {
            Self::Simulated(sandbox) => return Some(sandbox.readers().kubernetes),
            Self::Real {
                aws,
                credentials,
                region,
                ..
            } => (aws.clone(), credentials.clone(), region.clone()),
        };
        let connection = if described.is_some() {
            Connection::Endpoint {
                aws,
                credentials,
                region,
            }
        } else if sign_in.is_some_and(|sign_in| sign_in.cluster == cluster) {
            // kubectl shows this server a token for the cluster, too.
            Connection::KubeconfigServer {
                context: context_of(global),
                credentials,
                region,
            }
        } else {
            return None;
        };
        let server: Server = Arc::new(KubernetesClient::new(cluster.to_owned(), connection));
        if let Some(described) = described {
            server.learn(described);
        }
        Some(server)
    }

    /// The server as somebody else, who may read more: whom the kubeconfig names, or the sandbox's creator.
    pub(crate) fn other_server(&self, cluster: &str, global: &GlobalFlags) -> Option<Server> {
        match self {
            Self::Simulated(sandbox) => Some(sandbox.called_by(None).readers().kubernetes),
            Self::Real { .. } => {
                if global.kubeconfig.is_none() && global.context.is_none() {
                    return None;
                }
                let connection = Connection::Kubeconfig(context_of(global));
                Some(Arc::new(KubernetesClient::new(cluster.to_owned(), connection)))
            }
        }
    }

    /// What is wrong with the token that the server has refused, by STS's word.
    pub(crate) async fn token_faults(&self, cluster: &str) -> Result<Vec<Finding>, CallError> {
        let Self::Real {
            roots,
            token: Some(token),
            ..
        } = self
        else {
            return Ok(Vec::new());
        };
        let host = match token_decode::decode(token.secret()) {
            Ok(DecodedToken::Cluster(presigned)) => presigned.host,
            _ => return Ok(Vec::new()),
        };
        let answer = replay(token.secret(), &host, cluster, roots).await?;
        Ok(token_verdict::faults_of_refused(
            &answer,
            &host,
            cluster,
            Timestamp::now(),
        ))
    }
}

/// The context that the flags name.
fn context_of(global: &GlobalFlags) -> KubeconfigContext {
    KubeconfigContext {
        path: global.kubeconfig.clone(),
        context: global.context.clone(),
    }
}

/// A failure of the connection before anything is asked.
pub(crate) fn roots() -> Result<TrustRoots, Failure> {
    TrustRoots::from_environment()
        .map_err(eksact_cloud::aws::ConnectError::from)
        .map_err(Failure::from)
}
