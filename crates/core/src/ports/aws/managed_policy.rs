//! Customer managed policies of IAM, with their versions.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ports::CallError;

/// How many versions of a policy IAM keeps: a sixth is refused until one is deleted. Source:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-versioning.html>.
pub const MOST_POLICY_VERSIONS: usize = 5;

/// A customer managed policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManagedPolicy {
    /// ARN with path.
    pub arn: String,
    /// Name without path.
    pub name: String,
    /// Unique id `ANPA…`: a policy that is made again has another.
    pub id: String,
    /// `/` or a path.
    pub path: String,
    /// What it is for. IAM has no call that changes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The document of the default version: the one that holds.
    pub document: Value,
    /// Its versions.
    pub versions: Vec<PolicyVersion>,
}

/// A version of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyVersion {
    /// `v3`.
    pub id: String,
    /// Whether it is the one that holds.
    pub is_default: bool,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
}

impl ManagedPolicy {
    /// The version that holds.
    pub fn default_version(&self) -> Option<&str> {
        let version = self.versions.iter().find(|version| version.is_default)?;
        Some(&version.id)
    }

    /// The version that has to go before another can be made: the oldest that does not hold. None while there is room.
    pub fn version_in_the_way(&self) -> Option<&str> {
        let number = |version: &&PolicyVersion| {
            let digits = version.id.trim_start_matches('v').parse::<u64>();
            (digits.unwrap_or(u64::MAX), version.id.clone())
        };
        let idle = self.versions.iter().filter(|version| !version.is_default);
        idle.min_by_key(number)
            .filter(|_| self.versions.len() >= MOST_POLICY_VERSIONS)
            .map(|version| version.id.as_str())
    }
}

/// Who has a policy (IAM `ListEntitiesForPolicy`), by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyUse {
    /// Roles.
    pub roles: Vec<String>,
    /// Users.
    pub users: Vec<String>,
    /// Groups.
    pub groups: Vec<String>,
}

/// Reads managed policies.
#[async_trait]
pub trait ManagedPolicyReader: Send + Sync {
    /// A policy of the account with its document and versions: IAM `GetPolicy`, `ListPolicyVersions`, `GetPolicyVersion`. None for
    /// one that does not exist.
    async fn managed_policy(&self, arn: &str) -> Result<Option<ManagedPolicy>, CallError>;
    /// Who has it, as a policy or as a boundary: IAM `ListEntitiesForPolicy`, all pages.
    async fn policy_use(&self, arn: &str) -> Result<PolicyUse, CallError>;
}

/// Changes managed policies directly. They are made and deleted by their stacks.
#[async_trait]
pub trait ManagedPolicyWriter: Send + Sync {
    /// IAM `CreatePolicyVersion`; the new version holds at once.
    async fn create_policy_version(&self, arn: &str, document: &Value) -> Result<(), CallError>;
    /// IAM `DeletePolicyVersion`.
    async fn delete_policy_version(&self, arn: &str, version: &str) -> Result<(), CallError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oldest_version_that_does_not_hold_is_in_the_way() {
        let policy = |ids: &[&str], default: &str| ManagedPolicy {
            arn: "arn:aws:iam::111122223333:policy/p".to_owned(),
            name: "p".to_owned(),
            id: "ANPAP".to_owned(),
            path: "/".to_owned(),
            description: None,
            document: Value::Null,
            versions: ids
                .iter()
                .map(|id| PolicyVersion {
                    id: (*id).to_owned(),
                    is_default: *id == default,
                    created: None,
                })
                .collect(),
        };
        let five = ["v12", "v9", "v10", "v11", "v8"];
        assert_eq!(policy(&five, "v12").version_in_the_way(), Some("v8"));
        assert_eq!(policy(&five, "v8").version_in_the_way(), Some("v9"));
        assert_eq!(policy(&five[..4], "v12").version_in_the_way(), None);
        assert_eq!(policy(&five, "v8").default_version(), Some("v8"));
    }
}
