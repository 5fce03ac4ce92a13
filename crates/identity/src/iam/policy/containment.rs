//! Whether one policy grants all that another grants, and from that whether a change grants more or less.
//!
//! The answers are sound, not complete: a "yes" is certain, a "no" may only mean that it was not seen. What neither
//! side is seen to contain is incomparable, and whoever asks for safety's sake takes that as broader.

use serde::{Deserialize, Serialize};

use super::document::{Document, Effect, Matcher};
use super::region::{Compiled, CompiledMatcher, Region, Search};

/// What a change of a policy does to the access that it grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessEffect {
    /// It grants all that it granted, and more.
    Broader,
    /// It grants less, and nothing that it did not grant.
    Narrower,
    /// It grants the same.
    Equal,
    /// Neither is seen to contain the other.
    Incomparable,
}

impl AccessEffect {
    /// Whether the change may grant something that was not granted.
    pub fn broadens(self) -> bool {
        matches!(self, Self::Broader | Self::Incomparable)
    }

    /// What a change from `before` to `after` does.
    pub(super) fn of(before: &Document, after: &Document) -> Self {
        let (before, after) = (Statements::new(before), Statements::new(after));
        match (after.covers(&before), before.covers(&after)) {
            (true, true) => Self::Equal,
            (true, false) => Self::Broader,
            (false, true) => Self::Narrower,
            (false, false) => Self::Incomparable,
        }
    }
}

/// Whether one matcher's values are all among another's, or the other way round.
pub(super) fn overlap(left: &Matcher, right: &Matcher) -> bool {
    let (left, right) = (
        CompiledMatcher::new(left, true, false),
        CompiledMatcher::new(right, true, false),
    );
    left.covers(&right) || right.covers(&left)
}

/// The statements of a policy by their effect.
struct Statements<'a> {
    allows: Vec<Compiled<'a>>,
    denies: Vec<Compiled<'a>>,
}

impl<'a> Statements<'a> {
    fn new(document: &'a Document) -> Self {
        let variables = document.version.has_variables();
        let compile = |effect: Effect| {
            let statements = document
                .statements
                .keys()
                .filter(move |statement| statement.effect == effect);
            statements
                .map(|statement| Compiled::new(statement, variables))
                .collect()
        };
        Self {
            allows: compile(Effect::Allow),
            denies: compile(Effect::Deny),
        }
    }

