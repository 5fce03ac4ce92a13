//! Who may, the other way round: the subjects of the bindings that allow a request, and everybody who is one of them. Each
//! role is looked at once, so that it is linear in roles and bindings, as Kubernetes' own (`subject_locator.go`).

use std::collections::{BTreeSet, HashMap};

use super::{
    actor::Known,
    person::{CALLERS_ARN, Fit, Person, fit},
    rights::{
        Allowing, Given, NODE_AUTHORIZER, Reason, Rights, account_of, is_for_nodes, is_in_scope,
        unknown_policy,
    },
};
use crate::ports::{
    aws::AccessPolicy,
    kubernetes::{PolicyRule, RbacBinding, Subject},
};
use eksact_identity::{
    iam::trust,
    rbac::{AUTHENTICATED, MASTERS, NODES, Request, SERVICE_ACCOUNTS, service_account_of},
};

/// As what somebody has a right, where what gives it names something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Via<'a> {
    Itself,
    /// A group, and what puts a person into it.
    Group(&'a str, Option<&'a str>),
    /// A user name, and what gives it to a person.
    User(&'a str, &'a str),
    /// The user name of a service account, and what gives it to a person.
    Account((&'a str, &'a str), &'a str),
}

impl Via<'_> {
    /// `group developers (access entry)`.
    pub(super) fn words(self) -> Option<String> {
        match self {
            Self::Itself => None,
            Self::Group(name, Some(door)) => Some(format!("group {name} ({door})")),
            Self::Group(name, None) => Some(format!("group {name}")),
            Self::User(name, door) => Some(format!("user {name} ({door})")),
            Self::Account((namespace, name), door) => {
                Some(format!("user {} ({door})", trust::subject(namespace, name)))
            }
        }
    }
}

/// Why it is not sure that somebody may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Open<'a> {
    /// Only some sessions have the user name.
    Session,
    /// The node authorizer decides.
    Nodes,
    /// It is not known what the access policy allows.
    Policy(&'a AccessPolicy),
}

/// Somebody who may, and by what. Borrowed: of a large cluster there are millions, and few are shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holder<'a> {
    pub(super) who: Known<'a>,
    /// As what, where the binding names something else.
    pub(super) via: Via<'a>,
    /// What allows it, or may.
    pub(super) by: Option<Allowing<'a>>,
    /// Why it is not sure that it does.
    pub(super) open: Option<Open<'a>>,
    /// The objects to which it is limited; none for every one.
    pub(super) names: &'a [String],
}

impl Holder<'_> {
    /// Whether something allows it for sure.
    pub(super) fn is_sure(&self) -> bool {
        self.by.is_some() && self.open.is_none()
    }

    /// What allows it; none where it is not sure that something does.
    pub(super) fn reason(&self) -> Option<Reason> {
        let by = self.by.filter(|_| self.open.is_none())?;
        Some(by.reason())
    }

    /// What it depends on.
    pub(super) fn depends_on(&self) -> Option<String> {
        Some(match self.open? {
            Open::Session => {
                let name = match self.via {
                    Via::Account((namespace, name), _) => trust::subject(namespace, name),
                    Via::User(name, _) => name.to_owned(),
                    Via::Itself | Via::Group(..) => String::new(),
                };
                format!(
                    "the session: only one that makes the user name {name} is {}",
                    self.by.map_or_else(String::new, |by| by.reason().sentence())
                )
            }
            Open::Nodes => NODE_AUTHORIZER.to_owned(),
            Open::Policy(policy) => unknown_policy(policy),
        })
    }
}

/// Which rules count for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    /// Those that allow it.
    Asked,
    /// Those that allow it for an object of some name.
    Any,
}

impl Names {
    fn allow(self, rule: &PolicyRule, request: &Request) -> bool {
        match self {
            Self::Asked => rule.allows(request),
            Self::Any => rule.allows_some(request),
        }
    }
}

/// Who is whom: people by what bindings can name them.
#[derive(Debug)]
pub(super) struct Index<'p> {
    rights: &'p Rights<'p>,
    by_group: HashMap<&'p str, Vec<&'p Person<'p>>>,
    by_name: HashMap<&'p str, Vec<&'p Person<'p>>>,
    /// People whose user name depends on their session, by what it begins with.
    open: HashMap<&'p str, Vec<&'p Person<'p>>>,
    /// How long those beginnings are.
    lengths: BTreeSet<usize>,
}

