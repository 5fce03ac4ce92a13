//! The part of a ClusterConfig that eksact acts on, as plain values. Built from a file, or by hand from flags.
//!
//! Each section has a file of its own: what it holds, how that is read from the tree, and its rules. Here they are one.

pub mod access_entry;
mod authentication_mode;
mod iam;
mod identity_provider;
mod metadata;
pub mod pod_identity_association;
mod service_account;
mod unmanaged;

use serde::{Deserialize, Serialize};

pub use iam::Iam;
pub use identity_provider::IdentityProvider;
pub use metadata::Metadata;
pub use service_account::{DEFAULT_NAMESPACE, ServiceAccount, WellKnownPolicies};

use super::{
    cluster_access::{ClusterAccess, assumable_role::AssumableRole, identity_mapping},
    document::DocumentKind,
    finding::Findings,
    location::Located,
    managed_policy::Names,
    reader::Reader,
};
use crate::ports::aws::AuthenticationMode;
use access_entry::AccessEntries;
use eksact_identity::iam::Partition;
use eksact_yaml::Node;
use pod_identity_association::{PodIdentityAssociation, PodIdentityAssociations};

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

    /// Every place in which the ARN of a policy may stand.
    pub(super) fn policy_references(&self) -> impl Iterator<Item = &Located<String>> {
        let accounts = self.iam.service_accounts.iter();
        let associations = self.pod_identity_associations.list.iter();
        let roles = self.access.roles.iter();
        accounts
            .flat_map(ServiceAccount::policy_references)
            .chain(associations.flat_map(PodIdentityAssociation::policy_references))
            .chain(roles.flat_map(AssumableRole::policy_references))
    }

    pub(super) fn policy_references_mut(&mut self) -> impl Iterator<Item = &mut Located<String>> {
        let accounts = self.iam.service_accounts.iter_mut();
        let associations = self.pod_identity_associations.list.iter_mut();
        let roles = self.access.roles.iter_mut();
        accounts
            .flat_map(ServiceAccount::policy_references_mut)
            .chain(associations.flat_map(PodIdentityAssociation::policy_references_mut))
            .chain(roles.flat_map(AssumableRole::policy_references_mut))
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

/// Reads what eksact acts on.
pub(super) fn decode(root: &Node, reader: &Reader<'_>) -> ClusterConfig {
    ClusterConfig {
        metadata: metadata::decode(root, reader),
        iam: iam::decode(root, reader),
        access: ClusterAccess::of_mappings(root, reader),
        pod_identity_associations: pod_identity_association::decode(root, reader),
        authentication_mode: authentication_mode::decode(root, reader),
        bootstrap_creator_admin: authentication_mode::decode_bootstrap_creator_admin(root, reader),
        access_entries: access_entry::decode(root, reader),
        identity_providers: identity_provider::decode(root, reader),
        lists_identity_providers: root.get("identityProviders").is_some(),
        unmanaged_sections: unmanaged::sections(root),
        names: Names::default(),
    }
}

/// What is wrong with the values.
pub(super) fn check(config: &ClusterConfig) -> Findings {
    let mut findings = Findings::default();
    let partition = Partition::of_region(&config.metadata.region.value);
    metadata::check(&config.metadata, &mut findings);
    iam::check(&config.iam, &mut findings);
    service_account::check(config, partition, &mut findings);
    pod_identity_association::check(config, partition, &mut findings);
    access_entry::check(&config.access_entries.entries, partition, &mut findings);
    identity_provider::check(config, &mut findings);
    let mappings = &config.access.identity_mappings;
    identity_mapping::check(DocumentKind::ClusterConfig, mappings, partition, &mut findings);
    findings
}

/// What only the tree can tell: whether something is said at all, and what there are no values for.
pub(super) fn check_tree(root: &Node) -> Findings {
    let mut findings = Findings::default();
    identity_provider::check_tree(root, &mut findings);
    authentication_mode::check_tree(root, &mut findings);
    unmanaged::check_tree(root, &mut findings);
    findings
}
