//! What a principal is given: as whom it gets in and by which policies, whatever lets it in; and what a change of that means.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    engine::{AttributeChange, Effect},
    guard::access::{Admitted, MASTERS},
    ports::aws::{AccessEntry, AccessPolicy},
};
use eksact_identity::authn::access_policy::{
    CLUSTER_ADMIN, KnownPolicy, known_policy, policy_name, scope_matches,
};

/// What a principal is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Granted {
    username: String,
    groups: BTreeSet<String>,
    /// The namespaces of each policy, none for the whole cluster.
    policies: BTreeMap<String, Option<BTreeSet<String>>>,
}

impl From<&AccessEntry> for Granted {
    fn from(entry: &AccessEntry) -> Self {
        Self {
            username: entry.username.clone(),
            groups: entry.groups.iter().cloned().collect(),
            policies: entry
                .policies
                .iter()
                .map(|policy| {
                    let names = policy.namespaces.as_ref();
                    (
                        policy.arn.clone(),
                        names.map(|names| names.iter().cloned().collect()),
                    )
                })
                .collect(),
        }
    }
}

impl From<&Admitted> for Granted {
    fn from(admitted: &Admitted) -> Self {
        Self {
            username: admitted.username.clone(),
            groups: admitted.groups.iter().cloned().collect(),
            policies: BTreeMap::new(),
        }
    }
}

impl Granted {
    pub(super) fn is_everything(&self) -> bool {
        self.groups.contains(MASTERS)
            || self
                .policies
                .iter()
                .any(|(arn, namespaces)| namespaces.is_none() && policy_name(arn) == Some(CLUSTER_ADMIN))
    }

    /// Whether it has groups or policies that the other has not. Whoever may do everything by a policy is not looked at apart.
    pub(super) fn exceeds(&self, other: &Self) -> bool {
        !self.groups.is_subset(&other.groups)
            || self
                .policies
                .iter()
                .any(|(arn, namespaces)| match other.policies.get(arn) {
                    Some(others) => !covers(others.as_ref(), namespaces.as_ref()),
                    None => true,
                })
    }
}

/// Whether a scope has all namespaces of another in it; none is the whole cluster.
fn covers(scope: Option<&BTreeSet<String>>, other: Option<&BTreeSet<String>>) -> bool {
    match (scope, other) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(scope), Some(other)) => other
            .iter()
            .all(|name| scope.iter().any(|pattern| scope_matches(pattern, name))),
    }
}

/// What it means to be given `after` and no longer `before`. A new user name may have rights of its own.
pub(super) fn effect(before: Option<&Granted>, after: Option<&Granted>) -> Effect {
    let (before, after) = match (before, after) {
        (None, None) => return Effect::Equal,
        (None, Some(_)) => return Effect::Broader,
        (Some(_), None) => return Effect::Narrower,
        (Some(before), Some(after)) => (before, after),
    };
    // Whoever may do everything, gains and loses nothing by other names, groups and policies.
    match (before.is_everything(), after.is_everything()) {
        (true, true) => return Effect::Equal,
        (true, false) => return Effect::Narrower,
        (false, true) => return Effect::Broader,
        (false, false) => {}
    }
    if before.username != after.username {
        return Effect::Incomparable;
    }
    compared(after.exceeds(before), before.exceeds(after))
}

/// What an access policy allows, where that is known.
pub(super) fn meaning(policy_arn: &str) -> Option<String> {
    let KnownPolicy {
        allows,
        lacks,
        is_for_services,
        ..
    } = known_policy(policy_arn)?;
    Some(match lacks {
        _ if *is_for_services => format!("for AWS's own use: {allows}"),
        Some(lacks) => format!("it may {allows}; unlike the ClusterRole of that name, not: {lacks}"),
        None => format!("it may {allows}"),
    })
}

/// The name of a policy, else its ARN.
pub(super) fn name_of(policy_arn: &str) -> &str {
    policy_name(policy_arn).unwrap_or(policy_arn)
}

/// Where a policy holds, as a value of a plan.
pub(super) fn scope_value(policy: &AccessPolicy) -> serde_json::Value {
    match &policy.namespaces {
        None => serde_json::json!("the whole cluster"),
        Some(namespaces) => serde_json::json!(namespaces.iter().collect::<BTreeSet<_>>()),
    }
}

