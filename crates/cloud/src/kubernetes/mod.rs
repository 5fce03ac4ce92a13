//! The Kubernetes API of a cluster, as adapter of `ports::kubernetes`: connecting, reading, writing, and what errors
//! say.
//!
//! How tokens for EKS are signed is not known here (the wiring gives a [`TokenSource`]); what to write is decided by
//! the plan.

mod access;
mod access_objects;
mod causes;
mod connect;
mod error;
mod exec;
mod kubeconfig;
mod network;
mod objects;
mod read;
mod request;
#[cfg(test)]
mod tests;
mod token;
mod token_request;
mod write;

use std::{fmt, time::Duration};

use tokio::sync::Semaphore;

pub use connect::ClusterEndpoint;
pub use kubeconfig::KubeconfigContext;
pub use network::NetworkSettings;
pub use token::{BearerToken, TokenSource};

/// Calls that run at once. Without a bound, two hundred stacks that settle together would open two hundred connections.
const CALLS_IN_FLIGHT: usize = 16;

/// A cluster's API: reads and writes. Cheap calls share one pool of connections.
pub struct KubernetesClient {
    client: kube::Client,
    /// None where kube itself adds the credentials (static ones of a kubeconfig).
    tokens: Option<token::TokenCache>,
    way: error::Way,
    in_flight: Semaphore,
    /// Wait before the first repetition of a throttled call; doubled for each further one.
    pace: Duration,
    /// How long `server_version` may take in all.
    answer_limit: Duration,
}

impl KubernetesClient {
    fn new(client: kube::Client, tokens: Option<token::TokenCache>, way: error::Way) -> Self {
        Self {
            client,
            tokens,
            way,
            in_flight: Semaphore::new(CALLS_IN_FLIGHT),
            pace: Duration::from_millis(200),
            answer_limit: Duration::from_secs(10),
        }
    }
}

impl fmt::Debug for KubernetesClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KubernetesClient")
            .field("way", &self.way)
            .finish_non_exhaustive()
    }
}
