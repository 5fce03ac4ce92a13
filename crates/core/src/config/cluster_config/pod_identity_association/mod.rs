//! `iam.podIdentityAssociations`: the roles that pods get through EKS Pod Identity.

mod check;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::WellKnownPolicies;
use crate::config::location::{Located, SourceLocation};
use crate::config::reader::{Reader, is_true, items, text_map};
use eksact_identity::service_account::ServiceAccountKey;
use eksact_yaml::{Content, Node};

pub(super) use check::check;

/// What the file says of pod identity associations; by default nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodIdentityAssociations {
    /// The associations, in the order of the file.
    pub list: Vec<PodIdentityAssociation>,
    /// Whether the file has the list at all, be it an empty one.
    pub is_listed: bool,
}

/// The role that the pods of one service account get through EKS Pod Identity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodIdentityAssociation {
    /// Namespace of the service account.
    pub namespace: String,
    /// Name of the service account.
    pub service_account: String,
    /// Whether a missing service account is made.
    pub create_service_account: bool,
    /// An existing role to use instead of making one.
    pub role_arn: Option<Located<String>>,
    /// The name of the role that is made; CloudFormation chooses one when absent.
    pub role_name: Option<Located<String>>,
    /// The managed policy that bounds the role.
    pub permissions_boundary: Option<Located<String>>,
    /// Managed policies of the role.
    pub permission_policy_arns: Vec<Located<String>>,
    /// The inline policy document of the role.
    pub permission_policy: Option<Located<serde_json::Value>>,
    /// The name of that inline policy.
    pub permission_policy_name: Option<Located<String>>,
    /// Ready-made policies for well-known controllers.
    pub well_known_policies: WellKnownPolicies,
    /// Tags of the association, and of the stack and the role that are made for it.
    pub tags: BTreeMap<String, String>,
    /// The role that is assumed from the first, mostly of another account.
    pub target_role_arn: Option<Located<String>>,
    /// Whether the session gets no tags.
    pub disable_session_tags: Option<Located<bool>>,
    /// A policy that limits the session, as JSON text.
    pub policy: Option<Located<String>>,
    /// Where the entry begins in the file.
    pub location: Option<SourceLocation>,
}

impl PodIdentityAssociation {
    /// Which service account.
    pub fn key(&self) -> ServiceAccountKey {
        ServiceAccountKey::new(&self.namespace, &self.service_account)
    }

    /// Whether it is this service account's.
    pub fn is_of(&self, key: &ServiceAccountKey) -> bool {
        self.namespace == key.namespace && self.service_account == key.name
    }

    /// Every place in which the ARN of a policy may stand.
    pub(super) fn policy_references(&self) -> impl Iterator<Item = &Located<String>> {
        self.permission_policy_arns
            .iter()
            .chain(&self.permissions_boundary)
    }

    pub(super) fn policy_references_mut(&mut self) -> impl Iterator<Item = &mut Located<String>> {
        self.permission_policy_arns
            .iter_mut()
            .chain(&mut self.permissions_boundary)
    }

    /// Whether the session gets no tags; EKS's default is that it gets them.
    pub fn disables_session_tags(&self) -> bool {
        self.disable_session_tags
            .as_ref()
            .is_some_and(|disabled| disabled.value)
    }

    /// The letters and digits of the inline policy's name, by which eksctl knows it in the template
    /// (`pkg/cfn/builder/iam.go`); none for its usual id.
    pub fn permission_policy_id(&self) -> Option<String> {
        let name = self.permission_policy_name.as_ref()?;
        let id: String = name.value.chars().filter(char::is_ascii_alphanumeric).collect();
        (!id.is_empty()).then_some(id)
    }
}

/// A live association as the file would say it, with its role as one that is given: what commands start from that change a
/// part of it. `is_mark` says which tags no file would have.
pub fn as_in_a_file(
    association: &crate::ports::aws::PodIdentityAssociation,
    is_mark: impl Fn(&str) -> bool,
) -> PodIdentityAssociation {
    PodIdentityAssociation {
        namespace: association.namespace.clone(),
        service_account: association.service_account.clone(),
        role_arn: Some(Located::unlocated(association.role_arn.clone())),
        target_role_arn: association.target_role_arn.clone().map(Located::unlocated),
        disable_session_tags: Some(Located::unlocated(association.disable_session_tags)),
        policy: association.policy.clone().map(Located::unlocated),
        tags: association
            .tags
            .iter()
            .filter(|(key, _)| !is_mark(key))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
        ..PodIdentityAssociation::default()
    }
}

pub(super) fn decode(root: &Node, reader: &Reader<'_>) -> PodIdentityAssociations {
    let Some(iam) = root.get("iam") else {
        return PodIdentityAssociations::default();
    };
    let items = items(iam, "podIdentityAssociations").iter();
    PodIdentityAssociations {
        list: items.map(|node| association(node, reader)).collect(),
        is_listed: iam
            .get("podIdentityAssociations")
            .is_some_and(|list| matches!(list.content(), Content::Sequence(_))),
    }
}

fn association(node: &Node, reader: &Reader<'_>) -> PodIdentityAssociation {
    let text = |key| reader.text(node, key).map(|text| text.value).unwrap_or_default();
    PodIdentityAssociation {
        namespace: text("namespace"),
        service_account: text("serviceAccountName"),
        create_service_account: is_true(node, "createServiceAccount"),
        role_arn: reader.text(node, "roleARN"),
        role_name: reader.text(node, "roleName"),
        permissions_boundary: reader.text(node, "permissionsBoundaryARN"),
        permission_policy_arns: reader.texts(node, "permissionPolicyARNs"),
        permission_policy: reader.document(node, "permissionPolicy"),
        permission_policy_name: reader.text(node, "permissionPolicyName"),
        well_known_policies: WellKnownPolicies::decode(node),
        tags: text_map(node, "tags"),
        target_role_arn: reader.text(node, "targetRoleARN"),
        disable_session_tags: reader.boolean(node, "disableSessionTags"),
        policy: reader.text(node, "policy"),
        location: Some(reader.location(node)),
    }
}
