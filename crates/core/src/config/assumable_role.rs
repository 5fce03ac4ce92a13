//! `roles` of a ClusterAccess, as plain values: roles that people or pipelines assume.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    location::{Located, SourceLocation},
    managed_policy::DEFAULT_PATH,
};
use eksact_identity::iam::{Arn, Partition};

/// A role that shall be there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssumableRole {
    /// Its name.
    pub name: Located<String>,
    /// Its path; `/` when absent.
    pub path: Option<Located<String>>,
    /// What it is for.
    pub description: Option<Located<String>>,
    /// Who may assume it.
    pub assumed_by: AssumedBy,
    /// Managed policies of the role.
    pub policies: Vec<Located<String>>,
    /// The inline policy document of the role.
    pub inline_policy: Option<Located<Value>>,
    /// The managed policy that bounds the role.
    pub permissions_boundary: Option<Located<String>>,
    /// How long a session may last, in seconds, as written.
    pub max_session_duration: Option<Located<u32>>,
    /// Tags of its stack, and so of the role.
    pub tags: BTreeMap<String, String>,
    /// Where the entry begins in the file.
    pub location: Option<SourceLocation>,
}

/// Who may assume a role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssumedBy {
    /// IAM users: ARNs, or names in the cluster's account.
    pub users: Vec<Located<String>>,
    /// Other roles: ARNs, names in the cluster's account, or roles of the files.
    pub roles: Vec<Located<String>>,
    /// Accounts.
    pub accounts: Vec<Located<String>>,
    /// Permission sets of IAM Identity Center, in the cluster's account.
    pub permission_sets: Vec<Located<String>>,
    /// Whose tokens of OIDC providers open it.
    pub oidc: Vec<OidcSubjects>,
    /// Whether all but those with a token need MFA.
    pub mfa: bool,
    /// The name that their session must have.
    pub session_name: Option<Located<String>>,
    /// What they must give as the external id.
    pub external_id: Option<Located<String>>,
}

/// Whose tokens of one provider open a role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OidcSubjects {
    /// The issuer without `https://`.
    pub provider: Located<String>,
    /// The audience; that of AWS when absent.
    pub audience: Option<Located<String>>,
    /// The subjects, perhaps with wildcards.
    pub subjects: Vec<Located<String>>,
}

impl AssumedBy {
    /// Whether it names nobody.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
            && self.roles.is_empty()
            && self.accounts.is_empty()
            && self.permission_sets.is_empty()
            && self.oidc.is_empty()
    }
}

impl AssumableRole {
    /// Its path, with a slash at both ends.
    pub fn path(&self) -> &str {
        self.path.as_ref().map_or(DEFAULT_PATH, |path| &path.value)
    }

    /// Its ARN in this account.
    pub fn arn(&self, partition: Partition, account: &str) -> String {
        arn(partition, account, self.path(), &self.name.value)
    }
}

/// The ARN of a role with its path.
pub(super) fn arn(partition: Partition, account: &str, path: &str, name: &str) -> String {
    Arn::iam(partition, account, &format!("role{path}{name}")).to_string()
}

/// What stands before the name of a role of the files in the place of an ARN.
const REFERENCE: &str = "role:";

/// The role of the files that stands in the place of an ARN.
pub fn named_role(text: &str) -> Option<&str> {
    text.strip_prefix(REFERENCE)
}
