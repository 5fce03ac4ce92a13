//! `iam.serviceAccounts`: Kubernetes service accounts, each with an IAM role.

mod check;
mod limits;
mod uniqueness;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::config::location::{Located, SourceLocation};
use crate::config::reader::{Reader, is_true, items, text_map};
use eksact_identity::{iam::WellKnownPolicy, service_account::ServiceAccountKey};
use eksact_yaml::{Content, Node};

pub(super) use check::check;

/// The namespace of a service account that names none, as in Kubernetes and eksctl (`defaults.go`).
pub const DEFAULT_NAMESPACE: &str = "default";

/// The well-known policies that are switched on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WellKnownPolicies(pub BTreeSet<WellKnownPolicy>);

/// One Kubernetes service account and the IAM role that its pods get.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceAccount {
    /// Its name in Kubernetes.
    pub name: String,
    /// Its namespace; [`DEFAULT_NAMESPACE`] when the file names none.
    pub namespace: String,
    /// Labels that the Kubernetes object gets.
    pub labels: BTreeMap<String, String>,
    /// Annotations that the Kubernetes object gets, besides the role's.
    pub annotations: BTreeMap<String, String>,
    /// Managed policies of the role.
    pub attach_policy_arns: Vec<Located<String>>,
    /// Whether the file says plainly that there are no managed policies: `attachPolicyARNs: []`.
    pub states_no_policy: bool,
    /// The inline policy document.
    pub attach_policy: Option<Located<serde_json::Value>>,
    /// Ready-made policies for well-known controllers.
    pub well_known_policies: WellKnownPolicies,
    /// An existing role to use instead of making one.
    pub attach_role_arn: Option<Located<String>>,
    /// The managed policy that bounds the role.
    pub permissions_boundary: Option<Located<String>>,
    /// The name of the role; CloudFormation chooses one when absent.
    pub role_name: Option<Located<String>>,
    /// Whether the Kubernetes object is left alone.
    pub role_only: bool,
    /// Tags of the stack and so of the role.
    pub tags: BTreeMap<String, String>,
    /// A pattern in place of the name in the role's trust policy.
    pub subject_pattern: Option<Located<String>>,
    /// Where the entry begins in the file.
    pub location: Option<SourceLocation>,
}

impl ServiceAccount {
    /// `namespace/name`, the identity of a service account in tags, addresses and messages.
    pub fn qualified_name(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// Its namespace and name.
    pub fn key(&self) -> ServiceAccountKey {
        ServiceAccountKey::new(&self.namespace, &self.name)
    }

    /// Every place in which the ARN of a policy may stand.
    pub(super) fn policy_references(&self) -> impl Iterator<Item = &Located<String>> {
        self.attach_policy_arns.iter().chain(&self.permissions_boundary)
    }

    pub(super) fn policy_references_mut(&mut self) -> impl Iterator<Item = &mut Located<String>> {
        self.attach_policy_arns
            .iter_mut()
            .chain(&mut self.permissions_boundary)
    }

    /// Whether eksact makes its role, rather than being given one.
    pub fn owns_role(&self) -> bool {
        self.attach_role_arn.is_none()
    }

    /// Whether anything grants the role a permission.
    pub fn has_policy(&self) -> bool {
        !self.attach_policy_arns.is_empty()
            || self.attach_policy.is_some()
            || !self.well_known_policies.0.is_empty()
    }
}

impl WellKnownPolicies {
    /// Those of `wellKnownPolicies` of an object.
    pub(super) fn decode(node: &Node) -> Self {
        let switches = node.get("wellKnownPolicies");
        let is_on =
            |policy: &WellKnownPolicy| switches.is_some_and(|node| is_true(node, policy.field_name()));
        Self(WellKnownPolicy::ALL.into_iter().filter(is_on).collect())
    }
}

/// Those of `iam`.
pub(super) fn decode(iam: &Node, reader: &Reader<'_>) -> Vec<ServiceAccount> {
    let items = items(iam, "serviceAccounts").iter();
    items.map(|node| service_account(node, reader)).collect()
}

fn service_account(node: &Node, reader: &Reader<'_>) -> ServiceAccount {
    let metadata = node.get("metadata");
    let of_metadata = |key| {
        metadata
            .and_then(|metadata| reader.text(metadata, key))
            .map(|text| text.value)
    };
    let map_of_metadata = |key| {
        metadata
            .map(|metadata| text_map(metadata, key))
            .unwrap_or_default()
    };
    ServiceAccount {
        name: of_metadata("name").unwrap_or_default(),
        namespace: of_metadata("namespace").unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned()),
        labels: map_of_metadata("labels"),
        annotations: map_of_metadata("annotations"),
        attach_policy_arns: reader.texts(node, "attachPolicyARNs"),
        states_no_policy: node
            .get("attachPolicyARNs")
            .is_some_and(|node| matches!(node.content(), Content::Sequence(items) if items.is_empty())),
        attach_policy: reader.document(node, "attachPolicy"),
        well_known_policies: WellKnownPolicies::decode(node),
        attach_role_arn: reader.text(node, "attachRoleARN"),
        permissions_boundary: reader.text(node, "permissionsBoundary"),
        role_name: reader.text(node, "roleName"),
        role_only: is_true(node, "roleOnly"),
        tags: text_map(node, "tags"),
        subject_pattern: reader.text(node, "subjectPattern"),
        location: Some(reader.location(node)),
    }
}

#[cfg(test)]
mod tests;
