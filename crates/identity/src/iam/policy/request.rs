//! Whether a trust policy lets a request through, statement by statement, and what each statement holds against it or
//! leaves open.
//!
//! Sources: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html> (a denial wins) and
//! `reference_policies_elements_condition.html` of the same guide: the keys of one statement must all hold, and one value
//! of a key is enough. What holds is said by `evaluation`.

use serde_json::Value;

use super::{
    context::{KeyValue, RequestContext},
    document::{Document, Effect, Statement},
    evaluation::{Doubt, holds},
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
    /// The condition keys, as far as they are known.
    pub context: &'request RequestContext,
}

/// What a statement holds against a request, or leaves open.
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
        /// Whether it may mean this one all the same.
        open: bool,
    },
    /// A condition does not hold, or may not hold.
    Condition {
        /// The operator as the guide writes it.
        operator: String,
        /// The key as the document writes it.
        key: String,
        /// The values that the document names.
        values: Vec<String>,
        /// The request's value; none where it has no such key.
        found: Option<String>,
        /// Why it cannot be said whether it holds; none where it does not hold.
        doubt: Option<Doubt>,
    },
}

impl Objection {
    /// Whether it only may stand against the request.
    pub fn is_open(&self) -> bool {
        matches!(
            self,
            Self::Condition { doubt: Some(_), .. } | Self::Principal { open: true, .. }
        )
    }
}

/// What a trust policy says to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustVerdict {
    /// A statement lets it through, and none denies it.
    Allowed,
    /// A statement denies it.
    Denied,
    /// It rests on conditions of which it cannot be said whether they hold.
    Depends(Open),
    /// No statement lets it through: what each of those that allow something holds against it, in the order of how near
    /// it comes.
    NotAllowed(Vec<Vec<Objection>>),
    /// The document cannot be read as a policy.
    Unreadable,
}

/// The conditions on which a verdict depends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Open {
    /// Of each statement that may allow it, what would have to hold: all of one list. Empty where a statement allows it
    /// whatever they are.
    pub allows: Vec<Vec<Objection>>,
    /// Of each statement that may deny it, what would have to hold for that: all of one list.
    pub denies: Vec<Vec<Objection>>,
}

/// Asks a trust policy about a request.
pub fn judge(document: &Value, request: &TrustRequest<'_>) -> TrustVerdict {
    let Some(document) = Document::read(document) else {
        return TrustVerdict::Unreadable;
    };
    let mut allowed = false;
    let mut open = Open::default();
    let mut refused = Vec::new();
    for statement in document.statements.keys() {
        let objections = objections(statement, document.version.has_variables(), request);
        match (statement.effect, objections.is_empty()) {
            (Effect::Deny, true) => return TrustVerdict::Denied,
            (Effect::Allow, true) => allowed = true,
            (Effect::Deny, false) if objections.iter().all(Objection::is_open) => {
                open.denies.push(objections);
            }
            (Effect::Allow, false) if objections.iter().all(Objection::is_open) => {
                open.allows.push(objections);
            }
            (Effect::Deny, false) => {}
            (Effect::Allow, false) => refused.push(objections),
        }
    }
    if allowed {
        open.allows.clear();
        return if open.denies.is_empty() {
            TrustVerdict::Allowed
        } else {
            TrustVerdict::Depends(open)
        };
    }
    if !open.allows.is_empty() {
        return TrustVerdict::Depends(open);
    }
    // What is open does not matter to a statement that does not allow it anyway.
    for objections in &mut refused {
        objections.retain(|objection| !objection.is_open());
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

/// Whether a statement means the request's principal: by name, as everyone, or as everyone but others. Nothing where it
/// names `*` of a kind for which AWS documents no wildcard.
fn means_principal(statement: &Statement, request: &TrustRequest<'_>) -> Option<bool> {
    let Some(principals) = &statement.principals else {
        return Some(false);
    };
    let names = |kind: &str, value: &str| {
        let mut members = principals.members.iter();
        members.any(|(own, word)| own == kind && word.key == value)
    };
    if names(request.principal_kind, request.principal) || names("AWS", "*") {
        Some(!principals.negated)
    } else if names(request.principal_kind, "*") {
        None
    } else {
        Some(principals.negated)
    }
}

fn objections(statement: &Statement, variables: bool, request: &TrustRequest<'_>) -> Vec<Objection> {
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
    let meant = means_principal(statement, request);
    if meant != Some(true) {
        found.push(Objection::Principal {
            named: statement
                .principals
                .iter()
                .flat_map(|principals| &principals.members)
                .map(|(kind, word)| (kind.clone(), word.written.clone()))
                .collect(),
            open: meant.is_none(),
        });
    }
    for ((operator, key), values) in &statement.conditions {
        let doubt = match holds(operator, &key.written, values, variables, request.context) {
            Ok(true) => continue,
            Ok(false) => None,
            Err(doubt) => Some(doubt),
        };
        found.push(Objection::Condition {
            operator: operator.clone(),
            key: key.written.clone(),
            values: values.iter().cloned().collect(),
            found: match request.context.get(&key.key) {
                KeyValue::Present(values) => Some(values.join(", ")),
                KeyValue::Absent | KeyValue::Unknown => None,
            },
            doubt,
        });
    }
    found
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
        let context = RequestContext::default()
            .with("oidc.example/id/A:sub", "system:serviceaccount:app:web")
            .with("oidc.example/id/A:aud", "sts.amazonaws.com")
            .of_provider("oidc.example/id/A");
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
            context: &RequestContext::default(),
        };
        assert_eq!(judge(&document, &request), TrustVerdict::Denied);
        assert_eq!(judge(&json!([]), &request), TrustVerdict::Unreadable);
    }
}
