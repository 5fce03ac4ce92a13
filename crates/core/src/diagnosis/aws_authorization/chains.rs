//! Who can become a role by assuming it, and through which other roles: shortest and surest ways first, up to a bound.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

use super::{
    identities::{ASSUME, Identities, Session},
    question::AwsRequest,
};
use eksact_identity::iam::{
    arn::is_account_id,
    policy::authorization::{Answer, Caller, Decision, ResourcePolicy},
};

/// How many roles are assumed one from the other. AWS knows no bound.
pub(super) const MOST_HOPS: usize = 5;

/// A way to a role that may: the next role on it, and what lets the hop happen.
#[derive(Clone, Debug)]
pub(super) struct Hop {
    /// The answer of the whole way.
    pub(super) answer: Answer,
    /// The role that is assumed, and from which the way goes on.
    pub(super) assumes: usize,
    /// What lets it assume that role.
    pub(super) decision: Decision,
}

/// Somebody outside of the account's listing who may assume a role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outsider {
    /// A principal or all of another account, or everyone.
    Aws(String),
    /// A service of AWS.
    Service(String),
    /// Whoever an identity provider vouches for.
    Provider(String),
}

/// Who can become one of the roles.
#[derive(Debug, Default)]
pub(super) struct Chains {
    /// Users and roles of the account, by their numbers.
    pub(super) of_account: BTreeMap<usize, Hop>,
    /// Others, and the role that they may assume.
    pub(super) outsiders: BTreeMap<Outsider, usize>,
    /// Whether longer ways were left out.
    pub(super) is_cut: bool,
}

/// Follows trust policies back from the roles of `goals`.
pub(super) fn chains(identities: &Identities<'_>, goals: &BTreeMap<usize, Answer>) -> Chains {
    let mut found = Chains::default();
    let is_sure = |index: &usize| goals.get(index) == Some(&Answer::Yes);
    let mut queue: BinaryHeap<Reverse<(Answer, usize, usize)>> = goals
        .iter()
        .map(|(index, answer)| Reverse((*answer, 0, *index)))
        .collect();
    let mut done = std::collections::BTreeSet::new();
    while let Some(Reverse((answer, hops, target))) = queue.pop() {
        if !done.insert(target) {
            continue;
        }
        let Some(role) = identities.all.get(target) else {
            continue;
        };
        let Some(trust) = &role.trust else { continue };
        let request = AwsRequest {
            action: ASSUME.to_owned(),
            resource: Some(role.arn.to_owned()),
            resource_account: Some(identities.account.to_owned()),
        };
        for candidate in candidates(identities, trust.trusted(), target, &mut found) {
            let known = found.of_account.get(&candidate).map(|hop| hop.answer);
            if candidate == target
                || is_sure(&candidate)
                || known == Some(Answer::Yes)
                || known == Some(answer)
            {
                continue;
            }
            // A role that may itself, perhaps, gains nothing by a way that is no surer.
            let is_no_surer = |way: Answer| goals.get(&candidate).is_some_and(|own| *own <= way);
            if is_no_surer(answer) {
                continue;
            }
            let Some(identity) = identities.all.get(candidate) else {
                continue;
            };
            let decision = identities.decide(
                identity,
                &request,
                ResourcePolicy::Gate(trust),
                &Session::default(),
            );
            let whole = answer.and(decision.answer);
            if whole == Answer::No || known.is_some_and(|known| known <= whole) {
                continue;
            }
            if is_no_surer(whole) {
                continue;
            }
            if hops == MOST_HOPS {
                found.is_cut = true;
                continue;
            }
            let hop = Hop {
                answer: whole,
                assumes: target,
                decision,
            };
            found.of_account.insert(candidate, hop);
            if !done.contains(&candidate) {
                queue.push(Reverse((whole, hops + 1, candidate)));
            }
        }
        for (kind, name) in trust.trusted_others() {
            let outsider = match kind {
                "Service" => Outsider::Service(name.to_owned()),
                "Federated" => Outsider::Provider(name.to_owned()),
                _ => continue,
            };
            found.outsiders.entry(outsider).or_insert(target);
        }
    }
    found
}

/// Those of the account whom a trust policy may mean. Whom it means of others is noted.
fn candidates(
    identities: &Identities<'_>,
    trusted: Vec<&str>,
    target: usize,
    found: &mut Chains,
) -> Vec<usize> {
    let mut all = Vec::new();
    for named in trusted {
        if named == identities.account {
            all.extend(&identities.assumers);
        } else if named == "*" {
            all.extend(0..identities.all.len());
            found
                .outsiders
                .entry(Outsider::Aws("*".to_owned()))
                .or_insert(target);
        } else if let Some(index) = identities.find(named) {
            all.push(index);
        } else if is_account_id(named)
            || Caller::of_arn(named).is_ok_and(|caller| caller.account() != Some(identities.account))
        {
            found
                .outsiders
                .entry(Outsider::Aws(named.to_owned()))
                .or_insert(target);
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}
