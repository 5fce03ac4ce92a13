//! A trust policy that several clusters share: each keeps one statement in it, known by its `Sid`, and leaves every other
//! statement as it is.
//!
//! Whose a statement is, what it says, and the document with or without it; how it is written lives with the resources.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Arn, pod_trust, policy, trust};

/// Length of a trust policy in an account whose quota was not raised.
pub const DEFAULT_QUOTA: usize = 2_048;
/// The length to which AWS raises the quota on request. Newer accounts are given up to [`MAXIMUM_QUOTA`].
pub const RAISED_QUOTA: usize = 4_096;
/// No account has more (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>).
pub const MAXIMUM_QUOTA: usize = 8_192;
/// Code of the quota "Role trust policy length" in Service Quotas; it is asked for in `us-east-1`.
pub const QUOTA_CODE: &str = "L-C07B4B0D";

const PREFIX: &str = "Eksact";
/// How much of the cluster's name stands in a `Sid`: the length of a trust policy is limited.
const MOST_OF_NAME: usize = 16;
const DIGEST_LENGTH: usize = 12;

/// Why a statement cannot be put into a trust policy or taken out of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The document has no list of statements.
    #[error("it has no readable statements")]
    NotAPolicy,
    /// IAM keeps no trust policy without a statement.
    #[error("it is the only statement, and IAM allows no trust policy without one")]
    LastStatement,
}

/// The `Sid` of a cluster's statement: `Eksact`, letters and digits of the cluster's name, and twelve hexadecimal digits
/// of the SHA-256 of its ARN. So two clusters of one name in two regions differ, and a cluster that is made again under
/// its name finds the statement of its predecessor. IAM takes letters and digits only.
pub fn sid(cluster_arn: &str) -> String {
    let name = cluster_arn.rsplit('/').next().unwrap_or_default();
    let name: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(MOST_OF_NAME)
        .collect();
    let digest = hex::encode(Sha256::digest(cluster_arn.as_bytes()));
    format!("{PREFIX}{name}{}", digest.get(..DIGEST_LENGTH).unwrap_or(&digest))
}

/// Whether some cluster's statement may bear this `Sid`.
fn is_sid(sid: &str) -> bool {
    let is_digest = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    sid.strip_prefix(PREFIX).is_some_and(|rest| {
        rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && (DIGEST_LENGTH..=DIGEST_LENGTH + MOST_OF_NAME).contains(&rest.len())
            && rest.get(rest.len() - DIGEST_LENGTH..).is_some_and(is_digest)
    })
}

/// The `Sid` of a statement.
pub fn sid_of(statement: &Value) -> Option<&str> {
    statement.get("Sid").and_then(Value::as_str)
}

/// The statements of a document, in its order; one statement may stand without a list.
pub fn statements(document: &Value) -> &[Value] {
    match document.get("Statement") {
        Some(Value::Array(statements)) => statements,
        Some(statement @ Value::Object(_)) => std::slice::from_ref(statement),
        _ => &[],
    }
}

/// The statement that bears this `Sid`; IAM takes a `Sid` once.
pub fn statement_of<'document>(document: &'document Value, sid: &str) -> Option<&'document Value> {
    statements(document)
        .iter()
        .find(|statement| sid_of(statement) == Some(sid))
}

/// Whether two statements mean the same, whatever their `Sid`s. They stand in one document, so under one `Version`.
pub fn same_meaning(left: &Value, right: &Value) -> bool {
    let document = |statement: &Value| json!({"Version": "2012-10-17", "Statement": [statement]});
    policy::equal(&document(left), &document(right))
}

/// The statement that means the same as `wanted` and bears another `Sid` or none: somebody else made it.
pub fn made_by_others<'document>(document: &'document Value, wanted: &Value) -> Option<&'document Value> {
    statements(document)
        .iter()
        .find(|statement| sid_of(statement) != sid_of(wanted) && same_meaning(statement, wanted))
}

/// The document with `statement` in place of the one that bears its `Sid`, or at the end where none does. Nothing else
/// changes, neither value nor order.
pub fn with(document: &Value, statement: &Value) -> Result<Value, EditError> {
    let sid = sid_of(statement).unwrap_or_default();
    let mut all = listed(document)?;
    match all.iter_mut().find(|other| sid_of(other) == Some(sid)) {
        Some(own) => statement.clone_into(own),
        None => all.push(statement.clone()),
    }
    Ok(replaced(document, all))
}

