//! Who takes away what denies it something: its own policies with a `Deny`, those of its groups, or itself from a group. Each as it may
//! now, alone and all together; and then with what it may write into its policies.

use super::{
    ANY_POLICY, Escalations, Gains, Goal, Power, Powers, is_reserved,
    over_policies::{OF_POLICY, POLICY_KEY, is_sure},
    supposing, take,
};
use crate::diagnosis::aws_authorization::{
    identities::{Identity, Supposed, Taken},
    pods::{both, depends},
};
use eksact_identity::iam::policy::authorization::{Answer, Decision, Policy};

/// What removes, overwrites and detaches the policies of one kind.
struct Kind {
    removes: &'static str,
    overwrites: &'static str,
    detaches: &'static str,
}

const OF_USER: Kind = Kind {
    removes: "iam:DeleteUserPolicy",
    overwrites: "iam:PutUserPolicy",
    detaches: "iam:DetachUserPolicy",
};
const OF_ROLE: Kind = Kind {
    removes: "iam:DeleteRolePolicy",
    overwrites: "iam:PutRolePolicy",
    detaches: "iam:DetachRolePolicy",
};
const OF_GROUP: Kind = Kind {
    removes: "iam:DeleteGroupPolicy",
    overwrites: "iam:PutGroupPolicy",
    detaches: "iam:DetachGroupPolicy",
};
const LEAVES: &str = "iam:RemoveUserFromGroup";

/// Every action that takes a policy away.
pub(super) fn actions() -> impl Iterator<Item = &'static str> {
    [OF_USER, OF_ROLE, OF_GROUP]
        .into_iter()
        .flat_map(|kind| [kind.removes, kind.overwrites, kind.detaches])
        .chain([LEAVES])
        .chain(OF_POLICY.into_iter().map(|(action, _)| action))
}

/// The surest way to take something away.
struct Removal<'s> {
    taken: Taken<'s>,
    how: String,
    action: &'static str,
    on: String,
    decision: Decision,
}

