//! The role that a stack of ours holds, in the words of the file.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    live::Live,
    ports::aws::{Role, Stack},
};
use eksact_identity::{
    cloudformation::{tags, template::OWN_POLICY, well_known},
    iam::{
        WellKnownPolicy,
        trust::{provider_trust, subject},
    },
    service_account::ServiceAccountKey,
};
use eksact_yaml::edit::Value;

use super::words::{document, map};

/// A role as the file says it.
#[derive(Clone, Debug, Default)]
pub(super) struct RoleWords {
    /// Managed policies.
    pub managed: Vec<String>,
    /// The well-known policies that it has whole.
    pub well_known: BTreeSet<WellKnownPolicy>,
    /// The own inline policy, with its logical id.
    pub inline: Option<(String, Value)>,
    /// The permissions boundary.
    pub boundary: Option<String>,
    /// Its name, where the template gives it one.
    pub name: Option<String>,
    /// The tags that people gave the stack.
    pub tags: BTreeMap<String, String>,
}

impl RoleWords {
    /// What a role has. An inline policy of another name is none of the file's, and the plan tells of it.
    pub(super) fn of(role: &Role, stack: &Stack) -> Self {
        let prefix = format!("{}-", stack.name);
        let by_id: BTreeMap<&str, &serde_json::Value> = role
            .inline_policies
            .iter()
            .map(|(name, document)| (name.strip_prefix(&prefix).unwrap_or(name), document))
            .collect();
        let mut managed: BTreeSet<String> = role.managed_policy_arns.iter().cloned().collect();
        let mut well_known = BTreeSet::new();
        let mut explained = BTreeSet::new();
        for policy in WellKnownPolicy::ALL {
            // One of managed policies alone is written as those.
            let Ok(definition) = well_known::definition(policy) else {
                continue;
            };
            let ids: Vec<&str> = definition
                .policies
                .iter()
                .map(|own| own.logical_id.as_str())
                .collect();
            let name_of = |arn: &str| arn.rsplit('/').next().unwrap_or_default().to_owned();
            let names: BTreeSet<String> = definition
                .managed_policies
                .iter()
                .map(|arn| name_of(arn))
                .collect();
            let has = |name: &String| managed.iter().any(|arn| name_of(arn) == *name);
            if ids.is_empty() || !ids.iter().all(|id| by_id.contains_key(id)) || !names.iter().all(has) {
                continue;
            }
            well_known.insert(policy);
            explained.extend(ids);
            managed.retain(|arn| !names.contains(&name_of(arn)));
        }
        let mut own = by_id.iter().filter(|(id, _)| !explained.contains(*id));
        let inline = match by_id.get(OWN_POLICY) {
            Some(document) => Some((OWN_POLICY, *document)),
            None => own.next().map(|(id, document)| (*id, *document)),
        };
        let was_named = stack
            .capabilities
            .iter()
            .any(|capability| capability == "CAPABILITY_NAMED_IAM");
        Self {
            managed: managed.into_iter().collect(),
            well_known,
            inline: inline.map(|(id, json)| (id.to_owned(), document(json))),
            boundary: role.permissions_boundary.clone(),
            name: was_named.then(|| role.name.clone()),
            tags: given_tags(&stack.tags),
        }
    }

    /// The fields of a service account or an association, by the names that the two have for policies, document, boundary.
    pub(super) fn fields(&self, names: &Names) -> Vec<(String, Value)> {
        let mut fields = Vec::new();
        let mut add = |name: &str, value: Value| fields.push((name.to_owned(), value));
        if let Some(name) = &self.name {
            add("roleName", Value::text(name));
        }
        let has_other = self.inline.is_some() || !self.well_known.is_empty();
        if !self.managed.is_empty() || !has_other {
            add(
                names.managed,
                Value::texts(self.managed.iter().map(String::as_str)),
            );
        }
        if !self.well_known.is_empty() {
            let on = self
                .well_known
                .iter()
                .map(|policy| (policy.field_name(), Value::Bool(true)));
            add("wellKnownPolicies", Value::mapping(on));
        }
        if let Some((id, document)) = &self.inline {
            if let Some(field) = names.inline_name.filter(|_| id != OWN_POLICY) {
                add(field, Value::text(id));
            }
            add(names.inline, document.clone());
        }
        if let Some(boundary) = &self.boundary {
            add(names.boundary, Value::text(boundary));
        }
        if !self.tags.is_empty() {
            add("tags", map(&self.tags));
        }
        fields
    }
}

/// How a section of the file names the parts of a role.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names {
    pub managed: &'static str,
    pub inline: &'static str,
    pub inline_name: Option<&'static str>,
    pub boundary: &'static str,
}

/// Tags without those that eksctl, eksact and AWS write by themselves.
pub(super) fn given_tags(all: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let given = all
        .iter()
        .filter(|(key, _)| !tags::is_mark(key) && !tags::is_reserved(key));
    given.map(|(key, text)| (key.clone(), text.clone())).collect()
}

/// The pattern of names in a role's trust policy, where it has one in place of the account's name.
pub(super) fn subject_pattern(role: &Role, key: &ServiceAccountKey, live: &Live) -> Option<String> {
    let trust = provider_trust(&role.trust_policy, &live.provider_arn()?)?;
    let own = subject(&key.namespace, &key.name);
    let prefix = subject(&key.namespace, "");
    match trust.subjects.as_slice() {
        [only] if *only != own => only.strip_prefix(&prefix).map(str::to_owned),
        _ => None,
    }
}
