//! The users and roles of the account with all policies that they have, made ready for many questions.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
};

use serde_json::Value;

use super::{Details, question::AwsRequest};
use crate::ports::aws::{Role, User};
use eksact_identity::{
    authn::access_policy::policy_name,
    iam::{
        permission_set::{self, permission_set_of},
        policy::{
            RequestContext,
            authorization::{
                Caller, Decision, Policies, Policy, Request, ResourcePolicy, Sharing, decide, sharing,
            },
        },
    },
};

/// A user or a role.
#[derive(Debug)]
pub(super) struct Identity<'p> {
    pub(super) arn: &'p str,
    /// Its role; none for a user.
    pub(super) role: Option<&'p Role>,
    /// What it may be asked for; none for a user.
    pub(super) trust: Option<Policy>,
    caller: Caller,
    inline: Vec<Policy>,
    managed: Vec<&'p str>,
    groups: Vec<&'p str>,
    boundary: Option<&'p str>,
    context: RequestContext,
}

/// Inline policies, and the ARNs of attached ones.
#[derive(Debug)]
struct GroupPolicies<'p> {
    /// The group's own; none where it was not read.
    arn: Option<&'p str>,
    inline: Vec<Policy>,
    managed: &'p [String],
}

/// Everybody in the account.
#[derive(Debug)]
pub(super) struct Identities<'p> {
    pub(super) all: Vec<Identity<'p>>,
    pub(super) account: &'p str,
    /// By ARN; a role also by that of its name without a path, which is all that STS says.
    by_arn: HashMap<String, usize>,
    groups: HashMap<&'p str, GroupPolicies<'p>>,
    managed: HashMap<&'p str, Policy>,
    /// Those that some policy of theirs lets assume some role.
    pub(super) assumers: Vec<usize>,
    /// How often something was decided, which is what a search costs.
    pub(super) decided: Cell<usize>,
}

/// What a session has beside its role.
#[derive(Debug, Default)]
pub(super) struct Session<'s> {
    /// Its tags; none where nobody knows them.
    pub(super) tags: Option<BTreeMap<String, String>>,
    /// Keys of its tags whose values are not known.
    pub(super) unknown_tags: &'s [&'s str],
    /// Policies that it was made with.
    pub(super) policies: Option<Vec<&'s Policy>>,
    /// Its name, where it is known.
    pub(super) name: Option<&'s str>,
}

/// What is supposed of a request besides.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Supposed<'s> {
    /// A policy more.
    pub(super) policy: Option<&'s Policy>,
    /// The policies of a group more.
    pub(super) group: Option<&'s str>,
    /// Condition keys of the call.
    pub(super) context: &'s [(&'s str, &'s str)],
    /// Condition keys that the call does not have.
    pub(super) absent: &'s [&'s str],
    /// What has become of its permissions boundary, which stops nothing any more.
    pub(super) lifted: Option<Lifted<'s>>,
    /// That these policies are taken from it.
    pub(super) without: &'s [Taken<'s>],
}

/// What has become of a permissions boundary that is lifted: which one there is then, conditions may ask.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lifted<'s> {
    /// There is none.
    Removed,
    /// It is the same, and its policy allows more.
    Widened,
    /// Another has taken its place: this one, or one that is not known.
    Replaced(Option<&'s str>),
}

