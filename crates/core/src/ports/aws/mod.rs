//! AWS as eksact sees it, one file per object: its types, and a trait each to read and to change it.
//!
//! Readers page through everything and return whole lists or an error: a partial list is never passed off as the
//! whole (eksctl 0.231 does, `cfn/manager/api.go:474`).

mod access_entry;
mod account;
mod addon;
mod caller_identity;
mod change_set;
mod cluster;
mod cluster_update;
mod identity_provider_config;
mod managed_policy;
mod oidc_provider;
mod pod_identity_association;
mod principal;
mod role;
mod stack;

pub use access_entry::{
    AccessEntry, AccessEntryReader, AccessEntryWriter, AccessPolicy, NewAccessEntry, OfferedAccessPolicy,
};
pub use account::{AuthorizationDetails, AuthorizationDetailsReader, Group, User};
pub use addon::{Addon, AddonReader, AddonWriter};
pub use caller_identity::{CallerIdentity, CallerIdentityReader};
pub use change_set::{
    ChangeSet, ChangeSetReader, ChangeSetRequest, ChangeSetSummary, ChangeSetWriter, ResourceChange,
};
pub use cluster::{Cluster, ClusterReader, ClusterWriter};
pub use cluster_update::{
    ACCESS_CONFIG_UPDATE, AuthenticationMode, ClusterUpdate, ClusterUpdateError, ClusterUpdateReader,
    ClusterUpdateWriter, UnknownAuthenticationMode,
};
pub use identity_provider_config::{
    ASSOCIATE_IDENTITY_PROVIDER_CONFIG, DEFAULT_USERNAME_CLAIM, DISASSOCIATE_IDENTITY_PROVIDER_CONFIG,
    IdentityProviderConfig, IdentityProviderConfigReader, IdentityProviderConfigWriter,
    most_identity_providers,
};
pub use managed_policy::{
    MOST_POLICY_VERSIONS, ManagedPolicy, ManagedPolicyReader, ManagedPolicyWriter, PolicyUse, PolicyVersion,
};
pub use oidc_provider::{OidcProvider, OidcProviderReader, OidcProviderWriter};
pub use pod_identity_association::{
    NewPodIdentityAssociation, PodIdentityAssociation, PodIdentityAssociationReader,
    PodIdentityAssociationSummary, PodIdentityAssociationUpdate, PodIdentityAssociationWriter, described,
    is_role_not_seen,
};
pub use principal::{Principal, PrincipalReader};
pub use role::{DEFAULT_SESSION_SECONDS, Role, RoleReader, RoleTrust, RoleWriter};
pub use stack::{Stack, StackEvent, StackReader, StackRequest, StackWriter};

/// A trait that is several others together: whatever has those has it.
macro_rules! together {
    ($(#[$doc:meta])* $together:ident: $($part:ident,)+) => {
        $(#[$doc])*
        pub trait $together: $($part +)+ {}
        impl<T: $($part +)+ ?Sized> $together for T {}
    };
}

together! {
    /// Reads an account and region. Planning is given this and no more.
    AwsReader:
    AccessEntryReader,
    AddonReader,
    AuthorizationDetailsReader,
    CallerIdentityReader,
    ChangeSetReader,
    ClusterReader,
    ClusterUpdateReader,
    IdentityProviderConfigReader,
    ManagedPolicyReader,
    OidcProviderReader,
    PodIdentityAssociationReader,
    PrincipalReader,
    RoleReader,
    StackReader,
}

together! {
    /// Changes an account and region. Only the runner of an approved plan is given this.
    AwsWriter:
    AddonWriter,
    AccessEntryWriter,
    ChangeSetWriter,
    ClusterWriter,
    ClusterUpdateWriter,
    IdentityProviderConfigWriter,
    ManagedPolicyWriter,
    OidcProviderWriter,
    PodIdentityAssociationWriter,
    RoleWriter,
    StackWriter,
}
