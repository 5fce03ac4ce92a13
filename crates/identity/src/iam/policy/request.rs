//! Whether a trust policy lets a request through, statement by statement, and what each statement holds against it or
//! leaves open.
//!
//! Sources: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html> (a denial wins) and
//! `reference_policies_elements_condition.html` of the same guide: the keys of one statement must all hold, and one value
//! of a key is enough. What a statement holds against a request is said by `matching`.

use serde_json::Value;

use super::{
    context::RequestContext,
    document::{Document, Principals},
    matching::{Asked, Compiled, Objection},
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
    let Some((version, statements)) = Document::read_in_order(document) else {
        return TrustVerdict::Unreadable;
    };
    let action = request.action.to_ascii_lowercase();
    let asked = Asked {
        action: &action,
        resource: None,
        context: request.context,
    };
    let mut allowed = false;
    let mut open = Open::default();
    let mut refused = Vec::new();
    for (index, (statement, sid)) in statements.into_iter().enumerate() {
        let statement = Compiled::new(statement, version, sid, index + 1);
        let objections = statement.objections(&asked, |principals| means(principals, request));
        match (statement.allows(), objections.is_empty()) {
            (false, true) => return TrustVerdict::Denied,
            (true, true) => allowed = true,
            (false, false) if objections.iter().all(Objection::is_open) => open.denies.push(objections),
            (true, false) if objections.iter().all(Objection::is_open) => open.allows.push(objections),
            (false, false) => {}
            (true, false) => refused.push(objections),
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
    refused.sort_by_key(|objections| objections.iter().map(Objection::distance).sum::<usize>());
    TrustVerdict::NotAllowed(refused)
}

/// Whether a statement means the request's principal: by name, as everyone, or as everyone but others. Nothing where it
/// names `*` of a kind for which AWS documents no wildcard.
fn means(principals: Option<&Principals>, request: &TrustRequest<'_>) -> Option<bool> {
    let Some(principals) = principals else {
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
    fn nearest_statement_comes_first() {
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
    fn denial_wins() {
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