/// What can be taken from somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken<'s> {
    /// Its inline policy of this number.
    Inline(usize),
    /// The managed policy of this ARN that is attached to it.
    Attached(&'s str),
    /// It from this group.
    Membership(&'s str),
    /// The inline policy of this number from this group.
    OfGroup(&'s str, usize),
    /// The managed policy from this group.
    AttachedToGroup(&'s str, &'s str),
}

/// Who assumes roles: the action.
pub(super) const ASSUME: &str = "sts:AssumeRole";

impl<'p> Identities<'p> {
    pub(super) fn of(details: &'p Details, account: &'p str) -> Self {
        let users = details.users.iter().map(Identity::of_user);
        let roles = details.roles.iter().map(Identity::of_role);
        let all: Vec<Identity<'_>> = users.chain(roles).collect();
        let mut by_arn = HashMap::new();
        for (index, identity) in all.iter().enumerate() {
            by_arn.insert(identity.arn.to_owned(), index);
            if let Some(role) = identity.role {
                by_arn.insert(without_path(&role.arn), index);
            }
        }
        let mut managed: HashMap<&str, Policy> = details
            .policies
            .iter()
            .map(|(arn, document)| (arn.as_str(), Policy::read(managed_words(arn), document)))
            .collect();
        let attached = all
            .iter()
            .flat_map(|identity| identity.managed.iter().copied().chain(identity.boundary));
        let of_groups = details.groups.iter().flat_map(|group| &group.managed_policy_arns);
        for arn in attached.chain(of_groups.map(String::as_str)) {
            managed.entry(arn).or_insert_with(|| {
                Policy::unread(managed_words(arn), "IAM's listing does not have its document")
            });
        }
        let groups = details.groups.iter().map(|group| {
            let policies = GroupPolicies {
                arn: group.arn.as_deref(),
                inline: inline(&group.inline_policies, &format!(" of group {}", group.name)),
                managed: &group.managed_policy_arns,
            };
            (group.name.as_str(), policies)
        });
        let mut found = Self {
            by_arn,
            groups: groups.collect(),
            managed,
            account,
            assumers: Vec::new(),
            decided: Cell::default(),
            all,
        };
        found.assumers = found.able(ASSUME);
        found
    }

    /// Those of whom some policy may allow an action. Who is only denied it, is none of them.
    pub(super) fn able(&self, action: &str) -> Vec<usize> {
        let is_for = |policy: &Policy| policy.may_allow(action);
        let managed: HashSet<&str> = self
            .managed
            .iter()
            .filter(|(_, policy)| is_for(policy))
            .map(|(arn, _)| *arn)
            .collect();
        let groups: HashSet<&str> = self
            .groups
            .iter()
            .filter(|(_, group)| {
                group.inline.iter().any(is_for)
                    || group.managed.iter().any(|arn| managed.contains(arn.as_str()))
            })
            .map(|(name, _)| *name)
            .collect();
        let is_able = |identity: &Identity<'_>| {
            identity.inline.iter().any(is_for)
                || identity.managed.iter().any(|arn| managed.contains(arn))
                || identity.groups.iter().any(|group| groups.contains(group))
        };
        let all = self.all.iter().enumerate();
        all.filter(|(_, identity)| is_able(identity))
            .map(|(index, _)| index)
            .collect()
    }

    /// Whether all of its policies were read. One that was not may deny anything, so that nothing is sure of whoever has it.
    pub(super) fn is_read(&self, identity: &Identity<'p>) -> bool {
        let boundary = identity.boundary.and_then(|arn| self.managed.get(arn));
        boundary.is_none_or(Policy::is_readable)
            && self
                .with_what_takes(identity)
                .iter()
                .all(|(_, policy)| policy.is_readable())
    }

    /// The customer managed policies that somebody has, of groups as well.
    pub(super) fn own_managed(&self, identity: &Identity<'p>) -> BTreeSet<&str> {
        let of_groups = identity.groups.iter().filter_map(|name| self.groups.get(name));
        let of_groups = of_groups.flat_map(|group| group.managed.iter().map(String::as_str));
        let all = identity.managed.iter().copied().chain(of_groups);
        all.filter(|arn| arn.split(':').nth(4) == Some(self.account))
            .collect()
    }

    /// Every group of the account.
    pub(super) fn group_names(&self) -> BTreeSet<&'p str> {
        self.groups.keys().copied().collect()
    }

    /// The partition of the account, as its ARNs have it.
    pub(super) fn partition(&self) -> &str {
        let first = self.all.first().and_then(|one| one.arn.split(':').nth(1));
        first.unwrap_or("aws")
    }

    /// A user or role by its ARN, or the role of a session.
    pub(super) fn find(&self, arn: &str) -> Option<usize> {
        self.by_arn.get(arn).copied().or_else(|| {
            let Ok(Caller::Role { arn, .. }) = Caller::of_arn(arn) else {
                return None;
            };
            self.by_arn.get(&arn).copied()
        })
    }

    /// The ARN of a group; none where it was not read.
    pub(super) fn group_arn(&self, name: &str) -> Option<&'p str> {
        self.groups.get(name)?.arn
    }

    /// The policies that say what it may, each with what would take it away; those of groups as well.
    fn with_what_takes<'s>(&'s self, identity: &'s Identity<'p>) -> Vec<(Taken<'s>, &'s Policy)> {
        let inline = identity.inline.iter().enumerate();
        let mut policies: Vec<(Taken<'s>, &Policy)> = inline
            .map(|(number, policy)| (Taken::Inline(number), policy))
            .collect();
        let attached = identity.managed.iter();
        policies.extend(attached.filter_map(|arn| Some((Taken::Attached(arn), self.managed.get(arn)?))));
        for name in &identity.groups {
            let Some(group) = self.groups.get(name) else {
                continue;
            };
            let inline = group.inline.iter().enumerate();
            policies.extend(inline.map(|(number, policy)| (Taken::OfGroup(name, number), policy)));
            let attached = group.managed.iter().map(String::as_str);
            policies.extend(
                attached.filter_map(|arn| Some((Taken::AttachedToGroup(name, arn), self.managed.get(arn)?))),
            );
        }
        policies
    }

    /// The policies of somebody that may deny it something, each with what would take it away.
    pub(super) fn denying<'s>(&'s self, identity: &'s Identity<'p>) -> Vec<(Taken<'s>, &'s Policy)> {
        let all = self.with_what_takes(identity).into_iter();
        all.filter(|(_, policy)| policy.may_deny()).collect()
    }

    /// The policies that say what it may when these are taken away.
    fn policies_of<'s>(&'s self, identity: &'s Identity<'p>, without: &[Taken<'_>]) -> Vec<&'s Policy> {
        let is_left = |taken: &Taken<'_>| {
            let is_of_left_group = match taken {
                Taken::OfGroup(group, _) | Taken::AttachedToGroup(group, _) => {
                    without.contains(&Taken::Membership(group))
                }
                _ => false,
            };
            !is_of_left_group && !without.contains(taken)
        };
        let all = self.with_what_takes(identity).into_iter();
        all.filter(|(taken, _)| is_left(taken))
            .map(|(_, policy)| policy)
            .collect()
    }

    /// The resources on which somebody may do something, as its policies write them.
    pub(super) fn may_on<'s>(&'s self, identity: &'s Identity<'p>, action: &str) -> Vec<&'s str> {
        let policies = self.with_what_takes(identity).into_iter();
        policies
            .flat_map(|(_, policy)| policy.may_allow_on(action))
            .collect()
    }

    fn of_group<'s>(&'s self, group: &'s GroupPolicies<'p>) -> impl Iterator<Item = &'s Policy> {
        let managed = group.managed.iter();
        let managed = managed.filter_map(|arn| self.managed.get(arn.as_str()));
        group.inline.iter().chain(managed)
    }

    /// Whether one of them may do this, before the policy of the resource; in a session, or whichever session there is.
    pub(super) fn decide(
        &self,
        identity: &Identity<'p>,
        request: &AwsRequest,
        resource: ResourcePolicy<'_>,
        session: &Session<'_>,
    ) -> Decision {
        self.decide_supposing(identity, request, resource, session, Supposed::default())
    }

    /// The same, supposing something.
    pub(super) fn decide_supposing(
        &self,
        identity: &Identity<'p>,
        request: &AwsRequest,
        resource: ResourcePolicy<'_>,
        session: &Session<'_>,
        supposed: Supposed<'_>,
    ) -> Decision {
        self.decided.set(self.decided.get() + 1);
        let context = identity.in_session(session);
        let context = match &request.resource_account {
            Some(account) => context.with("aws:ResourceAccount", account),
            None => context,
        };
        let context = supposed
            .context
            .iter()
            .fold(context, |context, (key, value)| context.with(key, *value));
        let absent = supposed.absent.iter();
        let context = absent.fold(context, |context, key| context.without(key));
        let mut policies = self.policies_of(identity, supposed.without);
        policies.extend(supposed.policy);
        if let Some(group) = supposed.group.and_then(|name| self.groups.get(name)) {
            policies.extend(self.of_group(group));
        }
        let caller = match (&identity.caller, session.name) {
            (Caller::Role { arn, .. }, Some(name)) => &Caller::Role {
                arn: arn.clone(),
                session: Some(name.to_owned()),
            },
            (caller, _) => caller,
        };
        decide(
            &Request {
                caller,
                action: &request.action,
                resource: request.resource.as_deref(),
                resource_account: request.resource_account.as_deref(),
                context: &context,
            },
            &Policies {
                identity: policies,
                boundary: identity
                    .boundary
                    .filter(|_| supposed.lifted.is_none())
                    .and_then(|arn| self.managed.get(arn)),
                session: session.policies.clone(),
                resource,
            },
        )
    }

    /// The trust policy that a request meets, where it is to assume a role of this account.
    pub(super) fn trust_for(&self, request: &AwsRequest) -> Option<&Policy> {
        if sharing(&request.action) != Sharing::Gate || !is_of_sts(&request.action) {
            return None;
        }
        let index = self.find(request.resource.as_deref()?)?;
        self.all.get(index)?.trust.as_ref()
    }
}

