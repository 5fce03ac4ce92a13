//! Whether a trust policy lets a request through, statement by statement, and what each statement holds against it.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>: keys of
//! one statement must all hold, one value of a key is enough, and a key that the request lacks fails a condition unless
//! the operator is negated or ends in `IfExists`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    document::{Effect, Statement, statements},
    operator::{Comparison, Operator},
    pattern::Pattern,
};

/// A request to assume a role, as a trust policy sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustRequest<'request> {
    /// `sts:AssumeRoleWithWebIdentity`.
    pub action: &'request str,
    /// Kind of the principal: `Federated`.
    pub principal_kind: &'request str,
    /// The principal.
    pub principal: &'request str,
    /// Values of the condition keys, by the key in lower case.
    pub context: &'request BTreeMap<String, String>,
}

/// What a statement holds against a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Objection {
    /// It allows other actions.
    Action {
        /// Those that it names.
        named: Vec<String>,
    },
    /// It names other principals.
    Principal {
        /// Those that it names, each with its kind.
        named: Vec<(String, String)>,
    },
    /// A condition does not hold.
    Condition {
        /// The operator as the guide writes it.
        operator: String,
        /// The key as the document writes it.
        key: String,
        /// The values that the document names.
        values: Vec<String>,
        /// The request's value; none where it has no such key.
        found: Option<String>,
        /// Whether it cannot be told: an operator whose comparison is not known here.
        unknown: bool,
    },
}

/// What a trust policy says to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustVerdict {
    /// A statement lets it through, and none denies it.
    Allowed,
    /// A statement denies it.
    Denied,
    /// No statement lets it through: what each of those that allow something holds against it, in the order of how near
    /// it comes.
    NotAllowed(Vec<Vec<Objection>>),
    /// The document cannot be read as a policy.
    Unreadable,
}

/// Asks a trust policy about a request.
pub fn judge(document: &Value, request: &TrustRequest<'_>) -> TrustVerdict {
    let Some(statements) = statements(document) else {
        return TrustVerdict::Unreadable;
    };
    let mut allowed = false;
    let mut refused = Vec::new();
    for statement in &statements {
        let objections = objections(statement, request);
        match statement.effect {
            Effect::Deny if objections.is_empty() => return TrustVerdict::Denied,
            Effect::Deny => {}
            Effect::Allow if objections.is_empty() => allowed = true,
            Effect::Allow => refused.push(objections),
        }
    }
    if allowed {
        return TrustVerdict::Allowed;
    }
    refused.sort_by_key(|objections| objections.iter().map(distance).sum::<usize>());
    TrustVerdict::NotAllowed(refused)
}

/// How far a statement is from meaning this request: one for another action or principal is further than one whose
/// condition fails.
fn distance(objection: &Objection) -> usize {
    match objection {
        Objection::Action { .. } => 100,
        Objection::Principal { .. } => 10,
        Objection::Condition { .. } => 1,
    }
}

fn objections(statement: &Statement, request: &TrustRequest<'_>) -> Vec<Objection> {
    let mut found = Vec::new();
    let action = Pattern::literal(&request.action.to_ascii_lowercase(), false);
    let names_action = statement
        .actions
        .words
        .iter()
        .any(|word| Pattern::new(&word.key, false).contains(&action));
    if names_action == statement.actions.negated {
        found.push(Objection::Action {
            named: statement
                .actions
                .words
                .iter()
                .map(|word| word.written.clone())
                .collect(),
        });
    }
    let everyone = statement.principals.as_ref().is_some_and(|principals| {
        !principals.negated
            && principals
                .members
                .iter()
                .any(|(kind, word)| kind == "AWS" && word.key == "*")
    });
    if !everyone && !statement.has_principal(request.principal_kind, request.principal) {
        found.push(Objection::Principal {
            named: statement
                .principals
                .iter()
                .flat_map(|principals| &principals.members)
                .map(|(kind, word)| (kind.clone(), word.written.clone()))
                .collect(),
        });
    }
    for ((operator, key), values) in &statement.conditions {
        let value = request.context.get(&key.key);
        let holds = Operator::read(operator).and_then(|operator| holds(operator, value, values.iter()));
        if holds != Some(true) {
            found.push(Objection::Condition {
                operator: operator.clone(),
                key: key.written.clone(),
                values: values.iter().cloned().collect(),
                found: value.cloned(),
                unknown: holds.is_none(),
            });
        }
    }
    found
}

