//! AWS: the adapter of the ports on the AWS SDK for Rust, and of the issuer's host.
//!
//! Nothing here decides what is wanted or compares anything; it asks, pages, translates and names failures.
//! [`AwsClient`] reads and writes, with a file for each object; [`IssuerClient`] looks at the issuer's certificates.

mod access_entry;
mod account;
mod addon;
pub mod assume_role;
mod caller_identity;
mod change_set;
pub mod client;
mod cluster;
mod cluster_update;
mod credential_chain;
pub mod credentials;
mod error;
pub mod http;
mod identity_provider_config;
pub mod issuer;
mod managed_policy;
mod oidc_provider;
mod pod_identity_association;
mod principal;
mod role;
mod stack;
#[cfg(test)]
mod tests;
pub mod token_replay;
mod web_identity;

use std::num::NonZeroUsize;

use aws_credential_types::provider::SharedCredentialsProvider;

pub use assume_role::{AskForCode, RoleToAssume, SessionName};
pub use client::AwsClient;
pub use issuer::IssuerClient;

use super::trust::{TrustError, TrustRoots};
use eksact_core::ports::CallError;

/// How many AWS calls run at once unless set otherwise: enough to hide the network's latency, few enough that IAM and
/// CloudFormation do not throttle at once.
pub const DEFAULT_CALLS_IN_FLIGHT: NonZeroUsize = NonZeroUsize::new(16).unwrap();

/// What a run says about AWS; the rest is the environment's and the profile's.
#[derive(Clone, Debug)]
pub struct AwsSettings {
    /// `--region` or `metadata.region`; without it environment and profile.
    pub region: Option<String>,
    /// `--profile`: used even where the environment holds keys. `AWS_PROFILE` is not put here.
    pub profile: Option<String>,
    /// Bound on the calls that run at once.
    pub max_calls_in_flight: NonZeroUsize,
    /// Who is asked when a profile wants a code of an MFA device.
    pub ask_for_code: AskForCode,
    /// A role to make all calls in, on top of the credentials that are found.
    pub role: Option<RoleToAssume>,
}

impl Default for AwsSettings {
    fn default() -> Self {
        Self {
            region: None,
            profile: None,
            max_calls_in_flight: DEFAULT_CALLS_IN_FLIGHT,
            ask_for_code: assume_role::nobody_to_ask,
            role: None,
        }
    }
}

/// Why no connection to AWS could be set up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// A variable names certificate authorities that cannot be loaded.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// No region or no credentials.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// What connecting gives.
#[derive(Clone, Debug)]
pub struct Connected {
    /// The client.
    pub client: AwsClient,
    /// Whom it trusts; for the other adapters.
    pub trust_roots: TrustRoots,
    /// What people should know about where the credentials came from; for stderr.
    pub notes: Vec<String>,
}

impl AwsClient {
    /// Resolves trust, region and credentials. Nothing is asked of the four services yet; the credentials' own source
    /// (SSO, a role, a process) is.
    pub async fn connect(settings: &AwsSettings) -> Result<Connected, ConnectError> {
        let trust_roots = TrustRoots::from_environment()?;
        let http_client = http::client(&trust_roots);
        let session = credentials::resolve(
            settings.region.as_deref(),
            settings.profile.as_deref(),
            &http_client,
            settings.ask_for_code,
        )
        .await?;
        let (configuration, credentials) = match &settings.role {
            Some(role) => {
                let assumed =
                    SharedCredentialsProvider::new(assume_role::assume(&session.sdk_config, role).await?);
                let configuration = session
                    .sdk_config
                    .to_builder()
                    .credentials_provider(assumed.clone());
                (configuration.build(), assumed)
            }
            None => (session.sdk_config, session.credentials),
        };
        let client = Self::new(
            &configuration,
            &session.region,
            credentials,
            settings.max_calls_in_flight,
        );
        Ok(Connected {
            client,
            trust_roots,
            notes: session.notes,
        })
    }
}
