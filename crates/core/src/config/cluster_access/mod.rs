//! Who gets into the cluster and what they may do there: ClusterConfig's `iamIdentityMappings`, and what eksact's own kind
//! `ClusterAccess` adds to them. Built from files, or by hand from flags.
//!
//! Each list has a file of its own: what it holds, how that is read from the tree, and its rules. Here and in `join` they are one.

mod account;
pub mod assumable_role;
mod duplicates;
mod group;
pub(super) mod identity_mapping;
mod join;
pub mod managed_policy;
mod shared_role;

use serde::{Deserialize, Serialize};

pub use account::ClusterAccount;
pub use group::{GroupAccess, GroupBinding, GroupRole};
pub use identity_mapping::{EMR_CONTAINERS, IdentityMapping, MappingSubject};
pub(super) use join::join;
pub use shared_role::{RoleReference, SharedRole, SharedRoleAccount};

use super::{
    cluster_config::{ClusterConfig, Metadata},
    diagnostic::quoted,
    document::DocumentKind,
    finding::{Finding, Findings},
    load::Beside,
    location::Located,
    path::FieldPath,
    reader::{Reader, text},
};
use assumable_role::AssumableRole;
use eksact_identity::iam::Partition;
use eksact_message::code::Code;
use eksact_yaml::Node;
use managed_policy::ManagedPolicy;

/// Whether a plan that gives more access may be applied. The stricter is the greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AllowBroadening {
    /// It may.
    #[default]
    Always,
    /// Only as a saved plan whose digest was approved.
    Approved,
    /// Never.
    Never,
}

impl AllowBroadening {
    /// Every value, the strictest first.
    pub const ALL: [Self; 3] = [Self::Never, Self::Approved, Self::Always];

    /// As it is written in files and flags.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Approved => "approved",
            Self::Never => "never",
        }
    }

    /// The value that is written like this.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

/// Everything that the files say about access to the cluster.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says of another list whether a file has it"
)]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterAccess {
    /// The mappings, those of the ClusterConfig first.
    pub identity_mappings: Vec<IdentityMapping>,
    /// The groups.
    pub groups: Vec<GroupAccess>,
    /// The roles that other clusters share.
    pub shared_roles: Vec<SharedRole>,
    /// Whether a file has a list of shared roles, be it empty: that is all then that this cluster shall share.
    pub states_shared_roles: bool,
    /// The roles that people or pipelines assume.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<AssumableRole>,
    /// Whether a file has a list of them, be it empty: those that eksact made and that are not in it may be pruned.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub states_roles: bool,
    /// The customer managed policies that eksact makes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<ManagedPolicy>,
    /// Whether a file has a list of policies, be it empty: those that eksact made and that are not in it may be pruned.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub states_policies: bool,
    /// Whether this is all that eksact shall have made: so it is for files with a list of mappings, be it empty, or a
    /// `ClusterAccess` that is not about roles and policies of IAM or settings alone. Files about something else, and commands about one mapping, leave the rest as it is.
    pub complete: bool,
    /// What the files let a plan do that gives more access; of several files the strictest.
    #[serde(default)]
    pub allow_broadening: Option<Located<AllowBroadening>>,
    /// Which account it is in, and how eksact gets there; none where no file says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<ClusterAccount>,
}

impl ClusterAccess {
    /// The cluster's account and what a plan may do there, which hold whatever is asked; nothing else.
    #[must_use]
    pub fn place_and_rule(&self) -> Self {
        Self {
            allow_broadening: self.allow_broadening.clone(),
            account: self.account.clone(),
            ..Self::default()
        }
    }

    /// What a ClusterConfig says of it.
    pub(super) fn of_mappings(root: &Node, reader: &Reader<'_>) -> Self {
        let list = identity_mapping::list_key(DocumentKind::ClusterConfig);
        Self {
            identity_mappings: identity_mapping::decode(root, list, reader),
            complete: root.get(list).is_some(),
            ..Self::default()
        }
    }

