//! The Kubernetes API of a cluster, as adapter of `ports::kubernetes`: connecting, the verbs, and what errors say.
//!
//! No kind of object is known here, and what to write is decided by the plan.

mod connect;
mod connection;
mod error;
mod exec;
mod kubeconfig;
mod network;
#[cfg(test)]
mod tests;
mod token;
mod token_request;
mod transport;
mod verbs;

use std::{fmt, sync::OnceLock};

use tokio::sync::OnceCell;

use connect::ClusterEndpoint;
pub use connection::Connection;
use eksact_core::ports::{CallError, aws::Cluster};
pub use kubeconfig::KubeconfigContext;
use network::NetworkSettings;
use token::{BearerToken, TokenSource};
use transport::Transport;

/// A cluster's API, connected to when something first asks for it: a plan that needs no Kubernetes never does.
pub struct KubernetesClient {
    cluster: String,
    connection: Connection,
    /// Where EKS says that it is.
    endpoint: OnceLock<Cluster>,
    transport: OnceCell<Transport>,
}

impl KubernetesClient {
    /// The API of `cluster`; nothing is connected yet.
    pub fn new(cluster: String, connection: Connection) -> Self {
        Self {
            cluster,
            connection,
            endpoint: OnceLock::new(),
            transport: OnceCell::new(),
        }
    }

    /// The connection. Only one that works is kept: what failed once (a call to EKS that was throttled) is tried again
    /// by the next call.
    async fn transport(&self) -> Result<&Transport, CallError> {
        self.transport
            .get_or_try_init(|| self.connection.open(&self.cluster, &self.endpoint))
            .await
    }
}

impl fmt::Debug for KubernetesClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KubernetesClient")
            .field("cluster", &self.cluster)
            .field("transport", &self.transport)
            .finish_non_exhaustive()
    }
}
