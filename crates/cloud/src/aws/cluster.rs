//! Clusters of EKS.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::client::AwsClient;
use super::error::{Action, incomplete};
use eksact_core::ports::CallError;
use eksact_core::ports::aws::{Cluster, ClusterReader, ClusterWriter};

const DESCRIBE_CLUSTER: Action = ("eks", "DescribeCluster");
const TAG_RESOURCE: Action = ("eks", "TagResource");

#[async_trait]
impl ClusterReader for AwsClient {
    async fn cluster(&self, name: &str) -> Result<Cluster, CallError> {
        let answer = self
            .call(
                DESCRIBE_CLUSTER,
                name,
                self.eks.describe_cluster().name(name).send(),
            )
            .await?;
        let cluster = answer
            .cluster
            .ok_or_else(|| incomplete(DESCRIBE_CLUSTER, name, "cluster"))?;
        // As the AWS CLI tells them apart (1.46, `eks/update_kubeconfig.py`): with etcd instances of its own, the cluster goes
        // by its name.
        let is_local = cluster
            .outpost_config
            .is_some_and(|outpost| outpost.etcd_instance_type.is_none());
        let access = cluster.access_config.as_ref();
        Ok(Cluster {
            bootstrap_creator_admin: access
                .and_then(|access| access.bootstrap_cluster_creator_admin_permissions),
            name: cluster.name.unwrap_or_else(|| name.to_owned()),
            local_id: cluster.id.filter(|id| is_local && !id.is_empty()),
            arn: cluster
                .arn
                .ok_or_else(|| incomplete(DESCRIBE_CLUSTER, name, "ARN"))?,
            status: cluster
                .status
                .map(|status| status.as_str().to_owned())
                .unwrap_or_default(),
            version: cluster.version,
            endpoint: cluster.endpoint,
            certificate_authority_data: cluster.certificate_authority.and_then(|authority| authority.data),
            oidc_issuer: cluster
                .identity
                .and_then(|identity| identity.oidc)
                .and_then(|oidc| oidc.issuer),
            authentication_mode: cluster
                .access_config
                .and_then(|access| access.authentication_mode)
                .map(|mode| mode.as_str().to_owned()),
            endpoint_public_access: cluster.resources_vpc_config.map(|vpc| vpc.endpoint_public_access),
            auto_mode: cluster
                .compute_config
                .and_then(|compute| compute.enabled)
                .unwrap_or_default(),
            tags: cluster.tags.unwrap_or_default().into_iter().collect(),
        })
    }
}

#[async_trait]
impl ClusterWriter for AwsClient {
    async fn tag_cluster(&self, arn: &str, tags: &BTreeMap<String, String>) -> Result<(), CallError> {
        let tags = tags.clone().into_iter().collect();
        let send = self
            .eks
            .tag_resource()
            .resource_arn(arn)
            .set_tags(Some(tags))
            .send();
        self.call(TAG_RESOURCE, arn, send).await.map(drop)
    }
}
