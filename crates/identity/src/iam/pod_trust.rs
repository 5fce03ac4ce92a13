//! Statements of ours that let EKS Pod Identity hand out a role which pods got by their tokens before, and the way back out of the
//! statements that let the tokens in.
//!
//! One statement per cluster and namespace: service accounts of two namespaces in one statement would let in each name in each
//! namespace. The `Sid` says whose it is, so that it is found again; what it says is compared by meaning.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    pod_identity::{PodIdentity, SERVICE, Trust},
    shared_trust::{same_meaning, sid_of, statement_of, statements},
    trust,
    web_identity::WebIdentityCall,
};
use crate::service_account::ServiceAccountKey;

const PREFIX: &str = "EksactPods";
const MOST_OF_NAMESPACE: usize = 12;
const DIGEST_LENGTH: usize = 12;
const CLUSTER_TAG: &str = "aws:RequestTag/eks-cluster-arn";
const NAMESPACE_TAG: &str = "aws:RequestTag/kubernetes-namespace";
const ACCOUNT_TAG: &str = "aws:RequestTag/kubernetes-service-account";

/// Why a trust policy cannot be changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PodTrustError {
    /// The document has no list of statements.
    #[error("it has no readable statements")]
    NotAPolicy,
    /// A statement has our `Sid` and says something else.
    #[error("its statement {0} was changed by hand")]
    Changed(String),
    /// Another statement denies what ours allows.
    #[error("another statement denies it")]
    Denied,
    /// IAM keeps no trust policy without a statement.
    #[error("its only statement would go, and IAM allows no trust policy without one")]
    LastStatement,
}

/// The `Sid` of the statement for a cluster's namespace. IAM takes letters and digits only.
pub fn sid(cluster_arn: &str, namespace: &str) -> String {
    let name: String = namespace
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(MOST_OF_NAMESPACE)
        .collect();
    let digest = hex::encode(Sha256::digest(format!("{cluster_arn}/{namespace}").as_bytes()));
    format!("{PREFIX}{name}{}", digest.get(..DIGEST_LENGTH).unwrap_or(&digest))
}

/// The statement for these service accounts of a cluster's namespace.
pub fn statement(cluster_arn: &str, namespace: &str, names: &BTreeSet<String>) -> Value {
    // The length of a trust policy is limited: one value needs no list.
    let accounts = match names.iter().collect::<Vec<_>>().as_slice() {
        [one] => json!(one),
        several => json!(several),
    };
    json!({
        "Sid": sid(cluster_arn, namespace),
        "Effect": "Allow",
        "Principal": {"Service": SERVICE},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": {"StringEquals": {
            CLUSTER_TAG: cluster_arn,
            NAMESPACE_TAG: namespace,
            ACCOUNT_TAG: accounts,
        }},
    })
}

/// What a statement of ours says: the cluster, the namespace and the service accounts. None for any other statement, be it one
/// that only has such a `Sid`.
pub fn read(statement: &Value) -> Option<(String, String, BTreeSet<String>)> {
    sid_of(statement)?.strip_prefix(PREFIX)?;
    let equals = statement.get("Condition")?.get("StringEquals")?;
    let one = |key| Some(equals.get(key)?.as_str()?.to_owned());
    let (cluster, namespace) = (one(CLUSTER_TAG)?, one(NAMESPACE_TAG)?);
    let names: BTreeSet<String> = values(equals.get(ACCOUNT_TAG)?).map(str::to_owned).collect();
    let wanted = self::statement(&cluster, &namespace, &names);
    (!names.is_empty() && sid_of(statement) == sid_of(&wanted) && same_meaning(statement, &wanted))
        .then_some((cluster, namespace, names))
}

