//! EKS access entries.

use serde::{Deserialize, Serialize};

/// An EKS access policy that is associated with an access entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AccessPolicy {
    /// `arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy` and the like.
    pub arn: String,
    /// The namespaces to which it is limited; none for the whole cluster.
    pub namespaces: Option<Vec<String>>,
}

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
