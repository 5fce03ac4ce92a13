//! The guards over who gets in: the caller's own access, the last administrator, the roles of nodes. They look at both worlds
//! at once: at access entries, and at the lines of `aws-auth` that these override. Pure: who gets in before and after is told by
//! the caller of these functions.

use std::collections::BTreeSet;

use super::{
    Guard,
    access::{
        Admitted, AwsAuthAccess, MASTERS, NODES, Refusal, foreign_change, gives_everything, section_dropped,
    },
    entries::{AccessEntries, Doubt},
};
use crate::ports::aws::AccessPolicy;
use eksact_identity::authn::access_entry::is_for_nodes;

/// The caller, and as whom `aws-auth` lets it in before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    /// Its canonical ARN in lower case.
    pub key: String,
    /// Before the plan; none where it gets in otherwise.
    pub before: Option<Admitted>,
    /// After it.
    pub after: Option<Admitted>,
}

/// Whom a cluster lets in, by both.
#[derive(Clone, Copy, Debug)]
pub(super) struct Side<'plan> {
    /// Whom `aws-auth` lets in.
    pub aws_auth: &'plan AwsAuthAccess,
    /// The access entries.
    pub entries: &'plan AccessEntries,
}

/// Everything that the guards look at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence<'plan> {
    /// Whom the cluster lets in now.
    pub before: Side<'plan>,
    /// Whom it would let in.
    pub after: Side<'plan>,
    /// The caller, where it is somebody whom IAM knows.
    pub caller: Option<&'plan Caller>,
    /// Sections that the authenticator drops as they stand, each with its reason.
    pub dropped: &'plan [(String, String)],
    /// Entries or keys that the write would change unasked.
    pub foreign: &'plan [String],
    /// The commands that lead back in after a lockout.
    pub recovery: &'plan str,
    /// The commands that make another an administrator before the plan who is one after it.
    pub successor: &'plan str,
}

/// The refusals of all guards over who gets in.
pub(super) fn refusals(evidence: &Evidence<'_>) -> Vec<Refusal> {
    let both = |guard: fn(&Evidence<'_>, Doubt) -> Option<Refusal>| {
        Doubt::BOTH.into_iter().find_map(|doubt| guard(evidence, doubt))
    };
    [
        both(own_access_lost),
        both(last_admin_lost),
        node_role_lost(evidence),
        section_dropped(evidence.dropped),
        foreign_change(evidence.foreign),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What somebody is given.
#[derive(Clone, Debug)]
struct Given {
    admitted: Admitted,
    policies: Vec<AccessPolicy>,
    is_everything: bool,
    by_entry: bool,
}

impl Side<'_> {
    /// What a principal is given, `mapped` being what its line of `aws-auth` says.
    fn given(&self, key: &str, mapped: Option<&Admitted>, doubt: Doubt) -> Option<Given> {
        let mut entries = self.entries.each().iter();
        if let Some(found) = entries.find(|counted| counted.key == key && counted.counts(doubt)) {
            return Some(Given {
                admitted: Admitted {
                    username: found.entry.username.clone(),
                    groups: found.entry.groups.clone(),
                },
                policies: found.entry.policies.clone(),
                is_everything: gives_everything(&found.entry),
                by_entry: true,
            });
        }
        let admitted = mapped.filter(|_| !self.entries.overrides(key, doubt))?;
        Some(Given {
            is_everything: admitted.is_in(MASTERS),
            admitted: admitted.clone(),
            policies: Vec::new(),
            by_entry: false,
        })
    }

    /// The lines of `aws-auth` in this group that no entry overrides.
    fn mapped_into<'side>(
        &'side self,
        group: &'static str,
        doubt: Doubt,
    ) -> impl Iterator<Item = (&'side String, &'side Admitted)> {
        let principals = self.aws_auth.principals.iter();
        principals.filter(move |(key, admitted)| admitted.is_in(group) && !self.entries.overrides(key, doubt))
    }

    /// Those who may do everything.
    fn admins(&self, doubt: Doubt) -> BTreeSet<String> {
        let by_entry = self.entries.each().iter();
        let by_entry = by_entry.filter(|counted| counted.counts(doubt) && gives_everything(&counted.entry));
        let mapped = self.mapped_into(MASTERS, doubt).map(|(key, _)| key);
        mapped
            .chain(by_entry.map(|counted| &counted.key))
            .cloned()
            .collect()
    }

    /// The roles whose nodes an entry lets in.
    fn nodes_by_entry(&self, doubt: Doubt) -> BTreeSet<&String> {
        let entries = self.entries.each().iter();
        let of_nodes = entries.filter(|counted| {
            let entry_type = &counted.entry.entry_type;
            counted.counts(doubt) && !entry_type.is_empty() && is_for_nodes(entry_type)
        });
        of_nodes.map(|counted| &counted.key).collect()
    }
}

