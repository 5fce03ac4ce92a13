//! Who can become a user or role of the account, give itself any right, or be anybody in the cluster, by what it may change in IAM and
//! EKS: trust policies, policies, credentials, roles that are passed to a service, access entries. Never counted among those who may.
//!
//! Sources: the documented effect of each action (service authorization reference); EKS best practices, "Identity and access
//! management". Boundaries and denies of whoever does it count, as IAM counts them.

mod over_cluster;
mod over_principals;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::LazyLock,
};

use serde_json::json;

use super::{
    identities::{ASSUME, Identities, Identity, Session, Supposed},
    pods::{both, depends},
    question::{AwsQuestion, AwsRequest},
};
use crate::diagnosis::authorization::Picture;
use eksact_identity::iam::{
    permission_set,
    policy::authorization::{Answer, Decision, Policy, ResourcePolicy},
};

const TRUST: &str = "iam:UpdateAssumeRolePolicy";
const PASS: &str = "iam:PassRole";
const ADD_TO_GROUP: &str = "iam:AddUserToGroup";
pub(super) const CREATE_ENTRY: &str = "eks:CreateAccessEntry";
const UPDATE_ENTRY: &str = "eks:UpdateAccessEntry";
const GIVE_POLICY: &str = "eks:AssociateAccessPolicy";
const CHANGE_MODE: &str = "eks:UpdateClusterConfig";
const CREATE_ASSOCIATION: &str = "eks:CreatePodIdentityAssociation";
const UPDATE_ASSOCIATION: &str = "eks:UpdatePodIdentityAssociation";

/// What writes the policies of a user, a role, a group: of the first kind any, of the second AWS's `AdministratorAccess`.
const OF_USER: [&str; 2] = ["iam:PutUserPolicy", "iam:AttachUserPolicy"];
const OF_ROLE: [&str; 2] = ["iam:PutRolePolicy", "iam:AttachRolePolicy"];
const OF_GROUP: [&str; 2] = ["iam:PutGroupPolicy", "iam:AttachGroupPolicy"];
const OF_POLICY: [(&str, Option<&str>); 2] = [
    ("iam:CreatePolicyVersion", None),
    (
        "iam:SetDefaultPolicyVersion",
        Some("what another version of the policy allows"),
    ),
];

/// A policy that allows all, of one's own making.
static ANY_POLICY: LazyLock<Policy> = LazyLock::new(|| {
    let all =
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    Policy::read("a policy of its own making", &all)
});

/// What somebody gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gains {
    /// To be this user or role.
    Principal(usize),
    /// Any right, as itself.
    Itself,
    /// To be anybody in the cluster.
    Cluster,
}

/// Somebody, and what it gets by what it may.
#[derive(Clone, Debug)]
pub(super) struct Power {
    pub(super) gains: Gains,
    /// `changes the trust policy of ARN (iam:UpdateAssumeRolePolicy)`.
    pub(super) how: String,
    /// The action that does it, and on what.
    pub(super) action: &'static str,
    pub(super) on: String,
    /// What allows it, and what it depends on.
    pub(super) decision: Decision,
}

/// Everybody with such rights, by their numbers; the surest of each.
pub(super) type Powers = BTreeMap<usize, Power>;

pub(super) struct Escalations<'s, 'p> {
    identities: &'s Identities<'p>,
    picture: &'s Picture,
    able: HashMap<&'static str, Vec<usize>>,
}

impl<'s, 'p> Escalations<'s, 'p> {
    pub(super) fn of(identities: &'s Identities<'p>, picture: &'s Picture) -> Self {
        let actions = [
            TRUST,
            PASS,
            ADD_TO_GROUP,
            CREATE_ENTRY,
            UPDATE_ENTRY,
            GIVE_POLICY,
            CREATE_ASSOCIATION,
            UPDATE_ASSOCIATION,
        ];
        let of_users = over_principals::OVER_USER.iter().map(|(action, ..)| *action);
        let of_policies = OF_POLICY.iter().map(|(action, _)| *action);
        let all = actions
            .into_iter()
            .chain(of_users)
            .chain([OF_USER, OF_ROLE, OF_GROUP].into_iter().flatten())
            .chain(of_policies);
        Self {
            able: all.map(|action| (action, identities.able(action))).collect(),
            identities,
            picture,
        }
    }

