//! Whom a trust policy names. What it asks of them besides is not looked at: the change shows its lines.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Holder;
use crate::engine::HolderKind;
use eksact_identity::{iam::policy::one_or_many, service_account::ServiceAccountKey};

/// How a service account is called in a token.
const SUBJECT: &str = "system:serviceaccount:";

/// Those whom the statements of `document` that allow something name; `issuer` is that of the cluster.
pub(super) fn trusted(document: &Value, issuer: Option<&str>) -> BTreeSet<Holder> {
    let allows = |statement: &&Value| statement["Effect"] == "Allow";
    let statements = one_or_many(&document["Statement"]).iter().filter(allows);
    statements
        .flat_map(|statement| named(statement, issuer))
        .collect()
}

fn named(statement: &Value, issuer: Option<&str>) -> Vec<Holder> {
    let Value::Object(principals) = &statement["Principal"] else {
        let anybody = one_or_many(&statement["Principal"])
            .iter()
            .filter_map(Value::as_str);
        return anybody.map(principal).collect();
    };
    let mut holders = Vec::new();
    for (kind, values) in principals {
        let values = one_or_many(values).iter().filter_map(Value::as_str);
        match kind.as_str() {
            "Federated" => {
                for provider in values {
                    let subjects = subjects(statement, provider);
                    if subjects.is_empty() {
                        holders.push(principal(&format!("anybody of {provider}")));
                    }
                    holders.extend(subjects.into_iter().map(|subject| of(&subject, provider, issuer)));
                }
            }
            // The trust of the agent for pods names no service account in a way that all write alike.
            "Service" => {}
            _ => holders.extend(values.map(principal)),
        }
    }
    holders
}

fn principal(name: &str) -> Holder {
    (HolderKind::Principal, name.to_owned())
}

/// The subjects that a statement lets in with tokens of this provider.
fn subjects(statement: &Value, provider: &str) -> Vec<String> {
    let Some(url) = provider.split_once(":oidc-provider/").map(|(_, url)| url) else {
        return Vec::new();
    };
    let key = format!("{url}:sub");
    let Value::Object(operators) = &statement["Condition"] else {
        return Vec::new();
    };
    let asked = operators
        .iter()
        .filter(|(operator, _)| operator.starts_with("StringEquals") || operator.starts_with("StringLike"));
    let values = asked.flat_map(|(_, asked)| one_or_many(&asked[&key]));
    values.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// `app/web` where the token is of this cluster.
fn of(subject: &str, provider: &str, issuer: Option<&str>) -> Holder {
    let url = issuer.map(|issuer| issuer.trim_start_matches("https://"));
    let is_own = url.is_some_and(|url| provider.ends_with(&format!(":oidc-provider/{url}")));
    let account = subject.strip_prefix(SUBJECT).filter(|_| is_own);
    match account.and_then(|account| account.split_once(':')) {
        Some((namespace, name)) => (
            HolderKind::ServiceAccount,
            ServiceAccountKey::new(namespace, name).to_string(),
        ),
        None => principal(&format!("{subject} of {provider}")),
    }
}
