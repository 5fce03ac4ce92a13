//! `accessConfig.accessEntries`: which IAM principals are let in, and what they may do.

mod check;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::config::location::{Located, SourceLocation};
use crate::config::reader::{Reader, items};
use eksact_identity::authn::access_entry::STANDARD;
use eksact_yaml::Node;

pub(super) use check::check;

/// What the file says of the cluster's access entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessEntries {
    /// The entries, in the order of the file.
    pub entries: Vec<AccessEntry>,
    /// Whether the file has the list at all, be it an empty one. Without it the file says nothing of them.
    pub is_listed: bool,
}

/// An access entry that shall be there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessEntry {
    /// The IAM principal, a role's path included; or `permissionSet:NAME`, the role of a permission set of IAM Identity Center in
    /// the cluster's account, whose name has digits that change when it is assigned anew; or `role:NAME`, a role of the files.
    pub principal_arn: Located<String>,
    /// `STANDARD`, `EC2_LINUX`, …
    pub entry_type: Located<String>,
    /// Kubernetes groups, in the order of the file.
    pub groups: Vec<Located<String>>,
    /// The user name; EKS derives one where there is none.
    pub username: Option<Located<String>>,
    /// Access policies, in the order of the file.
    pub policies: Vec<AccessPolicy>,
    /// What stays as it is on an entry that is there: flags that do not name it say nothing of it. A file states all.
    pub keeps: Keeps,
    /// Where the entry begins in the file.
    pub location: Option<SourceLocation>,
}

/// What stands before the name of a permission set in the place of an ARN.
const PERMISSION_SET: &str = "permissionSet:";

/// The permission set that stands in the place of a principal's ARN.
pub fn permission_set(principal: &str) -> Option<&str> {
    principal.strip_prefix(PERMISSION_SET)
}

/// An access policy of an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessPolicy {
    /// Its ARN.
    pub arn: Located<String>,
    /// `cluster` or `namespace`, as written.
    pub scope: Located<String>,
    /// The namespaces to which it is limited, wildcards among them.
    pub namespaces: Vec<Located<String>>,
}

impl AccessPolicy {
    /// The namespaces to which it is limited; none for the whole cluster.
    pub fn limits(&self) -> Option<Vec<String>> {
        let names = self.namespaces.iter().map(|namespace| namespace.value.clone());
        (self.scope.value != CLUSTER_SCOPE).then(|| names.collect())
    }
}

/// The scope of a policy for the whole cluster.
pub const CLUSTER_SCOPE: &str = "cluster";
/// The scope of a policy for namespaces.
pub const NAMESPACE_SCOPE: &str = "namespace";

/// What of an existing entry stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag that was not given, independent of the others"
)]
pub struct Keeps {
    /// Its type.
    pub entry_type: bool,
    /// Its user name.
    pub username: bool,
    /// Its groups.
    pub groups: bool,
    /// Its access policies.
    pub policies: bool,
}

pub(super) fn decode(root: &Node, reader: &Reader<'_>) -> AccessEntries {
    let Some(config) = root.get("accessConfig") else {
        return AccessEntries::default();
    };
    let items = items(config, "accessEntries").iter();
    AccessEntries {
        entries: items.map(|node| access_entry(node, reader)).collect(),
        is_listed: config.get("accessEntries").is_some(),
    }
}

fn access_entry(node: &Node, reader: &Reader<'_>) -> AccessEntry {
    let policies = items(node, "accessPolicies").iter();
    AccessEntry {
        principal_arn: reader.text_or_place(node, "principalARN"),
        // eksctl leaves it to EKS, which takes this one.
        entry_type: reader
            .text(node, "type")
            .unwrap_or_else(|| Located::unlocated(STANDARD.to_owned())),
        groups: reader.texts(node, "kubernetesGroups"),
        username: reader.text(node, "kubernetesUsername"),
        policies: policies.map(|node| access_policy(node, reader)).collect(),
        keeps: Keeps::default(),
        location: Some(reader.location(node)),
    }
}

fn access_policy(node: &Node, reader: &Reader<'_>) -> AccessPolicy {
    let scope = node.get("accessScope").unwrap_or(node);
    AccessPolicy {
        arn: reader.text_or_place(node, "policyARN"),
        scope: reader.text_or_place(scope, "type"),
        namespaces: reader.texts(scope, "namespaces"),
    }
}