    /// Those whom some policy lets do one of these, and who are not `known`.
    fn candidates(&self, actions: &[&str], known: &BTreeSet<usize>) -> BTreeSet<usize> {
        let able = actions.iter().filter_map(|action| self.able.get(action));
        able.flatten()
            .copied()
            .filter(|index| !known.contains(index))
            .collect()
    }

    fn may(&self, who: &Identity<'p>, action: &str, resource: Option<&str>) -> Decision {
        self.may_supposing(who, action, resource, Supposed::default())
    }

    fn may_supposing(
        &self,
        who: &Identity<'p>,
        action: &str,
        resource: Option<&str>,
        supposed: Supposed<'_>,
    ) -> Decision {
        let request = AwsRequest {
            action: action.to_owned(),
            resource: resource.map(str::to_owned),
            resource_account: Some(self.identities.account.to_owned()),
        };
        let session = Session::default();
        self.identities
            .decide_supposing(who, &request, ResourcePolicy::None, &session, supposed)
    }

    /// Whoever may give itself what the question asks for, by its own policies or those of a role that it assumes.
    pub(super) fn of_itself(&self, question: &AwsQuestion, known: &BTreeSet<usize>) -> Powers {
        let mut actions: Vec<&str> = [OF_USER, OF_ROLE, OF_GROUP].concat();
        actions.extend(OF_POLICY.iter().map(|(action, _)| action));
        actions.push(ADD_TO_GROUP);
        let mut found = Powers::new();
        for index in self.candidates(&actions, known) {
            let Some(who) = self.identities.all.get(index) else {
                continue;
            };
            let supposed = Supposed {
                policy: Some(&ANY_POLICY),
                ..Supposed::default()
            };
            let Some(with_any) = question.decide_supposing(self.identities, index, supposed) else {
                continue;
            };
            for mut power in self.over_own_policies(who) {
                power.decision = supposing(power.decision, with_any.clone());
                take(&mut found, index, power);
            }
            self.joined_group(question, index, who, &mut found);
            if found
                .get(&index)
                .is_none_or(|power| power.decision.answer != Answer::Yes)
            {
                self.by_other_role(question, index, who, &mut found);
            }
        }
        found
    }

