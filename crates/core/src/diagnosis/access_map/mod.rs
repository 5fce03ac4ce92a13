//! The whole picture of who may do what: people, how they get in and what they have in the cluster, and the roles of pods with what
//! their policies say. For auditors; nothing here decides, it lists what was read. Pure.

mod csv;
mod html;
mod mermaid;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

pub use self::{csv::csv, html::html, mermaid::mermaid};
use super::{
    authorization::{Fit, Person, Rights, Verdict, account_of, fit},
    aws_authorization::Assumers,
};
use crate::{
    guard::rbac_rules::in_words,
    live::{binding_words, role_key, role_words},
    ports::kubernetes::{PolicyRule, RbacBinding, Subject},
};
use eksact_identity::{
    authn::access_policy::policy_name,
    rbac::{AUTHENTICATED, MASTERS},
};

/// Everything, as far as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessMap {
    /// Name of the cluster.
    pub cluster: String,
    /// Its region.
    pub region: String,
    /// Its account.
    pub account: String,
    /// Where the cluster looks up who gets in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authentication_mode: Option<String>,
    /// Whether everything could be read.
    pub complete: bool,
    /// What could not be read, and why.
    pub unread: Vec<String>,
    /// The principals of IAM that get into the cluster.
    pub people: Vec<MappedPerson>,
    /// Who has which role or access policy in the cluster.
    pub rights: Vec<Right>,
    /// The service accounts whose pods get a role of IAM.
    pub pods: Vec<PodRights>,
    /// Those who can be anybody in the cluster by what they may change in IAM or EKS. What is sure of each is told once.
    pub escalators: Vec<Escalator>,
}

/// Somebody who can become more than it is by what it may change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Escalator {
    /// The principal of IAM.
    pub who: String,
    /// What it becomes: `role ARN`, `whoever it wants to be in the cluster`.
    pub becomes: String,
    /// How: `changes the trust policy of ARN (iam:UpdateAssumeRolePolicy)`.
    pub by: String,
    /// Yes, or depends.
    pub answer: Verdict,
    /// On what it depends.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
}

impl Escalator {
    /// How, and on what it depends.
    pub fn words(&self) -> String {
        if self.depends_on.is_empty() {
            self.by.clone()
        } else {
            format!("{} (depends: {})", self.by, self.depends_on.join("; "))
        }
    }
}

/// A principal of IAM that gets in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MappedPerson {
    /// Its ARN; of a whole account, `arn:aws:iam::111122223333:*`.
    pub principal: String,
    /// What lets it in: `access entry`, `aws-auth mapRoles, line 3`.
    pub by: String,
    /// As which user, a template where it depends on the session.
    pub username: String,
    /// In which groups, but for that of everybody who gets in.
    pub groups: Vec<String>,
    /// Of a role, who can assume it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub assumed_by: Vec<Assumer>,
    /// Who can become it by what they may change, apart from those who can be anybody.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub becoming: Vec<Escalator>,
    /// What it has: places in `rights`, counted from 0. What everybody has who gets in is left out.
    pub rights: Vec<usize>,
}

/// Somebody who can assume a role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Assumer {
    /// Who: an ARN, a service, an identity provider.
    pub who: String,
    /// Yes, or depends.
    pub answer: Verdict,
    /// The role that it assumes first, where that is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub through: Option<String>,
}

/// What somebody is to the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Holder {
    /// A principal of IAM, by its access policies.
    Principal,
    /// A user.
    User,
    /// A group.
    Group,
    /// A service account.
    ServiceAccount,
}

impl Holder {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Principal => "principal",
            Self::User => "user",
            Self::Group => "group",
            Self::ServiceAccount => "service account",
        }
    }
}

/// A role or access policy that somebody has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Right {
    /// What has it.
    pub kind: Holder,
    /// Who has it.
    pub who: String,
    /// What gives it: `RoleBinding app/devs`, `access policy`, `system:masters`.
    pub by: String,
    /// `ClusterRole view`, `AmazonEKSViewPolicy`; empty for `system:masters`.
    pub role: String,
    /// The namespaces in which it holds, wildcards among them; none for the whole cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<Vec<String>>,
    /// What it allows, rule by rule; none where that is not known, or the role does not exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<String>>,
    /// Every verb of the rules.
    pub verbs: BTreeSet<String>,
}

impl Right {
    /// Where it holds, in words.
    pub fn place(&self) -> String {
        match self.namespaces.as_deref() {
            None => "the whole cluster".to_owned(),
            Some([namespace]) => format!("namespace {namespace}"),
            Some(namespaces) => format!("namespaces {}", namespaces.join(", ")),
        }
    }

    /// What it allows, in words.
    pub fn allows(&self) -> String {
        match &self.rules {
            None if self.role.starts_with("AmazonEKS") => "not known".to_owned(),
            None => "nothing: the role does not exist".to_owned(),
            Some(rules) if rules.is_empty() => "nothing: the role has no rules".to_owned(),
            Some(rules) => rules.join("; "),
        }
    }
}

