//! Who makes a user or a role with any right and becomes it: a new one has no deny, and no permissions boundary unless it must get one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{
    ANY_POLICY, Escalations, Gains, Goal, Power, Powers,
    over_policies::{BOUNDARY_KEY, OF_ROLE, OF_USER, is_sure},
    supposing, take,
};
use crate::{
    diagnosis::aws_authorization::{
        identities::{ASSUME, Identity, Supposed},
        pods::{both, depends},
    },
    ports::aws::{Role, User},
};
use eksact_identity::iam::policy::authorization::{Answer, Decision, Policy};

const CREATE_USER: &str = "iam:CreateUser";
const CREATE_ROLE: &str = "iam:CreateRole";
/// What makes principals.
pub(super) const ACTIONS: [&str; 2] = [CREATE_USER, CREATE_ROLE];
/// What makes credentials of a new user.
const CREDENTIALS: [(&str, &str); 2] = [
    ("iam:CreateAccessKey", "an access key"),
    ("iam:CreateLoginProfile", "a password"),
];
/// Stands for the part of a name that is free.
const FREE: &str = "new";
/// How many names are tried: more than any account's policies tell apart.
const MOST_NAMES: usize = 256;

/// A principal that may be made.
struct New {
    arn: String,
    /// The same with `*` for what is free.
    shown: String,
}

impl<'p> Escalations<'_, 'p> {
    /// By a user or a role that it makes.
    pub(super) fn as_new_principal(
        &self,
        goal: Goal<'_>,
        index: usize,
        who: &Identity<'p>,
        found: &mut Powers,
    ) {
        for create in ACTIONS {
            if is_sure(found, index) {
                return;
            }
            if !self.able_to(create, index) {
                continue;
            }
            for new in self.names(who, create) {
                if let Some(power) = self.by_new(goal, who, create, &new) {
                    take(found, index, power);
                }
                if is_sure(found, index) {
                    return;
                }
            }
        }
    }

    /// The names that its policies tell apart: each that one of them names, and those that two mean together.
    fn names(&self, who: &Identity<'p>, create: &'static str) -> Vec<New> {
        let is_user = create == CREATE_USER;
        let (kind, writes) = if is_user {
            ("user", OF_USER)
        } else {
            ("role", OF_ROLE)
        };
        let credentials = CREDENTIALS.iter().map(|(action, _)| *action).filter(|_| is_user);
        let of_role = [ASSUME].into_iter().filter(|_| !is_user);
        let mark = format!(":{kind}/");
        let (mut whole, mut starts, mut ends) = (BTreeSet::new(), BTreeSet::from([""]), BTreeSet::from([""]));
        for action in [create]
            .into_iter()
            .chain(writes)
            .chain(credentials)
            .chain(of_role)
        {
            for text in self.identities.may_on(who, action) {
                let Some((_, name)) = text.split_once(&mark).filter(|(_, name)| !name.contains('$')) else {
                    continue;
                };
                match (name.find(['*', '?']), name.rfind(['*', '?'])) {
                    (Some(first), Some(last)) => {
                        starts.insert(name.get(..first).unwrap_or_default());
                        ends.insert(name.get(last + 1..).unwrap_or_default());
                    }
                    _ => {
                        whole.insert(name);
                    }
                }
            }
        }
        let (partition, account) = (self.identities.partition(), self.identities.account);
        let arn = |name: &str| format!("arn:{partition}:iam::{account}{mark}{name}");
        let of_parts = starts.iter().flat_map(|start| {
            let one = |end: &&str| New {
                arn: arn(&format!("{start}{FREE}{end}")),
                shown: arn(&format!("{start}*{end}")),
            };
            ends.iter().map(one).collect::<Vec<_>>()
        });
        let of_whole = whole.iter().map(|name| New {
            arn: arn(name),
            shown: arn(name),
        });
        let is_new = |new: &New| self.identities.find(&new.arn).is_none();
        of_parts.chain(of_whole).filter(is_new).take(MOST_NAMES).collect()
    }

    /// By the principal of this name, with any policy.
    fn by_new(&self, goal: Goal<'_>, who: &Identity<'p>, create: &'static str, new: &New) -> Option<Power> {
        let is_user = create == CREATE_USER;
        let kind = if is_user { "user" } else { "role" };
        let unbound = Supposed {
            absent: &[BOUNDARY_KEY],
            ..Supposed::default()
        };
        let mut creates = self.may_supposing(who, create, Some(&new.arn), unbound);
        let mut supposed = unbound;
        if creates.answer == Answer::No {
            // With a permissions boundary, where one is asked for.
            supposed = Supposed::default();
            creates = self.may(who, create, Some(&new.arn));
            depends(
                &mut creates,
                &format!("what the permissions boundary leaves that it must give the new {kind}"),
            );
        }
        if creates.answer == Answer::No {
            return None;
        }
        let writes = if is_user { OF_USER } else { OF_ROLE };
        let (gives, action) = writes
            .map(|action| (self.writes(who, None, action, &new.arn, supposed), action))
            .into_iter()
            .min_by_key(|(decision, _)| decision.answer)?;
        let (becomes, how) = if is_user {
            let each = CREDENTIALS.map(|(credential, what)| {
                let how = format!(
                    "makes a new user, gives it any policy and makes {what} of it ({create}, {action}, {credential})"
                );
                (self.may(who, credential, Some(&new.arn)), how)
            });
            each.into_iter().min_by_key(|(decision, _)| decision.answer)?
        } else {
            let how = format!("makes a new role that trusts it and gives it any policy ({create}, {action})");
            (self.assumes(who, &new.arn, &trusting(who.arn)), how)
        };
        let itself = self.of_new(goal, is_user, &new.arn)?;
        Some(Power {
            gains: Gains::New(kind),
            how,
            action: create,
            on: new.shown.clone(),
            decision: supposing(both(both(creates, gives), becomes), itself),
        })
    }

    /// Whether a new principal with any policy gets what is wanted.
    fn of_new(&self, goal: Goal<'_>, is_user: bool, arn: &str) -> Option<Decision> {
        let with_any = Supposed {
            policy: Some(&ANY_POLICY),
            ..Supposed::default()
        };
        if is_user {
            let user = User {
                arn: arn.to_owned(),
                groups: Vec::new(),
                managed_policy_arns: Vec::new(),
                inline_policies: BTreeMap::new(),
                permissions_boundary: None,
                tags: BTreeMap::new(),
            };
            return self.reaches_as(goal, &Identity::of_user(&user), with_any);
        }
        let name = arn.rsplit('/').next().unwrap_or(arn);
        let role = Role {
            name: name.to_owned(),
            arn: arn.to_owned(),
            id: String::new(),
            path: "/".to_owned(),
            trust_policy: json!({"Version": "2012-10-17", "Statement": []}),
            managed_policy_arns: Vec::new(),
            inline_policies: BTreeMap::new(),
            max_session_seconds: None,
            permissions_boundary: None,
            tags: BTreeMap::new(),
        };
        self.reaches_as(goal, &Identity::of_role(&role), with_any)
    }
}

/// A trust policy that lets somebody in.
pub(super) fn trusting(arn: &str) -> Policy {
    let document = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ASSUME, "Principal": {"AWS": arn}}
    ]});
    Policy::read("a trust policy of its own making", &document)
}
