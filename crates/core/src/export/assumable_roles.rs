//! The roles that people or pipelines assume and the customer managed policies: those that stacks of eksact's hold.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::{
    document::{Item, Section},
    role::RoleWords,
    service_accounts::{role_of, stacks_of},
    words::{document, map, texts},
};
use crate::{
    live::{Live, addresses, is_of_cluster, role_owner_of},
    ports::aws::{DEFAULT_SESSION_SECONDS, ManagedPolicy, Role, Stack},
};
use eksact_identity::{
    cloudformation::{RolePurpose, managed_policy},
    iam::{Arn, policy::one_or_many, trust::AUDIENCE},
};
use eksact_yaml::edit::Value;

/// What a path is that is not said.
const NO_PATH: &str = "/";

/// The policies, by name.
pub(super) fn policies(live: &Live) -> Section {
    let mut section = Section::list(None, "policies");
    let mut by_name: BTreeMap<&str, Vec<&Stack>> = BTreeMap::new();
    for stack in live.known_stacks() {
        if let Some(name) = managed_policy::policy_of(&stack.tags)
            && is_of_cluster(stack, &live.cluster.name)
            && role_owner_of(stack).is_none()
        {
            by_name.entry(name).or_default().push(stack);
        }
    }
    for (name, stacks) in by_name {
        match policy_of(&stacks, live) {
            Ok(policy) => section.items.push(Item {
                name: name.to_owned(),
                addresses: vec![addresses::managed_policy(name)],
                value: policy_value(name, policy),
            }),
            Err(why) => section.leave_out(name, why),
        }
    }
    section
}

/// The policy that one of these stacks made.
fn policy_of<'live>(stacks: &[&Stack], live: &'live Live) -> Result<&'live ManagedPolicy, String> {
    let mut made = stacks
        .iter()
        .filter_map(|stack| stack.outputs.get(managed_policy::OUTPUT));
    let Some(arn) = made.next() else {
        return Err("its stack has made no policy".to_owned());
    };
    match live.managed_policy(arn) {
        Some(Ok(Some(policy))) => Ok(policy),
        _ => Err(format!("the policy {arn} of its stack is gone")),
    }
}

fn policy_value(name: &str, policy: &ManagedPolicy) -> Value {
    let mut fields = vec![("name", Value::text(name))];
    if policy.path != NO_PATH {
        fields.push(("path", Value::text(&policy.path)));
    }
    if let Some(description) = &policy.description {
        fields.push(("description", Value::text(description)));
    }
    fields.push(("document", document(&policy.document)));
    Value::mapping(fields)
}

/// The roles, by name.
pub(super) fn roles(live: &Live) -> Section {
    let mut section = Section::list(None, "roles");
    for (key, stack) in stacks_of(live, RolePurpose::Assumed, &mut section) {
        let name = key.name.as_str();
        let fields = role_of(stack, live).and_then(|role| {
            let trusted = Trusted::of(&role.trust_policy, &live.account)
                .ok_or_else(|| "its trust policy says what a file has no word for".to_owned())?;
            Ok(role_value(name, role, stack, &trusted))
        });
        match fields {
            Ok(value) => section.items.push(Item {
                name: name.to_owned(),
                addresses: vec![addresses::assumable_role(name)],
                value,
            }),
            Err(why) => section.leave_out(name, why),
        }
    }
    section
}

fn role_value(name: &str, role: &Role, stack: &Stack, trusted: &Trusted) -> Value {
    let words = RoleWords::of(role, stack);
    let mut fields = vec![("name", Value::text(name))];
    if role.path != NO_PATH {
        fields.push(("path", Value::text(&role.path)));
    }
    fields.push(("assumedBy", trusted.value()));
    if !words.managed.is_empty() {
        fields.push(("policies", texts(&words.managed)));
    }
    if let Some((_, inline)) = words.inline {
        fields.push(("inlinePolicy", inline));
    }
    if let Some(boundary) = &words.boundary {
        fields.push(("permissionsBoundary", Value::text(boundary)));
    }
    let seconds = role
        .max_session_seconds
        .filter(|seconds| *seconds != DEFAULT_SESSION_SECONDS);
    if let Some(seconds) = seconds {
        fields.push(("maxSessionDuration", Value::Integer(seconds.into())));
    }
    if !words.tags.is_empty() {
        fields.push(("tags", map(&words.tags)));
    }
    Value::mapping(fields)
}

