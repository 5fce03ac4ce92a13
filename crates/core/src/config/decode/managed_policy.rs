//! Customer managed policies, from the tree to plain values.

use super::{Reader, json};
use crate::config::managed_policy::ManagedPolicy;
use eksact_yaml::{Content, Node};

impl Reader<'_> {
    pub(super) fn managed_policies(&self, root: &Node) -> Vec<ManagedPolicy> {
        let items = root.get("policies").map(Node::items).unwrap_or_default();
        items.iter().map(|node| self.managed_policy(node)).collect()
    }

    fn managed_policy(&self, node: &Node) -> ManagedPolicy {
        ManagedPolicy {
            name: self
                .text(node, "name")
                .unwrap_or_else(|| self.located(node, String::new())),
            path: self.text(node, "path"),
            description: self.text(node, "description"),
            document: node
                .get("document")
                .filter(|document| matches!(document.content(), Content::Mapping(_)))
                .map(|document| self.located(document, json(document))),
            file: self.text(node, "file"),
            location: Some(self.source.location(node.at)),
        }
    }
}