/// An access policy that is given, taken, or gets another scope.
pub(super) fn policy_change(before: Option<&AccessPolicy>, after: Option<&AccessPolicy>) -> AttributeChange {
    let name = before.or(after).map_or("", |policy| name_of(&policy.arn));
    AttributeChange::plain(
        format!("access policy {name}"),
        before.map(scope_value),
        after.map(scope_value),
    )
}

/// What it means to have these groups and no longer those.
pub(super) fn effect_of_groups(before: &[String], after: &[String]) -> Effect {
    let has_more = |one: &[String], other: &[String]| one.iter().any(|group| !other.contains(group));
    compared(has_more(after, before), has_more(before, after))
}

/// What it means to have a policy in another scope, to be given it, or to lose it.
pub(super) fn effect_of_policy(before: Option<&AccessPolicy>, after: Option<&AccessPolicy>) -> Effect {
    let scope = |policy: &AccessPolicy| -> Option<BTreeSet<String>> {
        policy
            .namespaces
            .as_ref()
            .map(|names| names.iter().cloned().collect())
    };
    match (before.map(scope), after.map(scope)) {
        (None, None) => Effect::Equal,
        (None, Some(_)) => Effect::Broader,
        (Some(_), None) => Effect::Narrower,
        (Some(before), Some(after)) => compared(
            !covers(before.as_ref(), after.as_ref()),
            !covers(after.as_ref(), before.as_ref()),
        ),
    }
}

fn compared(is_more: bool, is_less: bool) -> Effect {
    match (is_more, is_less) {
        (true, true) => Effect::Incomparable,
        (true, false) => Effect::Broader,
        (false, true) => Effect::Narrower,
        (false, false) => Effect::Equal,
    }
}

/// Whether two scopes are the same; the order of namespaces means nothing.
pub(super) fn same_scope(one: Option<&Vec<String>>, other: Option<&Vec<String>>) -> bool {
    let set = |names: Option<&Vec<String>>| names.map(|names| names.iter().cloned().collect::<BTreeSet<_>>());
    set(one) == set(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(username: &str, groups: &[&str], policies: &[(&str, Option<&[&str]>)]) -> Granted {
        Granted::from(&AccessEntry {
            username: username.to_owned(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            policies: policies
                .iter()
                .map(|(name, namespaces)| AccessPolicy {
                    arn: format!("arn:aws:eks::aws:cluster-access-policy/{name}"),
                    namespaces: namespaces.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
                })
                .collect(),
            ..AccessEntry::default()
        })
    }

    #[test]
    fn access_that_grows_shrinks_or_is_other_access() {
        const VIEW: &str = "AmazonEKSViewPolicy";
        let table = [
            (
                granted("a", &["x"], &[]),
                granted("a", &["x"], &[]),
                Effect::Equal,
            ),
            (
                granted("a", &["x"], &[]),
                granted("a", &["x", "y"], &[]),
                Effect::Broader,
            ),
            (
                granted("a", &["x"], &[]),
                granted("a", &["y"], &[]),
                Effect::Incomparable,
            ),
            (
                granted("a", &["x"], &[]),
                granted("b", &["x"], &[]),
                Effect::Incomparable,
            ),
            (
                granted("a", &[], &[(VIEW, Some(&["n"]))]),
                granted("a", &[], &[(VIEW, Some(&["n", "m"]))]),
                Effect::Broader,
            ),
            (
                granted("a", &[], &[(VIEW, None)]),
                granted("a", &[], &[(VIEW, Some(&["n"]))]),
                Effect::Narrower,
            ),
            (
                granted("a", &[], &[(VIEW, Some(&["dev-*"]))]),
                granted("a", &[], &[(VIEW, Some(&["dev-a"]))]),
                Effect::Narrower,
            ),
            (
                granted("a", &["x"], &[]),
                granted("b", &[], &[(CLUSTER_ADMIN, None)]),
                Effect::Broader,
            ),
            (
                granted("a", &[MASTERS], &[]),
                granted("b", &["x"], &[(CLUSTER_ADMIN, None)]),
                Effect::Equal,
            ),
            (
                granted("a", &["x"], &[(CLUSTER_ADMIN, None)]),
                granted("a", &["x", "y"], &[(CLUSTER_ADMIN, Some(&["n"]))]),
                Effect::Narrower,
            ),
        ];
        for (before, after, expected) in table {
            assert_eq!(
                effect(Some(&before), Some(&after)),
                expected,
                "{before:?} {after:?}"
            );
        }
    }
}
