//! Whether a trust policy lets a web identity assume the role, and if not, what stands in the way: IAM's own rules, for the
//! keys that a token of a service account has.
//!
//! Source: the IAM guide, "Available keys for AWS web identity federation" and "IAM JSON policy elements: Condition".

use std::collections::BTreeSet;

use serde_json::Value;

use super::document::{Document, Effect, Statement, Word};
use super::operator::{Comparison, Operator};
use super::pattern::Pattern;

/// The action that a token is used for.
const ACTION: &str = "sts:assumerolewithwebidentity";

/// An identity as STS sees it in a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebIdentity<'a> {
    /// ARN of the OIDC provider in IAM.
    pub provider_arn: &'a str,
    /// The issuer's host and path, as condition keys begin.
    pub issuer: &'a str,
    /// `sub`.
    pub subject: &'a str,
    /// `aud`.
    pub audience: &'a str,
}

/// What stands in the way of an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// The document cannot be read as a policy.
    Unreadable,
    /// No statement allows this provider; the providers that are allowed.
    OtherProvider(Vec<String>),
    /// The statement for the provider allows other actions only.
    OtherAction(Vec<String>),
    /// A condition does not hold.
    Condition(FailedCondition),
    /// A statement denies it.
    Denied,
}

/// A condition that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedCondition {
    /// The operator.
    pub operator: String,
    /// The key as it is written.
    pub key: String,
    /// The values that would do.
    pub values: Vec<String>,
    /// What the token has; nothing where it has no such key.
    pub actual: Option<String>,
    /// What has probably gone wrong.
    pub cause: Cause,
}

/// What has probably gone wrong with a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A wildcard stands under an operator that compares letter by letter.
    WildcardTakenLiterally,
    /// The subject is compared with the audience, or the other way round.
    Swapped,
    /// The condition is about another issuer, so that the token has no such key.
    OtherIssuer,
    /// Another namespace, the same name.
    OtherNamespace,
    /// Another value.
    OtherValue,
}

/// What keeps `identity` from assuming the role with this trust policy; nothing if it may. Where several statements are for
/// its provider, it is what the nearest of them lacks.
pub fn obstacles(trust_policy: &Value, identity: &WebIdentity<'_>) -> Vec<Obstacle> {
    let Some(document) = Document::read(trust_policy) else {
        return vec![Obstacle::Unreadable];
    };
    let variables = document.version.has_variables();
    let statements = || document.statements.keys();
    let concerns = |statement: &&Statement| {
        statement.has_principal("Federated", identity.provider_arn)
            || statement.has_principal("Federated", "*")
            || statement.has_principal("AWS", "*")
    };
    let denies = |statement: &Statement| {
        statement.effect == Effect::Deny
            && concerns(&statement)
            && allows_action(statement)
            && failed(statement, identity, variables).is_empty()
    };
    if statements().any(denies) {
        return vec![Obstacle::Denied];
    }
    let allowing = || statements().filter(|statement| statement.effect == Effect::Allow);
    let nearest = allowing()
        .filter(concerns)
        .map(|statement| {
            if !allows_action(statement) {
                let written = statement.actions.words.iter();
                return vec![Obstacle::OtherAction(
                    written.map(|word| word.written.clone()).collect(),
                )];
            }
            failed(statement, identity, variables)
                .into_iter()
                .map(Obstacle::Condition)
                .collect()
        })
        .min_by_key(Vec::len);
    nearest.unwrap_or_else(|| {
        let providers: BTreeSet<String> = allowing()
            .filter_map(|statement| statement.principals.as_ref())
            .flat_map(|principals| &principals.members)
            .filter(|(kind, _)| kind == "Federated")
            .map(|(_, word)| word.written.clone())
            .collect();
        vec![Obstacle::OtherProvider(providers.into_iter().collect())]
    })
}

fn allows_action(statement: &Statement) -> bool {
    let named = statement
        .actions
        .words
        .iter()
        .any(|word| Pattern::new(&word.key, false).contains(&Pattern::literal(ACTION, false)));
    named != statement.actions.negated
}

/// The conditions of a statement that do not hold.
fn failed(statement: &Statement, identity: &WebIdentity<'_>, variables: bool) -> Vec<FailedCondition> {
    statement
        .conditions
        .iter()
        .filter_map(|((operator, key), values)| {
            let operator = Operator::read(operator)?;
            let actual = value_of(key, identity);
            if holds(operator, values, actual, variables) {
                return None;
            }
            Some(FailedCondition {
                operator: operator.written(),
                key: key.written.clone(),
                values: values.iter().cloned().collect(),
                actual: actual.map(str::to_owned),
                cause: cause(operator, key, values, identity),
            })
        })
        .collect()
}

/// What the token has under a key; `None` for a key that it lacks.
fn value_of<'a>(key: &Word, identity: &WebIdentity<'a>) -> Option<&'a str> {
    let claim = key
        .key
        .strip_prefix(&identity.issuer.to_ascii_lowercase())?
        .strip_prefix(':')?;
    match claim {
        "sub" => Some(identity.subject),
        "aud" => Some(identity.audience),
        _ => None,
    }
}

