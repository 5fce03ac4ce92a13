//! The tags of a service account's stack, which CloudFormation hands on to the role.
//!
//! Source: eksctl 0.231 `pkg/cfn/manager/api.go` and `pkg/apis/eksctl.io/v1alpha5/types.go` (names and order).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::role_owner::RoleOwner;

/// Names the cluster that a stack belongs to.
pub const CLUSTER_NAME: &str = "alpha.eksctl.io/cluster-name";
/// The same under eksctl's first name for it, which it still writes and reads.
pub const OLD_CLUSTER_NAME: &str = "eksctl.cluster.k8s.io/v1alpha1/cluster-name";
/// Names the version of the tool that made or last changed the stack.
pub const TOOL_VERSION_NAME: &str = "alpha.eksctl.io/eksctl-version";
/// Names the service account of a stack: `namespace/name`.
pub const SERVICE_ACCOUNT_NAME: &str = "alpha.eksctl.io/iamserviceaccount-name";

/// Names the service account of a pod identity association's stack, and of the association: `namespace/name`.
pub const POD_IDENTITY_ASSOCIATION_NAME: &str = "alpha.eksctl.io/podidentityassociation-name";

/// Names the customer managed policy of a stack that eksact made for it. eksctl knows no such stacks.
pub const MANAGED_POLICY_NAME: &str = "eksact.dev/managed-policy-name";

/// Names the role of a stack that eksact made for people or pipelines. eksctl knows no such stacks.
pub const ROLE_NAME: &str = "eksact.dev/role-name";

/// The value of [`TOOL_VERSION_NAME`] that eksact writes: a semantic version, as eksctl expects, that tells whose it
/// is.
pub const TOOL_VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "+eksact");

/// AWS's own tags begin so; nobody else may write them.
const AWS_PREFIX: &str = "aws:";

/// A key and its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
}

/// What the tags of a stack are made of.
#[derive(Debug, Clone, Copy)]
pub struct StackTags<'a> {
    /// The cluster's name.
    pub cluster: &'a str,
    /// What the stack's role is for.
    pub owner: &'a RoleOwner,
    /// `metadata.tags` of the file.
    pub metadata_tags: &'a BTreeMap<String, String>,
    /// `tags` of the service account.
    pub service_account_tags: &'a BTreeMap<String, String>,
}

impl StackTags<'_> {
    /// All tags to write, in eksctl's order; within the file's own two sets in order of their keys.
    ///
    /// No key stands twice, which CloudFormation refuses: a service account's tag takes the place of the same one in
    /// `metadata.tags`, and neither can take the place of the tags that mark the stack.
    pub fn to_write(&self) -> Vec<Tag> {
        in_order(
            self.cluster,
            (self.owner.purpose.tag(), self.owner.to_string()),
            self.metadata_tags,
            self.service_account_tags,
        )
    }
}

/// The tags of a stack of `cluster` that is `named` so: its marks, those of the whole file, then its `own`. No file writes a
/// mark, of this kind of stack or of another.
pub(super) fn in_order(
    cluster: &str,
    named: (&str, String),
    of_file: &BTreeMap<String, String>,
    own: &BTreeMap<String, String>,
) -> Vec<Tag> {
    let marks = [
        (CLUSTER_NAME, cluster.to_owned()),
        (OLD_CLUSTER_NAME, cluster.to_owned()),
        (TOOL_VERSION_NAME, TOOL_VERSION.to_owned()),
    ];
    let mut file: Vec<(&str, &String)> = Vec::new();
    for (key, value) in of_file {
        file.push((key, own.get(key).unwrap_or(value)));
    }
    file.extend(
        own.iter()
            .filter(|(key, _)| !of_file.contains_key(*key))
            .map(|(key, value)| (key.as_str(), value)),
    );
    let tag = |key: &str, value: String| Tag {
        key: key.to_owned(),
        value,
    };
    let mut tags: Vec<Tag> = marks.iter().map(|(key, value)| tag(key, value.clone())).collect();
    tags.extend(
        file.into_iter()
            .filter(|(key, _)| !is_mark(key))
            .map(|(key, value)| tag(key, value.clone())),
    );
    tags.push(tag(named.0, named.1));
    tags
}

