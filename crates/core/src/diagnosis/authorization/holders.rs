//! Who may, the other way round: the subjects of the bindings that allow a request, and everybody who is one of them. Each
//! role is looked at once, so that it is linear in roles and bindings, as Kubernetes' own (`subject_locator.go`).

use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    person::{CALLERS_ARN, Fit, Person, fit},
    rights::{
        Given, NODE_AUTHORIZER, Reason, Rights, account_of, is_for_nodes, is_in_scope, masters,
        policy_reason, reason, unknown_policy,
    },
};
use crate::ports::kubernetes::{PolicyRule, RbacBinding, Subject};
use eksact_identity::rbac::{AUTHENTICATED, MASTERS, NODES, Request, SERVICE_ACCOUNTS, service_account_of};

/// Somebody who may do something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Actor {
    /// A principal of IAM whom the cluster lets in.
    #[serde(rename_all = "camelCase")]
    IamPrincipal {
        /// Its ARN.
        arn: String,
    },
    /// A user of Kubernetes.
    User {
        /// Its name.
        name: String,
    },
    /// A group of Kubernetes.
    Group {
        /// Its name.
        name: String,
    },
    /// A service account.
    ServiceAccount {
        /// Namespace.
        namespace: String,
        /// Name.
        name: String,
    },
}

impl Actor {
    /// `IAM principal`, `user`, `group`, `service account`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::IamPrincipal { .. } => "IAM principal",
            Self::User { .. } => "user",
            Self::Group { .. } => "group",
            Self::ServiceAccount { .. } => "service account",
        }
    }

    /// Its name; that of a service account with its namespace.
    pub fn name(&self) -> String {
        match self {
            Self::IamPrincipal { arn } => arn.clone(),
            Self::User { name } | Self::Group { name } => name.clone(),
            Self::ServiceAccount { namespace, name } => format!("{namespace}/{name}"),
        }
    }

    pub(super) fn account(namespace: &str, name: &str) -> Self {
        Self::ServiceAccount {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }
}

/// Somebody who may, and by what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Holder {
    pub(super) actor: Actor,
    /// As what, where the binding names something else: `group developers (access entry)`.
    pub(super) via: Option<String>,
    /// What allows it; none where it is not sure that something does.
    pub(super) reason: Option<Reason>,
    /// What it depends on.
    pub(super) depends_on: Option<String>,
    /// The objects to which it is limited; none for every one.
    pub(super) names: Vec<String>,
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
    /// People whose user name depends on their session.
    open: Vec<&'p Person<'p>>,
}

impl<'p> Index<'p> {
    pub(super) fn of(rights: &'p Rights<'p>) -> Self {
        let mut index = Self {
            rights,
            by_group: HashMap::new(),
            by_name: HashMap::new(),
            open: Vec::new(),
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
            if person.user.username.contains("{{") {
                index.open.push(person);
            }
        }
        index
    }

