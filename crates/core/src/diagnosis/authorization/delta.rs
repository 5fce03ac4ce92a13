//! Who gains and who loses what between two pictures of a cluster: people and what they have, not attributes. Pure.
//!
//! What is compared is what somebody is given: the way in, access policies, roles by bindings, and the rules of those roles. What
//! could not be read on one side is compared on neither, and said.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    Picture, Read,
    person::{Fit, Person, fit},
    rights::Rights,
};
use crate::{
    engine::{AccessDelta, HolderDelta, HolderKind},
    guard::{
        access::MASTERS,
        rbac_rules::{in_words, more},
    },
    live::{RoleKey, role_key, role_words},
    ports::{
        aws::AccessPolicy,
        kubernetes::{PolicyRule, RbacBinding, Subject},
    },
    view::Facts,
};
use eksact_identity::{
    authn::{access_policy::policy_name, aws_auth::AwsAuth},
    rbac::AUTHENTICATED,
};

type Holder = (HolderKind, String);

/// What somebody has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Holding {
    /// They get in as this user.
    Admission(String),
    /// They are in `system:masters`.
    Everything,
    /// They are in a group that is bound to nothing, as far as is known.
    Group(String),
    /// An access policy, and where.
    Policy(String, String),
    /// A role, and where it holds.
    Role(RoleKey, String),
}

impl Holding {
    fn words(&self) -> String {
        match self {
            Self::Admission(user) => format!("getting in, as {user}"),
            Self::Everything => format!("everything ({MASTERS})"),
            Self::Group(group) => format!("group {group}"),
            Self::Policy(policy, place) => format!("{policy} in {place}"),
            Self::Role((namespace, name), place) => {
                format!("{} in {place}", role_words(namespace.as_deref(), name))
            }
        }
    }
}

const WHOLE_CLUSTER: &str = "the whole cluster";

/// Who gains and who loses what from `before` to `after`.
pub fn access_delta(before: &Picture, after: &Picture) -> AccessDelta {
    let unread = unread(before, after);
    AccessDelta {
        complete: unread.is_empty(),
        people: between(Side::of(before.clone()), Side::of(after.clone())),
        unread,
    }
}

/// What is compared with another.
pub(in crate::diagnosis) struct Side {
    picture: Picture,
    /// Its aws-auth, where it was parsed before: it may be large.
    aws_auth: Option<Arc<AwsAuth>>,
}

impl Side {
    /// A picture alone.
    fn of(picture: Picture) -> Self {
        Self::over(picture, None)
    }

    /// A picture, and its aws-auth where it was parsed before.
    pub(in crate::diagnosis) fn over(picture: Picture, aws_auth: Option<Arc<AwsAuth>>) -> Self {
        Self { picture, aws_auth }
    }

    fn rights(&self) -> Rights<'_> {
        match &self.aws_auth {
            Some(aws_auth) => Rights::over(&self.picture, Arc::clone(aws_auth)),
            None => Rights::of(&self.picture),
        }
    }
}

/// Who gains and who loses what, without what could not be compared.
pub(in crate::diagnosis) fn between(mut before: Side, mut after: Side) -> Vec<HolderDelta> {
    keep_comparable(&mut before, &mut after);
    let (before, after) = (before.rights(), after.rights());
    let bindings = [Bound::of(&before), Bound::of(&after)];
    let is_bound = |group: &str| bindings.iter().any(|bound| bound.groups.contains_key(group));
    let had = holdings(&before, &bindings[0], is_bound);
    let have = holdings(&after, &bindings[1], is_bound);
    let known = Known::of([&before, &after]);
    let changes = changed_roles(&before, &after);
    let none = BTreeSet::new();
    let holders: BTreeSet<&Holder> = had.keys().chain(have.keys()).collect();
    let delta = |holder: &&Holder| {
        if known.is_somebody(holder) {
            return None;
        }
        let (had, have) = (
            had.get(*holder).unwrap_or(&none),
            have.get(*holder).unwrap_or(&none),
        );
        let mut gains: Vec<String> = have.difference(had).map(Holding::words).collect();
        let mut loses: Vec<String> = had.difference(have).map(Holding::words).collect();
        for kept in had.intersection(have) {
            let Holding::Role(key, place) = kept else { continue };
            let Some((more, less)) = changes.get(key) else {
                continue;
            };
            let by = |rule: &PolicyRule| {
                let role = role_words(key.0.as_deref(), &key.1);
                format!("{} by {role} in {place}", in_words(rule))
            };
            gains.extend(more.iter().map(by));
            loses.extend(less.iter().map(by));
        }
        let (kind, who) = (holder.0, holder.1.clone());
        (!gains.is_empty() || !loses.is_empty()).then_some(HolderDelta {
            kind,
            who,
            gains,
            loses,
        })
    };
    holders.iter().filter_map(delta).collect()
}