/// The document that lets EKS Pod Identity hand the role out to these service accounts, each as it is or by a statement of ours.
/// Nothing else changes; one that does so already is given back as it is.
///
/// # Errors
/// When no statement could be added, or would help.
pub fn with_accounts<'a>(
    document: &Value,
    cluster_arn: &str,
    accounts: impl IntoIterator<Item = &'a ServiceAccountKey>,
) -> Result<Value, PodTrustError> {
    let lets = |document: &Value, account: &ServiceAccountKey| {
        let identity = PodIdentity {
            cluster_arn,
            account,
            has_session_tags: true,
        };
        identity.judge(document) == Trust::Given
    };
    let mut missing: BTreeMap<&str, BTreeSet<&ServiceAccountKey>> = BTreeMap::new();
    for account in accounts {
        if !lets(document, account) {
            missing.entry(&account.namespace).or_default().insert(account);
        }
    }
    if missing.is_empty() {
        return Ok(document.clone());
    }
    let mut all = listed(document)?;
    for (namespace, accounts) in &missing {
        let sid = sid(cluster_arn, namespace);
        let mut names: BTreeSet<String> = accounts.iter().map(|account| account.name.clone()).collect();
        if let Some(there) = statement_of(document, &sid) {
            let (_, _, there) = read(there).ok_or_else(|| PodTrustError::Changed(sid.clone()))?;
            names.extend(there);
        }
        let own = statement(cluster_arn, namespace, &names);
        match all.iter_mut().find(|other| sid_of(other) == Some(&sid)) {
            Some(there) => *there = own,
            None => all.push(own),
        }
    }
    let edited = replaced(document, all);
    if missing.values().flatten().all(|account| lets(&edited, account)) {
        Ok(edited)
    } else {
        Err(PodTrustError::Denied)
    }
}

/// Whether a statement that lets this caller in names its subject itself, and not by a pattern alone.
pub fn names_exactly(document: &Value, call: &WebIdentityCall) -> bool {
    statements(document).iter().any(|statement| {
        let alone = replaced(document, vec![statement.clone()]);
        call.judged_by(&alone) == super::policy::TrustVerdict::Allowed
            && subject_places(statement, &call.issuer)
                .into_iter()
                .any(|(_, subjects)| subjects.contains(&call.subject.as_str()))
    })
}

/// The document without these service accounts' subjects in the statements that trust this provider alone. A statement goes whole
/// only where it serves no other; those of other providers, of everything else and patterns stay to the letter.
///
/// # Errors
/// When no statement would be left.
pub fn without_subjects<'a>(
    document: &Value,
    provider_arn: &str,
    issuer: &str,
    accounts: impl IntoIterator<Item = &'a ServiceAccountKey>,
) -> Result<Value, PodTrustError> {
    let subjects: BTreeSet<String> = accounts
        .into_iter()
        .map(|account| trust::subject(&account.namespace, &account.name))
        .collect();
    let before = listed(document)?;
    let after: Vec<Value> = before
        .iter()
        .filter_map(|statement| without_subjects_of(statement, provider_arn, issuer, &subjects))
        .collect();
    if after == before {
        return Ok(document.clone());
    }
    if after.is_empty() {
        return Err(PodTrustError::LastStatement);
    }
    Ok(replaced(document, after))
}

/// A statement without these subjects; none where it named no other.
fn without_subjects_of(
    statement: &Value,
    provider_arn: &str,
    issuer: &str,
    subjects: &BTreeSet<String>,
) -> Option<Value> {
    let whole = || Some(statement.clone());
    let is_allow = statement.get("Effect").and_then(Value::as_str) == Some("Allow");
    let principal = statement.get("Principal").and_then(Value::as_object);
    let is_of_provider = principal.is_some_and(|principal| {
        principal.len() == 1
            && principal
                .get("Federated")
                .is_some_and(|federated| values(federated).eq([provider_arn]))
    });
    let places = subject_places(statement, issuer);
    // Two conditions on the subject both have to hold: what would be left of such a statement is somebody's to say.
    let ([(place, named)], true, true) = (places.as_slice(), is_allow, is_of_provider) else {
        return whole();
    };
    let left: Vec<&str> = named
        .iter()
        .copied()
        .filter(|subject| !subjects.contains(*subject))
        .collect();
    if left.len() == named.len() {
        return whole();
    }
    if left.is_empty() {
        return None;
    }
    let mut statement = statement.clone();
    if let Some(condition) = statement.pointer_mut(place) {
        *condition = json!(left);
    }
    Some(statement)
}

