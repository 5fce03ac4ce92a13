//! What commands ask of `aws-auth` beyond the file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::kinds::{Request, scope::saved_scope};

/// What a command asks of `aws-auth`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AwsAuthScope {
    /// Mappings go.
    Delete(Vec<MappingSelector>),
    /// The ConfigMap shall be as a backup says; what the file wants is not looked at.
    Restore(Restore),
}

saved_scope!(AwsAuthScope, "aws-auth");

/// Names mappings of `aws-auth`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MappingSelector {
    /// Those of this ARN, in whatever case.
    Arn {
        /// The ARN, as given.
        arn: String,
        /// Whether several may go at once.
        all: bool,
    },
    /// An account of `mapAccounts`.
    Account(String),
}

/// A backup that `aws-auth` shall be taken back to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restore {
    /// Its name, or the path of its file.
    pub name: String,
    /// The ConfigMap's `data` as it was.
    pub data: BTreeMap<String, String>,
    /// What the ConfigMap recorded then of the mappings that eksact wrote.
    pub ownership: Option<String>,
}

/// The mappings that a command wants gone.
pub(super) fn deletions(request: &Request) -> &[MappingSelector] {
    match request.scope() {
        Some(AwsAuthScope::Delete(selectors)) => selectors,
        _ => &[],
    }
}

/// The backup that a command wants back.
pub(super) fn restore(request: &Request) -> Option<&Restore> {
    match request.scope() {
        Some(AwsAuthScope::Restore(restore)) => Some(restore),
        _ => None,
    }
}

/// Whether what eksact wrote goes where the file no longer has it. A file that says nothing of access is no reason to.
pub(super) fn prunes(request: &Request) -> bool {
    request.settings.prune && request.config.access.complete
}