impl<'p> Escalations<'_, 'p> {
    /// By taking policies away that deny it something.
    pub(super) fn without_denies(
        &self,
        goal: Goal<'_>,
        index: usize,
        who: &Identity<'p>,
        found: &mut Powers,
    ) {
        if is_sure(found, index) || !actions().any(|action| self.able_to(action, index)) {
            return;
        }
        let removals = self.removals(index, who);
        for removal in &removals {
            self.once_taken(goal, index, who, std::slice::from_ref(removal), found);
        }
        if removals.len() > 1 && !is_sure(found, index) {
            self.once_taken(goal, index, who, &removals, found);
        }
    }

    /// What it gets once these are taken away, alone or with any policy that it may give itself then.
    fn once_taken(
        &self,
        goal: Goal<'_>,
        index: usize,
        who: &Identity<'p>,
        removals: &[Removal<'_>],
        found: &mut Powers,
    ) {
        let Some((first, rest)) = removals.split_first() else {
            return;
        };
        let taken: Vec<Taken<'_>> = removals.iter().map(|removal| removal.taken).collect();
        let without = Supposed {
            without: &taken,
            ..Supposed::default()
        };
        let decision = rest.iter().fold(first.decision.clone(), |all, removal| {
            supposing(all, removal.decision.clone())
        });
        let how: Vec<&str> = removals.iter().map(|removal| removal.how.as_str()).collect();
        let how = how.join(", ");
        let power = |gains: Gains, how: String, decision: Decision| Power {
            gains,
            how,
            action: first.action,
            on: first.on.clone(),
            decision,
        };
        if let Some(itself) = self.reaches(goal, index, without) {
            let decision = supposing(decision.clone(), itself);
            take(found, index, power(Gains::Undenied, how.clone(), decision));
        }
        let with_any = Supposed {
            policy: Some(&ANY_POLICY),
            ..without
        };
        let Some(with_any) = self.reaches(goal, index, with_any) else {
            return;
        };
        for write in self.over_policies(index, who, who, without) {
            let joined = both(decision.clone(), write.decision);
            let how = format!("{how}, and then {}", write.how);
            let decision = supposing(joined, with_any.clone());
            take(found, index, power(Gains::Itself, how, decision));
        }
    }

    /// The policies with a deny that it may take from itself, each by the surest way.
    fn removals<'s>(&'s self, index: usize, who: &'s Identity<'p>) -> Vec<Removal<'s>> {
        let mut found: Vec<Removal<'s>> = Vec::new();
        for (taken, policy) in self.identities.denying(who) {
            let ways = self.ways_to_take(index, who, taken, policy);
            let surest = ways.into_iter().min_by_key(|removal| removal.decision.answer);
            let Some(removal) = surest.filter(|removal| removal.decision.answer != Answer::No) else {
                continue;
            };
            // Whoever leaves a group, leaves all of its policies.
            if !found.iter().any(|known| known.taken == removal.taken) {
                found.push(removal);
            }
        }
        found
    }

    fn ways_to_take<'s>(
        &'s self,
        index: usize,
        who: &'s Identity<'p>,
        taken: Taken<'s>,
        policy: &Policy,
    ) -> Vec<Removal<'s>> {
        let name = policy.name();
        let mut found = Vec::new();
        let mut add = |taken, how: String, action: &'static str, on: String, decision: Decision| {
            found.push(Removal {
                taken,
                how: format!("{how} ({action})"),
                action,
                on,
                decision,
            });
        };
        let own = match who.role {
            Some(role) if is_reserved(&role.path) => None,
            Some(_) => Some(OF_ROLE),
            None => Some(OF_USER),
        };
        match (taken, own) {
            (Taken::Inline(_), Some(kind)) => {
                for (action, does) in [(kind.removes, "removes"), (kind.overwrites, "overwrites")] {
                    let decision = self.writes(who, Some(who), action, who.arn, Supposed::default());
                    add(
                        taken,
                        format!("{does} {name}"),
                        action,
                        who.arn.to_owned(),
                        decision,
                    );
                }
            }
            (Taken::Attached(arn), Some(kind)) => {
                let decision = self.detaches(who, kind.detaches, arn);
                add(
                    taken,
                    format!("detaches {name}"),
                    kind.detaches,
                    who.arn.to_owned(),
                    decision,
                );
            }
            (Taken::OfGroup(group, _), _) => {
                for (action, does) in [(OF_GROUP.removes, "removes"), (OF_GROUP.overwrites, "overwrites")] {
                    let decision = self.on_group(who, action, group, Supposed::default());
                    add(
                        taken,
                        format!("{does} {name}"),
                        action,
                        self.group_arn(group),
                        decision,
                    );
                }
            }
            (Taken::AttachedToGroup(group, arn), _) => {
                let context = [(POLICY_KEY, arn)];
                let supposed = Supposed {
                    context: &context,
                    ..Supposed::default()
                };
                let action = OF_GROUP.detaches;
                let decision = self.on_group(who, action, group, supposed);
                let how = format!("detaches {name} from its group {group}");
                add(taken, how, action, self.group_arn(group), decision);
            }
            (Taken::Inline(_) | Taken::Attached(_) | Taken::Membership(_), _) => {}
        }
        if let Taken::Attached(arn) | Taken::AttachedToGroup(_, arn) = taken
            && arn.split(':').nth(4) == Some(self.identities.account)
        {
            for (action, depends_on) in OF_POLICY {
                if !self.able_to(action, index) {
                    continue;
                }
                let mut decision = self.may(who, action, Some(arn));
                if let Some(what) = depends_on {
                    depends(&mut decision, what);
                }
                add(taken, format!("changes {name}"), action, arn.to_owned(), decision);
            }
        }
        if let Taken::OfGroup(group, _) | Taken::AttachedToGroup(group, _) = taken {
            let decision = self.on_group(who, LEAVES, group, Supposed::default());
            let how = format!("leaves its group {group}");
            add(
                Taken::Membership(group),
                how,
                LEAVES,
                self.group_arn(group),
                decision,
            );
        }
        found
    }

    fn detaches(&self, who: &Identity<'p>, action: &str, policy: &str) -> Decision {
        let context = [(POLICY_KEY, policy)];
        let supposed = Supposed {
            context: &context,
            ..Supposed::default()
        };
        self.writes(who, Some(who), action, who.arn, supposed)
    }
}