/// A role of IAM that pods get.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodRights {
    /// Namespace of the service account.
    pub namespace: String,
    /// Its name.
    pub service_account: String,
    /// ARN of the role.
    pub role: String,
    /// What gives it to them.
    pub by: String,
    /// Yes, or depends.
    pub answer: Verdict,
    /// On what it depends.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// Whether a session policy or a permissions boundary limits the statements.
    pub is_limited: bool,
    /// What its policies say, one by one.
    pub statements: Vec<PolicyStatement>,
}

/// A statement of a policy of IAM.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyStatement {
    /// `Allow` or `Deny`.
    pub effect: String,
    /// Its actions; those of `NotAction` behind `all but`.
    pub actions: String,
    /// Its resources; those of `NotResource` behind `all but`.
    pub resources: String,
    /// Whether it has conditions.
    pub is_conditional: bool,
    /// The policy in which it is.
    pub policy: String,
}

/// The map of what was read.
pub fn access_map(rights: &Rights<'_>) -> AccessMap {
    let picture = rights.picture;
    let mut unread = picture.unread();
    unread.extend(picture.aws.unread());
    let mut all: Vec<Right> = Vec::new();
    let mut by_holder: BTreeMap<(Holder, String), Vec<usize>> = BTreeMap::new();
    let mut add = |right: Right| {
        by_holder
            .entry((right.kind, right.who.clone()))
            .or_default()
            .push(all.len());
        all.push(right);
    };
    if rights.people.iter().any(|person| person.user.is_in(MASTERS)) {
        add(Right {
            kind: Holder::Group,
            who: MASTERS.to_owned(),
            by: MASTERS.to_owned(),
            role: String::new(),
            namespaces: None,
            rules: Some(vec!["everything".to_owned()]),
            verbs: BTreeSet::from(["*".to_owned()]),
        });
    }
    for person in &rights.people {
        for policy in person.entry.iter().flat_map(|entry| &entry.policies) {
            add(right_of(
                (Holder::Principal, person.arn.clone()),
                "access policy".to_owned(),
                policy_name(&policy.arn).unwrap_or(&policy.arn).to_owned(),
                policy.namespaces.clone(),
                rights.rules_of(policy),
            ));
        }
    }
    let mut bindings: Vec<&RbacBinding> = rights.all_bindings().collect();
    bindings.sort_by_key(|binding| (&binding.namespace, &binding.name));
    for binding in bindings {
        let role = rights.role_of(binding);
        let (namespace, name) = role_key(binding);
        for subject in &binding.subjects {
            add(right_of(
                holder(binding, subject),
                binding_words(binding.namespace.as_deref(), &binding.name),
                role_words(namespace.as_deref(), &name),
                binding.namespace.clone().map(|namespace| vec![namespace]),
                role.map(|role| role.rules.as_slice()),
            ));
        }
    }
    let assumers = Assumers::of(picture);
    let escalations = assumers.escalations();
    let people = rights
        .people
        .iter()
        .map(|person| MappedPerson {
            assumed_by: assumers.of_role(&person.arn),
            becoming: escalations.over(&person.arn),
            ..mapped(person, &by_holder)
        })
        .collect();
    AccessMap {
        cluster: picture.cluster.clone(),
        region: picture.region.clone(),
        account: picture.account.clone(),
        authentication_mode: picture.authentication_mode.clone(),
        complete: unread.is_empty(),
        unread,
        people,
        rights: all,
        pods: assumers.pods(),
        escalators: escalations.over_cluster(),
    }
}

fn right_of(
    (kind, who): (Holder, String),
    by: String,
    role: String,
    namespaces: Option<Vec<String>>,
    rules: Option<&[PolicyRule]>,
) -> Right {
    Right {
        kind,
        who,
        by,
        role,
        namespaces,
        rules: rules.map(|rules| rules.iter().map(in_words).collect()),
        verbs: rules
            .into_iter()
            .flatten()
            .flat_map(|rule| rule.verbs.clone())
            .collect(),
    }
}

fn holder(binding: &RbacBinding, subject: &Subject) -> (Holder, String) {
    match subject.kind.as_str() {
        "Group" => (Holder::Group, subject.name.clone()),
        "ServiceAccount" => {
            let name = account_of(binding, subject).map_or_else(
                || subject.name.clone(),
                |(namespace, name)| format!("{namespace}/{name}"),
            );
            (Holder::ServiceAccount, name)
        }
        _ => (Holder::User, subject.name.clone()),
    }
}

fn mapped(person: &Person<'_>, by_holder: &BTreeMap<(Holder, String), Vec<usize>>) -> MappedPerson {
    let is_its = |(kind, who): &(Holder, String)| match kind {
        Holder::Principal => *who == person.arn,
        Holder::User => fit(&person.user.username, who) != Fit::No,
        Holder::Group => who != AUTHENTICATED && person.user.is_in(who),
        Holder::ServiceAccount => false,
    };
    let mut own: Vec<usize> = by_holder
        .iter()
        .filter(|(holder, _)| is_its(holder))
        .flat_map(|(_, places)| places.iter().copied())
        .collect();
    own.sort_unstable();
    let groups = person.user.groups.iter();
    MappedPerson {
        principal: person.arn.clone(),
        by: person.door.clone(),
        username: person.user.username.clone(),
        groups: groups.filter(|group| *group != AUTHENTICATED).cloned().collect(),
        assumed_by: Vec::new(),
        becoming: Vec::new(),
        rights: own,
    }
}