/// The document without the statement that bears this `Sid`.
pub fn without(document: &Value, sid: &str) -> Result<Value, EditError> {
    let mut all = listed(document)?;
    let before = all.len();
    all.retain(|statement| sid_of(statement) != Some(sid));
    if all.len() == before {
        return Ok(document.clone());
    }
    if all.is_empty() {
        return Err(EditError::LastStatement);
    }
    Ok(replaced(document, all))
}

/// The statements that clusters keep here under their `Sid`s, as far as each is what eksact writes and no more: it lets
/// named service accounts in, through one provider or through EKS Pod Identity ([`super::pod_trust`]). A statement that merely
/// bears such a `Sid` is none.
pub fn shared(document: &Value) -> Vec<&Value> {
    statements(document)
        .iter()
        .filter(|statement| is_shared(statement))
        .collect()
}

/// The document without the statements of [`shared`], for whoever owns the rest of it.
pub fn without_shared(document: &Value) -> Value {
    if shared(document).is_empty() {
        return document.clone();
    }
    let rest = statements(document)
        .iter()
        .filter(|statement| !is_shared(statement))
        .cloned()
        .collect();
    replaced(document, rest)
}

/// `own` with the statements that clusters share in `live`, for whoever writes the rest of the document.
pub fn with_shared_of(own: &Value, live: &Value) -> Value {
    let kept = shared(live);
    if kept.is_empty() {
        return own.clone();
    }
    let mut all = statements(own).to_vec();
    all.retain(|statement| !kept.iter().any(|kept| sid_of(kept) == sid_of(statement)));
    all.extend(kept.into_iter().cloned());
    replaced(own, all)
}

/// The length of a document as IAM counts it: white space between its elements does not count.
pub fn length(document: &Value) -> usize {
    document.to_string().chars().count()
}

fn is_shared(statement: &Value) -> bool {
    pod_trust::read(statement).is_some() || lets_tokens_in(statement)
}

fn lets_tokens_in(statement: &Value) -> bool {
    let (Some(sid), Some(provider)) = (
        sid_of(statement).filter(|sid| is_sid(sid)),
        statement
            .get("Principal")
            .and_then(|principal| principal.get("Federated"))
            .and_then(Value::as_str),
    ) else {
        return false;
    };
    let Ok(arn) = provider.parse::<Arn>() else {
        return false;
    };
    let Some(issuer) = arn
        .resource
        .strip_prefix("oidc-provider/")
        .filter(|_| arn.service == "iam")
    else {
        return false;
    };
    let subjects = subjects_of(statement, issuer);
    !subjects.is_empty()
        && subjects.iter().all(|subject| is_service_account(subject))
        && same_meaning(
            statement,
            &trust::web_identity_statement(sid, provider, issuer, &subjects),
        )
}

/// The subjects that a statement names, whichever of the two operators it uses.
fn subjects_of(statement: &Value, issuer: &str) -> BTreeSet<String> {
    let key = format!("{issuer}:sub");
    let values = ["StringEquals", "StringLike"]
        .into_iter()
        .filter_map(|operator| statement.get("Condition")?.get(operator)?.get(&key))
        .flat_map(|value| match value {
            Value::Array(values) => values.as_slice(),
            single => std::slice::from_ref(single),
        });
    values.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// `system:serviceaccount:NAMESPACE:NAME`, where only the name may be a pattern.
fn is_service_account(subject: &str) -> bool {
    subject
        .strip_prefix("system:serviceaccount:")
        .and_then(|rest| rest.split_once(':'))
        .is_some_and(|(namespace, name)| {
            !namespace.is_empty() && !namespace.contains(['*', '?']) && !name.is_empty()
        })
}

fn listed(document: &Value) -> Result<Vec<Value>, EditError> {
    match document.get("Statement") {
        Some(Value::Array(_) | Value::Object(_)) => Ok(statements(document).to_vec()),
        _ => Err(EditError::NotAPolicy),
    }
}

fn replaced(document: &Value, statements: Vec<Value>) -> Value {
    let mut document = document.clone();
    if let Some(fields) = document.as_object_mut() {
        fields.insert("Statement".to_owned(), Value::Array(statements));
    }
    document
}

#[cfg(test)]
mod tests;
