//! OIDC identity providers of the cluster, from the tree to plain values.

use super::{Reader, text_map};
use crate::{config::cluster_config::IdentityProvider, ports::aws::IdentityProviderConfig};
use eksact_yaml::Node;

impl Reader<'_> {
    pub(super) fn identity_providers(&self, root: &Node) -> Vec<IdentityProvider> {
        let items = root.get("identityProviders").map(Node::items).unwrap_or_default();
        items.iter().map(|node| self.identity_provider(node)).collect()
    }

    fn identity_provider(&self, node: &Node) -> IdentityProvider {
        let text = |key| self.text(node, key).map(|text| text.value);
        IdentityProvider {
            config: IdentityProviderConfig {
                name: text("name").unwrap_or_default(),
                issuer_url: text("issuerURL").unwrap_or_default(),
                client_id: text("clientID").unwrap_or_default(),
                username_claim: text("usernameClaim"),
                username_prefix: text("usernamePrefix"),
                groups_claim: text("groupsClaim"),
                groups_prefix: text("groupsPrefix"),
                required_claims: text_map(node, "requiredClaims"),
                tags: text_map(node, "tags"),
                ..IdentityProviderConfig::default()
            },
            location: Some(self.source.location(node.at)),
        }
    }
}