    /// Whether all that `narrow` grants is granted here. Each of its statements is among those that allow here, where it
    /// does not deny that itself; and what is denied here of one of its statements, it denies too.
    fn covers(&self, narrow: &Self) -> bool {
        let mut search = Search::default();
        let allowed: Vec<&Compiled<'_>> = self.allows.iter().chain(&narrow.denies).collect();
        let denied: Vec<&Compiled<'_>> = narrow.denies.iter().collect();
        narrow.allows.iter().all(|grant| {
            let grant = Region::of(grant);
            search.is_covered(&grant, &allowed)
                && self
                    .denies
                    .iter()
                    .all(|denial| search.is_covered(&grant.within(denial), &denied))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn change(before: Value, after: Value) -> AccessEffect {
        let read = |statements: Value| {
            Document::read(&json!({"Version": "2012-10-17", "Statement": statements})).expect("a policy")
        };
        AccessEffect::of(&read(before), &read(after))
    }

    fn allow(action: Value, resource: Value) -> Value {
        let mut statement = json!({"Effect": "Allow"});
        statement["Action"] = action;
        statement["Resource"] = resource;
        statement
    }

    fn trust(principal: Value, condition: Value) -> Value {
        let mut statement = json!({"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity"});
        statement["Principal"] = principal;
        statement["Condition"] = condition;
        json!([statement])
    }

    #[test]
    fn taking_a_wildcard_away_is_narrower() {
        let effect = change(
            allow(json!("s3:*"), json!("*")),
            allow(json!(["s3:GetObject", "S3:List*"]), json!("arn:aws:s3:::a/*")),
        );
        assert_eq!(effect, AccessEffect::Narrower);
        assert!(!effect.broadens());
    }

    #[test]
    fn less_here_and_more_there_counts_as_broader() {
        let effect = change(
            allow(json!("s3:*"), json!("arn:aws:s3:::a/*")),
            allow(json!("s3:GetObject"), json!("*")),
        );
        assert_eq!(effect, AccessEffect::Incomparable);
        assert!(effect.broadens());
    }

    #[test]
    fn statement_may_become_two() {
        let together = allow(json!(["s3:GetObject", "s3:PutObject"]), json!("*"));
        let apart = json!([
            allow(json!("s3:GetObject"), json!("*")),
            allow(json!("s3:PutObject"), json!("*"))
        ]);
        assert_eq!(change(together, apart), AccessEffect::Equal);
    }

    #[test]
    fn denials_work_the_other_way() {
        let deny = |action: &str| json!({"Effect": "Deny", "Action": action, "Resource": "*"});
        let all = allow(json!("*"), json!("*"));
        assert_eq!(
            change(json!([all]), json!([all, deny("iam:*")])),
            AccessEffect::Narrower
        );
        assert_eq!(
            change(json!([all, deny("iam:*")]), json!([all, deny("iam:Pass*")])),
            AccessEffect::Broader
        );
    }

    #[test]
    fn not_action_grants_all_but_what_it_lists() {
        let all_but = |actions: Value| json!({"Effect": "Allow", "NotAction": actions, "Resource": "*"});
        let wide = all_but(json!("iam:*"));
        assert_eq!(
            change(wide.clone(), all_but(json!(["iam:*", "s3:*"]))),
            AccessEffect::Narrower
        );
        assert_eq!(
            change(allow(json!("s3:*"), json!("*")), wide.clone()),
            AccessEffect::Broader
        );
        assert_eq!(
            change(allow(json!("i*"), json!("*")), wide.clone()),
            AccessEffect::Incomparable
        );
        assert_eq!(change(wide, allow(json!("*"), json!("*"))), AccessEffect::Broader);
    }

    #[test]
    fn irsa_trust_policy_is_broader_by_every_way_of_widening() {
        let provider = json!({"Federated": "arn:aws:iam::111122223333:oidc-provider/example.com/id/A"});
        let exact = trust(
            provider.clone(),
            json!({"StringEquals": {"example.com/id/A:aud": "sts.amazonaws.com", "example.com/id/A:sub": "system:serviceaccount:app:reader"}}),
        );
        let aud = json!({"example.com/id/A:aud": "sts.amazonaws.com"});
        for (what, after) in [
            (
                "sub removed",
                trust(provider.clone(), json!({"StringEquals": aud.clone()})),
            ),
            (
                "aud removed",
                trust(
                    provider.clone(),
                    json!({"StringEquals": {"example.com/id/A:sub": "system:serviceaccount:app:reader"}}),
                ),
            ),
            ("no condition", trust(provider.clone(), json!({}))),
            (
                "pattern",
                trust(
                    provider.clone(),
                    json!({"StringEquals": aud.clone(), "StringLike": {"example.com/id/A:sub": "system:serviceaccount:app:*"}}),
                ),
            ),
            (
                "another subject",
                trust(
                    provider.clone(),
                    json!({"StringEquals": {"example.com/id/A:aud": "sts.amazonaws.com", "example.com/id/A:sub": ["system:serviceaccount:app:reader", "system:serviceaccount:app:writer"]}}),
                ),
            ),
            (
                "if it exists",
                trust(
                    provider.clone(),
                    json!({"StringEquals": aud.clone(), "StringEqualsIfExists": {"example.com/id/A:sub": "system:serviceaccount:app:reader"}}),
                ),
            ),
            (
                "principal added",
                trust(
                    json!({"Federated": "arn:aws:iam::111122223333:oidc-provider/example.com/id/A", "AWS": "444455556666"}),
                    exact[0]["Condition"].clone(),
                ),
            ),
        ] {
            assert_eq!(
                change(exact.clone(), after.clone()),
                AccessEffect::Broader,
                "{what}"
            );
            assert_eq!(
                change(after, exact.clone()),
                AccessEffect::Narrower,
                "{what}, back"
            );
        }
    }

    #[test]
    fn star_is_no_wildcard_in_string_equals() {
        let provider = json!({"Federated": "arn:aws:iam::111122223333:oidc-provider/example.com"});
        let equals = trust(
            provider.clone(),
            json!({"StringEquals": {"example.com:sub": "a*"}}),
        );
        let like = trust(provider, json!({"StringLike": {"example.com:sub": "a*"}}));
        assert_eq!(change(equals, like), AccessEffect::Broader);
    }

    #[test]
    fn negated_and_ordered_conditions() {
        let with = |condition: Value| json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": condition});
        let not = |values: Value| with(json!({"StringNotEquals": {"aws:PrincipalTag/team": values}}));
        assert_eq!(
            change(not(json!(["a", "b"])), not(json!(["a"]))),
            AccessEffect::Broader
        );
        let less = |value: u32| with(json!({"NumericLessThan": {"aws:MultiFactorAuthAge": value}}));
        assert_eq!(change(less(1), less(2)), AccessEffect::Broader);
        let arn = |value: &str| with(json!({"ArnLike": {"aws:SourceArn": value}}));
        assert_eq!(
            change(arn("arn:aws:sns:*:111122223333:a"), arn("arn:aws:sns:*:*:a")),
            AccessEffect::Broader
        );
        assert_eq!(
            change(arn("arn:aws:sns:*:1:x"), arn("arn:aws:sns:*:x")),
            AccessEffect::Incomparable
        );
    }
}
