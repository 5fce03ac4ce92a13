//! What shall become of the cluster's OIDC provider: asked by commands, else what the file's roles need. The provider's own
//! kind acts on it, and the kinds of roles that trust it look at it.

use serde::{Deserialize, Serialize};

use super::{Request, scope::saved_scope};
use crate::config::ServiceAccount;

/// What shall become of the cluster's OIDC provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProviderIntent {
    /// It shall exist, with its audience.
    Ensure,
    /// It must be there already: roles are asked for, the provider is not.
    Require,
    /// Nothing of the request needs it.
    Leave,
    /// It shall go.
    Delete,
}

saved_scope!(ProviderIntent, "oidc-provider");

impl ProviderIntent {
    /// That of commands about service accounts, which touch only what they name: roles need a provider that is there.
    pub fn of_roles(accounts: &[ServiceAccount]) -> Self {
        if accounts.iter().any(ServiceAccount::owns_role) {
            Self::Require
        } else {
            Self::Leave
        }
    }
}

impl Request {
    /// What shall become of the OIDC provider.
    pub fn provider_intent(&self) -> ProviderIntent {
        if let Some(intent) = self.scope() {
            return *intent;
        }
        if self.config.iam.with_oidc.value {
            ProviderIntent::Ensure
        } else if self.config.access.shared_roles.is_empty() {
            ProviderIntent::of_roles(self.service_accounts())
        } else {
            ProviderIntent::Require
        }
    }
}
