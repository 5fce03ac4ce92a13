//! The OIDC provider of the cluster's issuer, and the certificates that the issuer serves.

use async_trait::async_trait;

use super::{Live, LiveReader, Observed, Query};
use crate::ports::{aws::OidcProvider, issuer::CertificateChain};
use eksact_identity::iam::trust;

/// The provider that belongs to the cluster's issuer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClusterOidcProvider;

#[async_trait]
impl Query for ClusterOidcProvider {
    type Answer = Option<OidcProvider>;

    async fn read(&self, reader: &LiveReader) -> Observed<Option<OidcProvider>> {
        let cluster = reader.cluster_arn();
        let issuer = reader.cluster().oidc_issuer.as_deref();
        let arn =
            issuer.and_then(|issuer| trust::provider_arn(cluster.partition, &cluster.account, issuer).ok());
        match arn {
            Some(arn) => reader.readers.aws.oidc_provider(&arn.to_string()).await,
            None => Ok(None),
        }
    }
}

/// An OIDC provider of the account, by its ARN.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OidcProviderByArn(pub String);

#[async_trait]
impl Query for OidcProviderByArn {
    type Answer = Option<OidcProvider>;

    async fn read(&self, reader: &LiveReader) -> Observed<Option<OidcProvider>> {
        reader.readers.aws.oidc_provider(&self.0).await
    }
}

/// The chain that the issuer's host serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IssuerChain;

#[async_trait]
impl Query for IssuerChain {
    type Answer = CertificateChain;

    async fn read(&self, reader: &LiveReader) -> Observed<CertificateChain> {
        let issuer = reader.cluster().oidc_issuer.as_deref().unwrap_or_default();
        reader.readers.issuer.certificate_chain(issuer).await
    }
}

impl Live {
    /// The provider that belongs to the cluster's issuer.
    pub fn oidc_provider(&self) -> Option<&Observed<Option<OidcProvider>>> {
        self.get(&ClusterOidcProvider)
    }

    /// An OIDC provider of the account, where it was asked for.
    pub fn oidc_provider_by_arn(&self, arn: &str) -> Option<&Observed<Option<OidcProvider>>> {
        self.get(&OidcProviderByArn(arn.to_owned()))
    }

    /// The chain that the issuer's host serves.
    pub fn issuer_chain(&self) -> Option<&Observed<CertificateChain>> {
        self.get(&IssuerChain)
    }

    /// The ARN of the IAM OIDC provider that belongs to the cluster's issuer.
    pub fn provider_arn(&self) -> Option<String> {
        let issuer = self.cluster.oidc_issuer.as_deref()?;
        trust::provider_arn(self.partition, &self.account, issuer)
            .ok()
            .map(|arn| arn.to_string())
    }

    /// The issuer without its scheme, as trust policies name it.
    pub fn issuer_host_path(&self) -> Option<String> {
        let issuer = self.cluster.oidc_issuer.as_deref()?;
        trust::issuer_without_scheme(issuer).ok()
    }
}
