//! The cluster.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{AuthenticationMode, UnknownAuthenticationMode};
use crate::ports::CallError;

/// A cluster (EKS `DescribeCluster`), as far as eksact needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// The id that a local cluster on an Outpost goes by in tokens; none for every other cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_id: Option<String>,
    /// Its ARN: the account and partition of everything that eksact derives.
    pub arn: String,
    /// `ACTIVE`, `CREATING`, `UPDATING`, …
    pub status: String,
    /// Kubernetes version, such as `1.34`.
    pub version: Option<String>,
    /// URL of the Kubernetes API, absent while the cluster is being created.
    pub endpoint: Option<String>,
    /// PEM, base64 as EKS gives it.
    pub certificate_authority_data: Option<String>,
    /// `identity.oidc.issuer`, an https URL.
    pub oidc_issuer: Option<String>,
    /// `accessConfig.authenticationMode`: `CONFIG_MAP`, `API_AND_CONFIG_MAP` or `API`.
    pub authentication_mode: Option<String>,
    /// `accessConfig.bootstrapClusterCreatorAdminPermissions`, where EKS tells it: decided when the cluster was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bootstrap_creator_admin: Option<bool>,
    /// Whether the API is reachable from outside the VPC.
    pub endpoint_public_access: Option<bool>,
    /// Whether EKS Auto Mode runs its nodes (`computeConfig.enabled`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub auto_mode: bool,
    /// Tags of the cluster.
    pub tags: BTreeMap<String, String>,
}

impl Cluster {
    /// What a token for it is signed for.
    pub fn name_in_tokens(&self) -> &str {
        self.local_id.as_deref().unwrap_or(&self.name)
    }

    /// Where it looks up who gets in. A cluster that tells no mode is from before there were access entries.
    ///
    /// # Errors
    /// When it is a mode that this version does not know.
    pub fn mode(&self) -> Result<AuthenticationMode, UnknownAuthenticationMode> {
        let mode = self.authentication_mode.as_deref();
        mode.map_or(Ok(AuthenticationMode::ConfigMap), str::parse)
    }

    /// Whether `aws-auth` lets anybody in: in every mode but `API`, and perhaps in one that this version does not know.
    pub fn reads_aws_auth(&self) -> bool {
        self.mode() != Ok(AuthenticationMode::Api)
    }
}

/// Reads clusters.
#[async_trait]
pub trait ClusterReader: Send + Sync {
    /// EKS `DescribeCluster`; a missing cluster is an error of kind `NotFound`.
    async fn cluster(&self, name: &str) -> Result<Cluster, CallError>;
}

/// Changes clusters.
#[async_trait]
pub trait ClusterWriter: Send + Sync {
    /// EKS `TagResource` on the cluster; other tags stay.
    async fn tag_cluster(&self, arn: &str, tags: &BTreeMap<String, String>) -> Result<(), CallError>;
}