/// Where a statement has conditions on the subject, as JSON pointers, and which subjects they name. Condition keys are the same in
/// any case.
fn subject_places<'a>(statement: &'a Value, issuer: &str) -> Vec<(String, Vec<&'a str>)> {
    let key = format!("{issuer}:sub");
    let escaped = |text: &str| text.replace('~', "~0").replace('/', "~1");
    let operators = statement.get("Condition").and_then(Value::as_object);
    operators
        .into_iter()
        .flatten()
        .flat_map(|(operator, keys)| {
            let keys = keys.as_object().into_iter().flatten();
            keys.map(move |(name, subjects)| (operator, name, subjects))
        })
        .filter(|(_, name, _)| name.eq_ignore_ascii_case(&key))
        .map(|(operator, name, subjects)| {
            // An operator that says something else than "is one of these" names nobody.
            let is_plain = ["StringEquals", "StringLike"].contains(&operator.as_str());
            let named = if is_plain {
                values(subjects).collect()
            } else {
                Vec::new()
            };
            let place = format!("/Condition/{}/{}", escaped(operator), escaped(name));
            (place, named)
        })
        .collect()
}

fn values(value: &Value) -> impl Iterator<Item = &str> {
    let values = match value {
        Value::Array(values) => values.as_slice(),
        single => std::slice::from_ref(single),
    };
    values.iter().filter_map(Value::as_str)
}

