//! Who can become a user or role of the account, give itself any right, or be anybody in the cluster, by what it may change in IAM and
//! EKS: trust policies, policies, credentials, roles that are passed to a service, access entries. Never counted among those who may.
//!
//! Sources: the documented effect of each action (service authorization reference); EKS best practices, "Identity and access
//! management". Boundaries and denies of whoever does it count, as IAM counts them.

mod narrow;
mod new_principals;
mod over_cluster;
mod over_denies;
mod over_others;
mod over_policies;
mod over_principals;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::LazyLock,
};

use serde_json::json;

use self::narrow::Narrow;
use super::{
    identities::{ASSUME, Identities, Identity, Session, Supposed},
    pods::both,
    question::{AwsQuestion, AwsRequest},
};
use crate::{diagnosis::authorization::Picture, guard::access::principal_key};
use eksact_identity::iam::{
    permission_set,
    policy::authorization::{Answer, Decision, Policy, ResourcePolicy},
};

const TRUST: &str = "iam:UpdateAssumeRolePolicy";
const PASS: &str = "iam:PassRole";
const ADD_TO_GROUP: &str = "iam:AddUserToGroup";
const CREATE_ENTRY: &str = "eks:CreateAccessEntry";
const UPDATE_ENTRY: &str = "eks:UpdateAccessEntry";
const GIVE_POLICY: &str = "eks:AssociateAccessPolicy";
const GIVE_PROVIDER: &str = "eks:AssociateIdentityProviderConfig";
const CHANGE_MODE: &str = "eks:UpdateClusterConfig";
const CREATE_ASSOCIATION: &str = "eks:CreatePodIdentityAssociation";
const UPDATE_ASSOCIATION: &str = "eks:UpdatePodIdentityAssociation";

/// A policy that allows all, of one's own making.
static ANY_POLICY: LazyLock<Policy> = LazyLock::new(|| {
    let all =
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    Policy::read("a policy of its own making", &all)
});

/// What is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Goal<'q> {
    /// To be one of whom the answer is yes.
    Question(&'q AwsQuestion),
    /// To be anybody in the cluster.
    Cluster,
}

/// What somebody gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gains {
    /// To be this user or role.
    Principal(usize),
    /// Any right, as itself.
    Itself,
    /// What this group may, as itself; by its place in the names of all.
    Member(usize),
    /// To be without its permissions boundary.
    Unbound,
    /// To be without what denies it.
    Undenied,
    /// To be a user, or a role, that it makes.
    New(&'static str),
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
    narrow: Narrow<'s>,
    /// Those who have an access entry.
    entered: BTreeSet<String>,
    /// What [`Self::surest`] found.
    surest: RefCell<HashMap<(&'static str, usize), Answer>>,
}

impl<'s, 'p> Escalations<'s, 'p> {
    pub(super) fn of(identities: &'s Identities<'p>, picture: &'s Picture) -> Self {
        let actions = [
            TRUST,
            PASS,
            CREATE_ENTRY,
            UPDATE_ENTRY,
            GIVE_POLICY,
            GIVE_PROVIDER,
            CREATE_ASSOCIATION,
            UPDATE_ASSOCIATION,
        ];
        let of_users = over_principals::OVER_USER.iter().map(|(action, ..)| *action);
        let all: BTreeSet<&'static str> = actions
            .into_iter()
            .chain([ASSUME])
            .chain(of_users)
            .chain(over_policies::actions())
            .chain(new_principals::ACTIONS)
            .chain(over_denies::actions())
            .collect();
        let entries = picture.access_entries.known().into_iter().flatten();
        let able = |action: &'static str| (action, identities.able(action));
        let able: HashMap<&'static str, Vec<usize>> = all.into_iter().map(able).collect();
        Self {
            narrow: Narrow::of(identities, &able),
            able,
            entered: entries.map(|entry| principal_key(&entry.principal_arn)).collect(),
            identities,
            picture,
            surest: RefCell::default(),
        }
    }

    /// The best that an action of somebody can be, whatever it is done to and with: no where it is denied on everything, and never yes of
    /// whom some policy was not read. So whoever is known to become more perhaps is not asked about everybody else again.
    fn surest(&self, action: &'static str, index: usize) -> Answer {
        if !self.able_to(action, index) {
            return Answer::No;
        }
        if let Some(known) = self.surest.borrow().get(&(action, index)) {
            return *known;
        }
        let surest = match self.identities.all.get(index) {
            Some(who) if self.may(who, action, None).answer == Answer::No => Answer::No,
            Some(who) if self.identities.is_read(who) => Answer::Yes,
            Some(_) => Answer::Depends,
            None => Answer::No,
        };
        self.surest.borrow_mut().insert((action, index), surest);
        surest
    }

    /// The best that one of these actions of somebody can be.
    fn surest_of(&self, actions: impl IntoIterator<Item = &'static str>, index: usize) -> Answer {
        let each = actions.into_iter().map(|action| self.surest(action, index));
        each.min().unwrap_or(Answer::No)
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

    /// Whether somebody gets what is wanted, supposing something.
    fn reaches(&self, goal: Goal<'_>, index: usize, supposed: Supposed<'_>) -> Option<Decision> {
        self.reaches_as(goal, self.identities.all.get(index)?, supposed)
    }

    /// The same of somebody whom the account may not have yet.
    fn reaches_as(&self, goal: Goal<'_>, who: &Identity<'p>, supposed: Supposed<'_>) -> Option<Decision> {
        match goal {
            Goal::Question(question) => {
                Some(question.decide_of(self.identities, who, &Session::default(), supposed))
            }
            Goal::Cluster => {
                let ways = self.ways_into_cluster(who, supposed).into_iter();
                ways.map(|power| power.decision)
                    .min_by_key(|decision| decision.answer)
            }
        }
    }

    fn able_to(&self, action: &str, index: usize) -> bool {
        self.able
            .get(action)
            .is_some_and(|able| able.binary_search(&index).is_ok())
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

/// Whether an answer of somebody says more than what is found.
fn is_news(found: &Powers, who: usize, answer: Answer) -> bool {
    found
        .get(&who)
        .map_or(answer != Answer::No, |known| answer < known.decision.answer)
}

/// Keeps the surest way of each; of two that are as sure the first.
fn take(found: &mut Powers, who: usize, power: Power) {
    if is_news(found, who, power.decision.answer) {
        found.insert(who, power);
    }
}

/// Whether IAM lets nobody in the account change a role: those of Identity Center and of services.
fn is_reserved(path: &str) -> bool {
    path.starts_with(permission_set::PATH) || path.starts_with("/aws-service-role/")
}
