//! The OIDC identity providers of the cluster.

use async_trait::async_trait;

use super::{Live, LiveReader, Observed, Query};
use crate::ports::aws::IdentityProviderConfig;

/// All of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClusterIdentityProviders;

#[async_trait]
impl Query for ClusterIdentityProviders {
    type Answer = Vec<IdentityProviderConfig>;

    async fn read(&self, reader: &LiveReader) -> Observed<Vec<IdentityProviderConfig>> {
        let cluster = &reader.cluster().name;
        reader.readers.aws.identity_provider_configs(cluster).await
    }
}

impl Live {
    /// The OIDC identity providers of the cluster.
    pub fn identity_providers(&self) -> Option<&Observed<Vec<IdentityProviderConfig>>> {
        self.get(&ClusterIdentityProviders)
    }
}
