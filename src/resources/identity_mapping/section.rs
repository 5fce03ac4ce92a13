//! The three keys of `aws-auth` that the authenticator reads.

use serde::{Deserialize, Serialize};

/// A key of the ConfigMap's `data`. The authenticator compares them case-sensitively.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Section {
    /// `mapRoles`.
    Roles,
    /// `mapUsers`.
    Users,
    /// `mapAccounts`.
    Accounts,
}

impl Section {
    /// Every section, in the order in which the authenticator asks them.
    pub(super) const ALL: [Self; 3] = [Self::Roles, Self::Users, Self::Accounts];

    /// The key.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Roles => "mapRoles",
            Self::Users => "mapUsers",
            Self::Accounts => "mapAccounts",
        }
    }
}
