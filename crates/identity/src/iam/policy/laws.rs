//! Laws of equality, difference and containment, checked over generated policies.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use super::{AccessEffect, difference, equal};

/// One policy as data, to be spelled in many ways.
#[derive(Debug, Clone)]
struct Plain {
    statements: Vec<PlainStatement>,
}

#[derive(Debug, Clone)]
struct PlainStatement {
    effect: &'static str,
    action_field: &'static str,
    actions: Vec<&'static str>,
    resource_field: &'static str,
    resources: Vec<&'static str>,
    condition: Option<(&'static str, Vec<&'static str>)>,
}

fn statement() -> impl Strategy<Value = PlainStatement> {
    let actions = vec![
        "*",
        "s3:*",
        "s3:Get*",
        "s3:GetObject",
        "s3:PutObject",
        "iam:PassRole",
    ];
    let resources = vec![
        "*",
        "arn:aws:s3:::a",
        "arn:aws:s3:::a/*",
        "arn:aws:s3:::${aws:username}/*",
    ];
    let condition = (
        select(vec![
            "StringEquals",
            "StringLike",
            "StringNotEquals",
            "StringEqualsIfExists",
            "ForAnyValue:StringLike",
        ]),
        subsequence(vec!["x", "y*", "*"], 1..=2),
    );
    (
        select(vec!["Allow", "Allow", "Deny"]),
        select(vec!["Action", "Action", "Action", "NotAction"]),
        subsequence(actions, 1..=3),
        select(vec!["Resource", "Resource", "Resource", "NotResource"]),
        subsequence(resources, 1..=2),
        proptest::option::of(condition),
    )
        .prop_map(
            |(effect, action_field, actions, resource_field, resources, condition)| PlainStatement {
                effect,
                action_field,
                actions,
                resource_field,
                resources,
                condition,
            },
        )
}

fn policy() -> impl Strategy<Value = Plain> {
    proptest::collection::vec(statement(), 1..4).prop_map(|statements| Plain { statements })
}

