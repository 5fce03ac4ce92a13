//! The guards over a plan that changes access entries: who gets in before and after, by an entry or, where the cluster reads
//! it, by the mapping of `aws-auth` that an entry overrides. Pure.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Guard,
    access::{Admitted, MASTERS, NODES, Refusal, gives_everything, principal_key},
    aws_auth::AwsAuthReading,
    recovery,
    standpoint::{Standpoint, caller},
};
use crate::{
    live::Live,
    ports::aws::{AccessEntry, AccessPolicy, AuthenticationMode, CallerIdentity},
};
use eksact_identity::authn::access_entry::is_for_nodes;

/// Whom a cluster lets in, by both.
struct Side<'live> {
    entries: &'live [AccessEntry],
    aws_auth: Option<Arc<AwsAuthReading>>,
}

/// What somebody is given.
#[derive(Clone, Debug, Default)]
struct Given {
    admitted: Admitted,
    policies: Vec<AccessPolicy>,
    is_everything: bool,
}

impl<'live> Side<'live> {
    fn of(live: &'live Live) -> Option<Self> {
        let entries = live.access_entries()?.as_ref().ok()?;
        let is_read = live.cluster.mode() != Ok(AuthenticationMode::Api);
        Some(Self {
            entries,
            aws_auth: AwsAuthReading::of_live(live)
                .filter(|_| is_read)
                .and_then(Result::ok),
        })
    }

    fn entry(&self, key: &str) -> Option<&AccessEntry> {
        self.entries
            .iter()
            .find(|entry| principal_key(&entry.principal_arn) == key)
    }

    /// What the caller is given.
    fn given(&self, key: &str, identity: &CallerIdentity) -> Option<Given> {
        if let Some(entry) = self.entry(key) {
            return Some(Given {
                admitted: Admitted {
                    username: entry.username.clone(),
                    groups: entry.groups.clone(),
                },
                policies: entry.policies.clone(),
                is_everything: gives_everything(entry),
            });
        }
        let admitted = self.aws_auth.as_ref()?.map(identity)?;
        Some(Given {
            is_everything: admitted.is_in(MASTERS),
            admitted,
            policies: Vec::new(),
        })
    }

    /// Those of `aws-auth` who are in this group, and whom no entry overrides.
    fn mapped_into(&self, group: &str) -> BTreeSet<String> {
        let principals = self.aws_auth.iter().flat_map(|read| &read.access.principals);
        principals
            .filter(|(key, admitted)| admitted.is_in(group) && self.entry(key).is_none())
            .map(|(key, _)| key.clone())
            .collect()
    }

    fn by_entry(&self, is_one: impl Fn(&AccessEntry) -> bool) -> impl Iterator<Item = String> {
        let ones = self.entries.iter().filter(move |entry| is_one(entry));
        ones.map(|entry| principal_key(&entry.principal_arn))
    }

    /// Those who may do everything.
    fn admins(&self) -> BTreeSet<String> {
        let mut admins = self.mapped_into(MASTERS);
        admins.extend(self.by_entry(gives_everything));
        admins
    }

    /// The roles whose nodes are let in as nodes.
    fn nodes(&self) -> BTreeSet<String> {
        let mut nodes = self.mapped_into(NODES);
        nodes.extend(self.by_entry(|entry| !entry.entry_type.is_empty() && is_for_nodes(&entry.entry_type)));
        nodes
    }
}

/// The refusals over what a plan makes of the entries; none where it leaves them as they are.
pub(super) fn refusals(before: &Live, after: &Live) -> Vec<Refusal> {
    let (Some(now), Some(would)) = (Side::of(before), Side::of(after)) else {
        return Vec::new();
    };
    if now.entries == would.entries {
        return Vec::new();
    }
    // The way back has to know which entries are gone by then.
    let way_back = Standpoint::of(after).recovery;
    let own = caller(before).and_then(|identity| own_access_lost(&identity, &now, &would, &way_back));
    [
        own,
        last_admin_lost(&now, &would, &way_back),
        nodes_lost(&now, &would),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn own_access_lost(
    identity: &CallerIdentity,
    now: &Side<'_>,
    would: &Side<'_>,
    way_back: &str,
) -> Option<Refusal> {
    let key = recovery::caller_key(&identity.arn);
    let before = now.given(&key, identity)?;
    let loses = match would.given(&key, identity) {
        None => "it would no longer be let in".to_owned(),
        Some(after) if after.is_everything => return None,
        Some(_) if before.is_everything => "it could no longer do everything".to_owned(),
        Some(after) => lost(&before, &after)?,
    };
    Some(Refusal {
        guard: Guard::OwnAccessLost,
        subjects: BTreeSet::from([key.clone()]),
        message: format!("the caller, {key}, would lose its own access to the cluster: {loses}"),
        help: Some(remedy!(
            "Make the change as another principal whom the cluster lets in. After a lockout no write to the \
             cluster works; to recover, create an access entry: `{}`.",
            way_back
        )),
    })
}

/// What somebody has no longer, in words.
fn lost(before: &Given, after: &Given) -> Option<String> {
    let groups: Vec<&str> = before
        .admitted
        .groups
        .iter()
        .filter(|group| !after.admitted.is_in(group))
        .map(String::as_str)
        .collect();
    if !groups.is_empty() {
        return Some(format!("it would no longer be in {}", groups.join(", ")));
    }
    let policies: Vec<&str> = before
        .policies
        .iter()
        .filter(|policy| !after.policies.iter().any(|other| covers(other, policy)))
        .map(|policy| policy.arn.rsplit('/').next().unwrap_or(&policy.arn))
        .collect();
    if !policies.is_empty() {
        return Some(format!(
            "it would no longer have, or not in all its namespaces, {}",
            policies.join(", ")
        ));
    }
    let (old, new) = (&before.admitted.username, &after.admitted.username);
    (old != new).then(|| format!("it would be {new} and no longer {old}"))
}

/// Whether one policy gives all that another does.
fn covers(policy: &AccessPolicy, other: &AccessPolicy) -> bool {
    policy.arn == other.arn
        && match (&policy.namespaces, &other.namespaces) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(names), Some(others)) => others.iter().all(|name| names.contains(name)),
        }
}

fn last_admin_lost(now: &Side<'_>, would: &Side<'_>, way_back: &str) -> Option<Refusal> {
    let before = now.admins();
    if before.is_empty() || !would.admins().is_empty() {
        return None;
    }
    let names: Vec<&str> = before.iter().map(String::as_str).collect();
    Some(Refusal {
        guard: Guard::LastAdminLost,
        message: format!(
            "no one would be left who may do everything in the cluster: {} would lose it",
            names.join(", ")
        ),
        help: Some(remedy!(
            "Give someone {MASTERS} or the access policy AmazonEKSClusterAdminPolicy first: `{}`.",
            way_back
        )),
        subjects: before,
    })
}

fn nodes_lost(now: &Side<'_>, would: &Side<'_>) -> Option<Refusal> {
    let after = would.nodes();
    let lost: BTreeSet<String> = now.nodes().difference(&after).cloned().collect();
    if lost.is_empty() {
        return None;
    }
    let names: Vec<&str> = lost.iter().map(String::as_str).collect();
    Some(Refusal {
        guard: Guard::NodeRoleLost,
        message: format!(
            "nodes would no longer be let in as nodes under {}: they would become NotReady, and their pods would be evicted",
            names.join(", ")
        ),
        help: Some(remedy!(
            "Delete or replace the access entry of a node role only once no node runs under it."
        )),
        subjects: lost,
    })
}