/// Bindings by whom they name: there may be thousands of them, and of people.
#[derive(Default)]
struct Bound<'p> {
    groups: HashMap<&'p str, Vec<&'p RbacBinding>>,
    users: HashMap<&'p str, Vec<&'p RbacBinding>>,
}

impl<'p> Bound<'p> {
    fn of(rights: &Rights<'p>) -> Self {
        let mut bound = Self::default();
        for binding in rights.all_bindings() {
            for subject in &binding.subjects {
                let named = match subject.kind.as_str() {
                    "User" => &mut bound.users,
                    "Group" => &mut bound.groups,
                    _ => continue,
                };
                named.entry(subject.name.as_str()).or_default().push(binding);
            }
        }
        bound
    }

    /// The bindings that name somebody, apart from everybody.
    fn naming(&self, person: &Person<'_>) -> Vec<&'p RbacBinding> {
        let groups = person.user.groups.iter().filter(|group| *group != AUTHENTICATED);
        let by_group = groups.filter_map(|group| self.groups.get(group.as_str()));
        let username = person.user.username.as_str();
        let by_user = if is_template(username) {
            let fitting = self
                .users
                .iter()
                .filter(|(name, _)| fit(username, name) != Fit::No);
            fitting.map(|(_, bindings)| bindings).collect()
        } else {
            Vec::from_iter(self.users.get(username))
        };
        by_group.chain(by_user).flatten().copied().collect()
    }
}

/// Whether more than one user name comes of it.
fn is_template(username: &str) -> bool {
    username.contains("{{")
}

/// What cannot be compared, because one side does not have it.
fn unread(before: &Picture, after: &Picture) -> Vec<String> {
    let mut unread = Vec::new();
    let [one, other] = [before, after].map(|picture| {
        format!(
            "{} in {} of account {}",
            picture.cluster, picture.region, picture.account
        )
    });
    if one != other {
        unread.push(format!("they are of two clusters, {one} and {other}"));
    }
    for (side, picture) in [("before", before), ("after", after)] {
        // Service accounts are compared by their bindings alone.
        let parts = picture
            .unread()
            .into_iter()
            .filter(|what| !what.starts_with("service accounts"));
        unread.extend(parts.map(|what| format!("{side}: {what}")));
    }
    unread
}

/// Takes from each side what the other one does not have.
fn keep_comparable(one: &mut Side, other: &mut Side) {
    fn part<T: Default>(one: &mut Read<T>, other: &mut Read<T>) -> bool {
        let both = one.known().is_some() && other.known().is_some();
        if !both {
            (*one, *other) = (Read::Known(T::default()), Read::Known(T::default()));
        }
        both
    }
    let (one_picture, other_picture) = (&mut one.picture, &mut other.picture);
    if !part(&mut one_picture.aws_auth, &mut other_picture.aws_auth) {
        (one.aws_auth, other.aws_auth) = (None, None);
    }
    part(&mut one_picture.access_entries, &mut other_picture.access_entries);
    part(&mut one_picture.bindings, &mut other_picture.bindings);
    part(&mut one_picture.roles, &mut other_picture.roles);
}

/// Who has what. What a group that is bound to something gives is told by its bindings.
fn holdings(
    rights: &Rights<'_>,
    bound: &Bound<'_>,
    is_bound: impl Fn(&str) -> bool,
) -> BTreeMap<Holder, BTreeSet<Holding>> {
    let mut all: BTreeMap<Holder, BTreeSet<Holding>> = BTreeMap::new();
    for person in &rights.people {
        let own = all
            .entry((HolderKind::Principal, person.arn.clone()))
            .or_default();
        own.insert(Holding::Admission(person.user.username.clone()));
        if person.user.is_in(MASTERS) {
            own.insert(Holding::Everything);
        }
        let unbound = person.user.groups.iter().filter(|group| {
            let group = group.as_str();
            ![MASTERS, AUTHENTICATED].contains(&group) && !is_bound(group)
        });
        own.extend(unbound.cloned().map(Holding::Group));
        own.extend(person.entry.iter().flat_map(|entry| &entry.policies).map(policy));
        own.extend(bound.naming(person).into_iter().map(role));
    }
    for binding in rights.all_bindings() {
        for subject in &binding.subjects {
            all.entry(holder(subject, binding))
                .or_default()
                .insert(role(binding));
        }
    }
    all
}

fn policy(policy: &AccessPolicy) -> Holding {
    let name = policy_name(&policy.arn).unwrap_or(&policy.arn).to_owned();
    let place = match &policy.namespaces {
        None => WHOLE_CLUSTER.to_owned(),
        Some(namespaces) => {
            let word = if namespaces.len() == 1 {
                "namespace"
            } else {
                "namespaces"
            };
            format!("{word} {}", namespaces.join(", "))
        }
    };
    Holding::Policy(name, place)
}

fn role(binding: &RbacBinding) -> Holding {
    let place = match &binding.namespace {
        None => WHOLE_CLUSTER.to_owned(),
        Some(namespace) => format!("namespace {namespace}"),
    };
    Holding::Role(role_key(binding), place)
}

fn holder(subject: &Subject, binding: &RbacBinding) -> Holder {
    match subject.kind.as_str() {
        "Group" => (HolderKind::Group, subject.name.clone()),
        "ServiceAccount" => {
            let own = subject.namespace.as_ref().or(binding.namespace.as_ref());
            let namespace = own.map_or("", String::as_str);
            (
                HolderKind::ServiceAccount,
                format!("{namespace}/{}", subject.name),
            )
        }
        _ => (HolderKind::User, subject.name.clone()),
    }
}

/// Users and groups that principals of IAM get in as, before or after: what they have is told of the principals.
struct Known {
    users: BTreeSet<String>,
    templates: BTreeSet<String>,
    groups: BTreeSet<String>,
}

impl Known {
    fn of(sides: [&Rights<'_>; 2]) -> Self {
        let people = || sides.into_iter().flat_map(|rights| &rights.people);
        let groups = people().flat_map(|person| &person.user.groups);
        let usernames = people().map(|person| person.user.username.clone());
        let (templates, users) = usernames.partition(|username| is_template(username));
        Self {
            users,
            templates,
            groups: groups.filter(|group| *group != AUTHENTICATED).cloned().collect(),
        }
    }

    fn is_somebody(&self, (kind, name): &Holder) -> bool {
        match kind {
            HolderKind::User => {
                let mut templates = self.templates.iter();
                self.users.contains(name) || templates.any(|user| fit(user, name) != Fit::No)
            }
            HolderKind::Group => self.groups.contains(name),
            HolderKind::Principal | HolderKind::ServiceAccount | HolderKind::Issuer => false,
        }
    }
}

/// The rules that roles have more and less, of those that are on both sides.
fn changed_roles(
    before: &Rights<'_>,
    after: &Rights<'_>,
) -> BTreeMap<RoleKey, (Vec<PolicyRule>, Vec<PolicyRule>)> {
    let rules = |rights: &Rights<'_>| -> BTreeMap<RoleKey, Vec<PolicyRule>> {
        let roles = rights.picture.roles.known().into_iter().flatten();
        roles
            .map(|role| ((role.namespace.clone(), role.name.clone()), role.rules.clone()))
            .collect()
    };
    let (before, mut after) = (rules(before), rules(after));
    let changed = |(key, old): (RoleKey, Vec<PolicyRule>)| {
        let new = after.remove(&key).unwrap_or_default();
        let change = (more(&old, &new), more(&new, &old));
        (!change.0.is_empty() || !change.1.is_empty()).then_some((key, change))
    };
    let mut all: BTreeMap<_, _> = before.into_iter().filter_map(changed).collect();
    // A binding may come before its role.
    all.extend(
        after
            .into_iter()
            .map(|(key, new)| (key, (more(&[], &new), Vec::new()))),
    );
    all
}

impl AccessDelta {
    /// For people.
    pub fn facts(&self) -> Facts {
        let mut facts = Facts::default();
        if self.people.is_empty() {
            facts.add("changes", "no one gains or loses anything");
        }
        for person in &self.people {
            let holder = person.holder();
            for (label, all) in [("gains", &person.gains), ("loses", &person.loses)] {
                for what in all {
                    facts.add(label, format!("{holder}: {what}"));
                }
            }
        }
        facts
    }
}

#[cfg(test)]
mod tests;