/// Whom a trust policy lets in, in the words of the file.
#[derive(Debug, Default)]
struct Trusted {
    users: BTreeSet<String>,
    roles: BTreeSet<String>,
    accounts: BTreeSet<String>,
    mfa: bool,
    session_name: Option<String>,
    external_id: Option<String>,
    oidc: Vec<Value>,
}

impl Trusted {
    /// None where some statement says what the file has no word for. What it says more than that the plan tells.
    fn of(trust_policy: &Json, account: &str) -> Option<Self> {
        let mut trusted = Self::default();
        let mut has_people = false;
        for statement in one_or_many(&trust_policy["Statement"]) {
            let principals = statement["Principal"].as_object()?;
            for (kind, named) in principals {
                let named: Option<Vec<&str>> = one_or_many(named).iter().map(Json::as_str).collect();
                match kind.as_str() {
                    // The conditions of people stand once in the file.
                    "AWS" if !has_people => {
                        has_people = true;
                        trusted.people(&named?, statement, account)?;
                    }
                    "Federated" => {
                        for provider in named? {
                            trusted.oidc.push(tokens(statement, provider)?);
                        }
                    }
                    _ => return None,
                }
            }
        }
        Some(trusted)
    }

    fn people(&mut self, named: &[&str], statement: &Json, own_account: &str) -> Option<()> {
        for arn in named {
            let parsed: Arn = arn.parse().ok()?;
            if parsed.resource == "root" {
                self.accounts.insert(parsed.account);
                continue;
            }
            let (kind, name) = parsed.resource.split_once('/')?;
            // One of the account without a path is what its name alone means.
            let is_name = parsed.account == own_account && !name.contains('/');
            let written = if is_name { name } else { *arn };
            match kind {
                "user" => self.users.insert(written.to_owned()),
                "role" => self.roles.insert(written.to_owned()),
                _ => return None,
            };
        }
        let condition = |operator: &str, key: &str| {
            let value = statement.pointer(&format!("/Condition/{operator}/{key}"))?;
            value.as_str().map(str::to_owned)
        };
        self.mfa = condition("Bool", "aws:MultiFactorAuthPresent").is_some_and(|value| value == "true");
        self.session_name = condition("StringLike", "sts:RoleSessionName");
        self.external_id = condition("StringEquals", "sts:ExternalId");
        Some(())
    }

    fn value(&self) -> Value {
        let lists = [
            ("users", &self.users),
            ("roles", &self.roles),
            ("accounts", &self.accounts),
        ];
        let mut fields: Vec<(&str, Value)> = lists
            .into_iter()
            .filter(|(_, list)| !list.is_empty())
            .map(|(key, list)| (key, Value::texts(list.iter().map(String::as_str))))
            .collect();
        if !self.oidc.is_empty() {
            fields.push(("oidc", Value::Sequence(self.oidc.clone())));
        }
        if self.mfa {
            fields.push(("mfa", Value::Bool(true)));
        }
        for (key, text) in [
            ("sessionName", &self.session_name),
            ("externalID", &self.external_id),
        ] {
            fields.extend(text.as_ref().map(|text| (key, Value::text(text))));
        }
        Value::mapping(fields)
    }
}

/// Whose tokens of a provider a statement lets in.
fn tokens(statement: &Json, provider: &str) -> Option<Value> {
    let (_, issuer) = provider.split_once(":oidc-provider/")?;
    // An issuer may have a slash, which a pointer takes for a step.
    let asked = |operator: &str, key: &str| {
        let value = statement["Condition"][operator].get(format!("{issuer}:{key}"))?;
        let texts: Option<Vec<String>> = one_or_many(value)
            .iter()
            .map(|text| text.as_str().map(str::to_owned))
            .collect();
        texts
    };
    let audience = asked("StringEquals", "aud")?;
    let [audience] = audience.as_slice() else {
        return None;
    };
    let subjects = asked("StringEquals", "sub").or_else(|| asked("StringLike", "sub"))?;
    let mut fields = vec![("provider", Value::text(issuer))];
    if audience != AUDIENCE {
        fields.push(("audience", Value::text(audience)));
    }
    fields.push(("subjects", texts(&subjects)));
    Some(Value::mapping(fields))
}
