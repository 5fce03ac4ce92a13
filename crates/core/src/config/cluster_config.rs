//! The part of a ClusterConfig that eksact acts on, as plain values. Built from a file by `decode`, or by hand from flags.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    access_entry::AccessEntries,
    cluster_access::ClusterAccess,
    location::{Located, SourceLocation},
    managed_policy::Names,
    pod_identity_association::PodIdentityAssociations,
};
use crate::ports::aws::{AuthenticationMode, IdentityProviderConfig};
use eksact_identity::{iam::WellKnownPolicy, service_account::ServiceAccountKey};

/// The namespace of a service account that names none, as in Kubernetes and eksctl (`defaults.go`).
pub const DEFAULT_NAMESPACE: &str = "default";

/// What is wanted for one cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterConfig {
    /// Which cluster.
    pub metadata: Metadata,
    /// Its OIDC provider and the roles of its service accounts.
    pub iam: Iam,
    /// Who gets into the cluster, and what they may do there.
    pub access: ClusterAccess,
    /// Which roles pods get through EKS Pod Identity.
    #[serde(default)]
    pub pod_identity_associations: PodIdentityAssociations,
    /// Where the cluster shall look up who gets in.
    pub authentication_mode: Option<Located<AuthenticationMode>>,
    /// Whether the cluster's creator became an administrator when the cluster was made.
    pub bootstrap_creator_admin: Option<Located<bool>>,
    /// Its access entries.
    pub access_entries: AccessEntries,
    /// The OIDC identity providers of the cluster, in the order of the file.
    pub identity_providers: Vec<IdentityProvider>,
    /// Whether the file has the list at all, be it an empty one.
    pub lists_identity_providers: bool,
    /// The sections of the file that eksact knows and leaves alone, in the order of the file:
    /// `nodeGroups`, `addons`.
    pub unmanaged_sections: Vec<String>,
    /// What other parts of the files call by name.
    #[serde(default, skip_serializing_if = "Names::is_empty")]
    pub names: Names,
}

impl ClusterConfig {
    /// The same cluster in its account and with its rule, with nothing wanted of it.
    #[must_use]
    pub fn cluster_only(&self) -> Self {
        Self {
            metadata: self.metadata.clone(),
            names: self.names.clone(),
            access: self.access.place_and_rule(),
            ..Self::default()
        }
    }

    /// The same cluster, with only what is wanted of service accounts and the OIDC provider: for commands about them.
    #[must_use]
    pub fn about_service_accounts(self) -> Self {
        // Each field by its name: a new section of `iam` must not slip into these commands.
        let iam = Iam {
            with_oidc: self.iam.with_oidc,
            service_accounts: self.iam.service_accounts,
            lists_service_accounts: self.iam.lists_service_accounts,
        };
        Self {
            metadata: self.metadata,
            iam,
            unmanaged_sections: self.unmanaged_sections,
            names: self.names,
            access: self.access.place_and_rule(),
            ..Self::default()
        }
    }
}

/// Which cluster the configuration is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// The name of the EKS cluster.
    pub name: Located<String>,
    /// Its AWS region.
    pub region: Located<String>,
    /// The Kubernetes version as written (`1.30` stays `1.30`).
    pub version: Option<String>,
    /// Tags for every stack that is made from this configuration.
    pub tags: BTreeMap<String, String>,
}

/// An OIDC identity provider of the cluster, whose users get in with its tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityProvider {
    /// What it shall be; without what EKS adds.
    pub config: IdentityProviderConfig,
    /// Where the entry begins in the file.
    pub location: Option<SourceLocation>,
}

/// The IAM half of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Iam {
    /// Whether the account shall have an OIDC provider for the cluster. Absent: false, without a location.
    pub with_oidc: Located<bool>,
    /// The service accounts, in the order of the file.
    pub service_accounts: Vec<ServiceAccount>,
    /// Whether the file has the list at all, be it an empty one. Without it the file says nothing of them.
    pub lists_service_accounts: bool,
}

/// The well-known policies that are switched on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WellKnownPolicies(pub BTreeSet<WellKnownPolicy>);

/// One Kubernetes service account and the IAM role that its pods get.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceAccount {
    /// Its name in Kubernetes.
    pub name: String,
    /// Its namespace; [`DEFAULT_NAMESPACE`] when the file names none.
    pub namespace: String,
    /// Labels that the Kubernetes object gets.
    pub labels: BTreeMap<String, String>,
    /// Annotations that the Kubernetes object gets, besides the role's.
    pub annotations: BTreeMap<String, String>,
    /// Managed policies of the role.
    pub attach_policy_arns: Vec<Located<String>>,
    /// Whether the file says plainly that there are no managed policies: `attachPolicyARNs: []`.
    pub states_no_policy: bool,
    /// The inline policy document.
    pub attach_policy: Option<Located<serde_json::Value>>,
    /// Ready-made policies for well-known controllers.
    pub well_known_policies: WellKnownPolicies,
    /// An existing role to use instead of making one.
    pub attach_role_arn: Option<Located<String>>,
    /// The managed policy that bounds the role.
    pub permissions_boundary: Option<Located<String>>,
    /// The name of the role; CloudFormation chooses one when absent.
    pub role_name: Option<Located<String>>,
    /// Whether the Kubernetes object is left alone.
    pub role_only: bool,
    /// Tags of the stack and so of the role.
    pub tags: BTreeMap<String, String>,
    /// A pattern in place of the name in the role's trust policy.
    pub subject_pattern: Option<Located<String>>,
    /// Where the entry begins in the file.
    pub location: Option<SourceLocation>,
}

impl ServiceAccount {
    /// `namespace/name`, the identity of a service account in tags, addresses and messages.
    pub fn qualified_name(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// Its namespace and name.
    pub fn key(&self) -> ServiceAccountKey {
        ServiceAccountKey::new(&self.namespace, &self.name)
    }

    /// Whether eksact makes its role, rather than being given one.
    pub fn owns_role(&self) -> bool {
        self.attach_role_arn.is_none()
    }

    /// Whether anything grants the role a permission.
    pub fn has_policy(&self) -> bool {
        !self.attach_policy_arns.is_empty()
            || self.attach_policy.is_some()
            || !self.well_known_policies.0.is_empty()
    }
}
