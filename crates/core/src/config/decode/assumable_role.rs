//! Roles that people or pipelines assume, from the tree to plain values.

use super::{Reader, boolean, json, text_map};
use crate::config::assumable_role::{AssumableRole, AssumedBy, OidcSubjects};
use crate::config::location::Located;
use eksact_yaml::{Content, Node, Resolved};

impl Reader<'_> {
    pub(super) fn assumable_roles(&self, root: &Node) -> Vec<AssumableRole> {
        let items = root.get("roles").map(Node::items).unwrap_or_default();
        items.iter().map(|node| self.assumable_role(node)).collect()
    }

    fn assumable_role(&self, node: &Node) -> AssumableRole {
        let duration = node.get("maxSessionDuration");
        AssumableRole {
            name: self
                .text(node, "name")
                .unwrap_or_else(|| self.located(node, String::new())),
            path: self.text(node, "path"),
            description: self.text(node, "description"),
            assumed_by: node
                .get("assumedBy")
                .map(|by| self.assumed_by(by))
                .unwrap_or_default(),
            policies: self.list(node, "policies"),
            inline_policy: node
                .get("inlinePolicy")
                .filter(|document| matches!(document.content(), Content::Mapping(_)))
                .map(|document| self.located(document, json(document))),
            permissions_boundary: self.text(node, "permissionsBoundary"),
            // What is no whole number is told on the tree; one out of range is told by what is left of it.
            max_session_duration: duration.and_then(|value| Some(self.located(value, whole_number(value)?))),
            tags: text_map(node, "tags"),
            location: Some(self.source.location(node.at)),
        }
    }

    fn assumed_by(&self, node: &Node) -> AssumedBy {
        let oidc = node.get("oidc").map(Node::items).unwrap_or_default();
        AssumedBy {
            users: self.list(node, "users"),
            roles: self.list(node, "roles"),
            accounts: self.list(node, "accounts"),
            permission_sets: self.list(node, "permissionSets"),
            oidc: oidc
                .iter()
                .map(|node| OidcSubjects {
                    provider: self
                        .text(node, "provider")
                        .unwrap_or_else(|| self.located(node, String::new())),
                    audience: self.text(node, "audience"),
                    subjects: self.list(node, "subjects"),
                })
                .collect(),
            mfa: node.get("mfa").and_then(boolean).unwrap_or_default(),
            session_name: self.text(node, "sessionName"),
            external_id: self.text(node, "externalID"),
        }
    }

    fn list(&self, node: &Node, key: &str) -> Vec<Located<String>> {
        node.get(key)
            .map(|list| self.located_texts(list))
            .unwrap_or_default()
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