    /// Everybody who may.
    pub(super) fn holders(&self, request: &Request, names: Names) -> Vec<Holder> {
        let rights = self.rights;
        let mut found = Vec::new();
        self.group(MASTERS, &masters(), &[], &mut found);
        let mut known: BTreeMap<(Option<&str>, &str), Vec<&PolicyRule>> = BTreeMap::new();
        for binding in rights.bindings_for(request) {
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
                    let reason = reason(binding, subject, role, rule);
                    self.subject(binding, subject, &reason, limited, &mut found);
                }
            }
        }
        self.policies(request, names, &mut found);
        if is_for_nodes(request) {
            self.nodes(&mut found);
        }
        found
    }

    /// A subject of a binding, and everybody who is it.
    fn subject(
        &self,
        binding: &RbacBinding,
        subject: &Subject,
        reason: &Reason,
        names: &[String],
        found: &mut Vec<Holder>,
    ) {
        match subject.kind.as_str() {
            "Group" => self.group(&subject.name, reason, names, found),
            "User" => match service_account_of(&subject.name) {
                Some((namespace, name)) => self.account((namespace, name), reason, names, found),
                None => {
                    let user = Actor::User {
                        name: subject.name.clone(),
                    };
                    found.push(holder(user, None, reason, names));
                    self.user(&subject.name, reason, names, found);
                }
            },
            "ServiceAccount" => {
                if let Some(account) = account_of(binding, subject) {
                    self.account(account, reason, names, found);
                }
            }
            _ => {}
        }
    }

    fn account(
        &self,
        (namespace, name): (&str, &str),
        reason: &Reason,
        names: &[String],
        found: &mut Vec<Holder>,
    ) {
        found.push(holder(Actor::account(namespace, name), None, reason, names));
        // IAM may be mapped to a user of that name.
        self.user(
            &eksact_identity::iam::trust::subject(namespace, name),
            reason,
            names,
            found,
        );
    }

    /// People of this user name.
    fn user(&self, name: &str, reason: &Reason, names: &[String], found: &mut Vec<Holder>) {
        for person in self.by_name.get(name).into_iter().flatten() {
            let via = format!("user {name} ({})", person.door);
            found.push(holder(iam(person), Some(via), reason, names));
        }
        for person in &self.open {
            if fit(&person.user.username, name) == Fit::MayBe && is_of_account(person, name) {
                found.push(Holder {
                    depends_on: Some(format!(
                        "the session: only one that makes the user name {name} is {}",
                        reason.sentence()
                    )),
                    reason: None,
                    ..holder(
                        iam(person),
                        Some(format!("user {name} ({})", person.door)),
                        reason,
                        names,
                    )
                });
            }
        }
    }

    /// A group, and everybody in it.
    fn group(&self, name: &str, reason: &Reason, names: &[String], found: &mut Vec<Holder>) {
        let group = Actor::Group {
            name: name.to_owned(),
        };
        found.push(holder(group, None, reason, names));
        for person in self.by_group.get(name).into_iter().flatten() {
            let via = format!("group {name} ({})", person.door);
            found.push(holder(iam(person), Some(via), reason, names));
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
                found.push(holder(
                    Actor::account(&account.namespace, &account.name),
                    Some(format!("group {name}")),
                    reason,
                    names,
                ));
            }
        }
    }

    fn policies(&self, request: &Request, names: Names, found: &mut Vec<Holder>) {
        for person in &self.rights.people {
            for policy in person.entry.into_iter().flat_map(|entry| &entry.policies) {
                let rule = match names {
                    Names::Asked => match self.rights.policy_allows(policy, request) {
                        Given::Rule(rule) => Some(rule),
                        Given::No => continue,
                        Given::Unknown => None,
                    },
                    // No rule of an access policy is for single objects.
                    Names::Any if is_in_scope(policy, request) => {
                        let rules = self.rights.rules_of(policy).unwrap_or_default();
                        match rules.iter().find(|rule| rule.allows_some(request)) {
                            Some(rule) => Some(rule),
                            None => continue,
                        }
                    }
                    Names::Any => continue,
                };
                found.push(Holder {
                    actor: iam(person),
                    via: None,
                    reason: rule.map(|rule| policy_reason(person.entry, policy, rule)),
                    depends_on: rule.is_none().then(|| unknown_policy(policy)),
                    names: Vec::new(),
                });
            }
        }
    }

    /// Nodes, by their own authorizer.
    fn nodes(&self, found: &mut Vec<Holder>) {
        let mut add = |actor: Actor, via: Option<String>| {
            found.push(Holder {
                actor,
                via,
                reason: None,
                depends_on: Some(NODE_AUTHORIZER.to_owned()),
                names: Vec::new(),
            });
        };
        add(
            Actor::Group {
                name: NODES.to_owned(),
            },
            None,
        );
        for person in self.by_group.get(NODES).into_iter().flatten() {
            add(iam(person), Some(format!("group {NODES} ({})", person.door)));
        }
    }
}

fn iam(person: &Person<'_>) -> Actor {
    Actor::IamPrincipal {
        arn: person.arn.clone(),
    }
}

/// Whether somebody of a whole account may have this name, which is an ARN then.
fn is_of_account(person: &Person<'_>, name: &str) -> bool {
    if person.user.username != CALLERS_ARN {
        return true;
    }
    let account = |arn: &str| arn.split(':').nth(4).map(ToOwned::to_owned);
    name.starts_with("arn:") && account(&person.arn) == account(name)
}

fn holder(actor: Actor, via: Option<String>, reason: &Reason, names: &[String]) -> Holder {
    Holder {
        actor,
        via,
        reason: Some(reason.clone()),
        depends_on: None,
        names: names.to_vec(),
    }
}
