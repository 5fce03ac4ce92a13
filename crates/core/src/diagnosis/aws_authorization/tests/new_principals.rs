//! Who makes a user or a role with any right, and becomes it.

use serde_json::{Value, json};

use super::{
    REPORTS, allow, arn,
    escalation::{of_eve, user_arn, world},
};

const USER: &str = "a new user with any right: makes a new user, gives it any policy and makes an access key of it \
                    (iam:CreateUser, iam:PutUserPolicy, iam:CreateAccessKey)";
const ROLE: &str = "a new role with any right: makes a new role that trusts it and gives it any policy (iam:CreateRole, \
                    iam:PutRolePolicy)";

fn with(mut statement: Value, operator: &str, key: &str, value: &str) -> Value {
    statement["Condition"] = json!({operator: {key: value}});
    statement
}

fn told(statements: Value) -> Vec<String> {
    of_eve(&world(statements).list("s3:GetObject", REPORTS))
}

#[test]
fn new_user_or_role_has_what_its_maker_gives_it() {
    let user = |create: &str, put: &str, key: &str| {
        vec![
            allow("iam:CreateUser", &user_arn(create)),
            allow("iam:PutUserPolicy", &user_arn(put)),
            allow("iam:CreateAccessKey", &user_arn(key)),
        ]
    };
    let role = |create: &str, put: &str| {
        vec![
            allow("iam:CreateRole", &arn(create)),
            allow("iam:PutRolePolicy", &arn(put)),
        ]
    };
    let deny = |action: &str| json!({"Effect": "Deny", "Action": action, "Resource": "*"});
    let and = |mut statements: Vec<Value>, more: Value| {
        statements.push(more);
        statements
    };
    let without_key = user("ci/*", "ci/*", "ci/*")[..2].to_vec();
    for (statements, expected) in [
        (user("ci/*", "ci/*", "ci/*"), Some(USER)),
        // The three must be about one and the same.
        (user("ci/*", "app/*", "ci/*"), None),
        (user("a-*", "*-b", "a-*"), Some(USER)),
        (user("ci/robot", "ci/robot", "ci/*"), Some(USER)),
        (without_key, None),
        // Somebody who is there is not made.
        (user("ann", "ann*", "ci/*"), None),
        // What denies it something denies the new one nothing.
        (and(user("ci/*", "ci/*", "ci/*"), deny("s3:*")), Some(USER)),
        (and(user("ci/*", "ci/*", "ci/*"), deny("iam:CreateUser")), None),
        (role("ci/*", "ci/*"), Some(ROLE)),
        (role("ci/*", "app/*"), None),
        (and(role("ci/*", "ci/*"), deny("s3:*")), Some(ROLE)),
        // A role is to be assumed, which its own deny forbids.
        (and(role("ci/*", "ci/*"), deny("sts:AssumeRole")), None),
    ] {
        let expected: Vec<String> = expected.into_iter().map(ToOwned::to_owned).collect();
        assert_eq!(told(Value::from(statements.clone())), expected, "{statements:?}");
    }
}

/// Conditions on what is attached, and on the boundary that a new one must get.
#[test]
fn new_user_that_is_limited_depends_on_its_limits() {
    let team = user_arn("ci/*");
    let key = allow("iam:CreateAccessKey", &team);
    let reads = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let limited = told(json!([
        allow("iam:CreateUser", &team),
        with(
            allow("iam:AttachUserPolicy", &team),
            "ArnEquals",
            "iam:PolicyARN",
            reads
        ),
        key
    ]));
    assert_eq!(limited.len(), 1, "{limited:?}");
    assert!(
        limited[0].contains("whether a policy that it may attach allows what is asked"),
        "{limited:?}"
    );
    let boundary = "arn:aws:iam::111122223333:policy/limits";
    let bounded = |action: &str| {
        with(
            allow(action, &team),
            "StringEquals",
            "iam:PermissionsBoundary",
            boundary,
        )
    };
    let bounded = told(json!([
        bounded("iam:CreateUser"),
        bounded("iam:PutUserPolicy"),
        key
    ]));
    assert_eq!(bounded.len(), 1, "{bounded:?}");
    assert!(
        bounded[0].contains("what the permissions boundary leaves that it must give the new user"),
        "{bounded:?}"
    );
}
