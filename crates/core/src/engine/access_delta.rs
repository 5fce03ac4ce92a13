//! Who gains and who loses what: people and what they have, not attributes of objects.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HolderKind {
    /// A principal of IAM.
    Principal,
    /// A user of Kubernetes whom no principal of IAM gets in as.
    User,
    /// A group that no principal of IAM gets in with.
    Group,
    /// A service account, `NAMESPACE/NAME`.
    ServiceAccount,
    /// Those for whom an issuer of OIDC tokens vouches, by its URL and the client of the tokens.
    Issuer,
}

/// What somebody gains and loses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HolderDelta {
    /// What they are.
    pub kind: HolderKind,
    /// Who.
    pub who: String,
    /// What they have afterwards and did not have before.
    pub gains: Vec<String>,
    /// What they had before and have no longer.
    pub loses: Vec<String>,
}

impl HolderDelta {
    /// Who, for people: `service account app/web`, an ARN alone.
    pub fn holder(&self) -> String {
        let kind = match self.kind {
            HolderKind::Principal => "",
            HolderKind::User => "user ",
            HolderKind::Group => "group ",
            HolderKind::ServiceAccount => "service account ",
            HolderKind::Issuer => "everybody with a token of ",
        };
        format!("{kind}{}", self.who)
    }
}

/// The difference between what is before and what is after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccessDelta {
    /// Whether everything could be compared.
    pub complete: bool,
    /// Those for whom something changes, principals first.
    pub people: Vec<HolderDelta>,
    /// What could not be compared, and why.
    pub unread: Vec<String>,
}

impl AccessDelta {
    /// The same, seen from what is after.
    #[must_use]
    pub fn reversed(mut self) -> Self {
        for holder in &mut self.people {
            std::mem::swap(&mut holder.gains, &mut holder.loses);
        }
        self
    }
}
