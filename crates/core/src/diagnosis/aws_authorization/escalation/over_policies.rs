//! Who gives itself a right: by what its policies say, by a group that it joins, by lifting its permissions boundary, and by the
//! policies of somebody that it becomes.

use std::collections::{BTreeSet, HashMap};

use super::{
    ADD_TO_GROUP, ANY_POLICY, Escalations, Gains, Goal, Power, Powers, is_reserved, new_principals,
    over_denies, supposing, take,
};
use crate::diagnosis::aws_authorization::{
    identities::{Identity, Lifted, Supposed},
    pods::{both, depends},
};
use eksact_identity::iam::policy::authorization::{Answer, Decision};

/// What writes the policies of a user, a role, a group: of the first kind any, of the second AWS's `AdministratorAccess`.
pub(super) const OF_USER: [&str; 2] = ["iam:PutUserPolicy", "iam:AttachUserPolicy"];
pub(super) const OF_ROLE: [&str; 2] = ["iam:PutRolePolicy", "iam:AttachRolePolicy"];
pub(super) const OF_GROUP: [&str; 2] = ["iam:PutGroupPolicy", "iam:AttachGroupPolicy"];
pub(super) const OF_POLICY: [(&str, Option<&str>); 2] = [
    ("iam:CreatePolicyVersion", None),
    (
        "iam:SetDefaultPolicyVersion",
        Some("what another version of the policy allows"),
    ),
];

/// What removes and what replaces the permissions boundary of a user, of a role.
const BOUNDARY_OF_USER: [&str; 2] = [
    "iam:DeleteUserPermissionsBoundary",
    "iam:PutUserPermissionsBoundary",
];
const BOUNDARY_OF_ROLE: [&str; 2] = [
    "iam:DeleteRolePermissionsBoundary",
    "iam:PutRolePermissionsBoundary",
];

/// The condition keys of the policy that is attached, and of the permissions boundary.
pub(super) const POLICY_KEY: &str = "iam:PolicyARN";
pub(super) const BOUNDARY_KEY: &str = "iam:PermissionsBoundary";

/// The actions that write policies.
fn writers() -> impl Iterator<Item = &'static str> {
    let of_policies = OF_POLICY.into_iter().map(|(action, _)| action);
    [OF_USER, OF_ROLE, OF_GROUP]
        .into_iter()
        .flatten()
        .chain(of_policies)
}

/// Every action that this is about.
pub(super) fn actions() -> impl Iterator<Item = &'static str> {
    let of_boundaries = [BOUNDARY_OF_USER, BOUNDARY_OF_ROLE].into_iter().flatten();
    writers().chain(of_boundaries).chain([ADD_TO_GROUP])
}

pub(super) fn any_policy() -> Supposed<'static> {
    Supposed {
        policy: Some(&ANY_POLICY),
        ..Supposed::default()
    }
}

