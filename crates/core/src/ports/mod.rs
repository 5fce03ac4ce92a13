//! What the rest of the house may ask of AWS and of Kubernetes: value types in their own words, and one trait for
//! reading and one for writing, apart, so that planning can be given readers only.
//!
//! No client lives here: `cloud` has the adapters, `simulator` the sandbox.

pub mod aws;
pub mod error;
pub mod issuer;
pub mod kubernetes;
pub mod sts;
pub mod web_identity;

use std::sync::Arc;

pub use error::{CallError, CallErrorKind, found};

/// What planning may use: nothing in here can change anything.
#[derive(Clone)]
pub struct Readers {
    /// The account and region.
    pub aws: Arc<dyn aws::AwsReader>,
    /// The cluster's own API.
    pub kubernetes: Arc<dyn kubernetes::KubernetesReader>,
    /// The host that serves the cluster's OIDC issuer.
    pub issuer: Arc<dyn issuer::IssuerProbe>,
}

/// What applying may use besides the readers. Only the executor's runner is given one.
#[derive(Clone)]
pub struct Writers {
    /// The account and region.
    pub aws: Arc<dyn aws::AwsWriter>,
    /// The cluster's own API.
    pub kubernetes: Arc<dyn kubernetes::KubernetesWriter>,
}

impl std::fmt::Debug for Readers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Readers")
    }
}

impl std::fmt::Debug for Writers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Writers")
    }
}
