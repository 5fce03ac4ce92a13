//! The cluster's access entries, as far as guards look at them: whom they let in, and whose lines of `aws-auth` they override.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::access::{gives_everything, principal_key};
use crate::{live::Live, ports::aws::AccessEntry};

/// What the guards need to know of the cluster's access entries: they override `aws-auth` for their principal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccessEntries {
    /// They were read, or the cluster has none because it reads only `aws-auth`.
    Known {
        /// The principals that have one, each by its [`principal_key`].
        principals: BTreeSet<String>,
        /// Of these, the ones whose entry was made for an earlier principal of the ARN: it lets no one in.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        stale: BTreeSet<String>,
        /// Of these, the ones of whom IAM did not say whether the entry is theirs still. Those of other accounts are not among
        /// them: there is no one to ask.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        unread: BTreeSet<String>,
        /// Whether one of them may do everything in the whole cluster, and is known to get in.
        cluster_admin: bool,
        /// Each with what it gives. A step that writes `aws-auth` keeps none: entries stay as they are over it.
        #[serde(skip)]
        each: Vec<Counted>,
    },
    /// They could not be read.
    Unknown,
}

/// An entry, and whether it lets its principal in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The principal's [`principal_key`].
    pub key: String,
    /// The entry.
    pub entry: AccessEntry,
    /// Whether it lets its principal in ([`Live::lets_in`]).
    pub lets_in: Option<bool>,
    /// Whether the principal is of another account, whose IAM cannot be asked.
    pub is_elsewhere: bool,
}

/// What is assumed of entries of which it is not known whether they let somebody in, and of whether a stale one keeps its
/// principal from its line of `aws-auth`, which AWS does not say: guards ask both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// They count.
    Counts,
    /// They do not.
    Void,
}

impl Doubt {
    /// Either.
    pub const BOTH: [Self; 2] = [Self::Counts, Self::Void];
}

impl Counted {
    /// Whether it lets its principal in.
    pub fn counts(&self, doubt: Doubt) -> bool {
        self.lets_in.unwrap_or(doubt == Doubt::Counts)
    }
}

impl AccessEntries {
    /// As they were read, or as they would be.
    pub fn of(live: &Live) -> Self {
        let Some(Ok(entries)) = live.access_entries() else {
            return Self::Unknown;
        };
        let counted = |entry: &AccessEntry| Counted {
            key: principal_key(&entry.principal_arn),
            lets_in: live.lets_in(entry),
            is_elsewhere: !live.is_of_account(entry),
            entry: entry.clone(),
        };
        Self::known(entries.iter().map(counted).collect())
    }

    /// These.
    pub(super) fn known(each: Vec<Counted>) -> Self {
        let keys = |is_one: &dyn Fn(&Counted) -> bool| -> BTreeSet<String> {
            let ones = each.iter().filter(|counted| is_one(counted));
            ones.map(|counted| counted.key.clone()).collect()
        };
        // Of two that differ in their path alone one may count.
        let count = keys(&|counted| counted.lets_in == Some(true));
        let is_other = |counted: &Counted| !count.contains(&counted.key);
        Self::Known {
            principals: keys(&|_| true),
            stale: keys(&|counted| counted.lets_in == Some(false) && is_other(counted)),
            unread: keys(&|counted| counted.lets_in.is_none() && !counted.is_elsewhere && is_other(counted)),
            cluster_admin: each
                .iter()
                .any(|counted| counted.lets_in == Some(true) && gives_everything(&counted.entry)),
            each,
        }
    }

    /// Whether one overrides `aws-auth` for this principal; `None` where that cannot be told.
    pub fn override_of(&self, key: &str) -> Option<bool> {
        match self {
            Self::Known { unread, .. } if unread.contains(key) => None,
            Self::Known {
                principals, stale, ..
            } => Some(principals.contains(key) && !stale.contains(key)),
            Self::Unknown => None,
        }
    }

    /// Whether one overrides `aws-auth` for this principal, as far as it is known and otherwise by what is assumed. Entries that
    /// could not be read at all are treated as absent.
    pub(super) fn overrides(&self, key: &str, doubt: Doubt) -> bool {
        match self {
            Self::Known {
                principals,
                stale,
                unread,
                ..
            } => {
                let is_doubtful = stale.contains(key) || unread.contains(key);
                principals.contains(key) && (!is_doubtful || doubt == Doubt::Counts)
            }
            Self::Unknown => false,
        }
    }

    /// Each that is there; none where they are not known.
    pub(super) fn each(&self) -> &[Counted] {
        match self {
            Self::Known { each, .. } => each,
            Self::Unknown => &[],
        }
    }

    pub(super) fn has_cluster_admin(&self) -> bool {
        matches!(
            self,
            Self::Known {
                cluster_admin: true,
                ..
            }
        )
    }

    /// What has to be said of the entry of this principal, where it does not surely count.
    pub(super) fn remark_on(&self, key: &str) -> Option<String> {
        match self {
            Self::Known { stale, .. } if stale.contains(key) => Some(format!(
                "the access entry of {key} lets no one in: its principal is gone or was made again since"
            )),
            Self::Known { unread, each, .. } => {
                let is_unsure = unread.contains(key)
                    || each
                        .iter()
                        .any(|counted| counted.key == key && counted.lets_in.is_none());
                is_unsure.then(|| {
                    format!("whether the access entry of {key} still lets it in could not be read from IAM")
                })
            }
            Self::Unknown => None,
        }
    }

    pub(super) fn unread(&self) -> &'static str {
        match self {
            Self::Known { .. } => "",
            Self::Unknown => " (whether an access entry does could not be read)",
        }
    }
}
