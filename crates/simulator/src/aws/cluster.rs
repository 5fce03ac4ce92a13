//! Simulated clusters as EKS has them; what their Kubernetes API holds is in `kubernetes`.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{reading, writing};
use crate::Sandbox;
use crate::refusal::Refusal;
use crate::state::{SimulatedCluster, World};
use eksact_core::ports::CallError;
use eksact_core::ports::aws::{Cluster, ClusterReader, ClusterWriter};

#[async_trait]
impl ClusterReader for Sandbox {
    async fn cluster(&self, name: &str) -> Result<Cluster, CallError> {
        self.call(reading("eks", "DescribeCluster", name), |world, _| {
            world.cluster(name, &self.region).cloned()
        })
        .await
    }
}

#[async_trait]
impl ClusterWriter for Sandbox {
    async fn tag_cluster(&self, arn: &str, tags: &BTreeMap<String, String>) -> Result<(), CallError> {
        self.call(writing("eks", "TagResource", arn), |world, _| {
            let simulated = world.clusters.get_mut(arn).ok_or_else(|| {
                let name = arn.rsplit('/').next().unwrap_or(arn);
                Refusal::new("NotFoundException", format!("No cluster found for name: {name}."))
            })?;
            simulated.cluster.tags.extend(tags.clone());
            Ok(())
        })
        .await
    }
}

impl World {
    /// EKS `DescribeCluster` in a region.
    pub(super) fn cluster(&self, name: &str, region: &str) -> Result<&Cluster, Refusal> {
        Ok(&self.simulated(name, region)?.cluster)
    }

    /// A cluster with all that belongs to it.
    pub(super) fn simulated(&self, name: &str, region: &str) -> Result<&SimulatedCluster, Refusal> {
        let found = self.clusters.get(&self.cluster_arn(name, region));
        found.ok_or_else(|| no_cluster(name))
    }

    /// A cluster with all that belongs to it, to change it.
    pub(super) fn simulated_mut(
        &mut self,
        name: &str,
        region: &str,
    ) -> Result<&mut SimulatedCluster, Refusal> {
        let arn = self.cluster_arn(name, region);
        self.clusters.get_mut(&arn).ok_or_else(|| no_cluster(name))
    }
}

fn no_cluster(name: &str) -> Refusal {
    Refusal::new(
        "ResourceNotFoundException",
        format!("No cluster found for name: {name}."),
    )
}