/// Whether an action is of STS.
pub(super) fn is_of_sts(action: &str) -> bool {
    let service = action.split(':').next().unwrap_or_default();
    service.eq_ignore_ascii_case("sts")
}

impl<'p> Identity<'p> {
    pub(super) fn of_user(user: &'p User) -> Self {
        let name = user.arn.rsplit('/').next().unwrap_or_default();
        let context = tags(context(&user.arn, "User"), &user.tags)
            .with("aws:username", name)
            .without("aws:PrincipalTag/");
        Self {
            arn: &user.arn,
            role: None,
            trust: None,
            caller: Caller::User {
                arn: user.arn.clone(),
            },
            inline: inline(&user.inline_policies, &format!(" of user {name}")),
            managed: user.managed_policy_arns.iter().map(String::as_str).collect(),
            groups: user.groups.iter().map(String::as_str).collect(),
            boundary: user.permissions_boundary.as_deref(),
            context,
        }
    }

    pub(super) fn of_role(role: &'p Role) -> Self {
        Self {
            arn: &role.arn,
            role: Some(role),
            trust: Some(Policy::read(
                format!("trust policy of role {}", role.name),
                &role.trust_policy,
            )),
            caller: Caller::Role {
                arn: role.arn.clone(),
                session: None,
            },
            inline: inline(&role.inline_policies, &format!(" of role {}", role.name)),
            managed: role.managed_policy_arns.iter().map(String::as_str).collect(),
            groups: Vec::new(),
            boundary: role.permissions_boundary.as_deref(),
            context: context(&role.arn, "AssumedRole").without("aws:username"),
        }
    }