impl<'p> Escalations<'_, 'p> {
    /// Whoever may give itself what is wanted, by its own policies or those of somebody that it becomes; `known` are not looked at.
    pub(in crate::diagnosis::aws_authorization) fn of_itself(
        &self,
        goal: Goal<'_>,
        known: &BTreeSet<usize>,
    ) -> Powers {
        let actions = actions().chain(over_denies::actions());
        let actions: Vec<&str> = actions.chain(new_principals::ACTIONS).collect();
        let mut with_any = HashMap::new();
        let mut found = Powers::new();
        for index in self.candidates(&actions, known) {
            let Some(who) = self.identities.all.get(index) else {
                continue;
            };
            self.by_own_policies(goal, index, who, &mut found);
            self.joined_group(goal, index, who, &mut found);
            self.without_boundary(goal, index, who, &mut found);
            self.without_denies(goal, index, who, &mut found);
            self.as_new_principal(goal, index, who, &mut found);
            if !is_sure(&found, index) {
                self.by_other(goal, index, who, &mut with_any, &mut found);
            }
        }
        found
    }

    fn by_own_policies(&self, goal: Goal<'_>, index: usize, who: &Identity<'p>, found: &mut Powers) {
        let Some(with_any) = self.reaches(goal, index, any_policy()) else {
            return;
        };
        for mut power in self.over_policies(index, who, who, Supposed::default()) {
            power.decision = supposing(power.decision, with_any.clone());
            take(found, index, power);
        }
    }

    /// The ways to write what the policies of somebody say, itself or another one.
    pub(super) fn over_policies(
        &self,
        index: usize,
        who: &Identity<'p>,
        target: &Identity<'p>,
        supposed: Supposed<'_>,
    ) -> Vec<Power> {
        let is_itself = who.arn == target.arn;
        let whom = if is_itself { "itself" } else { target.arn };
        let mut found = Vec::new();
        let mut add = |action: &'static str, on: &str, how: &str, decision: Decision| {
            found.push(Power {
                gains: Gains::Itself,
                how: format!("{how} ({action})"),
                action,
                on: on.to_owned(),
                decision,
            });
        };
        let able = |action: &&'static str| self.able_to(action, index);
        let of_target = match target.role {
            Some(role) if is_reserved(&role.path) => None,
            Some(_) => Some(OF_ROLE),
            None => Some(OF_USER),
        };
        for action in of_target.into_iter().flatten().filter(able) {
            let decision = self.writes(who, Some(target), action, target.arn, supposed);
            add(action, target.arn, &format!("gives {whom} any policy"), decision);
        }
        for action in OF_GROUP.into_iter().filter(able) {
            for group in target.groups() {
                let how = if is_itself {
                    format!("gives its group {group} any policy")
                } else {
                    format!("gives the group {group} of {whom} any policy")
                };
                let decision = self.on_group(who, action, group, supposed);
                add(action, &self.group_arn(group), &how, decision);
            }
        }
        for (action, depends_on) in OF_POLICY.into_iter().filter(|(action, _)| able(action)) {
            for policy in self.identities.own_managed(target) {
                let name = policy.rsplit('/').next().unwrap_or(policy);
                let how = if is_itself {
                    format!("changes its own policy {name}")
                } else {
                    format!("changes the policy {name} of {whom}")
                };
                let mut decision = self.may_supposing(who, action, Some(policy), supposed);
                if let Some(what) = depends_on {
                    depends(&mut decision, what);
                }
                add(action, policy, &how, decision);
            }
        }
        found
    }

    /// Whether it may do this to a user, a role or a group: with any policy, AWS's `AdministratorAccess` where one is attached.
    pub(super) fn writes(
        &self,
        who: &Identity<'p>,
        target: Option<&Identity<'p>>,
        action: &str,
        on: &str,
        supposed: Supposed<'_>,
    ) -> Decision {
        let mut context = supposed.context.to_vec();
        let mut absent = supposed.absent;
        if let Some(target) = target {
            match (supposed.lifted, target.boundary()) {
                (Some(Lifted::Replaced(Some(boundary))), _)
                | (Some(Lifted::Widened) | None, Some(boundary)) => context.push((BOUNDARY_KEY, boundary)),
                (Some(Lifted::Replaced(None)), _) => {}
                (Some(Lifted::Removed | Lifted::Widened) | None, _) => absent = &[BOUNDARY_KEY],
            }
        }
        let of_any = Supposed {
            context: &context,
            absent,
            ..supposed
        };
        if !action.starts_with("iam:Attach") {
            return self.may_supposing(who, action, Some(on), of_any);
        }
        let all = self.administrator_access();
        let mut of_all = context.clone();
        of_all.push((POLICY_KEY, all.as_str()));
        let of_all = Supposed {
            context: &of_all,
            absent,
            ..supposed
        };
        let decision = self.may_supposing(who, action, Some(on), of_all);
        if decision.answer != Answer::No {
            return decision;
        }
        let mut limited = self.may_supposing(who, action, Some(on), of_any);
        depends(
            &mut limited,
            "whether a policy that it may attach allows what is asked",
        );
        limited
    }

    pub(super) fn administrator_access(&self) -> String {
        let partition = self.identities.partition();
        format!("arn:{partition}:iam::aws:policy/AdministratorAccess")
    }

    /// Its ARN, without a path where that is not known.
    pub(super) fn group_arn(&self, name: &str) -> String {
        if let Some(arn) = self.identities.group_arn(name) {
            return arn.to_owned();
        }
        self.group_of_path(name)
    }

    fn group_of_path(&self, name: &str) -> String {
        let partition = self.identities.partition();
        format!("arn:{partition}:iam::{}:group/{name}", self.identities.account)
    }

    /// Whether it may do something to a group. Its path is a part of its ARN, and may not be known.
    pub(super) fn on_group(
        &self,
        who: &Identity<'p>,
        action: &str,
        name: &str,
        supposed: Supposed<'_>,
    ) -> Decision {
        let without = self.writes(who, None, action, &self.group_arn(name), supposed);
        if self.identities.group_arn(name).is_some() {
            return without;
        }
        let below = self.group_of_path(&format!("*/{name}"));
        let below = self.writes(who, None, action, &below, supposed);
        if without.answer == below.answer {
            return without;
        }
        let mut surer = if without.answer < below.answer {
            without
        } else {
            below
        };
        depends(
            &mut surer,
            &format!("the path of the group {name}, which was not read"),
        );
        surer
    }

    /// By joining a group that may.
    fn joined_group(&self, goal: Goal<'_>, index: usize, who: &Identity<'p>, found: &mut Powers) {
        if who.role.is_some() || !self.able_to(ADD_TO_GROUP, index) {
            return;
        }
        for (number, group) in self.identities.group_names().into_iter().enumerate() {
            if who.groups().contains(&group) {
                continue;
            }
            let joins = self.on_group(who, ADD_TO_GROUP, group, Supposed::default());
            if joins.answer == Answer::No {
                continue;
            }
            let supposed = Supposed {
                group: Some(group),
                ..Supposed::default()
            };
            let Some(as_member) = self.reaches(goal, index, supposed) else {
                continue;
            };
            take(
                found,
                index,
                Power {
                    gains: Gains::Member(number),
                    how: format!("joins the group {group} ({ADD_TO_GROUP})"),
                    action: ADD_TO_GROUP,
                    on: self.group_arn(group),
                    decision: both(joins, as_member),
                },
            );
        }
    }

    /// By lifting its permissions boundary, alone or before it writes its policies.
    fn without_boundary(&self, goal: Goal<'_>, index: usize, who: &Identity<'p>, found: &mut Powers) {
        let Some(boundary) = who.boundary().filter(|_| !is_sure(found, index)) else {
            return;
        };
        let all = self.administrator_access();
        let lifts = self.lifting(index, who, boundary, &all);
        let Some((_, lifted)) = lifts.first() else {
            return;
        };
        // Whichever way it is lifted, it stops nothing.
        let unbound = Supposed {
            lifted: Some(*lifted),
            ..Supposed::default()
        };
        let unbound_with_any = Supposed {
            policy: Some(&ANY_POLICY),
            ..unbound
        };
        let itself = self.reaches(goal, index, unbound);
        let with_any = self.reaches(goal, index, unbound_with_any);
        for (lift, lifted) in lifts {
            if let Some(itself) = &itself {
                take(
                    found,
                    index,
                    Power {
                        decision: supposing(lift.decision.clone(), itself.clone()),
                        ..lift.clone()
                    },
                );
            }
            let Some(with_any) = &with_any else { continue };
            let supposed = Supposed {
                lifted: Some(lifted),
                ..Supposed::default()
            };
            for write in self.over_policies(index, who, who, supposed) {
                let joined = both(lift.decision.clone(), write.decision);
                take(
                    found,
                    index,
                    Power {
                        gains: Gains::Itself,
                        how: format!("{}, and then {}", lift.how, write.how),
                        decision: supposing(joined, with_any.clone()),
                        ..lift.clone()
                    },
                );
            }
        }
    }

    /// The ways to be without its permissions boundary, each with what becomes of it; `all` is the ARN of a policy that allows everything.
    fn lifting<'a>(
        &self,
        index: usize,
        who: &Identity<'p>,
        boundary: &str,
        all: &'a str,
    ) -> Vec<(Power, Lifted<'a>)> {
        let mut found = Vec::new();
        let mut add = |action: &'static str, on: &str, how: &str, lifted: Lifted<'a>, decision: Decision| {
            if decision.answer != Answer::No {
                let power = Power {
                    gains: Gains::Unbound,
                    how: format!("{how} ({action})"),
                    action,
                    on: on.to_owned(),
                    decision,
                };
                found.push((power, lifted));
            }
        };
        let is_changed_by_nobody = who.role.is_some_and(|role| is_reserved(&role.path));
        let [removes, replaces] = if who.role.is_some() {
            BOUNDARY_OF_ROLE
        } else {
            BOUNDARY_OF_USER
        };
        if !is_changed_by_nobody {
            let with = |action: &str, policy: &str| {
                let context = [(BOUNDARY_KEY, policy)];
                let supposed = Supposed {
                    context: &context,
                    ..Supposed::default()
                };
                self.may_supposing(who, action, Some(who.arn), supposed)
            };
            let how = "removes its permissions boundary";
            add(removes, who.arn, how, Lifted::Removed, with(removes, boundary));
            let how = "sets another permissions boundary for itself";
            let by_all = Lifted::Replaced(Some(all));
            add(replaces, who.arn, how, by_all, with(replaces, all));
            let mut decision = self.may(who, replaces, Some(who.arn));
            depends(
                &mut decision,
                "whether a boundary that it may set leaves what is asked",
            );
            add(replaces, who.arn, how, Lifted::Replaced(None), decision);
        }
        if boundary.split(':').nth(4) == Some(self.identities.account) {
            for (action, depends_on) in OF_POLICY {
                if !self.able_to(action, index) {
                    continue;
                }
                let mut decision = self.may(who, action, Some(boundary));
                if let Some(what) = depends_on {
                    depends(&mut decision, what);
                }
                let how = "changes the policy of its permissions boundary";
                add(action, boundary, how, Lifted::Widened, decision);
            }
        }
        found
    }
}

pub(super) fn is_sure(found: &Powers, index: usize) -> bool {
    found
        .get(&index)
        .is_some_and(|power| power.decision.answer == Answer::Yes)
}
