//! Which policy documents IAM's grammar takes and which it refuses, with the words and places of the complaints.
//! Limits of size are not part of the grammar.

use serde_json::json;

use super::*;

fn errors(document: &Value, kind: PolicyKind) -> Vec<String> {
    check_grammar(document, kind)
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn policies_as_people_write_them_are_taken() {
    let identity = json!({"Version": "2012-10-17", "Id": "x", "Statement": [
        {"Sid": "A1", "Effect": "Allow", "Action": ["s3:Get*", "execute-api:Invoke"], "Resource": ["arn:aws:s3:::${aws:username}/*", "arn:*:s3:::b"],
         "Condition": {"ForAnyValue:StringLikeIfExists": {"aws:TagKeys": ["a*"]}, "Null": {"aws:TokenIssueTime": false}, "NumericLessThan": {"s3:max-keys": 10}}},
        {"Effect": "Deny", "NotAction": "*", "NotResource": "arn:aws-cn:s3"}]});
    assert_eq!(errors(&identity, PolicyKind::Identity), Vec::<String>::new());
    let trust = json!({"Statement": {"Sid": "", "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": ["111122223333", "*"], "Service": "pods.eks.amazonaws.com"}}});
    assert_eq!(errors(&trust, PolicyKind::Trust), Vec::<String>::new());
}

#[test]
fn mistakes_are_told_with_their_place() {
    let document = json!({"version": "2012-10-17", "Version": "2012-10-18", "Statement": [
        {"Sid": "a b", "Effect": "allow", "Action": "GetObject", "NotAction": "s3:*", "Resource": "data/*", "Principal": "*"},
        {"Sid": "x", "Effect": "Allow", "Action": [], "Resource": ["arn:aws-moon:s3:::a", 1]},
        {"Sid": "x", "Effect": "Allow", "Action": "s*3:Get", "Resources": "*",
         "Condition": {"StringEqual": {}, "Bool": {"aws:SecureTransport": "yes"}, "StringLike": {"sub": [], "a/b:c": {}}}},
        "text"
    ]});
    let pointers: Vec<String> = check_grammar(&document, PolicyKind::Identity)
        .into_iter()
        .map(|error| error.pointer)
        .collect();
    assert_eq!(
        pointers,
        [
            "/version",
            "/Version",
            "/Statement/0/Sid",
            "/Statement/0/Effect",
            "/Statement/0",
            "/Statement/0/Resource",
            "/Statement/0/Principal",
            "/Statement/1/Action",
            "/Statement/1/Resource/0",
            "/Statement/1/Resource/1",
            "/Statement/2/Resources",
            "/Statement/2/Sid",
            "/Statement/2/Action",
            "/Statement/2",
            "/Statement/2/Condition/Bool/aws:SecureTransport",
            "/Statement/2/Condition/StringEqual",
            "/Statement/2/Condition/StringLike/a~1b:c",
            "/Statement/2/Condition/StringLike/sub",
            "/Statement/2/Condition/StringLike/sub",
            "/Statement/3",
        ]
    );
    assert!(errors(&document, PolicyKind::Identity).contains(
        &"/Statement/2/Resources: `Resources` is not an element of a policy here; did you mean `Resource`?".to_owned()
    ));
}

#[test]
fn trust_policies_have_principals_and_no_resource() {
    let document = json!({"Statement": [
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Aws": "x", "AWS": ["1111", "arn:aws:iam::111122223333:role/*", ""]}},
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "everyone"}]});
    let pointers: Vec<String> = check_grammar(&document, PolicyKind::Trust)
        .into_iter()
        .map(|error| error.pointer)
        .collect();
    assert_eq!(
        pointers,
        [
            "/Statement/0/Action",
            "/Statement/0",
            "/Statement/0/Resource",
            "/Statement/1/Principal/Aws",
            "/Statement/1/Principal/AWS/0",
            "/Statement/1/Principal/AWS/1",
            "/Statement/1/Principal/AWS/2",
            "/Statement/2/Principal",
        ]
    );
}

#[test]
fn policy_without_a_statement_is_an_error() {
    for document in [json!({}), json!({"Statement": []}), json!([]), json!(null)] {
        assert_eq!(
            check_grammar(&document, PolicyKind::Identity).len(),
            1,
            "{document}"
        );
    }
}
