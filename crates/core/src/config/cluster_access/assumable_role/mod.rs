//! `roles` of a ClusterAccess: roles that people or pipelines assume.

mod check;
mod circles;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::location::{Located, SourceLocation};
use crate::config::reader::{Reader, is_true, items, text_map};
use eksact_identity::iam::{Arn, DEFAULT_PATH, Partition};
use eksact_yaml::{Node, Resolved};

pub(super) use check::{LIST, check, unknown_names};
pub(super) use circles::circles;

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
    /// Every place in which the ARN of a policy may stand.
    pub(in crate::config) fn policy_references(&self) -> impl Iterator<Item = &Located<String>> {
        self.policies.iter().chain(&self.permissions_boundary)
    }

    pub(in crate::config) fn policy_references_mut(&mut self) -> impl Iterator<Item = &mut Located<String>> {
        self.policies.iter_mut().chain(&mut self.permissions_boundary)
    }

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

pub(super) fn decode(root: &Node, reader: &Reader<'_>) -> Vec<AssumableRole> {
    let items = items(root, LIST).iter();
    items.map(|node| assumable_role(node, reader)).collect()
}

fn assumable_role(node: &Node, reader: &Reader<'_>) -> AssumableRole {
    let duration = node.get("maxSessionDuration");
    AssumableRole {
        name: reader.text_or_place(node, "name"),
        path: reader.text(node, "path"),
        description: reader.text(node, "description"),
        assumed_by: node
            .get("assumedBy")
            .map(|by| assumed_by(by, reader))
            .unwrap_or_default(),
        policies: reader.texts(node, "policies"),
        inline_policy: reader.document(node, "inlinePolicy"),
        permissions_boundary: reader.text(node, "permissionsBoundary"),
        // What is no whole number is told on the tree; one out of range is told by what is left of it.
        max_session_duration: duration.and_then(|value| Some(reader.located(value, whole_number(value)?))),
        tags: text_map(node, "tags"),
        location: Some(reader.location(node)),
    }
}

fn assumed_by(node: &Node, reader: &Reader<'_>) -> AssumedBy {
    AssumedBy {
        users: reader.texts(node, "users"),
        roles: reader.texts(node, "roles"),
        accounts: reader.texts(node, "accounts"),
        permission_sets: reader.texts(node, "permissionSets"),
        oidc: items(node, "oidc")
            .iter()
            .map(|node| OidcSubjects {
                provider: reader.text_or_place(node, "provider"),
                audience: reader.text(node, "audience"),
                subjects: reader.texts(node, "subjects"),
            })
            .collect(),
        mfa: is_true(node, "mfa"),
        session_name: reader.text(node, "sessionName"),
        external_id: reader.text(node, "externalID"),
    }
}

/// A whole number; 0 for one that is negative or too large, which no duration may be.
fn whole_number(node: &Node) -> Option<u32> {
    match node.resolved()? {
        Resolved::Integer(number) => Some(u32::try_from(*number).unwrap_or(0)),
        Resolved::Unsigned(_) => Some(0),
        _ => None,
    }
}
