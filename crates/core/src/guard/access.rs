//! Guards over who gets into the cluster: what a write of `aws-auth` may not do unasked, seen together with the access
//! entries that override it. Pure: who gets in before and after is told by the caller of these functions.

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

    fn is_node(&self) -> bool {
        self.is_in(NODES)
    }

    /// Whether nodes that get in as this one do so as the other as well: their name comes from the template, to the
    /// letter, and each of the groups that Kubernetes and EKS give them has rights of its own.
    fn keeps_node(&self, after: &Self) -> bool {
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

/// The caller, and as whom `aws-auth` lets it in before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Its canonical ARN in lower case.
    pub key: String,
    /// Before the write; none where it gets in otherwise.
    pub before: Option<Admitted>,
    /// After the write.
    pub after: Option<Admitted>,
}

/// What the guards need to know of the cluster's access entries: they override `aws-auth` for their principal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccessEntries {
    /// They were read, or the cluster has none because it reads only `aws-auth`.
    Known {
        /// The principals that have one, each by its [`principal_key`].
        principals: BTreeSet<String>,
        /// Whether one of them may do everything in the whole cluster.
        cluster_admin: bool,
    },
    /// They could not be read.
    Unknown,
}

impl AccessEntries {
    /// Of these entries.
    pub fn of(entries: &[AccessEntry]) -> Self {
        Self::Known {
            principals: entries
                .iter()
                .map(|entry| principal_key(&entry.principal_arn))
                .collect(),
            cluster_admin: entries.iter().any(gives_everything),
        }
    }

    /// Whether one stands for this principal; `None` where that cannot be told.
    pub fn override_of(&self, key: &str) -> Option<bool> {
        match self {
            Self::Known { principals, .. } => Some(principals.contains(key)),
            Self::Unknown => None,
        }
    }

    fn has_cluster_admin(&self) -> bool {
        matches!(
            self,
            Self::Known {
                cluster_admin: true,
                ..
            }
        )
    }

    fn unread(&self) -> &'static str {
        match self {
            Self::Known { .. } => "",
            Self::Unknown => " (whether an access entry does could not be read)",
        }
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
    let bare = match arn.split_once(":role/") {
        Some((before, path)) => {
            let name = path.rsplit('/').next().unwrap_or(path);
            format!("{before}:role/{name}")
        }
        None => arn.to_owned(),
    };
    bare.to_lowercase()
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

/// Everything that the guards look at.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'plan> {
    /// Whom `aws-auth` lets in now.
    pub before: &'plan AwsAuthAccess,
    /// Whom it would let in.
    pub after: &'plan AwsAuthAccess,
    /// The access entries.
    pub entries: &'plan AccessEntries,
    /// The caller, where it is somebody whom IAM knows.
    pub caller: Option<&'plan Caller>,
    /// Sections that the authenticator drops as they stand, each with its reason.
    pub dropped: &'plan [(String, String)],
    /// Entries or keys that the write would change unasked.
    pub foreign: &'plan [String],
    /// The commands that lead back in after a lockout.
    pub recovery: &'plan str,
}

/// The refusals of all guards over a write of `aws-auth`.
pub fn refusals(evidence: &Evidence<'_>) -> Vec<Refusal> {
    [
        own_access_lost(evidence),
        last_admin_lost(evidence),
        node_role_lost(evidence),
        section_dropped(evidence.dropped),
        foreign_change(evidence.foreign),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn own_access_lost(evidence: &Evidence<'_>) -> Option<Refusal> {
    let caller = evidence.caller?;
    let before = caller.before.as_ref()?;
    if evidence.entries.override_of(&caller.key) == Some(true) {
        return None;
    }
    let loses = match &caller.after {
        None => "it would no longer be let in".to_owned(),
        Some(after) if before.is_in(MASTERS) => {
            if after.is_in(MASTERS) {
                return None;
            }
            format!("it would no longer be in {MASTERS}")
        }
        Some(after) => {
            let lost: Vec<&str> = before
                .groups
                .iter()
                .filter(|group| !after.is_in(group))
                .map(String::as_str)
                .collect();
            if !lost.is_empty() {
                format!("it would no longer be in {}", lost.join(", "))
            } else if before.groups.is_empty() && before.username != after.username {
                format!("it would be {} and no longer {}", after.username, before.username)
            } else {
                return None;
            }
        }
    };
    Some(Refusal {
        guard: Guard::OwnAccessLost,
        subjects: BTreeSet::from([caller.key.clone()]),
        message: format!(
            "the caller, {}, would lose its own access to the cluster: {loses}{}",
            caller.key,
            evidence.entries.unread()
        ),
        help: Some(remedy!(
            "Make the change as another principal whom the cluster lets in. After a lockout no write to the \
             cluster works; to recover, create an access entry: `{}`.",
            evidence.recovery
        )),
    })
}

/// Those in `system:masters` whom no access entry overrides.
fn admins(access: &AwsAuthAccess, entries: &AccessEntries) -> BTreeSet<String> {
    access
        .principals
        .iter()
        .filter(|(key, admitted)| admitted.is_in(MASTERS) && entries.override_of(key) != Some(true))
        .map(|(key, _)| key.clone())
        .collect()
}

fn last_admin_lost(evidence: &Evidence<'_>) -> Option<Refusal> {
    let before = admins(evidence.before, evidence.entries);
    let after = admins(evidence.after, evidence.entries);
    if before.is_empty() || !after.is_empty() || evidence.entries.has_cluster_admin() {
        return None;
    }
    let names: Vec<&str> = before.iter().map(String::as_str).collect();
    Some(Refusal {
        guard: Guard::LastAdminLost,
        message: format!(
            "no one would be left in {MASTERS}: {} would go, and no access entry grants the whole cluster{}",
            names.join(", "),
            evidence.entries.unread()
        ),
        help: Some(remedy!(
            "Give someone {MASTERS} or the access policy AmazonEKSClusterAdminPolicy first: `{}`.",
            evidence.recovery
        )),
        subjects: before,
    })
}

fn node_role_lost(evidence: &Evidence<'_>) -> Option<Refusal> {
    let lost: BTreeSet<String> = evidence
        .before
        .principals
        .iter()
        .filter(|(_, admitted)| admitted.is_node())
        .filter(|(key, admitted)| {
            let after = evidence.after.principals.get(*key);
            !after.is_some_and(|after| admitted.keeps_node(after))
        })
        .filter(|(key, _)| evidence.entries.override_of(key) != Some(true))
        .map(|(key, _)| key.clone())
        .collect();
    if lost.is_empty() {
        return None;
    }
    let names: Vec<&str> = lost.iter().map(String::as_str).collect();
    Some(Refusal {
        guard: Guard::NodeRoleLost,
        message: format!(
            "nodes would no longer be let in as nodes under {}: they would become NotReady, and their pods would be evicted{}",
            names.join(", "),
            evidence.entries.unread()
        ),
        help: Some(remedy!(
            "Delete or change the mapping of a node role only once no node runs under it, or once an access entry of type EC2_LINUX \
               or EC2_WINDOWS has taken its place."
        )),
        subjects: lost,
    })
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

#[cfg(test)]
mod tests;
