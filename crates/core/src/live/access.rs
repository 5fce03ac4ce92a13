//! Who gets into the cluster: `aws-auth`, access entries, and who the caller is to the cluster's API.

use async_trait::async_trait;

use super::{Live, LiveReader, Observed, PrincipalByArn, Query};
use crate::ports::{
    aws::{AccessEntry, AuthenticationMode, OfferedAccessPolicy},
    kubernetes::{ConfigMap, ObjectKey, UserInfo},
};
use eksact_identity::authn::access_entry::is_service_linked;

/// The namespace of `aws-auth` and of its backups.
pub const AWS_AUTH_NAMESPACE: &str = "kube-system";
/// The name of the ConfigMap that the authenticator reads.
pub const AWS_AUTH: &str = "aws-auth";

/// The ConfigMap `aws-auth`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct AwsAuth;

#[async_trait]
impl Query for AwsAuth {
    type Answer = Option<ConfigMap>;

    async fn read(&self, reader: &LiveReader) -> Observed<Option<ConfigMap>> {
        reader
            .readers
            .kubernetes
            .get::<ConfigMap>(ObjectKey::namespaced(AWS_AUTH_NAMESPACE, AWS_AUTH))
            .await
    }
}

/// The cluster's access entries; none, unasked, where it reads `aws-auth` only: EKS refuses to list them there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccessEntries;

#[async_trait]
impl Query for AccessEntries {
    type Answer = Vec<AccessEntry>;

    async fn read(&self, reader: &LiveReader) -> Observed<Vec<AccessEntry>> {
        let cluster = reader.cluster();
        // A cluster that tells no mode has none either.
        if cluster.mode() == Ok(AuthenticationMode::ConfigMap) {
            return Ok(Vec::new());
        }
        let entries = reader.readers.aws.access_entries(&cluster.name).await?;
        // An entry counts for the principal that it was made for: whoever looks at entries must know whether that is still there.
        let is_of_account = |entry: &&AccessEntry| account_of(&entry.principal_arn) == reader.account();
        let principals = entries
            .iter()
            .filter(is_of_account)
            .filter(|entry| !is_service_linked(&entry.principal_arn))
            .map(|entry| PrincipalByArn(entry.principal_arn.clone()));
        reader.read(principals).await;
        Ok(entries)
    }
}

/// The account in an ARN.
fn account_of(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}

/// The access policies that EKS offers in the region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OfferedAccessPolicies;

#[async_trait]
impl Query for OfferedAccessPolicies {
    type Answer = Vec<OfferedAccessPolicy>;

    async fn read(&self, reader: &LiveReader) -> Observed<Vec<OfferedAccessPolicy>> {
        reader.readers.aws.offered_access_policies().await
    }
}

/// Who the caller is to the cluster's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallerInCluster;

#[async_trait]
impl Query for CallerInCluster {
    type Answer = UserInfo;

    async fn read(&self, reader: &LiveReader) -> Observed<UserInfo> {
        reader.readers.kubernetes.user_info().await
    }
}

impl Live {
    /// The ConfigMap `aws-auth`.
    pub fn aws_auth(&self) -> Option<&Observed<Option<ConfigMap>>> {
        self.get(&AwsAuth)
    }

    /// The cluster's access entries.
    pub fn access_entries(&self) -> Option<&Observed<Vec<AccessEntry>>> {
        self.get(&AccessEntries)
    }

    /// Whether an access entry lets its principal in: not where that is gone, or was made again under the same ARN since. None
    /// where it cannot be told: the principal is of another account, or IAM could not be asked.
    pub fn lets_in(&self, entry: &AccessEntry) -> Option<bool> {
        let arn = &entry.principal_arn;
        match self.principal(arn) {
            Some(Ok(Some(principal))) => {
                Some(principal.arn.eq_ignore_ascii_case(arn) && !entry.is_stale(principal))
            }
            Some(Ok(None)) => Some(false),
            // Of one that the plan makes EKS sees to it that its principal exists.
            Some(Err(_)) | None => entry.created_at.is_none().then_some(true),
        }
    }

    /// Whether the principal of an access entry is one that this account's IAM knows.
    pub fn is_of_account(&self, entry: &AccessEntry) -> bool {
        account_of(&entry.principal_arn) == self.account
    }

    /// The access policies that EKS offers in the region.
    pub fn offered_access_policies(&self) -> Option<&Observed<Vec<OfferedAccessPolicy>>> {
        self.get(&OfferedAccessPolicies)
    }

    /// Who the caller is to the cluster's API.
    pub fn user_info(&self) -> Option<&Observed<UserInfo>> {
        self.get(&CallerInCluster)
    }
}
