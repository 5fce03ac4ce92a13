//! What service accounts gain and lose in AWS: the policies of roles made for them, and roles that they are given or that go.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Deltas, Holder, assumed::trusted};
use crate::{
    engine::{Action, Address, AttributeChange, Change, DifferenceSign, Effect, HolderKind, Plan},
    live::{ROLE_ANNOTATION, addresses},
};
use eksact_identity::service_account::ServiceAccountKey;

/// How many lines of one policy are told; the change has them all.
const LINES: usize = 3;

const TRUST: &str = "trust policy";

pub(super) fn add(plan: &Plan, deltas: &mut Deltas) {
    let going = Going::of(plan);
    for change in &plan.changes {
        if let Some(owner) = addresses::role_owner(&change.address) {
            role(change, &service_account(&owner.account), deltas);
        } else if let Some(key) = given_a_role(&change.address) {
            given(change, &service_account(&key), &going, deltas);
        } else if let Some(holder) = whoever_has(&change.address) {
            role(change, &holder, deltas);
        }
        trust(change, plan, deltas);
    }
}

fn service_account(key: &ServiceAccountKey) -> Holder {
    (HolderKind::ServiceAccount, key.to_string())
}

/// Those who have a role or policy that names no one itself: whoever assumes the role, and the roles with the policy.
fn whoever_has(address: &Address) -> Option<Holder> {
    let name = address.name();
    let who = if *address == addresses::assumable_role(name) {
        format!("whoever assumes {address}")
    } else if *address == addresses::managed_policy(name) {
        format!("whoever has {address}")
    } else {
        return None;
    };
    Some((HolderKind::Principal, who))
}

/// The service account that this is, or whose association.
fn given_a_role(address: &Address) -> Option<ServiceAccountKey> {
    let key = ServiceAccountKey::parse(address.name())?;
    [
        addresses::service_account(&key),
        addresses::pod_identity_association(&key),
    ]
    .contains(address)
    .then_some(key)
}

/// The roles that the plan deletes with all that they allow.
struct Going<'plan> {
    names: BTreeSet<&'plan str>,
    account: Option<&'plan str>,
}

impl<'plan> Going<'plan> {
    fn of(plan: &'plan Plan) -> Self {
        let is_deleted = |change: &&Change| {
            change.action == Action::Delete && addresses::role_owner(&change.address).is_some()
        };
        let deleted = plan.changes.iter().filter(is_deleted);
        let named = deleted.flat_map(|change| &change.attributes);
        Self {
            names: named
                .filter(|attribute| attribute.name == "role")
                .filter_map(|attribute| attribute.before.as_ref()?.as_str())
                .collect(),
            account: plan.target.get("account").map(String::as_str),
        }
    }

    /// Whether this is one of them: another account has roles of the same names.
    fn has(&self, arn: &str) -> bool {
        let account = arn.split(':').nth(4);
        self.names.contains(arn.rsplit('/').next().unwrap_or(arn))
            && (self.account.is_none() || account == self.account)
    }
}

/// What the role of a service account allows it.
fn role(change: &Change, holder: &Holder, deltas: &mut Deltas) {
    let of_policies = |attribute: &&AttributeChange| {
        attribute.name.starts_with("managed policy") || attribute.name.starts_with("inline policy")
    };
    if change.action == Action::Delete {
        let mut policies = change.attributes.iter().filter(of_policies).peekable();
        let is_unread = policies.peek().is_none();
        for policy in policies {
            deltas.loses(holder, valued(&policy.name, policy.before.as_ref()));
        }
        let role = change
            .attributes
            .iter()
            .filter(|attribute| is_unread && attribute.name == "role");
        for role in role {
            deltas.loses(holder, valued(&role.name, role.before.as_ref()));
        }
        return;
    }
    for attribute in change
        .attributes
        .iter()
        .filter(|attribute| attribute.name != TRUST)
    {
        permission(attribute, holder, deltas);
    }
}

/// The role that a service account is given by its annotation or association, and what else decides there.
fn given(change: &Change, holder: &Holder, going: &Going<'_>, deltas: &mut Deltas) {
    let annotation = format!("annotation {ROLE_ANNOTATION}");
    for attribute in &change.attributes {
        if attribute.name != annotation && attribute.name != "role" {
            permission(attribute, holder, deltas);
            continue;
        }
        let arn = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        // Of a role that goes it is told what it allowed.
        if let Some(arn) = arn(attribute.before.as_ref()).filter(|arn| !going.has(arn)) {
            deltas.loses(holder, format!("role {arn}"));
        }
        // One that the plan makes is told by its policies.
        if let Some(arn) = arn(attribute.after.as_ref()) {
            deltas.gains(holder, format!("role {arn}"));
        }
    }
}