    /// The groups that it binds.
    pub fn bound_groups(&self) -> impl Iterator<Item = &str> {
        let bound = self.groups.iter().filter(|group| !group.bindings.is_empty());
        bound.map(|group| group.name.value.as_str())
    }
}

/// Reads a ClusterAccess.
pub(super) fn decode(root: &Node, reader: &Reader<'_>) -> ClusterAccess {
    let has = |key| root.get(key).is_some();
    ClusterAccess {
        identity_mappings: identity_mapping::decode(root, "identityMappings", reader),
        groups: group::decode(root, reader),
        shared_roles: shared_role::decode(root, reader),
        states_shared_roles: has("sharedRoles"),
        roles: assumable_role::decode(root, reader),
        states_roles: has("roles"),
        policies: managed_policy::decode(root, reader),
        states_policies: has("policies"),
        // One about roles and policies of IAM or settings alone says nothing of who gets in.
        complete: has("identityMappings")
            || has("groups")
            || !["sharedRoles", "roles", "policies", "allowBroadening", "account"]
                .into_iter()
                .any(has),
        // A value that there is not is refused on the tree.
        allow_broadening: reader.text(root, "allowBroadening").and_then(|text| {
            let value = AllowBroadening::parse(&text.value)?;
            Some(text.map(|_| value))
        }),
        account: account::decode(root, reader),
    }
}

/// What is wrong with the values, for a cluster that `cluster` describes. Reads the policies that stand in files of their own.
pub(super) fn check(
    access: &mut ClusterAccess,
    root: &Node,
    cluster: &Metadata,
    beside: &Beside<'_>,
) -> [Findings; 7] {
    let partition = Partition::of_region(&cluster.region.value);
    let mut all: [Findings; 7] = Default::default();
    let [place, mappings, groups, shared_roles, policies, roles, account] = &mut all;
    agreement(root, cluster, place);
    let kind = DocumentKind::ClusterAccess;
    identity_mapping::check(kind, &access.identity_mappings, partition, mappings);
    group::check(&access.groups, groups);
    shared_role::check_options(root, shared_roles);
    shared_role::check(&access.shared_roles, partition, shared_roles);
    managed_policy::check_options(root, policies);
    managed_policy::read_files(&mut access.policies, beside, policies);
    managed_policy::check(&access.policies, policies);
    assumable_role::check(&access.roles, partition, roles);
    account::check(access.account.as_ref(), partition, account);
    all
}

/// What must not stand together, for a document of this kind: on the tree, for the values have one of it and no more.
pub(super) fn check_options(kind: DocumentKind, root: &Node) -> impl Iterator<Item = Finding> {
    let mappings = identity_mapping::check_options(kind, root);
    let groups = match kind {
        DocumentKind::ClusterConfig => Findings::default(),
        DocumentKind::ClusterAccess => group::check_options(root),
    };
    mappings.into_vec().into_iter().chain(groups.into_vec())
}

/// What names a policy or a role that the files do not have.
pub(super) fn unknown_names(config: &ClusterConfig) -> impl Iterator<Item = Finding> {
    managed_policy::unknown_names(config)
        .into_iter()
        .chain(assumable_role::unknown_names(config))
}

/// Access for one cluster must not be applied to another: what a ClusterAccess says about its cluster must be true.
fn agreement(root: &Node, cluster: &Metadata, findings: &mut Findings) {
    let Some(metadata) = root.get("metadata") else {
        return;
    };
    for (key, wanted) in [("name", &cluster.name), ("region", &cluster.region)] {
        let Some(location) = &wanted.location else {
            continue;
        };
        let own = text(metadata, key);
        if !own.is_empty() && own != wanted.value {
            let path = FieldPath::of("metadata").key(key);
            let message = format!(
                "{path} is {}, and that of the ClusterConfig is {}, at {location}",
                quoted(own),
                quoted(&wanted.value)
            );
            findings.push(Finding::error(Code::OtherCluster, path, message).help(remedy!(
                "is this the right file? `metadata` may be left out of a ClusterAccess"
            )));
        }
    }
}
