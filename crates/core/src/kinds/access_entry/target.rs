//! What shall be there of one entry, and how what is there differs from it. Pure.

use std::collections::BTreeSet;

use super::granted::same_scope;
use crate::{
    config::access_entry::AccessEntry as ConfiguredEntry,
    ports::aws::{AccessEntry, AccessPolicy},
};
use eksact_identity::authn::access_entry::{derived_username, is_for_nodes, takes_policies};

/// What shall be there: what the configuration says, and of an entry that is there what it says nothing of.
pub(super) struct Target {
    pub(super) entry_type: String,
    /// None where EKS shall derive one.
    pub(super) username: Option<String>,
    pub(super) groups: Vec<String>,
    pub(super) policies: Vec<AccessPolicy>,
}

pub(super) fn target(configured: &ConfiguredEntry, existing: Option<&AccessEntry>) -> Target {
    let keeps = configured.keeps;
    let kept = |keeps: bool| existing.filter(|_| keeps);
    let entry_type = kept(keeps.entry_type).map_or_else(
        || configured.entry_type.value.clone(),
        |existing| existing.entry_type.clone(),
    );
    let username = match kept(keeps.username) {
        Some(existing) => {
            let derived = derived_username(&existing.entry_type, &existing.principal_arn);
            (existing.username != derived).then(|| existing.username.clone())
        }
        None => configured
            .username
            .as_ref()
            .map(|username| username.value.clone()),
    };
    Target {
        entry_type,
        username,
        groups: match kept(keeps.groups) {
            Some(existing) => existing.groups.clone(),
            None => configured
                .groups
                .iter()
                .map(|group| group.value.clone())
                .collect(),
        },
        policies: match kept(keeps.policies) {
            Some(existing) => existing.policies.clone(),
            None => configured
                .policies
                .iter()
                .map(|policy| AccessPolicy {
                    arn: policy.arn.value.clone(),
                    namespaces: policy.limits(),
                })
                .collect(),
        },
    }
}

impl Target {
    pub(super) fn wants(&self, policy_arn: &str) -> bool {
        self.policies.iter().any(|policy| policy.arn == policy_arn)
    }
}

/// How an entry differs from what it shall be.
pub(super) struct Difference {
    pub(super) has_other_type: bool,
    /// Whether the user name or the groups differ.
    pub(super) has_other_user: bool,
    /// The policies that shall be there and are not, or with another scope.
    pub(super) changed: Vec<AccessPolicy>,
    /// Those that shall not be there.
    pub(super) dropped: Vec<AccessPolicy>,
}

impl Difference {
    pub(super) fn of(wanted: &Target, existing: &AccessEntry) -> Self {
        let username = wanted
            .username
            .clone()
            .unwrap_or_else(|| derived_username(&wanted.entry_type, &existing.principal_arn));
        let is_there = |policy: &AccessPolicy| {
            existing.policies.iter().any(|other| {
                other.arn == policy.arn && same_scope(other.namespaces.as_ref(), policy.namespaces.as_ref())
            })
        };
        Self {
            has_other_type: existing.entry_type != wanted.entry_type,
            has_other_user: !is_for_nodes(&wanted.entry_type)
                && (existing.username != username || !same_set(&existing.groups, &wanted.groups)),
            changed: wanted
                .policies
                .iter()
                .filter(|policy| !is_there(policy))
                .cloned()
                .collect(),
            dropped: existing
                .policies
                .iter()
                .filter(|policy| takes_policies(&wanted.entry_type) && !wanted.wants(&policy.arn))
                .cloned()
                .collect(),
        }
    }

    /// Whether there is none.
    pub(super) fn is_none(&self) -> bool {
        !self.has_other_type && !self.has_other_user && self.changed.is_empty() && self.dropped.is_empty()
    }
}

pub(super) fn same_set(one: &[String], other: &[String]) -> bool {
    let set = |names: &[String]| names.iter().cloned().collect::<BTreeSet<_>>();
    set(one) == set(other)
}
