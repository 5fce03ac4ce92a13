//! The host that serves a cluster's OIDC issuer: the certificates that it shows, from which IAM's thumbprint comes.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::CallError;

/// One certificate of a served chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Lower-case hex SHA-1 of its DER form: the thumbprint that IAM wants.
    pub thumbprint: String,
    /// Subject, as a distinguished name.
    pub subject: String,
    /// Issuer, as a distinguished name.
    pub issuer: String,
    /// End of validity.
    pub not_after: Timestamp,
}

/// The chain that a host served, leaf first, never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateChain {
    /// As served, in order.
    pub certificates: Vec<Certificate>,
    /// Whether it leads to a root of the public web (Mozilla's list). A proxy that opens TLS does not.
    pub publicly_trusted: bool,
}

/// Looks at an issuer's host.
#[async_trait]
pub trait IssuerProbe: Send + Sync {
    /// The chain that the host of `issuer_url` serves, within the adapter's time limit. The chain is returned even
    /// when nothing trusts it: judging it is the plan's work.
    async fn certificate_chain(&self, issuer_url: &str) -> Result<CertificateChain, CallError>;
}
