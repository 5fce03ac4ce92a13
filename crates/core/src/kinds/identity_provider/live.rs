//! The identity providers that the cluster has, and their addresses.

use async_trait::async_trait;

use super::IdentityProviderKind;
use crate::{
    engine::Address,
    kinds::Kind as _,
    live::{Live, LiveReader, Observed, Query},
    ports::aws::IdentityProviderConfig,
};

/// All of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClusterIdentityProviders;

#[async_trait]
impl Query for ClusterIdentityProviders {
    type Answer = Vec<IdentityProviderConfig>;

    async fn read(&self, reader: &LiveReader) -> Observed<Vec<IdentityProviderConfig>> {
        let cluster = &reader.cluster().name;
        reader.readers().aws.identity_provider_configs(cluster).await
    }
}

/// Those that were read; none where nobody asked or they could not be.
pub fn providers(live: &Live) -> &[IdentityProviderConfig] {
    match live.get(&ClusterIdentityProviders) {
        Some(Ok(providers)) => providers,
        Some(Err(_)) | None => &[],
    }
}

/// The address of one.
pub fn address(name: &str) -> Address {
    Address::new(IdentityProviderKind::NAME, name)
}