/// An attribute that gives or takes something.
fn permission(attribute: &AttributeChange, holder: &Holder, deltas: &mut Deltas) {
    let Some(effect) = attribute.effect else { return };
    let lines = |of: fn(Effect) -> bool| lines(attribute, of);
    let (more, less) = (
        lines(|effect| matches!(effect, Effect::Broader | Effect::Incomparable)),
        lines(|effect| matches!(effect, Effect::Narrower | Effect::Incomparable)),
    );
    // Of an inline policy the statements say more than its name.
    let name = attribute.name.as_str();
    let said = if name.starts_with("inline policy") {
        "inline policy"
    } else {
        name
    };
    let (before, after) = (attribute.before.as_ref(), attribute.after.as_ref());
    match effect {
        Effect::Equal => {}
        Effect::Broader if !more.is_empty() => deltas.gains(holder, format!("{said}: {more}")),
        Effect::Narrower if !less.is_empty() => deltas.loses(holder, format!("{said}: {less}")),
        Effect::Broader if after.is_some() => deltas.gains(holder, valued(name, after)),
        Effect::Broader => deltas.gains(holder, format!("what the {} did not allow", valued(name, before))),
        Effect::Narrower if before.is_some() && after.is_none() => deltas.loses(holder, valued(name, before)),
        Effect::Narrower => deltas.loses(holder, format!("what the {} does not allow", valued(name, after))),
        Effect::Incomparable => {
            let gains = if more.is_empty() {
                valued(name, after)
            } else {
                format!("{said}: {more}")
            };
            let loses = if less.is_empty() {
                valued(name, before)
            } else {
                format!("{said}: {less}")
            };
            if attribute.after_unknown.is_none() && (after.is_some() || !more.is_empty()) {
                deltas.gains(holder, format!("perhaps {gains}"));
            } else if attribute.after_unknown.is_none() {
                let before = valued(name, before);
                deltas.gains(holder, format!("perhaps what the {before} did not allow"));
            }
            if before.is_some() || !less.is_empty() {
                deltas.loses(holder, format!("perhaps {loses}"));
            }
        }
    }
}

/// `managed policy arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess`; of a document the name alone.
fn valued(name: &str, value: Option<&Value>) -> String {
    match value {
        Some(Value::String(value)) => format!("{name} {value}"),
        Some(Value::Number(value)) => format!("{name} {value}"),
        _ => name.to_owned(),
    }
}

/// The statements of a difference with this effect, each with the lines below it.
fn lines(attribute: &AttributeChange, of: fn(Effect) -> bool) -> String {
    let mut found: Vec<String> = Vec::new();
    let mut is_within = false;
    for line in &attribute.differences {
        let sign = match line.sign {
            DifferenceSign::Added => "+ ",
            DifferenceSign::Removed => "- ",
            DifferenceSign::Context => "",
        };
        if line.indent == 0 {
            is_within = line.effect.is_some_and(of);
            if is_within {
                found.push(line.text.clone());
            }
        } else if let Some(last) = found.last_mut().filter(|_| is_within) {
            *last = format!("{last} {sign}{}", line.text.trim());
        }
    }
    let more = found.len().saturating_sub(LINES);
    found.truncate(LINES);
    if more > 0 {
        found.push(format!("and {more} more"));
    }
    found.join("; ")
}

/// Those whom a trust policy names and did not name before, or no longer does.
fn trust(change: &Change, plan: &Plan, deltas: &mut Deltas) {
    // The trust policy of a service account's own role names that one.
    let is_own = addresses::role_owner(&change.address).is_some();
    if is_own && matches!(change.action, Action::Create | Action::Delete) {
        return;
    }
    let issuer = plan.target.get("issuer").map(String::as_str);
    for attribute in change
        .attributes
        .iter()
        .filter(|attribute| attribute.name == TRUST)
    {
        let of = |document: Option<&Value>| {
            document
                .map(|document| trusted(document, issuer))
                .unwrap_or_default()
        };
        let (before, after) = (of(attribute.before.as_ref()), of(attribute.after.as_ref()));
        let what = format!("assuming {}", change.address);
        // Whoever is named now and came in before among others gains nothing: the comparison of the statements knows.
        if attribute.effect.is_none_or(Effect::broadens) {
            for holder in after.difference(&before) {
                deltas.gains(holder, &what);
            }
        }
        if attribute.effect != Some(Effect::Broader) {
            for holder in before.difference(&after) {
                deltas.loses(holder, &what);
            }
        }
    }
}
