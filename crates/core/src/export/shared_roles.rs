//! Roles that several clusters share: those in whose trust policy this cluster has its own statement.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{Item, Section};
use crate::{
    live::{Live, RoleByName, addresses, role_name_of},
    ports::aws::Role,
};
use eksact_identity::iam::{
    shared_trust::{sid, statement_of},
    trust::provider_trust,
};
use eksact_yaml::edit::Value;
use serde_json::json;

/// The roles, by name: every one of the account that no stack of the cluster holds.
pub(super) fn shared_roles(live: &Live) -> Section {
    let mut section = Section::list(None, "sharedRoles");
    let own: BTreeSet<&str> = live.known_stacks().iter().filter_map(role_name_of).collect();
    let (Some(provider), sid) = (live.provider_arn(), sid(&live.cluster.arn)) else {
        return section;
    };
    let mut roles: BTreeMap<&str, &Role> = BTreeMap::new();
    match live.all_roles() {
        Some(Err(error)) => section.leave_out(
            "roles that other clusters share",
            format!("the account's roles could not be searched for statements of this cluster: {error}"),
        ),
        Some(Ok(all)) => roles.extend(all.iter().map(|role| (role.name.as_str(), role.as_ref()))),
        None => {}
    }
    for (asked, answer) in live.each::<RoleByName>() {
        match answer {
            // The listing lags behind the role's own answer.
            Ok(Some(role)) => {
                roles.insert(&role.name, role);
            }
            Ok(None) => {
                roles.remove(asked.0.as_str());
            }
            // One of a stack is named where it would be.
            Err(_) if own.contains(asked.0.as_str()) => {}
            Err(error) => section.leave_out(
                format!("the role {}", asked.0),
                format!("whether the cluster has a statement in it is not known: {error}"),
            ),
        }
    }
    for role in roles.into_values() {
        let Some(statement) =
            statement_of(&role.trust_policy, &sid).filter(|_| !own.contains(role.name.as_str()))
        else {
            continue;
        };
        let document = json!({"Version": "2012-10-17", "Statement": [statement]});
        let Some(trust) = provider_trust(&document, &provider) else {
            section.leave_out(
                &role.arn,
                "its statement for this cluster names another OIDC provider than the cluster's",
            );
            continue;
        };
        let accounts: Option<Vec<Value>> = trust.subjects.iter().map(|subject| account(subject)).collect();
        match accounts.filter(|accounts| !accounts.is_empty() && !trust.any_subject) {
            Some(accounts) => section.items.push(Item {
                name: role.arn.clone(),
                addresses: vec![
                    addresses::shared_role(&role.name),
                    addresses::shared_role(&role.arn),
                ],
                value: Value::mapping([
                    ("roleARN", Value::text(&role.arn)),
                    ("serviceAccounts", Value::Sequence(accounts)),
                ]),
            }),
            None => section.leave_out(
                &role.arn,
                format!(
                    "its statement for this cluster lets in what a file has no word for: {}",
                    texts_of(&trust.subjects)
                ),
            ),
        }
    }
    section
}

fn texts_of(subjects: &[String]) -> String {
    if subjects.is_empty() {
        "every service account".to_owned()
    } else {
        subjects.join(", ")
    }
}

/// A subject in the words of the file.
fn account(of: &str) -> Option<Value> {
    let (namespace, name) = of.strip_prefix("system:serviceaccount:")?.split_once(':')?;
    let key = if name.contains(['*', '?']) {
        "subjectPattern"
    } else {
        "name"
    };
    Some(Value::mapping([
        ("namespace", Value::text(namespace)),
        (key, Value::text(name)),
    ]))
}
