//! EKS's access entries, with their access policies.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Principal;
use crate::ports::CallError;

/// An EKS access entry (EKS `DescribeAccessEntry`, `ListAssociatedAccessPolicies`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// Its own ARN: `…:access-entry/CLUSTER/role/ACCOUNT/NAME/UUID`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub arn: String,
    /// When it was made; a role that is younger is another one than the entry's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub modified_at: Option<Timestamp>,
    /// Tags, those of CloudFormation (`aws:cloudformation:…`) included.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

impl AccessEntry {
    /// The access policy of this ARN, as it is associated with the entry.
    pub fn policy(&self, arn: &str) -> Option<&AccessPolicy> {
        self.policies.iter().find(|policy| policy.arn == arn)
    }

    /// Whether it was made for an earlier principal of the same ARN: EKS knows the unique id, which one that is made again does not
    /// have (<https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html>).
    pub fn is_stale(&self, principal: &Principal) -> bool {
        self.created_at.is_some_and(|made| principal.created_at > made)
    }
}

/// An EKS access policy that is associated with an access entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct AccessPolicy {
    /// `arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy` and the like.
    pub arn: String,
    /// The namespaces to which it is limited; none for the whole cluster.
    pub namespaces: Option<Vec<String>>,
}

/// An access policy that EKS offers (EKS `ListAccessPolicies`). What it allows is nowhere in the API.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OfferedAccessPolicy {
    /// `AmazonEKSViewPolicy`.
    pub name: String,
    /// Its ARN, in the partition of the region.
    pub arn: String,
}

/// An access entry that shall be made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewAccessEntry {
    /// The IAM principal, a role's path included. It cannot be changed later.
    pub principal_arn: String,
    /// `STANDARD`, `EC2_LINUX`, … It cannot be changed later.
    pub entry_type: String,
    /// The user name; EKS derives one where there is none.
    pub username: Option<String>,
    /// Kubernetes groups.
    pub groups: Vec<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// Reads access entries.
#[async_trait]
pub trait AccessEntryReader: Send + Sync {
    /// Every access entry of a cluster with its access policies (EKS `ListAccessEntries`, `DescribeAccessEntry`,
    /// `ListAssociatedAccessPolicies`, all pages). A cluster whose authentication mode is `CONFIG_MAP` has none: EKS
    /// refuses the listing there, and so callers look at the mode first.
    async fn access_entries(&self, cluster: &str) -> Result<Vec<AccessEntry>, CallError>;
    /// The access entry of one principal with its access policies; none where there is none. The ARN is the principal's
    /// with its path.
    async fn access_entry(
        &self,
        cluster: &str,
        principal_arn: &str,
    ) -> Result<Option<AccessEntry>, CallError>;
    /// Every access policy that EKS offers in the region (EKS `ListAccessPolicies`, all pages).
    async fn offered_access_policies(&self) -> Result<Vec<OfferedAccessPolicy>, CallError>;
}

/// Changes access entries.
#[async_trait]
pub trait AccessEntryWriter: Send + Sync {
    /// EKS `CreateAccessEntry`. One that is there already is an error of kind `AlreadyExists`.
    async fn create_access_entry(&self, cluster: &str, entry: &NewAccessEntry) -> Result<(), CallError>;
    /// EKS `UpdateAccessEntry`. It sets both: EKS takes an omitted user name for "derive one" and omitted groups for "none",
    /// and so neither can be left as it is by saying nothing of it.
    async fn update_access_entry(
        &self,
        cluster: &str,
        principal_arn: &str,
        username: Option<&str>,
        groups: &[String],
    ) -> Result<(), CallError>;
    /// EKS `DeleteAccessEntry`, which drops its access policies as well.
    async fn delete_access_entry(&self, cluster: &str, principal_arn: &str) -> Result<(), CallError>;
    /// EKS `AssociateAccessPolicy`. One that is associated already gets this scope instead of its own.
    async fn associate_access_policy(
        &self,
        cluster: &str,
        principal_arn: &str,
        policy: &AccessPolicy,
    ) -> Result<(), CallError>;
    /// EKS `DisassociateAccessPolicy`.
    async fn disassociate_access_policy(
        &self,
        cluster: &str,
        principal_arn: &str,
        policy_arn: &str,
    ) -> Result<(), CallError>;
}