fn own_access_lost(evidence: &Evidence<'_>, doubt: Doubt) -> Option<Refusal> {
    let caller = evidence.caller?;
    let key = &caller.key;
    let before = evidence.before.given(key, caller.before.as_ref(), doubt)?;
    let after = evidence.after.given(key, caller.after.as_ref(), doubt);
    let loses = lost(&before, after.as_ref())?;
    let remark = evidence.after.entries.remark_on(key);
    Some(Refusal {
        guard: Guard::OwnAccessLost,
        subjects: BTreeSet::from([key.clone()]),
        message: format!(
            "the caller, {key}, would lose its own access to the cluster: {loses}{}{}",
            evidence.after.entries.unread(),
            in_brackets(remark)
        ),
        help: Some(remedy!(
            "Make the change as another principal whom the cluster lets in. After a lockout no write to the \
             cluster works; to recover, create an access entry: `{}`.",
            evidence.recovery
        )),
    })
}

/// What somebody has no longer, in words.
fn lost(before: &Given, after: Option<&Given>) -> Option<String> {
    let Some(after) = after else {
        return Some("it would no longer be let in".to_owned());
    };
    if after.is_everything {
        return None;
    }
    if before.admitted.is_in(MASTERS) && !after.by_entry {
        return Some(format!("it would no longer be in {MASTERS}"));
    }
    if before.is_everything {
        return Some("it could no longer do everything".to_owned());
    }
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
    // What a line with groups gives under another name, RBAC says: `own_rights` looks at it.
    let (old, new) = (&before.admitted.username, &after.admitted.username);
    let is_told_elsewhere = !before.by_entry && !after.by_entry && !before.admitted.groups.is_empty();
    (old != new && !is_told_elsewhere).then(|| format!("it would be {new} and no longer {old}"))
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

fn last_admin_lost(evidence: &Evidence<'_>, doubt: Doubt) -> Option<Refusal> {
    let before = evidence.before.admins(doubt);
    let after = evidence.after.admins(doubt);
    if before.is_empty() || !after.is_empty() || evidence.after.entries.has_cluster_admin() {
        return None;
    }
    let names: Vec<&str> = before.iter().map(String::as_str).collect();
    let others = evidence.after.admins(Doubt::Counts).into_iter();
    let others = others.chain(evidence.after.admins(Doubt::Void));
    let stale = evidence.after.entries.each().iter();
    let stale = stale.filter(|counted| counted.lets_in == Some(false) && gives_everything(&counted.entry));
    let unsure: BTreeSet<String> = others.chain(stale.map(|counted| counted.key.clone())).collect();
    let remarks: Vec<String> = unsure
        .iter()
        .filter_map(|key| evidence.after.entries.remark_on(key))
        .collect();
    Some(Refusal {
        guard: Guard::LastAdminLost,
        message: format!(
            "no one would be left who may do everything in the cluster: {} would lose it{}{}",
            names.join(", "),
            evidence.after.entries.unread(),
            in_brackets((!remarks.is_empty()).then(|| remarks.join("; ")))
        ),
        help: Some(remedy!(
            "Give someone whom neither the file nor the plan names {MASTERS} or the access policy AmazonEKSClusterAdminPolicy first: \
             `{}`.",
            evidence.successor
        )),
        subjects: before,
    })
}

fn node_role_lost(evidence: &Evidence<'_>) -> Option<Refusal> {
    let lost: BTreeSet<String> = Doubt::BOTH
        .into_iter()
        .flat_map(|doubt| nodes_lost(evidence, doubt))
        .collect();
    if lost.is_empty() {
        return None;
    }
    let names: Vec<&str> = lost.iter().map(String::as_str).collect();
    let remarks: Vec<String> = lost
        .iter()
        .filter_map(|key| evidence.after.entries.remark_on(key))
        .collect();
    Some(Refusal {
        guard: Guard::NodeRoleLost,
        message: format!(
            "nodes would no longer be let in as nodes under {}: they would become NotReady, and their pods would be evicted{}{}",
            names.join(", "),
            evidence.after.entries.unread(),
            in_brackets((!remarks.is_empty()).then(|| remarks.join("; ")))
        ),
        help: Some(remedy!(
            "Delete or change the mapping or the access entry of a node role only once no node runs under it, or once an access entry of \
             type EC2_LINUX or EC2_WINDOWS has taken its place."
        )),
        subjects: lost,
    })
}

fn nodes_lost(evidence: &Evidence<'_>, doubt: Doubt) -> BTreeSet<String> {
    let (now, would) = (&evidence.before, &evidence.after);
    let kept_by_entry = would.nodes_by_entry(doubt);
    let line = |key: &String| {
        let mapped = would.aws_auth.principals.get(key);
        mapped.filter(|_| !would.entries.overrides(key, doubt))
    };
    let by_line = now
        .mapped_into(NODES, doubt)
        .filter(|(key, admitted)| !line(key).is_some_and(|after| admitted.keeps_node(after)))
        .map(|(key, _)| key);
    let by_entry = now.nodes_by_entry(doubt).into_iter();
    let by_entry = by_entry.filter(|key| !line(key).is_some_and(|after| after.is_in(NODES)));
    by_line
        .chain(by_entry)
        .filter(|key| !kept_by_entry.contains(key))
        .cloned()
        .collect()
}

fn in_brackets(remark: Option<String>) -> String {
    remark.map_or_else(String::new, |remark| format!(" ({remark})"))
}

#[cfg(test)]
mod tests;
