//! The OIDC identity providers of a cluster: who gets in with a token of somebody else than AWS. Not to be taken for IAM's
//! OIDC provider of the cluster, by which its service accounts get roles.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::ClusterUpdate;
use crate::ports::CallError;

/// The type of the update that associates one (EKS `UpdateType`).
pub const ASSOCIATE_IDENTITY_PROVIDER_CONFIG: &str = "AssociateIdentityProviderConfig";
/// The type of the update that takes one away.
pub const DISASSOCIATE_IDENTITY_PROVIDER_CONFIG: &str = "DisassociateIdentityProviderConfig";

/// An OIDC identity provider of a cluster (EKS `OidcIdentityProviderConfig`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityProviderConfig {
    /// Its name, unique in the cluster.
    pub name: String,
    /// `arn:…:identityproviderconfig/CLUSTER/oidc/NAME/UUID`; empty before EKS has made it.
    #[serde(default)]
    pub arn: String,
    /// The issuer of its tokens, an https URL.
    pub issuer_url: String,
    /// The audience that its tokens must have.
    pub client_id: String,
    /// The claim that is the user name; `sub` where none is given.
    pub username_claim: Option<String>,
    /// What is put before user names; the issuer and `#` where none is given (nothing for the claim `email`), and nothing for `-`.
    pub username_prefix: Option<String>,
    /// The claim that has the groups.
    pub groups_claim: Option<String>,
    /// What is put before groups.
    pub groups_prefix: Option<String>,
    /// Claims that a token must have, with their values.
    #[serde(default)]
    pub required_claims: BTreeMap<String, String>,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// `CREATING`, `ACTIVE` or `DELETING`; empty before EKS has made it.
    #[serde(default)]
    pub status: String,
}

/// The claim that is the user name where none is given (EKS, `OidcIdentityProviderConfigRequest`).
pub const DEFAULT_USERNAME_CLAIM: &str = "sub";

impl IdentityProviderConfig {
    /// The claim that is the user name.
    pub fn claim_of_username(&self) -> &str {
        let given = self.username_claim.as_deref();
        given
            .filter(|claim| !claim.is_empty())
            .unwrap_or(DEFAULT_USERNAME_CLAIM)
    }

    /// The prefix of user names as it is written, where it is another than the API server takes by itself.
    pub fn own_username_prefix(&self) -> Option<&str> {
        let written = self.written_username_prefix()?;
        (self.prefix_of_usernames() != self.default_username_prefix()).then_some(written)
    }

    /// What stands before every user name, which may be nothing.
    pub fn prefix_of_usernames(&self) -> String {
        match self.written_username_prefix() {
            Some("-") => String::new(),
            Some(prefix) => prefix.to_owned(),
            None => self.default_username_prefix(),
        }
    }

    fn written_username_prefix(&self) -> Option<&str> {
        self.username_prefix
            .as_deref()
            .filter(|prefix| !prefix.is_empty())
    }

    /// What the API server takes by itself: the issuer and `#`, or, for addresses of mail, nothing (Kubernetes,
    /// `--oidc-username-prefix`).
    fn default_username_prefix(&self) -> String {
        if self.claim_of_username() == "email" {
            String::new()
        } else {
            format!("{}#", self.issuer_url)
        }
    }
}

/// How many a cluster can have: ten from Kubernetes 1.32 on, one before
/// (<https://docs.aws.amazon.com/eks/latest/userguide/authenticate-oidc-identity-provider.html>). A version that is not known is
/// taken for a new one: EKS has the last word.
pub fn most_identity_providers(version: Option<&str>) -> usize {
    let minor = version.and_then(|version| version.strip_prefix("1."));
    let minor = minor.and_then(|minor| minor.parse::<u32>().ok());
    if minor.is_some_and(|minor| minor < 32) {
        1
    } else {
        10
    }
}

/// Reads the identity providers of clusters.
#[async_trait]
pub trait IdentityProviderConfigReader: Send + Sync {
    /// Every OIDC identity provider of a cluster (EKS `ListIdentityProviderConfigs`, all pages, and
    /// `DescribeIdentityProviderConfig`).
    async fn identity_provider_configs(
        &self,
        cluster: &str,
    ) -> Result<Vec<IdentityProviderConfig>, CallError>;
    /// EKS `DescribeIdentityProviderConfig`.
    async fn identity_provider_config(
        &self,
        cluster: &str,
        name: &str,
    ) -> Result<Option<IdentityProviderConfig>, CallError>;
}

/// Changes the identity providers of clusters.
#[async_trait]
pub trait IdentityProviderConfigWriter: Send + Sync {
    /// EKS `AssociateIdentityProviderConfig`; gives the update, which goes on for minutes. A failure of kind `Conflict` while
    /// another update runs, and where the name is taken.
    async fn associate_identity_provider_config(
        &self,
        cluster: &str,
        config: &IdentityProviderConfig,
    ) -> Result<ClusterUpdate, CallError>;
    /// EKS `DisassociateIdentityProviderConfig`; gives the update.
    async fn disassociate_identity_provider_config(
        &self,
        cluster: &str,
        name: &str,
    ) -> Result<ClusterUpdate, CallError>;
    /// EKS `TagResource`; other tags stay.
    async fn tag_identity_provider_config(
        &self,
        arn: &str,
        tags: &BTreeMap<String, String>,
    ) -> Result<(), CallError>;
}
