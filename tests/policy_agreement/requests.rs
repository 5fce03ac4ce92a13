//! Requests that tell two policies apart: instances of what their statements say, and near misses of them.

use serde_json::{Map, Value, json};

use super::corpus::{Condition, Dice, PRINCIPALS, Policy, Statement};

/// Keys that a request has with several values.
const LISTS: &[&str] = &["aws:TagKeys"];

/// Requests that are about both policies.
pub(crate) fn about(dice: &mut Dice, before: &Policy, after: &Policy, count: usize) -> Vec<Value> {
    let statements: Vec<&Statement> = before.statements.iter().chain(&after.statements).collect();
    (0..count)
        .map(|_| request(dice, &statements, before.trust))
        .collect()
}

fn request(dice: &mut Dice, statements: &[&Statement], trust: bool) -> Value {
    let aim = *dice.one(statements);
    // A denial shows only where it meets what another statement allows, so parts of a request may come from several.
    let from = |dice: &mut Dice| {
        if dice.in_hundred(75) {
            aim
        } else {
            *dice.one(statements)
        }
    };
    let user = *dice.one(&[Some("ann"), Some("ann"), Some("w?b"), Some("web"), None]);
    let action = from(dice);
    let action = one_instance(dice, &action.actions.values, user);
    let action = if action.contains(':') {
        action
    } else if trust {
        dice.pick(&[
            "sts:AssumeRole",
            "sts:AssumeRoleWithWebIdentity",
            "sts:TagSession",
        ])
        .to_owned()
    } else {
        dice.pick(&[
            "s3:GetObject",
            "s3:PutObject",
            "iam:PassRole",
            "ec2:RunInstances",
            "sqs:SendMessage",
        ])
        .to_owned()
    };
    let resource = if trust {
        "arn:aws:iam::111122223333:role/trusting".to_owned()
    } else {
        let resource = from(dice);
        let found = one_instance(dice, &resource.resources.values, user);
        let spare = [
            "arn:aws:s3:::data/logs/x",
            "arn:aws:s3:::data/web/x",
            "arn:aws:s3:::other/x",
            "arn:aws:iam::111122223333:role/app-web",
            "arn:aws:iam::444455556666:role/app-web",
            "arn:aws:sqs:eu-west-1:111122223333:jobs",
            "arn:aws:dynamodb:eu-west-1:111122223333:table/t1",
        ];
        if found.matches(':').count() < 5 || dice.in_hundred(10) {
            dice.pick(&spare).to_owned()
        } else {
            found
        }
    };
    let mut context = Map::new();
    if let Some(user) = user {
        context.insert("aws:username".to_owned(), json!(user));
    }
    let mut conditions: Vec<&Condition> = statements
        .iter()
        .flat_map(|statement| &statement.conditions)
        .collect();
    // Those of the statement aimed at come last, and win.
    conditions.extend(&aim.conditions);
    for condition in conditions {
        if dice.in_hundred(20) {
            context.remove(condition.key);
            continue;
        }
        let value = |dice: &mut Dice| {
            let wanted = dice.one(&condition.values);
            of_condition(dice, &condition.operator, wanted, user)
        };
        let value = if LISTS.contains(&condition.key) {
            let values: Vec<String> = (0..=dice.roll(2)).map(|_| value(dice)).collect();
            json!(values)
        } else {
            json!(value(dice))
        };
        context.insert(condition.key.to_owned(), value);
    }
    json!({
        "principal": if trust { principal(dice, aim) } else { "arn:aws:iam::111122223333:role/dev".to_owned() },
        "action": action,
        "resource": resource,
        "context": context,
        "delegated": dice.in_hundred(50),
    })
}

fn one_instance(dice: &mut Dice, patterns: &[String], user: Option<&str>) -> String {
    let pattern = dice.one(patterns);
    instance(dice, pattern, user)
}

/// Who asks: a principal, and for an account one of its roles.
fn principal(dice: &mut Dice, aim: &Statement) -> String {
    let named = aim.named_principals();
    let named = if named.is_empty() || dice.in_hundred(25) {
        dice.pick(PRINCIPALS).to_owned()
    } else {
        dice.one(named).clone()
    };
    match named.split_once(' ').unwrap().1 {
        "*" => dice
            .pick(&[
                "arn:aws:iam::111122223333:role/dev",
                "arn:aws:iam::777788889999:role/far",
            ])
            .to_owned(),
        "111122223333" | "arn:aws:iam::111122223333:root" => dice
            .pick(&[
                "arn:aws:iam::111122223333:role/dev",
                "arn:aws:iam::111122223333:role/new",
            ])
            .to_owned(),
        other => other.to_owned(),
    }
}

/// A text that a pattern means, or that it just does not mean.
fn instance(dice: &mut Dice, pattern: &str, user: Option<&str>) -> String {
    let mut text = pattern.replace("${aws:username}", user.unwrap_or("ann"));
    while let Some(at) = text.find(['*', '?']) {
        let star = text[at..].starts_with('*');
        let with = if star {
            dice.pick(&["", "x", "Object", "logs/x", "b"])
        } else {
            dice.pick(&["x", "O", "b", "1"])
        };
        text.replace_range(at..=at, with);
    }
    if dice.in_hundred(8) {
        text.push('x');
    }
    text
}

/// A value of a key that is in or around what a condition asks for.
fn of_condition(dice: &mut Dice, operator: &str, wanted: &str, user: Option<&str>) -> String {
    let base = operator.split(':').next_back().unwrap();
    if base.starts_with("Numeric") {
        let number: i64 = wanted.parse().unwrap();
        return (number + [-1, 0, 1, -1000, 1000][dice.roll(5)]).to_string();
    }
    if base.starts_with("Date") {
        let other = [
            "2025-12-31T00:00:00Z",
            "2026-03-01T00:00:00Z",
            "2026-10-01T00:00:00Z",
            "2028-01-01T00:00:00Z",
        ];
        return if dice.in_hundred(40) {
            wanted.to_owned()
        } else {
            dice.pick(&other).to_owned()
        };
    }
    if base.starts_with("Bool") || base == "Null" {
        return dice.pick(&["true", "false"]).to_owned();
    }
    if base.contains("IpAddress") {
        let inside = wanted.split('/').next().unwrap().to_owned();
        let spare = ["10.1.2.3", "10.2.0.1", "192.0.2.7", "192.0.2.8", "203.0.113.1"];
        return if dice.in_hundred(40) {
            inside
        } else {
            dice.pick(&spare).to_owned()
        };
    }
    match dice.roll(8) {
        0 => wanted.to_uppercase(),
        1 => wanted.to_owned(),
        2 => dice
            .pick(&["web", "prod", "team", "system:serviceaccount:app:web", "none"])
            .to_owned(),
        _ => instance(dice, wanted, user),
    }
}
