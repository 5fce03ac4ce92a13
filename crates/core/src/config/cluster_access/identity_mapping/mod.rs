//! `iamIdentityMappings` of a ClusterConfig and `identityMappings` of a ClusterAccess: whom AWS knows, and as whom they get in.

mod check;
mod duplicates;
mod principal_arn;

use serde::{Deserialize, Serialize};

use crate::config::document::DocumentKind;
use crate::config::location::SourceLocation;
use crate::config::reader::{Reader, is_true, items, plain_texts};
use eksact_yaml::Node;

pub(in crate::config) use check::{check, permission_set};
pub(super) use check::{check_name, check_options};
pub(in crate::config) use duplicates::of_flags;
pub(super) use duplicates::of_mappings;

/// eksctl's name of the only service that it maps (eksctl 0.231, `actions/iamidentitymapping/create.go`).
pub const EMR_CONTAINERS: &str = "emr-containers";

/// Whom a mapping lets in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MappingSubject {
    /// An IAM role, user or federated user by its ARN, as written; or `role:NAME`, a role of the files.
    Arn(String),
    /// Every IAM user and role of an account, each under its own ARN (`mapAccounts`).
    Account(String),
    /// A permission set of IAM Identity Center: the one role that it made in the account.
    PermissionSet {
        /// Its name, as IAM Identity Center shows it.
        name: String,
        /// Account of the role; the cluster's when absent.
        account: Option<String>,
    },
    /// An AWS service, by eksctl's name (`emr-containers`), for one namespace.
    Service {
        /// eksctl's name of the service.
        name: String,
        /// The namespace in which it works.
        namespace: String,
    },
}

/// One entry of `iamIdentityMappings`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityMapping {
    /// Whom it lets in.
    pub subject: MappingSubject,
    /// The user name, a template in the authenticator's sense. Absent: eksctl's default, the ARN's own behaviour.
    pub username: Option<String>,
    /// The groups, in the order of the file.
    pub groups: Vec<String>,
    /// eksctl's `noDuplicateARNs`.
    pub no_duplicate_arns: bool,
    /// Whether the groups of an existing mapping stay: flags that name only a user name say nothing of groups. A file
    /// always states them.
    pub keep_groups: bool,
    /// Where the entry begins in the file.
    pub location: Option<SourceLocation>,
}

/// The list of identity mappings in a kind of document.
pub(in crate::config) fn list_key(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::ClusterConfig => "iamIdentityMappings",
        DocumentKind::ClusterAccess => "identityMappings",
    }
}

/// Those of a list.
pub(super) fn decode(root: &Node, list: &str, reader: &Reader<'_>) -> Vec<IdentityMapping> {
    let items = items(root, list).iter();
    items.map(|node| identity_mapping(node, reader)).collect()
}

fn identity_mapping(node: &Node, reader: &Reader<'_>) -> IdentityMapping {
    let text = |key| reader.text(node, key).map(|text| text.value);
    // Which of them may stand together is checked elsewhere; eksctl looks at the service first, too.
    let subject = if let Some(name) = text("serviceName") {
        MappingSubject::Service {
            name,
            namespace: text("namespace").unwrap_or_default(),
        }
    } else if let Some(set) = node.get("permissionSet") {
        let text = |key| reader.text(set, key).map(|text| text.value);
        MappingSubject::PermissionSet {
            name: text("name").unwrap_or_default(),
            account: text("account"),
        }
    } else if let Some(account) = text("account") {
        MappingSubject::Account(account)
    } else {
        MappingSubject::Arn(text("arn").unwrap_or_default())
    };
    IdentityMapping {
        subject,
        username: text("username"),
        groups: plain_texts(node, "groups"),
        no_duplicate_arns: is_true(node, "noDuplicateARNs"),
        keep_groups: false,
        location: Some(reader.location(node)),
    }
}

#[cfg(test)]
mod tests;
