//! Access entries, from the tree to plain values.

use super::Reader;
use crate::config::access_entry::{AccessEntries, AccessEntry, AccessPolicy, Keeps};
use crate::config::location::Located;
use eksact_identity::authn::access_entry::STANDARD;
use eksact_yaml::Node;

impl Reader<'_> {
    pub(super) fn access_entries(&self, root: &Node) -> AccessEntries {
        let list = root
            .get("accessConfig")
            .and_then(|config| config.get("accessEntries"));
        AccessEntries {
            entries: list
                .map(Node::items)
                .unwrap_or_default()
                .iter()
                .map(|entry| self.access_entry(entry))
                .collect(),
            is_listed: list.is_some(),
        }
    }

    fn access_entry(&self, node: &Node) -> AccessEntry {
        AccessEntry {
            principal_arn: self.text_or_place(node, "principalARN"),
            // eksctl leaves it to EKS, which takes this one.
            entry_type: self
                .text(node, "type")
                .unwrap_or_else(|| Located::unlocated(STANDARD.to_owned())),
            groups: self.texts_of(node, "kubernetesGroups"),
            username: self.text(node, "kubernetesUsername"),
            policies: node
                .get("accessPolicies")
                .map(Node::items)
                .unwrap_or_default()
                .iter()
                .map(|policy| self.access_policy(policy))
                .collect(),
            keeps: Keeps::default(),
            location: Some(self.source.location(node.at)),
        }
    }

    fn access_policy(&self, node: &Node) -> AccessPolicy {
        let scope = node.get("accessScope").unwrap_or(node);
        AccessPolicy {
            arn: self.text_or_place(node, "policyARN"),
            scope: self.text_or_place(scope, "type"),
            namespaces: self.texts_of(scope, "namespaces"),
        }
    }

    /// The text at `key`; an empty one, at the place of its parent, where there is none.
    fn text_or_place(&self, parent: &Node, key: &str) -> Located<String> {
        self.text(parent, key)
            .unwrap_or_else(|| self.located(parent, String::new()))
    }

    fn texts_of(&self, parent: &Node, key: &str) -> Vec<Located<String>> {
        parent
            .get(key)
            .map(|list| self.located_texts(list))
            .unwrap_or_default()
    }
}
