//! The addresses of objects: how one kind refers to an object of another. What becomes of it stands in the draft, and how it
//! is now in [`Live`](super::Live), both to be asked by its address or key; no kind asks another.

use super::{AWS_AUTH, AWS_AUTH_NAMESPACE};
use crate::{engine::Address, ports::aws::AuthenticationMode};
use eksact_identity::{
    cloudformation::{RoleOwner, RolePurpose},
    service_account::ServiceAccountKey,
};

/// The attribute of a role that others wait for: its ARN.
pub const ARN: &str = "ARN";

/// The IAM OIDC provider of a cluster.
pub fn oidc_provider(cluster: &str) -> Address {
    Address::new("oidc-provider", cluster)
}

/// The role of a service account.
pub fn iam_role(key: &ServiceAccountKey) -> Address {
    Address::new("iam-role", key.to_string())
}

/// A customer managed policy of the files.
pub fn managed_policy(name: &str) -> Address {
    Address::new("managed-policy", name)
}

/// A role of the files that people or pipelines assume.
pub fn assumable_role(name: &str) -> Address {
    Address::new("assumable-role", name)
}

/// Whether it is one.
pub fn is_assumable_role(address: &Address) -> bool {
    address.kind() == "assumable-role"
}

/// The role of a pod identity association.
pub fn pod_identity_role(key: &ServiceAccountKey) -> Address {
    Address::new("pod-identity-role", key.to_string())
}

/// A role that is made for a service account, whichever way its pods get it.
pub fn role_of(owner: &RoleOwner) -> Address {
    match owner.purpose {
        RolePurpose::ServiceAccount => iam_role(&owner.account),
        RolePurpose::PodIdentity => pod_identity_role(&owner.account),
        RolePurpose::Assumed => assumable_role(&owner.account.name),
    }
}

/// The service account that the role at this address is made for; none for an object of another kind.
pub fn role_owner(address: &Address) -> Option<RoleOwner> {
    let key = ServiceAccountKey::parse(address.name())?;
    [RolePurpose::ServiceAccount, RolePurpose::PodIdentity]
        .into_iter()
        .map(|purpose| purpose.of(&key))
        .find(|owner| role_of(owner) == *address)
}

/// A pod identity association.
pub fn pod_identity_association(key: &ServiceAccountKey) -> Address {
    Address::new("pod-identity-association", key.to_string())
}

/// An add-on of EKS.
pub fn addon(name: &str) -> Address {
    Address::new("addon", name)
}

/// A namespace.
pub fn namespace(name: &str) -> Address {
    Address::new("namespace", name)
}

/// A service account.
pub fn service_account(key: &ServiceAccountKey) -> Address {
    Address::new("service-account", key.to_string())
}

/// This cluster's statement in the trust policy of a role.
pub fn shared_role(role: &str) -> Address {
    Address::new("shared-role", role)
}

/// A `Role` or, without a namespace, a `ClusterRole`.
pub fn rbac_role(namespace: Option<&str>, name: &str) -> Address {
    Address::new("rbac-role", qualified(namespace, name))
}

/// A `RoleBinding` or, without a namespace, a `ClusterRoleBinding`.
pub fn rbac_binding(namespace: Option<&str>, name: &str) -> Address {
    Address::new("rbac-binding", qualified(namespace, name))
}

/// A mapping of `aws-auth`: by its ARN or account.
pub fn identity_mapping(subject: &str) -> Address {
    Address::new("identity-mapping", subject)
}

/// An access entry: by the ARN of its principal.
pub fn access_entry(principal_arn: &str) -> Address {
    Address::new("access-entry", principal_arn)
}

/// The ConfigMap `aws-auth`, which all mappings are written to at once.
pub fn aws_auth() -> Address {
    Address::new("aws-auth", format!("{AWS_AUTH_NAMESPACE}/{AWS_AUTH}"))
}

/// What a migration to access entries does besides the entries.
pub fn access_migration(cluster: &str) -> Address {
    Address::new("access-migration", cluster)
}

/// What a migration to pod identity associations does about a role.
pub fn pod_identity_migration(role: &str) -> Address {
    Address::new("pod-identity-migration", format!("role/{role}"))
}

/// That a cluster is in an authentication mode or further: `prod/API_AND_CONFIG_MAP`. Access entries wait for it.
pub fn authentication_mode(cluster: &str, mode: AuthenticationMode) -> Address {
    Address::new("authentication-mode", format!("{cluster}/{mode}"))
}

/// `app/reader`, or `reader` without a namespace.
pub fn qualified(namespace: Option<&str>, name: &str) -> String {
    match namespace {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name.to_owned(),
    }
}
