//! Who may do what by the rules of RBAC, as the API server decides it: requests, rules, and what of both is built into
//! Kubernetes and EKS. Pure; who is bound to which role is not known here.
//!
//! The measure is the authorizer of Kubernetes 1.36 (`plugin/pkg/auth/authorizer/rbac`), which a test of the bed compares with
//! this, question by question.

mod bootstrap;
mod policy;
mod request;
mod resource;
mod rule;

pub use bootstrap::bootstrap_rules;
pub use policy::{RULES_DATE, rules_of_policy};
pub use request::{On, Request};
pub use resource::{BuiltinResource, find_resource, split_group};
pub use rule::PolicyRule;

/// The group that may do everything: it is asked for before any authorizer (`pkg/kubeapiserver/authorizer/reload.go`).
pub const MASTERS: &str = "system:masters";
/// The group of everybody whom the server knows (`authentication/group/authenticated_group_adder.go`).
pub const AUTHENTICATED: &str = "system:authenticated";
/// The group of requests without credentials.
pub const UNAUTHENTICATED: &str = "system:unauthenticated";
/// The user of requests without credentials.
pub const ANONYMOUS: &str = "system:anonymous";
/// The group of nodes, which have an authorizer of their own.
pub const NODES: &str = "system:nodes";
/// The group of every service account; with `:NAMESPACE`, of those of a namespace (`authentication/serviceaccount/util.go`).
pub const SERVICE_ACCOUNTS: &str = "system:serviceaccounts";
/// What user names of service accounts begin with.
const SERVICE_ACCOUNT_PREFIX: &str = "system:serviceaccount:";

/// Namespace and name of the service account that has this user name.
pub fn service_account_of(username: &str) -> Option<(&str, &str)> {
    let (namespace, name) = username.strip_prefix(SERVICE_ACCOUNT_PREFIX)?.split_once(':')?;
    (!namespace.is_empty() && !name.is_empty() && !name.contains(':')).then_some((namespace, name))
}

/// The groups of a service account.
pub fn groups_of_service_account(namespace: &str) -> Vec<String> {
    vec![
        SERVICE_ACCOUNTS.to_owned(),
        format!("{SERVICE_ACCOUNTS}:{namespace}"),
        AUTHENTICATED.to_owned(),
    ]
}
