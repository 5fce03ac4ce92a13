//! `policies` of a ClusterAccess: customer managed policies, and how other parts of the files name one.

mod check;
mod file;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::assumable_role::{self, named_role};
use crate::config::location::{Located, SourceLocation};
use crate::config::reader::{Reader, items};
use eksact_identity::iam::{Arn, DEFAULT_PATH, Partition};
use eksact_yaml::Node;

pub(super) use check::{LIST, check, check_options, path, reference, unknown_names};
pub(in crate::config) use file::bounded;
pub(super) use file::read as read_files;

/// A customer managed policy that shall be there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagedPolicy {
    /// Its name.
    pub name: Located<String>,
    /// Its path; [`DEFAULT_PATH`] when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Located<String>>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Located<String>>,
    /// What it allows. `load` reads it from [`Self::file`], where that is named.
    pub document: Option<Located<Value>>,
    /// The file that the document was read from, as the configuration names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<Located<String>>,
    /// Where the entry begins in the file.
    pub location: Option<SourceLocation>,
}

impl ManagedPolicy {
    /// Its path, with a slash at both ends.
    pub fn path(&self) -> &str {
        self.path.as_ref().map_or(DEFAULT_PATH, |path| &path.value)
    }

    /// Its ARN in this account.
    pub fn arn(&self, partition: Partition, account: &str) -> String {
        arn(partition, account, self.path(), &self.name.value)
    }
}

fn arn(partition: Partition, account: &str, path: &str, name: &str) -> String {
    Arn::iam(partition, account, &format!("policy{path}{name}")).to_string()
}

/// What stands before the name of a policy of the files in the place of an ARN.
const REFERENCE: &str = "policy:";

/// The policy of the files that stands in the place of an ARN.
pub fn named_policy(text: &str) -> Option<&str> {
    text.strip_prefix(REFERENCE)
}

/// What the files make in IAM under names that other parts of them refer to, whatever of the files a command is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// The paths of the policies, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub policies: BTreeMap<String, String>,
    /// The paths of the roles, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: BTreeMap<String, String>,
}

impl Names {
    /// Whether the files have none.
    pub fn is_empty(&self) -> bool {
        self.policies.is_empty() && self.roles.is_empty()
    }

    /// The ARN, with its path, that a text stands for, where it names a role of the files.
    pub fn role_arn(&self, text: &str, partition: Partition, account: &str) -> Option<String> {
        let name = named_role(text)?;
        Some(assumable_role::arn(
            partition,
            account,
            self.roles.get(name)?,
            name,
        ))
    }

    /// The name of the policy of the files that has this ARN.
    pub fn policy_of(&self, of: &str, partition: Partition, account: &str) -> Option<&str> {
        let mut policies = self.policies.iter();
        let (name, _) = policies.find(|(name, path)| arn(partition, account, path, name) == of)?;
        Some(name)
    }

    /// The ARN that a text stands for, where it names a policy of the files.
    pub fn policy_arn(&self, text: &str, partition: Partition, account: &str) -> Option<String> {
        let name = named_policy(text)?;
        Some(arn(partition, account, self.policies.get(name)?, name))
    }
}

pub(super) fn decode(root: &Node, reader: &Reader<'_>) -> Vec<ManagedPolicy> {
    let items = items(root, LIST).iter();
    items
        .map(|node| ManagedPolicy {
            name: reader.text_or_place(node, "name"),
            path: reader.text(node, "path"),
            description: reader.text(node, "description"),
            document: reader.document(node, "document"),
            file: reader.text(node, "file"),
            location: Some(reader.location(node)),
        })
        .collect()
}
