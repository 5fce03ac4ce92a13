//! Who may something or becomes somebody: for the reader, and borrowed from what was read.

use schemars::JsonSchema;
use serde::Serialize;

/// Somebody who may do something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Actor {
    /// A principal of IAM whom the cluster lets in.
    #[serde(rename_all = "camelCase")]
    IamPrincipal {
        /// Its ARN.
        arn: String,
    },
    /// A user of Kubernetes.
    User {
        /// Its name.
        name: String,
    },
    /// A group of Kubernetes.
    Group {
        /// Its name.
        name: String,
    },
    /// A service account.
    ServiceAccount {
        /// Namespace.
        namespace: String,
        /// Name.
        name: String,
    },
    /// Pods on nodes of a role of IAM.
    #[serde(rename_all = "camelCase")]
    Nodes {
        /// ARN of the nodes' role.
        role: String,
    },
    /// Somebody in AWS whom the account's IAM does not list: another account, a service, an identity provider.
    #[serde(rename_all = "camelCase")]
    Outsider {
        /// Its ARN or name.
        name: String,
    },
}

impl Actor {
    /// `IAM principal`, `user`, `group`, `service account`, `pods on nodes`, `outsider`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::IamPrincipal { .. } => "IAM principal",
            Self::User { .. } => "user",
            Self::Group { .. } => "group",
            Self::ServiceAccount { .. } => "service account",
            Self::Nodes { .. } => "pods on nodes",
            Self::Outsider { .. } => "outsider",
        }
    }

    /// Its name; that of a service account with its namespace.
    pub fn name(&self) -> String {
        match self {
            Self::IamPrincipal { arn } => arn.clone(),
            Self::Nodes { role } => role.clone(),
            Self::User { name } | Self::Group { name } | Self::Outsider { name } => name.clone(),
            Self::ServiceAccount { namespace, name } => format!("{namespace}/{name}"),
        }
    }
}

/// Somebody, borrowed from what was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Known<'a> {
    /// A principal of IAM by its ARN.
    Iam(&'a str),
    User(&'a str),
    Group(&'a str),
    Account(&'a str, &'a str),
}

impl Known<'_> {
    /// The same, to be shown.
    pub(super) fn actor(self) -> Actor {
        match self {
            Self::Iam(arn) => Actor::IamPrincipal { arn: arn.to_owned() },
            Self::User(name) => Actor::User {
                name: name.to_owned(),
            },
            Self::Group(name) => Actor::Group {
                name: name.to_owned(),
            },
            Self::Account(namespace, name) => Actor::ServiceAccount {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            },
        }
    }
}
