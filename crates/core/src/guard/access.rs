//! What the guards over who gets into the cluster are made of: whom `aws-auth` and access entries let in as whom, what gives
//! everything, and refusals that can be compared. Pure.

use eksact_message::code::Code;
use eksact_message::remedy::Remedy;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Guard;
use crate::{
    engine::Finding,
    ports::aws::{AccessEntry, AccessPolicy},
};

/// The group that may do everything (Kubernetes, `pkg/apis/rbac` knows no binding for it: the API server asks nobody).
pub const MASTERS: &str = "system:masters";
/// The group of nodes.
pub const NODES: &str = "system:nodes";
/// How the ARN of the access policy that gives everything ends, in every partition.
const CLUSTER_ADMIN_POLICY: &str = ":cluster-access-policy/AmazonEKSClusterAdminPolicy";

/// As whom somebody gets in.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Admitted {
    /// The user name, a template where it comes from `aws-auth`.
    pub username: String,
    /// The groups, in their order.
    pub groups: Vec<String>,
}

impl Admitted {
    /// Whether it is in this group.
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|own| own == group)
    }

    /// Whether nodes that get in as this one do so as the other as well: their name comes from the template, to the
    /// letter, and each of the groups that Kubernetes and EKS give them has rights of its own.
    pub(super) fn keeps_node(&self, after: &Self) -> bool {
        let of_nodes = |group: &&String| group.starts_with("system:") || group.starts_with("eks:");
        after.username == self.username
            && self
                .groups
                .iter()
                .filter(of_nodes)
                .all(|group| after.is_in(group))
    }
}

/// Whom `aws-auth` lets in, as the authenticator reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AwsAuthAccess {
    /// By canonical ARN in lower case, as the authenticator compares.
    pub principals: BTreeMap<String, Admitted>,
    /// Accounts all of whose users and roles get in under their own ARN.
    pub accounts: BTreeSet<String>,
}

impl AwsAuthAccess {
    /// As whom the principal of an access entry gets in while it has none: by a mapping of its own, else by its account.
    pub fn admitted(&self, arn: &str) -> Option<Admitted> {
        let mapped = self.principals.get(&principal_key(arn));
        mapped.cloned().or_else(|| self.by_account(arn))
    }

    /// As whom a principal gets in by its account alone: under its own ARN, a role without its path, in no group.
    pub fn by_account(&self, arn: &str) -> Option<Admitted> {
        let account = arn.split(':').nth(4)?;
        self.accounts.contains(account).then(|| Admitted {
            username: without_path(arn),
            groups: Vec::new(),
        })
    }
}

/// Whether an access entry gives the whole cluster.
pub fn gives_everything(entry: &AccessEntry) -> bool {
    entry.policies.iter().any(policy_gives_everything)
}

/// Whether an access policy gives the whole cluster.
pub fn policy_gives_everything(policy: &AccessPolicy) -> bool {
    policy.namespaces.is_none() && policy.arn.ends_with(CLUSTER_ADMIN_POLICY)
}

/// The principal of an access entry as `aws-auth` would have to name it: a role without its path, in lower case.
pub fn principal_key(arn: &str) -> String {
    without_path(arn).to_lowercase()
}

/// The ARN of a principal as its sessions have it: a role's without its path.
fn without_path(arn: &str) -> String {
    match arn.split_once(":role/") {
        Some((before, path)) => {
            let name = path.rsplit('/').next().unwrap_or(path);
            format!("{before}:role/{name}")
        }
        None => arn.to_owned(),
    }
}

/// A guard that refuses, and whom or what it is about: two refusals are compared by these, not by their words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which guard.
    pub guard: Guard,
    /// The principals or sections that it is about.
    pub subjects: BTreeSet<String>,
    /// What is refused, and why.
    pub message: String,
    /// What to do.
    pub help: Option<Remedy>,
}

impl Refusal {
    /// The same as a finding of a plan.
    pub fn finding(&self) -> Finding {
        let allow = remedy!("--allow {} does it anyway.", self.guard.code());
        self.guard
            .refusal(&self.message)
            .with_help(match self.help.clone() {
                Some(help) => help.and(&allow),
                None => allow,
            })
    }

    /// Whether it says no more than this one.
    pub fn is_covered_by(&self, other: &KnownRefusal) -> bool {
        self.guard.code() == other.code && self.subjects.is_subset(&other.subjects)
    }
}

/// A refusal that was known when the plan was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownRefusal {
    /// The guard's code.
    pub code: Code,
    /// The principals or sections that it is about.
    pub subjects: BTreeSet<String>,
}

impl From<&Refusal> for KnownRefusal {
    fn from(refusal: &Refusal) -> Self {
        Self {
            code: refusal.guard.code(),
            subjects: refusal.subjects.clone(),
        }
    }
}

/// The refusal where the authenticator drops these sections, each with its reason.
pub fn section_dropped(dropped: &[(String, String)]) -> Option<Refusal> {
    if dropped.is_empty() {
        return None;
    }
    let sections: Vec<String> = dropped
        .iter()
        .map(|(section, why)| format!("{section} ({why})"))
        .collect();
    Some(Refusal {
        guard: Guard::AwsAuthSectionDropped,
        subjects: dropped.iter().map(|(section, _)| section.clone()).collect(),
        message: format!(
            "the cluster reads nothing of {}: no one whom it names gets in through it",
            sections.join(" and ")
        ),
        help: Some(remedy!(
            "Fix the section by hand, or restore an earlier one with `eksact restore aws-auth`; `eksact \
               check aws-auth` reports what is wrong with it."
        )),
    })
}

/// The refusal where a write would change what it is not about: these entries or keys.
pub fn foreign_change(foreign: &[String]) -> Option<Refusal> {
    if foreign.is_empty() {
        return None;
    }
    Some(Refusal {
        guard: Guard::AwsAuthForeignChange,
        subjects: foreign.iter().cloned().collect(),
        message: format!(
            "the write would change more than the plan says, which is a bug in eksact; please report it: {}",
            foreign.join("; ")
        ),
        help: None,
    })
}