    /// The condition keys of its requests. A session's tags go before those of its role; nobody can set any where the trust
    /// policy does not allow it.
    fn in_session(&self, session: &Session<'_>) -> RequestContext {
        let Some(role) = self.role else {
            return self.context.clone();
        };
        let may_be_tagged = self
            .trust
            .as_ref()
            .is_none_or(|trust| trust.is_for_action("sts:TagSession"));
        match &session.tags {
            Some(own) => {
                let mut all = role.tags.clone();
                all.extend(own.clone());
                let context = tags(self.context.clone(), &all).without("aws:PrincipalTag/");
                session.unknown_tags.iter().fold(context, |context, key| {
                    context.not_knowing(&format!("aws:PrincipalTag/{key}"))
                })
            }
            None if may_be_tagged => self.context.clone(),
            None => tags(self.context.clone(), &role.tags).without("aws:PrincipalTag/"),
        }
    }

    /// Its permissions boundary, by ARN.
    pub(super) fn boundary(&self) -> Option<&'p str> {
        self.boundary
    }

    /// The groups that it is in; none for a role.
    pub(super) fn groups(&self) -> &[&'p str] {
        &self.groups
    }

    /// Whether AWS Identity Center made it: of whom it is, only its own assignments say.
    pub(super) fn permission_set(&self) -> Option<&str> {
        let role = self.role?;
        if !role.path.starts_with(permission_set::PATH) {
            return None;
        }
        permission_set_of(&role.name)
    }
}

fn context(arn: &str, kind: &str) -> RequestContext {
    let account = arn.split(':').nth(4).unwrap_or_default();
    RequestContext::default()
        .with("aws:PrincipalArn", arn)
        .with("aws:PrincipalAccount", account)
        .with("aws:PrincipalType", kind)
        .with("aws:PrincipalIsAWSService", "false")
        // Every SDK and the CLI call by TLS.
        .with("aws:SecureTransport", "true")
}

fn tags(context: RequestContext, tags: &BTreeMap<String, String>) -> RequestContext {
    tags.iter().fold(context, |context, (key, value)| {
        context.with(&format!("aws:PrincipalTag/{key}"), value)
    })
}

fn inline(policies: &BTreeMap<String, Value>, of: &str) -> Vec<Policy> {
    let policies = policies.iter();
    policies
        .map(|(name, document)| Policy::read(format!("inline policy {name}{of}"), document))
        .collect()
}

fn managed_words(arn: &str) -> String {
    let name = arn
        .split_once(":policy/")
        .map(|(_, path)| path.rsplit('/').next().unwrap_or(path));
    format!("policy {}", name.or_else(|| policy_name(arn)).unwrap_or(arn))
}

fn without_path(arn: &str) -> String {
    match arn.split_once(":role/") {
        Some((head, path)) => format!("{head}:role/{}", path.rsplit('/').next().unwrap_or(path)),
        None => arn.to_owned(),
    }
}
