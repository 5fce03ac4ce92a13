//! `iam.podIdentityAssociations` as plain values.

use super::{Reader, boolean, json, text_map};
use crate::config::cluster_config::WellKnownPolicies;
use crate::config::pod_identity_association::{PodIdentityAssociation, PodIdentityAssociations};
use eksact_identity::iam::WellKnownPolicy;
use eksact_yaml::{Content, Node};

impl Reader<'_> {
    /// The associations of the file.
    pub(super) fn pod_identity_associations(&self, root: &Node) -> PodIdentityAssociations {
        let list = root.get("iam").and_then(|iam| iam.get("podIdentityAssociations"));
        PodIdentityAssociations {
            is_listed: list.is_some_and(|list| matches!(list.content(), Content::Sequence(_))),
            list: list
                .map(Node::items)
                .unwrap_or_default()
                .iter()
                .map(|node| self.pod_identity_association(node))
                .collect(),
        }
    }

    fn pod_identity_association(&self, node: &Node) -> PodIdentityAssociation {
        let text = |key| self.text(node, key).map(|text| text.value).unwrap_or_default();
        let well_known = node.get("wellKnownPolicies");
        let is_on = |policy: &WellKnownPolicy| {
            well_known
                .and_then(|node| node.get(policy.field_name()))
                .and_then(boolean)
                == Some(true)
        };
        let permission_policy = node
            .get("permissionPolicy")
            .filter(|policy| matches!(policy.content(), Content::Mapping(_)));
        let disable_session_tags = node.get("disableSessionTags");
        PodIdentityAssociation {
            namespace: text("namespace"),
            service_account: text("serviceAccountName"),
            create_service_account: node
                .get("createServiceAccount")
                .and_then(boolean)
                .unwrap_or_default(),
            role_arn: self.text(node, "roleARN"),
            role_name: self.text(node, "roleName"),
            permissions_boundary: self.text(node, "permissionsBoundaryARN"),
            permission_policy_arns: node
                .get("permissionPolicyARNs")
                .map(Node::items)
                .unwrap_or_default()
                .iter()
                .map(|item| self.located(item, item.text().unwrap_or_default().to_owned()))
                .collect(),
            permission_policy: permission_policy.map(|policy| self.located(policy, json(policy))),
            permission_policy_name: self.text(node, "permissionPolicyName"),
            well_known_policies: WellKnownPolicies(WellKnownPolicy::ALL.into_iter().filter(is_on).collect()),
            tags: text_map(node, "tags"),
            target_role_arn: self.text(node, "targetRoleARN"),
            disable_session_tags: disable_session_tags
                .and_then(|value| boolean(value).map(|disabled| self.located(value, disabled))),
            policy: self.text(node, "policy"),
            location: Some(self.source.location(node.at)),
        }
    }
}