fn listed(document: &Value) -> Result<Vec<Value>, PodTrustError> {
    match document.get("Statement") {
        Some(Value::Array(_) | Value::Object(_)) => Ok(statements(document).to_vec()),
        _ => Err(PodTrustError::NotAPolicy),
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
mod tests {
    use super::*;

    const CLUSTER: &str = "arn:aws:eks:us-west-2:111122223333:cluster/prod";
    const ISSUER: &str = "oidc.eks.us-west-2.amazonaws.com/id/A";
    const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.us-west-2.amazonaws.com/id/A";
    const OTHER: &str = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.us-west-2.amazonaws.com/id/B";

    fn key(name: &str) -> ServiceAccountKey {
        let (namespace, name) = name.split_once('/').unwrap();
        ServiceAccountKey::new(namespace, name)
    }

    fn document(statements: &[Value]) -> Value {
        json!({"Version": "2012-10-17", "Statement": statements})
    }

    fn token(provider: &str, operator: &str, subjects: &Value) -> Value {
        let (_, issuer) = provider.split_once("oidc-provider/").unwrap();
        json!({"Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {operator: {format!("{issuer}:sub"): subjects}}})
    }

    fn subject(name: &str) -> String {
        format!("system:serviceaccount:{}", name.replace('/', ":"))
    }

    #[test]
    fn statements_let_in_each_account_and_no_mixture_of_two() {
        let token = token(PROVIDER, "StringEquals", &json!(subject("app/a")));
        let before = document(std::slice::from_ref(&token));
        let accounts = [key("app/a"), key("app/b"), key("jobs/c")];
        let after = with_accounts(&before, CLUSTER, &accounts).unwrap();
        assert_eq!(after["Statement"][0], token);
        assert_eq!(after["Statement"].as_array().unwrap().len(), 3);
        let lets = |name: &str| {
            let account = key(name);
            let identity = PodIdentity {
                cluster_arn: CLUSTER,
                account: &account,
                has_session_tags: true,
            };
            identity.judge(&after) == Trust::Given
        };
        for (name, expected) in [
            ("app/a", true),
            ("app/b", true),
            ("jobs/c", true),
            ("app/c", false),
            ("jobs/a", false),
        ] {
            assert_eq!(lets(name), expected, "{name}");
        }
        assert_eq!(with_accounts(&after, CLUSTER, &accounts), Ok(after.clone()));
        // One more joins the statement of its namespace.
        let more = with_accounts(&after, CLUSTER, [&key("app/d")]).unwrap();
        assert_eq!(more["Statement"].as_array().unwrap().len(), 3);
        assert_eq!(
            read(&more["Statement"][1]).unwrap().2,
            ["a", "b", "d"].map(str::to_owned).into()
        );
    }

    #[test]
    fn statements_are_not_added_where_they_would_not_help() {
        let denied = json!({"Effect": "Deny", "Principal": "*", "Action": "sts:TagSession"});
        assert_eq!(
            with_accounts(&document(&[denied]), CLUSTER, [&key("app/a")]),
            Err(PodTrustError::Denied)
        );
        let mut changed = statement(CLUSTER, "app", &BTreeSet::from(["a".to_owned()]));
        changed["Condition"]["Bool"] = json!({"aws:SecureTransport": "true"});
        assert_eq!(read(&changed), None);
        assert_eq!(
            with_accounts(&document(&[changed]), CLUSTER, [&key("app/b")]),
            Err(PodTrustError::Changed(sid(CLUSTER, "app")))
        );
        assert_eq!(
            with_accounts(&json!({}), CLUSTER, [&key("app/a")]),
            Err(PodTrustError::NotAPolicy)
        );
    }

    #[test]
    fn subjects_go_alone() {
        let (a, b) = (subject("app/a"), subject("app/b"));
        let github = json!({"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},
            "Condition": {"StringLike": {"token.actions.githubusercontent.com:sub": "repo:org/app:*"}}});
        let own = statement(CLUSTER, "app", &BTreeSet::from(["a".to_owned()]));
        let both = json!({"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": [PROVIDER, OTHER]},
            "Condition": {"StringEquals": {format!("{ISSUER}:sub"): a}}});
        for (name, before, after) in [
            ("alone", token(PROVIDER, "StringEquals", &json!(a)), None),
            (
                "one of two",
                token(PROVIDER, "StringEquals", &json!([a, b])),
                Some(token(PROVIDER, "StringEquals", &json!([b]))),
            ),
            (
                "beside a pattern",
                token(PROVIDER, "StringLike", &json!([a, subject("ci/*")])),
                Some(token(PROVIDER, "StringLike", &json!([subject("ci/*")]))),
            ),
            (
                "a pattern",
                token(PROVIDER, "StringLike", &json!(subject("app/*"))),
                Some(token(PROVIDER, "StringLike", &json!(subject("app/*")))),
            ),
            (
                "other cluster",
                token(OTHER, "StringEquals", &json!(a)),
                Some(token(OTHER, "StringEquals", &json!(a))),
            ),
            ("two providers", both.clone(), Some(both)),
            (
                "negated",
                token(PROVIDER, "StringNotEquals", &json!(a)),
                Some(token(PROVIDER, "StringNotEquals", &json!(a))),
            ),
            ("another service", github.clone(), Some(github)),
        ] {
            let expected: Vec<Value> = after.into_iter().chain([own.clone()]).collect();
            let before = document(&[before, own.clone()]);
            assert_eq!(
                without_subjects(&before, PROVIDER, ISSUER, [&key("app/a")]),
                Ok(document(&expected)),
                "{name}"
            );
        }
        let only = document(&[token(PROVIDER, "StringEquals", &json!(a))]);
        assert_eq!(
            without_subjects(&only, PROVIDER, ISSUER, [&key("app/a")]),
            Err(PodTrustError::LastStatement)
        );
    }
}