/// Whether a condition holds for the request's one value; nothing where that cannot be told.
fn holds<'value>(
    operator: Operator,
    found: Option<&String>,
    mut values: impl Iterator<Item = &'value String>,
) -> Option<bool> {
    if operator.name == "Null" {
        return Some(values.any(|value| (value == "true") == found.is_none()));
    }
    let Some(found) = found else {
        // `ForAllValues` holds for a key that is absent, too.
        let absent_is_fine =
            operator.if_exists || operator.is_negated() || operator.qualifier == Some("ForAllValues");
        return Some(absent_is_fine);
    };
    let fits = |value: &String| match operator.comparison() {
        Comparison::Exact => Some(value == found),
        Comparison::AnyCase => Some(value.eq_ignore_ascii_case(found)),
        Comparison::Wildcards => Some(Pattern::new(value, false).contains(&Pattern::literal(found, false))),
        Comparison::Arn | Comparison::Other => None,
    };
    let mut any = false;
    for value in values {
        any |= fits(value)?;
    }
    Some(any != operator.is_negated())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/oidc.example/id/A";

    fn verdict(condition: &Value) -> TrustVerdict {
        let document = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}},
            {"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated": PROVIDER},
             "Condition": condition}]});
        let context = BTreeMap::from([
            (
                "oidc.example/id/a:sub".to_owned(),
                "system:serviceaccount:app:web".to_owned(),
            ),
            ("oidc.example/id/a:aud".to_owned(), "sts.amazonaws.com".to_owned()),
        ]);
        judge(
            &document,
            &TrustRequest {
                action: "sts:AssumeRoleWithWebIdentity",
                principal_kind: "Federated",
                principal: PROVIDER,
                context: &context,
            },
        )
    }

    /// How IAM compares, operator by operator.
    #[test]
    fn conditions_hold_as_iam_compares_them() {
        let (sub, aud) = ("oidc.example/id/A:sub", "oidc.example/id/A:aud");
        for (condition, allowed) in [
            (json!({}), true),
            (
                json!({"StringEquals": {sub: "system:serviceaccount:app:web"}}),
                true,
            ),
            (
                json!({"StringEquals": {sub: ["x", "system:serviceaccount:app:web"]}}),
                true,
            ),
            (
                json!({"StringEquals": {sub: "system:serviceaccount:app:*"}}),
                false,
            ),
            (json!({"StringLike": {sub: "system:serviceaccount:app:*"}}), true),
            (json!({"stringlike": {sub: "system:serviceaccount:*:w?b"}}), true),
            (
                json!({"StringEquals": {sub: "system:serviceaccount:app:web", aud: "other"}}),
                false,
            ),
            (
                json!({"StringEqualsIgnoreCase": {sub: "System:ServiceAccount:app:WEB"}}),
                true,
            ),
            (
                json!({"StringNotEquals": {sub: "system:serviceaccount:app:web"}}),
                false,
            ),
            (
                json!({"StringNotLike": {sub: "system:serviceaccount:other:*"}}),
                true,
            ),
            (
                json!({"StringEquals": {"oidc.example/id/B:sub": "system:serviceaccount:app:web"}}),
                false,
            ),
            (
                json!({"StringEqualsIfExists": {"oidc.example/id/B:sub": "x"}}),
                true,
            ),
            (json!({"Null": {sub: "false"}}), true),
            (json!({"Null": {sub: "true"}}), false),
            (json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}), false),
        ] {
            assert_eq!(
                verdict(&condition) == TrustVerdict::Allowed,
                allowed,
                "{condition}: {:?}",
                verdict(&condition)
            );
        }
    }

    /// What is told first is the statement that was meant.
    #[test]
    fn the_nearest_statement_comes_first() {
        let TrustVerdict::NotAllowed(refused) =
            verdict(&json!({"StringEquals": {"oidc.example/id/A:sub": "x"}}))
        else {
            panic!("it allows");
        };
        assert!(
            matches!(refused[0].as_slice(), [Objection::Condition { .. }]),
            "{refused:?}"
        );
        assert_eq!(refused.len(), 2);
    }

    #[test]
    fn a_denial_wins() {
        let document = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "sts:*", "Principal": {"Federated": PROVIDER}},
            {"Effect": "Deny", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": "*"}]});
        let request = TrustRequest {
            action: "sts:AssumeRoleWithWebIdentity",
            principal_kind: "Federated",
            principal: PROVIDER,
            context: &BTreeMap::new(),
        };
        assert_eq!(judge(&document, &request), TrustVerdict::Denied);
        assert_eq!(judge(&json!([]), &request), TrustVerdict::Unreadable);
    }
}
