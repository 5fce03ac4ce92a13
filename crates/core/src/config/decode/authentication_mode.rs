//! The authentication mode of the cluster, from the tree to plain values.

use super::{Reader, boolean};
use crate::{config::location::Located, ports::aws::AuthenticationMode};
use eksact_yaml::Node;

impl Reader<'_> {
    /// Whether a mode is one of EKS's is checked elsewhere.
    pub(super) fn authentication_mode(&self, root: &Node) -> Option<Located<AuthenticationMode>> {
        let text = self.text(root.get("accessConfig")?, "authenticationMode")?;
        let mode = text.value.parse().ok()?;
        Some(text.map(|_| mode))
    }

    pub(super) fn bootstrap_creator_admin(&self, root: &Node) -> Option<Located<bool>> {
        let node = root
            .get("accessConfig")?
            .get("bootstrapClusterCreatorAdminPermissions")?;
        boolean(node).map(|value| self.located(node, value))
    }
}
