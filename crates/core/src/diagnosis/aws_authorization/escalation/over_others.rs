//! Who gives somebody else a right and becomes it: by the policies of a user or role that it can be afterwards.

use std::collections::{BTreeSet, HashMap};

use super::{
    Escalations, Gains, Goal, PASS, Power, Powers, TRUST, is_news,
    over_policies::{OF_GROUP, OF_POLICY, OF_ROLE, OF_USER, any_policy, is_sure},
    over_principals::OVER_USER,
    supposing, take,
};
use crate::diagnosis::aws_authorization::{
    identities::{ASSUME, Identity, Supposed},
    pods::both,
};
use eksact_identity::iam::policy::authorization::{Answer, Decision, Policy};

impl<'p> Escalations<'_, 'p> {
    /// By the policies of somebody that it becomes, once it has written them. `with_any` keeps who gets what is wanted by any policy.
    pub(super) fn by_other(
        &self,
        goal: Goal<'_>,
        index: usize,
        who: &Identity<'p>,
        with_any: &mut HashMap<usize, Option<Decision>>,
        found: &mut Powers,
    ) {
        let of_policies = OF_GROUP
            .into_iter()
            .chain(OF_POLICY.into_iter().map(|(action, _)| action));
        let of_policies = self.surest_of(of_policies, index);
        let of_users = of_policies.or(self.surest_of(OF_USER, index));
        let of_roles = of_policies.or(self.surest_of(OF_ROLE, index));
        if !is_news(found, index, of_users.or(of_roles)) {
            return;
        }
        for other in self.written(index) {
            let Some(target) = self.identities.all.get(other) else {
                continue;
            };
            let surest = if target.role.is_some() { of_roles } else { of_users };
            if other == index || !is_news(found, index, surest) || !self.may_be_linked(index, who, target) {
                continue;
            }
            let with_any = with_any
                .entry(other)
                .or_insert_with(|| self.reaches(goal, other, any_policy()));
            let Some(with_any) = with_any.as_ref().filter(|any| is_news(found, index, any.answer)) else {
                continue;
            };
            let mut writes = self.over_policies(index, who, target, Supposed::default());
            writes.retain(|write| is_news(found, index, write.decision.answer));
            if writes.is_empty() {
                continue;
            }
            let links = self.links(who, other, target);
            for write in &writes {
                for link in &links {
                    let joined = both(write.decision.clone(), link.decision.clone());
                    take(
                        found,
                        index,
                        Power {
                            gains: Gains::Principal(other),
                            how: format!("{}, and {}", write.how, link.how),
                            decision: supposing(joined, with_any.clone()),
                            ..write.clone()
                        },
                    );
                }
            }
            if is_sure(found, index) {
                return;
            }
        }
    }

    /// Those whose policies it may be that somebody writes, by what its own policies name.
    fn written(&self, index: usize) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        for action in [OF_USER, OF_ROLE].into_iter().flatten() {
            found.extend(self.narrow.principals(index, action));
        }
        for action in OF_GROUP {
            found.extend(self.narrow.members(index, action));
        }
        for (action, _) in OF_POLICY {
            found.extend(self.narrow.holders(index, action));
        }
        found
    }

    /// Whether it may be that somebody becomes another one at once.
    fn may_be_linked(&self, index: usize, who: &Identity<'p>, target: &Identity<'p>) -> bool {
        let may = |action: &'static str| self.narrow.may(index, action, target.arn);
        if target.role.is_none() {
            return OVER_USER.iter().any(|(action, ..)| may(action));
        }
        if may(ASSUME) || may(TRUST) || may(PASS) {
            return true;
        }
        // A trust policy that names it is enough.
        let trusted = target.trust.iter().flat_map(Policy::trusted);
        let mut by_name = trusted.filter(|name| *name == "*" || name.contains(':'));
        by_name.any(|name| name == "*" || self.is_itself(name, who))
    }

    fn is_itself(&self, name: &str, who: &Identity<'p>) -> bool {
        let found = self.identities.find(name);
        let found = found.and_then(|index| self.identities.all.get(index));
        found.is_some_and(|found| found.arn == who.arn)
    }

    /// The ways to become somebody at once: by assuming a role as its trust policy is, and by all that changes something.
    fn links(&self, who: &Identity<'p>, index: usize, target: &Identity<'p>) -> Vec<Power> {
        let mut links = Vec::new();
        if let Some(trust) = &target.trust {
            links.push(Power {
                gains: Gains::Principal(index),
                how: "assumes it".to_owned(),
                action: ASSUME,
                on: target.arn.to_owned(),
                decision: self.assumes(who, target.arn, trust),
            });
        }
        links.extend(self.ways(who, index, target));
        links.retain(|link| link.decision.answer != Answer::No);
        links
    }
}
