//! What a migration wants, said as a file would say it.

use std::collections::BTreeSet;

use eksact_identity::authn::access_entry::STANDARD;

use super::{Fate, Line, Proposal};
use crate::config::{
    Located,
    access_entry::{self, AccessEntries, AccessEntry, CLUSTER_SCOPE, NAMESPACE_SCOPE},
};

/// The entries that take the place of lines; those that are there already are not said, and stay as they are.
pub fn access_entries(lines: &[Line]) -> AccessEntries {
    let entries = lines.iter().filter_map(|line| match &line.fate {
        Fate::Entry(proposal) => Some(entry(proposal)),
        _ => None,
    });
    AccessEntries {
        entries: entries.collect(),
        is_listed: false,
    }
}

fn entry(proposal: &Proposal) -> AccessEntry {
    let policies = proposal.policies.iter().map(|policy| access_entry::AccessPolicy {
        arn: Located::unlocated(policy.arn.clone()),
        scope: Located::unlocated(
            match policy.namespaces {
                Some(_) => NAMESPACE_SCOPE,
                None => CLUSTER_SCOPE,
            }
            .to_owned(),
        ),
        namespaces: policy
            .namespaces
            .iter()
            .flatten()
            .cloned()
            .map(Located::unlocated)
            .collect(),
    });
    AccessEntry {
        principal_arn: Located::unlocated(proposal.principal_arn.clone()),
        entry_type: Located::unlocated(proposal.entry_type.clone()),
        groups: proposal.groups.iter().cloned().map(Located::unlocated).collect(),
        username: proposal.username.clone().map(Located::unlocated),
        policies: policies.collect(),
        ..AccessEntry::default()
    }
}

/// The ARNs whose lines may go once the entries are there. A line that cannot move stays, and so does one whose entry may be that of
/// an earlier principal, one of a user whose name IAM may know in another case, and one of nodes whose entry was not there before: a node has to join by it first.
pub fn removable(lines: &[Line]) -> BTreeSet<&str> {
    let goes = |line: &&Line| match &line.fate {
        Fate::Entry(proposal) => proposal.entry_type == STANDARD,
        Fate::Decided { is_current, .. } => *is_current,
        Fate::Dead { is_certain, .. } => *is_certain,
        Fate::Blocked { .. } => false,
    };
    let kept: BTreeSet<String> = lines
        .iter()
        .filter(|line| !goes(line))
        .map(|line| line.subject.to_lowercase())
        .collect();
    lines
        .iter()
        .filter(goes)
        .map(|line| line.subject.as_str())
        .filter(|subject| !kept.contains(&subject.to_lowercase()))
        .collect()
}
