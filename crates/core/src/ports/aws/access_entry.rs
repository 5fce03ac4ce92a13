//! EKS's access entries, with their access policies.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::ports::CallError;

/// An EKS access entry (EKS `DescribeAccessEntry`, `ListAssociatedAccessPolicies`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessEntry {
    /// The IAM principal, a role's path included.
    pub principal_arn: String,
    /// The user name that EKS gives it.
    pub username: String,
    /// Kubernetes groups.
    pub groups: Vec<String>,
    /// `STANDARD`, `EC2_LINUX`, …
    pub entry_type: String,
    /// Access policies.
    pub policies: Vec<AccessPolicy>,
}

/// An EKS access policy that is associated with an access entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AccessPolicy {
    /// `arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy` and the like.
    pub arn: String,
    /// The namespaces to which it is limited; none for the whole cluster.
    pub namespaces: Option<Vec<String>>,
}

/// Reads access entries.
#[async_trait]
pub trait AccessEntryReader: Send + Sync {
    /// Every access entry of a cluster with its access policies (EKS `ListAccessEntries`, `DescribeAccessEntry`,
    /// `ListAssociatedAccessPolicies`, all pages). A cluster whose authentication mode is `CONFIG_MAP` has none: EKS
    /// refuses the listing there, and so callers look at the mode first.
    async fn access_entries(&self, cluster: &str) -> Result<Vec<AccessEntry>, CallError>;
}