impl<'p> Index<'p> {
    pub(super) fn of(rights: &'p Rights<'p>) -> Self {
        let mut index = Self {
            rights,
            by_group: HashMap::new(),
            by_name: HashMap::new(),
            open: HashMap::new(),
            lengths: BTreeSet::new(),
        };
        for person in &rights.people {
            for group in &person.user.groups {
                index.by_group.entry(group).or_default().push(person);
            }
            index
                .by_name
                .entry(&person.user.username)
                .or_default()
                .push(person);
            if let Some((start, _)) = person.user.username.split_once("{{") {
                index.open.entry(start).or_default().push(person);
                index.lengths.insert(start.len());
            }
        }
        index
    }

    /// Everybody who may.
    pub(super) fn holders(&self, request: &Request, names: Names) -> Vec<Holder<'p>> {
        let bindings = self.rights.bindings_for(request);
        self.holders_by(request, names, bindings, |policy| is_in_scope(policy, request))
    }

    /// Everybody who may in the whole cluster or in some namespace, whichever; [`Place::reach`] says where.
    pub(super) fn holders_anywhere(&self, request: &Request, names: Names) -> Vec<Holder<'p>> {
        self.holders_by(request, names, self.rights.sorted_bindings(), |_| true)
    }

    /// Everybody who may by these bindings and access policies.
    fn holders_by(
        &self,
        request: &Request,
        names: Names,
        bindings: impl Iterator<Item = &'p RbacBinding>,
        counts: impl Fn(&AccessPolicy) -> bool,
    ) -> Vec<Holder<'p>> {
        let rights = self.rights;
        let mut found = Vec::new();
        self.group(MASTERS, Allowing::Masters, &[], &mut found);
        let mut known: HashMap<(Option<&str>, &str), Vec<&PolicyRule>> = HashMap::new();
        for binding in bindings {
            let Some(role) = rights.role_of(binding) else {
                continue;
            };
            let rules = known
                .entry((role.namespace.as_deref(), role.name.as_str()))
                .or_insert_with(|| {
                    let allow = |rule: &&PolicyRule| names.allow(rule, request);
                    match names {
                        Names::Asked => role.rules.iter().find(allow).into_iter().collect(),
                        Names::Any => role.rules.iter().filter(allow).collect(),
                    }
                });
            for rule in rules.iter().copied() {
                for subject in &binding.subjects {
                    let limited = if names == Names::Any {
                        rule.resource_names.as_slice()
                    } else {
                        &[]
                    };
                    let by = Allowing::Binding {
                        binding,
                        subject,
                        role,
                        rule,
                    };
                    self.subject(binding, subject, by, limited, &mut found);
                }
            }
        }
        self.policies(request, names, counts, &mut found);
        if is_for_nodes(request) {
            self.nodes(&mut found);
        }
        found
    }

    /// A subject of a binding, and everybody who is it.
    fn subject(
        &self,
        binding: &'p RbacBinding,
        subject: &'p Subject,
        by: Allowing<'p>,
        names: &'p [String],
        found: &mut Vec<Holder<'p>>,
    ) {
        match subject.kind.as_str() {
            "Group" => self.group(&subject.name, by, names, found),
            "User" => match service_account_of(&subject.name) {
                Some(account) => self.account(account, by, names, found),
                None => {
                    found.push(holder(Known::User(&subject.name), Via::Itself, by, names));
                    let via = |person: &'p Person<'p>| Via::User(&subject.name, &person.door);
                    self.user(&subject.name, via, by, names, found);
                }
            },
            "ServiceAccount" => {
                if let Some(account) = account_of(binding, subject) {
                    self.account(account, by, names, found);
                }
            }
            _ => {}
        }
    }

    fn account(
        &self,
        account: (&'p str, &'p str),
        by: Allowing<'p>,
        names: &'p [String],
        found: &mut Vec<Holder<'p>>,
    ) {
        found.push(holder(
            Known::Account(account.0, account.1),
            Via::Itself,
            by,
            names,
        ));
        // IAM may be mapped to a user of that name.
        let name = trust::subject(account.0, account.1);
        self.user(
            &name,
            |person| Via::Account(account, &person.door),
            by,
            names,
            found,
        );
    }

    /// People of this user name.
    fn user(
        &self,
        name: &str,
        via: impl Fn(&'p Person<'p>) -> Via<'p>,
        by: Allowing<'p>,
        names: &'p [String],
        found: &mut Vec<Holder<'p>>,
    ) {
        for person in self.by_name.get(name).into_iter().flatten() {
            found.push(holder(iam(person), via(person), by, names));
        }
        let starts = self.lengths.iter().filter_map(|length| name.get(..*length));
        for person in starts.filter_map(|start| self.open.get(start)).flatten() {
            if fit(&person.user.username, name) == Fit::MayBe && is_of_account(person, name) {
                found.push(Holder {
                    open: Some(Open::Session),
                    ..holder(iam(person), via(person), by, names)
                });
            }
        }
    }

    /// A group, and everybody in it.
    fn group(&self, name: &'p str, by: Allowing<'p>, names: &'p [String], found: &mut Vec<Holder<'p>>) {
        found.push(holder(Known::Group(name), Via::Itself, by, names));
        for person in self.by_group.get(name).into_iter().flatten() {
            found.push(holder(
                iam(person),
                Via::Group(name, Some(&person.door)),
                by,
                names,
            ));
        }
        let of_namespace = name.strip_prefix(SERVICE_ACCOUNTS).and_then(|rest| match rest {
            "" => Some(None),
            rest => rest.strip_prefix(':').map(Some),
        });
        let of_namespace = if name == AUTHENTICATED {
            Some(None)
        } else {
            of_namespace
        };
        if let Some(namespace) = of_namespace {
            let accounts = self.rights.accounts().iter();
            for account in accounts.filter(|one| namespace.is_none_or(|wanted| one.namespace == wanted)) {
                let who = Known::Account(&account.namespace, &account.name);
                found.push(holder(who, Via::Group(name, None), by, names));
            }
        }
    }

    fn policies(
        &self,
        request: &Request,
        names: Names,
        counts: impl Fn(&AccessPolicy) -> bool,
        found: &mut Vec<Holder<'p>>,
    ) {
        for person in &self.rights.people {
            let policies = person.entry.into_iter().flat_map(|entry| &entry.policies);
            for policy in policies.filter(|policy| counts(policy)) {
                let rule = match names {
                    Names::Asked => match self.rights.policy_gives(policy, request) {
                        Given::Rule(rule) => Some(rule),
                        Given::No => continue,
                        Given::Unknown => None,
                    },
                    // No rule of an access policy is for single objects.
                    Names::Any => {
                        let rules = self.rights.rules_of(policy).unwrap_or_default();
                        match rules.iter().find(|rule| rule.allows_some(request)) {
                            Some(rule) => Some(rule),
                            None => continue,
                        }
                    }
                };
                found.push(Holder {
                    who: iam(person),
                    via: Via::Itself,
                    by: rule.map(|rule| Allowing::Policy {
                        entry: person.entry,
                        policy,
                        rule,
                    }),
                    open: rule.is_none().then_some(Open::Policy(policy)),
                    names: &[],
                });
            }
        }
    }

    /// Nodes, by their own authorizer.
    fn nodes(&self, found: &mut Vec<Holder<'p>>) {
        let mut add = |who: Known<'p>, via: Via<'p>| {
            found.push(Holder {
                who,
                via,
                by: None,
                open: Some(Open::Nodes),
                names: &[],
            });
        };
        add(Known::Group(NODES), Via::Itself);
        for person in self.by_group.get(NODES).into_iter().flatten() {
            add(iam(person), Via::Group(NODES, Some(&person.door)));
        }
    }
}

fn iam<'p>(person: &'p Person<'p>) -> Known<'p> {
    Known::Iam(&person.arn)
}

/// Whether somebody of a whole account may have this name, which is an ARN then.
fn is_of_account(person: &Person<'_>, name: &str) -> bool {
    if person.user.username != CALLERS_ARN {
        return true;
    }
    let account = |arn: &str| arn.split(':').nth(4).map(ToOwned::to_owned);
    name.starts_with("arn:") && account(&person.arn) == account(name)
}

fn holder<'p>(who: Known<'p>, via: Via<'p>, by: Allowing<'p>, names: &'p [String]) -> Holder<'p> {
    Holder {
        who,
        via,
        by: Some(by),
        open: None,
        names,
    }
}
