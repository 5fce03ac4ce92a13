//! What follows from what, by pairs of conditions on one key.

use serde_json::{Value, json};

use super::*;
use crate::iam::policy::document::Document;

/// Whether the first conditions, on one key, leave no request when the second do not hold.
fn follows(held: &Value, missed: &Value) -> bool {
    let read = |condition: &Value| {
        let statement = json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": condition});
        let document = Document::read(&json!({"Version": "2012-10-17", "Statement": statement}));
        document
            .expect("a policy")
            .statements
            .into_keys()
            .next()
            .expect("a statement")
            .conditions
    };
    let (held, missed) = (read(held), read(missed));
    let held = held
        .iter()
        .map(|condition| (Condition::new(condition, true), true));
    let missed = missed
        .iter()
        .map(|condition| (Condition::new(condition, true), false));
    are_impossible(&held.chain(missed).collect::<Vec<_>>())
}

fn on(key: &str, operator: &str, values: &Value) -> Value {
    json!({operator: {key: values}})
}

#[test]
fn conditions_on_a_key_of_one_value_follow_from_one_another() {
    let key = |operator: &str, values: Value| on("aws:PrincipalTag/team", operator, &values);
    for (held, missed, expected) in [
        (
            key("StringEquals", json!("web")),
            key("StringLike", json!("w*")),
            true,
        ),
        (
            key("StringEquals", json!("web")),
            key("StringEqualsIgnoreCase", json!("WEB")),
            true,
        ),
        (
            key("StringEqualsIgnoreCase", json!("WEB")),
            key("StringEquals", json!("web")),
            false,
        ),
        (
            key("StringEquals", json!("web")),
            key("StringNotEquals", json!(["ops", "dev"])),
            true,
        ),
        (
            key("StringEquals", json!("web")),
            key("Null", json!("false")),
            true,
        ),
        (
            key("StringNotEquals", json!("web")),
            key("Null", json!("false")),
            false,
        ),
        (
            key("StringNotEquals", json!("web")),
            key("StringNotEqualsIfExists", json!("web")),
            true,
        ),
        (
            key("StringNotEqualsIfExists", json!("web")),
            key("StringNotEquals", json!("web")),
            true,
        ),
        (
            key("StringEqualsIfExists", json!("web")),
            key("StringEquals", json!("web")),
            false,
        ),
        (
            key("StringEquals", json!("${aws:username}")),
            key("StringEquals", json!("${aws:username}")),
            true,
        ),
        (
            key("StringEquals", json!("${aws:username}")),
            key("StringNotEquals", json!("ops")),
            false,
        ),
        (
            key("StringLike", json!("*")),
            key("StringEquals", json!("*")),
            false,
        ),
    ] {
        assert_eq!(follows(&held, &missed), expected, "{held} {missed}");
    }
}

#[test]
fn conditions_on_lists_are_about_each_value_or_some() {
    let key = |operator: &str, values: Value| on("aws:TagKeys", operator, &values);
    for (held, missed, expected) in [
        (
            key("ForAnyValue:StringEquals", json!("a")),
            key("ForAnyValue:StringLike", json!("*")),
            true,
        ),
        (
            key("ForAnyValue:StringEquals", json!("a")),
            key("ForAllValues:StringEquals", json!("a")),
            false,
        ),
        (
            key("ForAllValues:StringEquals", json!("a")),
            key("ForAnyValue:StringEquals", json!("a")),
            false,
        ),
        (
            key("ForAllValues:StringEquals", json!("a")),
            key("ForAllValues:StringEquals", json!(["a", "b"])),
            true,
        ),
        (
            key("ForAnyValue:StringEquals", json!("a")),
            key("Null", json!("false")),
            true,
        ),
        // A key that nobody says has one value: what follows from two conditions together may not for a list.
        (
            on("x:y", "StringEquals", &json!("a")),
            on("x:y", "StringLike", &json!("*")),
            true,
        ),
        (
            on("x:y", "StringEquals", &json!("a")),
            on("x:y", "StringNotEquals", &json!("b")),
            false,
        ),
    ] {
        assert_eq!(follows(&held, &missed), expected, "{held} {missed}");
    }
}

#[test]
fn orders_truths_and_networks_are_understood() {
    let age = |operator: &str, value: u32| on("aws:MultiFactorAuthAge", operator, &json!(value));
    let ip = |operator: &str, network: &str| on("aws:SourceIp", operator, &json!(network));
    let mfa = |operator: &str, value: &str| on("aws:MultiFactorAuthPresent", operator, &json!(value));
    let time = |operator: &str, value: &str| on("aws:CurrentTime", operator, &json!(value));
    for (held, missed, expected) in [
        (age("NumericLessThan", 60), age("NumericLessThanEquals", 60), true),
        (
            age("NumericLessThanEquals", 60),
            age("NumericLessThan", 60),
            false,
        ),
        (age("NumericEquals", 60), age("NumericLessThan", 300), true),
        (age("NumericLessThan", 60), age("NumericNotEquals", 60), true),
        (
            ip("IpAddress", "10.1.0.0/16"),
            ip("IpAddress", "10.0.0.0/8"),
            true,
        ),
        (
            ip("IpAddress", "10.0.0.0/8"),
            ip("IpAddress", "10.1.0.0/16"),
            false,
        ),
        (ip("IpAddress", "10.1.0.0/16"), ip("IpAddress", "0.0.0.0/0"), true),
        (
            ip("IpAddress", "2001:db8::1"),
            ip("IpAddress", "2001:db8::/32"),
            true,
        ),
        (ip("IpAddress", "::/0"), ip("IpAddress", "0.0.0.0/0"), false),
        (mfa("Bool", "true"), mfa("BoolIfExists", "true"), true),
        (mfa("BoolIfExists", "true"), mfa("Bool", "true"), false),
        (mfa("Bool", "true"), mfa("Null", "false"), true),
        (
            time("DateLessThan", "2026-01-01T00:00:00Z"),
            time("DateLessThan", "2027-01-01T00:00:00Z"),
            true,
        ),
        (
            time("DateLessThan", "2027-01-01T00:00:00Z"),
            time("DateLessThan", "2026-01-01T00:00:00Z"),
            false,
        ),
    ] {
        assert_eq!(follows(&held, &missed), expected, "{held} {missed}");
    }
}