/// What the tags of a stack say that it is made for: its cluster and its object, whatever version of the tool wrote them. Two
/// stacks of one subject are made for the same.
pub fn subject(tags: &BTreeMap<String, String>) -> BTreeMap<&str, &str> {
    tags.iter()
        .filter(|(key, _)| is_mark(key) && *key != TOOL_VERSION_NAME)
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect()
}

/// The cluster that a stack's or role's tags name.
pub fn cluster_of(tags: &BTreeMap<String, String>) -> Option<&str> {
    tags.get(CLUSTER_NAME)
        .or_else(|| tags.get(OLD_CLUSTER_NAME))
        .map(String::as_str)
}

/// The namespace and name of the service account that a stack's or role's tags name.
pub fn service_account_of(tags: &BTreeMap<String, String>) -> Option<(&str, &str)> {
    tags.get(SERVICE_ACCOUNT_NAME)?.split_once('/')
}

/// Whether a tag is one that eksctl and eksact write by themselves, on stacks and so on roles, and on associations.
pub fn is_mark(key: &str) -> bool {
    [
        CLUSTER_NAME,
        OLD_CLUSTER_NAME,
        TOOL_VERSION_NAME,
        SERVICE_ACCOUNT_NAME,
        POD_IDENTITY_ASSOCIATION_NAME,
        MANAGED_POLICY_NAME,
        ROLE_NAME,
    ]
    .contains(&key)
}

/// Whether a tag is AWS's own, such as `aws:cloudformation:stack-name`. Such a tag can be neither written nor wanted.
pub fn is_reserved(key: &str) -> bool {
    key.get(..AWS_PREFIX.len())
        .is_some_and(|prefix| prefix.eq_ignore_ascii_case(AWS_PREFIX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloudformation::role_owner::RolePurpose;
    use crate::service_account::ServiceAccountKey;

    fn owner(name: &str) -> RoleOwner {
        RolePurpose::ServiceAccount.of(&ServiceAccountKey::new("app", name))
    }

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).into(), (*value).into()))
            .collect()
    }

    #[test]
    fn tags_stand_in_eksctls_order_and_none_twice() {
        let tags = StackTags {
            cluster: "bench",
            owner: &owner("managed"),
            metadata_tags: &map(&[
                ("team", "platform"),
                ("env", "test"),
                (CLUSTER_NAME, "stolen"),
                (MANAGED_POLICY_NAME, "stolen"),
                (ROLE_NAME, "stolen"),
            ]),
            service_account_tags: &map(&[
                ("cost-center", "42"),
                ("team", "payments"),
                (POD_IDENTITY_ASSOCIATION_NAME, "app/stolen"),
            ]),
        };
        let written: Vec<String> = tags
            .to_write()
            .iter()
            .map(|tag| format!("{}={}", tag.key, tag.value))
            .collect();
        assert_eq!(
            written,
            [
                "alpha.eksctl.io/cluster-name=bench",
                "eksctl.cluster.k8s.io/v1alpha1/cluster-name=bench",
                &format!("alpha.eksctl.io/eksctl-version={TOOL_VERSION}"),
                "env=test",
                "team=payments",
                "cost-center=42",
                "alpha.eksctl.io/iamserviceaccount-name=app/managed",
            ]
        );
    }

    #[test]
    fn owners_of_live_tags_are_read_beside_foreign_ones() {
        let live = map(&[
            (CLUSTER_NAME, "bench"),
            (OLD_CLUSTER_NAME, "bench"),
            (TOOL_VERSION_NAME, "0.231.0-dev"),
            ("foreign", "x"),
            ("aws:cloudformation:logical-id", "Role1"),
            (SERVICE_ACCOUNT_NAME, "app/inline"),
        ]);
        assert_eq!(
            (cluster_of(&live), service_account_of(&live)),
            (Some("bench"), Some(("app", "inline")))
        );
    }

    #[test]
    fn reserved_tags() {
        assert!(is_reserved("aws:cloudformation:stack-id") && is_reserved("AWS:x") && !is_reserved("awsx"));
    }
}
