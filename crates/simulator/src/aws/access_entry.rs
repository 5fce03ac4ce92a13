//! Simulated access entries of EKS. What they are worth to a cluster is in `authenticator`.

use async_trait::async_trait;

use super::reading;
use crate::Sandbox;
use crate::refusal::Refusal;
use crate::state::SimulatedCluster;
use eksact_core::ports::CallError;
use eksact_core::ports::aws::{AccessEntry, AccessEntryReader};

/// How many access entries `ListAccessEntries` puts on a page.
const ENTRIES_PER_PAGE: usize = 100;
/// The authentication mode without access entries.
pub(crate) const CONFIG_MAP: &str = "CONFIG_MAP";

#[async_trait]
impl AccessEntryReader for Sandbox {
    async fn access_entries(&self, cluster: &str) -> Result<Vec<AccessEntry>, CallError> {
        let call = reading("eks", "ListAccessEntries", cluster);
        let entries: Vec<AccessEntry> = self
            .call(call.clone(), |world, _| {
                let arn = world.cluster(cluster, &self.region)?.arn.as_str();
                let cluster = world.clusters.get(arn);
                // A cluster in mode `CONFIG_MAP` does not have any.
                let Some(cluster) = cluster.filter(|cluster| authentication_mode(cluster) != CONFIG_MAP) else {
                    return Err(Refusal::new(
                        "InvalidRequestException",
                        "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform \
                         this operation.",
                    ));
                };
                Ok(cluster.eks.access_entries.values().cloned().collect())
            })
            .await?;
        self.record_pages(&call, entries.len(), ENTRIES_PER_PAGE);
        for entry in &entries {
            self.further("eks", &["DescribeAccessEntry"], &entry.principal_arn)
                .await?;
            if entry.entry_type == "STANDARD" {
                self.further("eks", &["ListAssociatedAccessPolicies"], &entry.principal_arn)
                    .await?;
            }
        }
        Ok(entries)
    }
}

/// A cluster that tells no mode is from before there were access entries.
pub(crate) fn authentication_mode(cluster: &SimulatedCluster) -> &str {
    let mode = cluster.cluster.authentication_mode.as_deref();
    mode.unwrap_or(CONFIG_MAP)
}