    /// The ways to write what one's own policies say.
    fn over_own_policies(&self, who: &Identity<'p>) -> Vec<Power> {
        let mut found = Vec::new();
        let mut add = |action: &'static str, on: &str, how: &str, depends_on: Option<&str>| {
            let mut decision = self.may(who, action, Some(on));
            if let Some(what) = depends_on {
                depends(&mut decision, what);
            }
            found.push(Power {
                gains: Gains::Itself,
                how: format!("{how} ({action})"),
                action,
                on: on.to_owned(),
                decision,
            });
        };
        match who.role {
            Some(role) if is_reserved(&role.path) => {}
            Some(_) => {
                for action in OF_ROLE {
                    add(action, who.arn, "gives itself any policy", None);
                }
            }
            None => {
                for action in OF_USER {
                    add(action, who.arn, "gives itself any policy", None);
                }
            }
        }
        for group in who.groups() {
            let arn = self.group_arn(group);
            for action in OF_GROUP {
                add(action, &arn, &format!("gives its group {group} any policy"), None);
            }
        }
        for policy in self.identities.own_managed(who) {
            for (action, depends_on) in OF_POLICY {
                let name = policy.rsplit('/').next().unwrap_or(policy);
                add(
                    action,
                    policy,
                    &format!("changes its own policy {name}"),
                    depends_on,
                );
            }
        }
        found
    }

    fn group_arn(&self, name: &str) -> String {
        let partition = self.identities.partition();
        format!("arn:{partition}:iam::{}:group/{name}", self.identities.account)
    }

    /// By joining a group that may.
    fn joined_group(&self, question: &AwsQuestion, index: usize, who: &Identity<'p>, found: &mut Powers) {
        if who.role.is_some() || !self.able_to(ADD_TO_GROUP, index) {
            return;
        }
        for group in self.identities.group_names() {
            if who.groups().contains(&group) {
                continue;
            }
            let on = self.group_arn(group);
            let joins = self.may(who, ADD_TO_GROUP, Some(&on));
            if joins.answer == Answer::No {
                continue;
            }
            let supposed = Supposed {
                group: Some(group),
                ..Supposed::default()
            };
            let Some(as_member) = question.decide_supposing(self.identities, index, supposed) else {
                continue;
            };
            take(
                found,
                index,
                Power {
                    gains: Gains::Itself,
                    how: format!("joins the group {group} ({ADD_TO_GROUP})"),
                    action: ADD_TO_GROUP,
                    on,
                    decision: both(joins, as_member),
                },
            );
        }
    }

    fn able_to(&self, action: &str, index: usize) -> bool {
        self.able.get(action).is_some_and(|able| able.contains(&index))
    }

    /// By the policies of a role that it assumes.
    fn by_other_role(&self, question: &AwsQuestion, index: usize, who: &Identity<'p>, found: &mut Powers) {
        if !OF_ROLE.iter().any(|action| self.able_to(action, index)) {
            return;
        }
        for (other, target) in self.identities.all.iter().enumerate() {
            let (Some(role), Some(trust)) = (target.role, &target.trust) else {
                continue;
            };
            if other == index || is_reserved(&role.path) {
                continue;
            }
            for action in OF_ROLE {
                let writes = self.may(who, action, Some(target.arn));
                if writes.answer == Answer::No {
                    continue;
                }
                let assumes = self.assumes(who, target.arn, trust);
                let supposed = Supposed {
                    policy: Some(&ANY_POLICY),
                    ..Supposed::default()
                };
                let Some(with_any) = question.decide_supposing(self.identities, other, supposed) else {
                    continue;
                };
                take(
                    found,
                    index,
                    Power {
                        gains: Gains::Principal(other),
                        how: format!("gives {} any policy ({action}), and assumes it", target.arn),
                        action,
                        on: target.arn.to_owned(),
                        decision: supposing(both(writes, assumes), with_any),
                    },
                );
            }
        }
    }

    fn assumes(&self, who: &Identity<'p>, role: &str, trust: &Policy) -> Decision {
        let request = AwsRequest {
            action: ASSUME.to_owned(),
            resource: Some(role.to_owned()),
            resource_account: Some(self.identities.account.to_owned()),
        };
        self.identities
            .decide(who, &request, ResourcePolicy::Gate(trust), &Session::default())
    }

    /// The ARN of the cluster; none in a picture without it.
    fn cluster(&self) -> Option<&str> {
        Some(self.picture.aws.cluster_arn.as_str()).filter(|arn| arn.contains(":cluster/"))
    }
}

/// What somebody may, and what that leads to: what allows the first is what allows it.
fn supposing(decision: Decision, then: Decision) -> Decision {
    Decision {
        allowed_by: decision.allowed_by.clone(),
        ..both(decision, then)
    }
}

/// Keeps the surest way of each; of two that are as sure the first.
fn take(found: &mut Powers, who: usize, power: Power) {
    if power.decision.answer == Answer::No {
        return;
    }
    match found.get(&who) {
        Some(known) if known.decision.answer <= power.decision.answer => {}
        _ => drop(found.insert(who, power)),
    }
}

/// Whether IAM lets nobody in the account change a role: those of Identity Center and of services.
fn is_reserved(path: &str) -> bool {
    path.starts_with(permission_set::PATH) || path.starts_with("/aws-service-role/")
}