/// Writes a policy down. Each bit of `spelling` chooses between two ways to say the same.
fn spell(policy: &Plain, mut spelling: u64) -> Value {
    let mut choose = || {
        let choice = spelling & 1 == 1;
        spelling = spelling.rotate_right(1);
        choice
    };
    let mut statements = Vec::new();
    for (index, plain) in policy.statements.iter().enumerate() {
        let mut list = |values: &[&str], fold: bool| {
            let mut values: Vec<String> = values
                .iter()
                .map(|value| {
                    if fold && choose() {
                        value.to_uppercase()
                    } else {
                        (*value).to_owned()
                    }
                })
                .collect();
            if choose() {
                values.reverse();
            }
            match values.as_slice() {
                [only] if choose() => json!(only),
                _ => json!(values),
            }
        };
        let mut statement = json!({"Effect": plain.effect});
        statement[plain.action_field] = list(&plain.actions, true);
        statement[plain.resource_field] = list(&plain.resources, false);
        if let Some((operator, values)) = &plain.condition {
            let key = if list(&["k"], false).is_array() {
                "aws:RequestTag/team"
            } else {
                "AWS:requesttag/team"
            };
            statement["Condition"] = json!({*operator: {key: list(values, false)}});
        }
        if choose() {
            statement["Sid"] = json!(format!("S{index}"));
        }
        statements.push(statement);
    }
    if choose() {
        statements.reverse();
    }
    let statements = match statements.as_slice() {
        [only] if choose() => only.clone(),
        _ => json!(statements),
    };
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn access(before: &Value, after: &Value) -> AccessEffect {
    difference(Some(before), Some(after)).access
}

proptest! {
    #[test]
    fn spelling_never_matters(plain in policy(), one in any::<u64>(), other in any::<u64>()) {
        let (one, other) = (spell(&plain, one), spell(&plain, other));
        prop_assert!(equal(&one, &other));
        let found = difference(Some(&one), Some(&other));
        prop_assert!(found.is_empty());
        prop_assert_eq!(found.access, AccessEffect::Equal);
    }

    #[test]
    fn equality_is_symmetric_and_is_an_empty_difference(left in policy(), right in policy()) {
        let (left, right) = (spell(&left, 0), spell(&right, 0));
        prop_assert_eq!(equal(&left, &right), equal(&right, &left));
        prop_assert_eq!(equal(&left, &right), difference(Some(&left), Some(&right)).is_empty());
    }

    #[test]
    fn going_back_undoes_the_effect(left in policy(), right in policy()) {
        let (left, right) = (spell(&left, 0), spell(&right, 0));
        let expected = match access(&left, &right) {
            AccessEffect::Broader => AccessEffect::Narrower,
            AccessEffect::Narrower => AccessEffect::Broader,
            same => same,
        };
        prop_assert_eq!(access(&right, &left), expected);
    }

    #[test]
    fn another_allow_never_narrows_and_one_denial_less_neither(plain in policy(), extra in statement()) {
        let mut more = plain.clone();
        more.statements.push(PlainStatement { effect: "Allow", ..extra.clone() });
        let effect = access(&spell(&plain, 0), &spell(&more, 0));
        prop_assert!(matches!(effect, AccessEffect::Broader | AccessEffect::Equal), "{effect:?}");

        let mut denied = plain.clone();
        denied.statements.push(PlainStatement { effect: "Deny", ..extra });
        let effect = access(&spell(&denied, 0), &spell(&plain, 0));
        prop_assert!(matches!(effect, AccessEffect::Broader | AccessEffect::Equal), "{effect:?}");
    }

    #[test]
    fn narrower_means_that_no_request_is_newly_allowed((before, after) in related_policies()) {
        // Judged by evaluating requests, apart from the code under test.
        let effect = access(&spell(&before, 0), &spell(&after, 0));
        if !effect.broadens() {
            for request in requests() {
                prop_assert!(!is_allowed(&after, &request) || is_allowed(&before, &request), "{request:?}");
            }
        }
    }
}

/// Two policies with statements in common, so that one often contains the other.
fn related_policies() -> impl Strategy<Value = (Plain, Plain)> {
    proptest::collection::vec(statement(), 4).prop_flat_map(|pool| {
        let some = || subsequence(pool.clone(), 1..=3).prop_map(|statements| Plain { statements });
        (some(), some())
    })
}

/// An action, a resource and the values of the one condition key, or none.
type Request = (&'static str, &'static str, Vec<&'static str>);

fn requests() -> Vec<Request> {
    let mut all = Vec::new();
    for action in [
        "s3:getobject",
        "s3:getacl",
        "s3:putobject",
        "s3:x",
        "iam:passrole",
        "iam:x",
    ] {
        for resource in [
            "arn:aws:s3:::a",
            "arn:aws:s3:::a/b",
            "arn:aws:s3:::me/b",
            "arn:aws:s3:::b",
        ] {
            for values in [
                vec![],
                vec!["x"],
                vec!["y*"],
                vec!["yes"],
                vec!["z"],
                vec!["x", "z"],
            ] {
                all.push((action, resource, values));
            }
        }
    }
    all
}

fn is_allowed(policy: &Plain, request: &Request) -> bool {
    let fits = |effect: &str| {
        policy
            .statements
            .iter()
            .any(|statement| statement.effect == effect && applies(statement, request))
    };
    fits("Allow") && !fits("Deny")
}

fn applies(statement: &PlainStatement, (action, resource, values): &Request) -> bool {
    let among = |patterns: &[&str], text: &str| {
        patterns.iter().any(|pattern| {
            is_match(
                pattern.replace("${aws:username}", "me").as_bytes(),
                text.as_bytes(),
            )
        })
    };
    let folded: Vec<String> = statement
        .actions
        .iter()
        .map(|action| action.to_lowercase())
        .collect();
    let folded: Vec<&str> = folded.iter().map(String::as_str).collect();
    let action_fits = among(&folded, action) == (statement.action_field == "Action");
    let resource_fits = among(&statement.resources, resource) == (statement.resource_field == "Resource");
    let condition_fits = statement.condition.as_ref().is_none_or(|(operator, wanted)| {
        let equal = values.iter().any(|value| wanted.contains(value));
        let like = values.iter().any(|value| among(wanted, value));
        match *operator {
            "StringEquals" => equal,
            "StringNotEquals" => !equal,
            "StringEqualsIfExists" => values.is_empty() || equal,
            _ => like,
        }
    });
    action_fits && resource_fits && condition_fits
}

fn is_match(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|length| is_match(rest, &text[length..])),
        Some((first, rest)) => text
            .split_first()
            .is_some_and(|(letter, tail)| first == letter && is_match(rest, tail)),
    }
}