fn holds(operator: Operator, values: &BTreeSet<String>, actual: Option<&str>, variables: bool) -> bool {
    if operator.name == "Null" {
        return values
            .iter()
            .any(|value| value.eq_ignore_ascii_case(if actual.is_none() { "true" } else { "false" }));
    }
    let Some(actual) = actual else {
        return operator.if_exists || operator.is_negated() || operator.qualifier == Some("ForAllValues");
    };
    let fits = values.iter().any(|value| match operator.comparison() {
        Comparison::Exact => Pattern::literal(value, variables) == Pattern::literal(actual, false),
        Comparison::AnyCase => {
            Pattern::literal(&value.to_lowercase(), variables)
                == Pattern::literal(&actual.to_lowercase(), false)
        }
        Comparison::Wildcards | Comparison::Arn => {
            Pattern::new(value, variables).contains(&Pattern::literal(actual, false))
        }
        Comparison::Other => false,
    });
    fits != operator.is_negated()
}

fn cause(operator: Operator, key: &Word, values: &BTreeSet<String>, identity: &WebIdentity<'_>) -> Cause {
    let claim = key.key.rsplit(':').next().unwrap_or_default();
    let Some(actual) = value_of(key, identity) else {
        return if matches!(claim, "sub" | "aud") {
            Cause::OtherIssuer
        } else {
            Cause::OtherValue
        };
    };
    let as_pattern = |value: &String| {
        value.contains(['*', '?']) && Pattern::new(value, false).contains(&Pattern::literal(actual, false))
    };
    if operator.comparison() == Comparison::Exact && values.iter().any(as_pattern) {
        return Cause::WildcardTakenLiterally;
    }
    let other = if claim == "sub" {
        identity.audience
    } else {
        identity.subject
    };
    let looks_swapped =
        |value: &String| value == other || (claim == "aud" && value.starts_with("system:serviceaccount:"));
    if values.iter().any(looks_swapped) {
        return Cause::Swapped;
    }
    let name = |subject: &str| subject.rsplit(':').next().map(str::to_owned);
    let is_subject = |value: &&String| value.starts_with("system:serviceaccount:");
    if claim == "sub"
        && values
            .iter()
            .filter(is_subject)
            .any(|value| name(value) == name(actual))
    {
        return Cause::OtherNamespace;
    }
    Cause::OtherValue
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC";
    const READER: WebIdentity<'static> = WebIdentity {
        provider_arn: PROVIDER,
        issuer: "oidc.eks.eu-west-1.amazonaws.com/id/ABC",
        subject: "system:serviceaccount:app:reader",
        audience: "sts.amazonaws.com",
    };

    fn trust(condition: Value) -> Value {
        json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Federated": PROVIDER}, "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": condition,
        }]})
    }

    fn key(claim: &str) -> String {
        format!("{}:{claim}", READER.issuer)
    }

    fn causes(condition: Value) -> Vec<Cause> {
        obstacles(&trust(condition), &READER)
            .into_iter()
            .map(|obstacle| match obstacle {
                Obstacle::Condition(condition) => condition.cause,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn the_usual_policies_let_it_in() {
        for condition in [
            json!({"StringEquals": {key("sub"): READER.subject, key("aud"): READER.audience}}),
            json!({"StringLike": {key("sub"): "system:serviceaccount:app:*"}}),
            json!({"StringEquals": {key("sub"): ["system:serviceaccount:x:y", READER.subject]}}),
            json!({"StringLikeIfExists": {key("amr"): "x"}}),
            json!({"ForAnyValue:StringEquals": {key("aud"): ["sts.amazonaws.com"]}}),
            json!({"StringNotEquals": {key("sub"): "system:serviceaccount:x:y"}}),
            json!({}),
        ] {
            assert_eq!(obstacles(&trust(condition.clone()), &READER), [], "{condition}");
        }
    }

    #[test]
    fn each_mistake_has_its_cause() {
        let sub = |value: &str| json!({"StringEquals": {key("sub"): value}});
        assert_eq!(
            causes(sub("system:serviceaccount:app:*")),
            [Cause::WildcardTakenLiterally]
        );
        assert_eq!(
            causes(sub("system:serviceaccount:other:reader")),
            [Cause::OtherNamespace]
        );
        assert_eq!(
            causes(sub("system:serviceaccount:app:writer")),
            [Cause::OtherValue]
        );
        let swapped = json!({"StringEquals": {key("sub"): READER.audience, key("aud"): READER.subject}});
        assert_eq!(causes(swapped), [Cause::Swapped, Cause::Swapped]);
        let other = json!({"StringEquals": {"oidc.eks.eu-west-1.amazonaws.com/id/OLD:sub": READER.subject}});
        assert_eq!(causes(other), [Cause::OtherIssuer]);
        assert_eq!(
            causes(json!({"StringEquals": {key("aud"): "sts.amazonaws.com.cn"}})),
            [Cause::OtherValue]
        );
    }

    #[test]
    fn providers_actions_and_denials_are_told_apart() {
        let mut policy = trust(json!({}));
        policy["Statement"][0]["Action"] = json!("sts:AssumeRole");
        assert_eq!(
            obstacles(&policy, &READER),
            [Obstacle::OtherAction(vec!["sts:AssumeRole".to_owned()])]
        );
        policy["Statement"][0]["Principal"] =
            json!({"Federated": "arn:aws:iam::111122223333:oidc-provider/x"});
        let other = Obstacle::OtherProvider(vec!["arn:aws:iam::111122223333:oidc-provider/x".to_owned()]);
        assert_eq!(obstacles(&policy, &READER), [other]);
        let mut denied = trust(json!({}));
        let mut denial = denied["Statement"][0].clone();
        denial["Effect"] = json!("Deny");
        denied["Statement"].as_array_mut().unwrap().push(denial);
        assert_eq!(obstacles(&denied, &READER), [Obstacle::Denied]);
        assert_eq!(obstacles(&json!("x"), &READER), [Obstacle::Unreadable]);
    }
}
