//! One case for each rule about a service account: eksctl's, and those that eksctl misses.

use insta::assert_snapshot;

use crate::config::tests::{HEAD, said};

/// What is said about service accounts, written as a YAML list in flow style.
fn about(accounts: &str) -> String {
    said(&format!(
        "{HEAD}iam: {{withOIDC: true, serviceAccounts: [{accounts}\n]}}\n"
    ))
}

/// What is said about one service account that is right but for these keys.
fn about_one(keys: &str) -> String {
    about(&format!(
        "\n{{metadata: {{name: a}}, attachPolicyARNs: ['arn:aws:iam::aws:policy/A'], {keys}}}"
    ))
}

#[test]
fn eksctls_rules_for_service_accounts() {
    assert_snapshot!(about("{metadata: {name: ''}, attachPolicyARNs: []}"), @r#"
    4:59: error: iam.serviceAccounts[0].metadata.name must be set
        help: write the name of the service account
    4:82: warning: the role of `default/` will have no policy
        help: attach one, unless resources trust the role by name
    "#);
    assert_snapshot!(about("{metadata: {name: a}, wellKnownPolicies: {autoScaler: false}}"), @r#"
    4:41: error: iam.serviceAccounts[0].wellKnownPolicies, iam.serviceAccounts[0].attachPolicyARNs, iam.serviceAccounts[0].attachRoleARN or iam.serviceAccounts[0].attachPolicy must be set
        help: for a role without any policy write `attachPolicyARNs: []`
    "#);
    assert_snapshot!(about("\n{metadata: {name: a}, attachPolicyARNs: ['arn:aws:iam::aws:policy/A']},\n{metadata: {name: a, namespace: default}, attachPolicyARNs: ['arn:aws:iam::aws:policy/A']}"), @r#"
    6:19: error: iam.serviceAccounts[1] is the service account `default/a`, which is in the list already: iam.serviceAccounts[0], on line 5
        help: leave one out
    "#);
    let thrice = about(&"\n{metadata: {name: a}, attachPolicyARNs: []},".repeat(3));
    assert!(
        thrice.contains("iam.serviceAccounts[2] is the service account `default/a`, which is in the list already: iam.serviceAccounts[0], on line 5"),
        "{thrice}"
    );
}

#[test]
fn role_without_a_policy_must_be_plain() {
    assert_snapshot!(about("{metadata: {name: a}, attachPolicyARNs: []}"), @r#"
    4:81: warning: the role of `default/a` will have no policy
        help: attach one, unless resources trust the role by name
    "#);
}

#[test]
fn existing_role_excludes_everything_that_makes_one() {
    assert_snapshot!(about_one("attachRoleARN: 'arn:aws:iam::111122223333:role/r', roleName: r, roleOnly: true, wellKnownPolicies: {autoScaler: true}, attachPolicy: {Version: '2012-10-17', Statement: []}, tags: {a: b}, permissionsBoundary: 'arn:aws:iam::aws:policy/B', subjectPattern: 'a*'"), @r#"
    5:23: error: attachPolicyARNs cannot be used together with attachRoleARN
        help: attachRoleARN uses an existing role as it is; keep one of the two
    5:123: error: roleName cannot be used together with attachRoleARN
        help: attachRoleARN uses an existing role as it is; keep one of the two
    5:136: error: roleOnly cannot be used together with attachRoleARN
        help: attachRoleARN uses an existing role as it is; keep one of the two
    5:152: error: wellKnownPolicies cannot be used together with attachRoleARN
        help: attachRoleARN uses an existing role as it is; keep one of the two
    5:191: error: attachPolicy cannot be used together with attachRoleARN
        help: attachRoleARN uses an existing role as it is; keep one of the two
    5:240: error: `Statement` is empty; a policy needs at least one statement
        help: list at least one statement under `Statement`, with `Effect`, `Action` and `Resource`
    5:245: warning: tags has no effect together with attachRoleARN
        help: attachRoleARN uses an existing role as it is
    5:259: warning: permissionsBoundary has no effect together with attachRoleARN
        help: attachRoleARN uses an existing role as it is
    5:309: warning: subjectPattern has no effect together with attachRoleARN
        help: attachRoleARN uses an existing role as it is
    "#);
}

#[test]
fn arns_by_syntax_kind_and_partition() {
    assert_snapshot!(about("\n{metadata: {name: a}, attachPolicyARNs: [x, 'arn:aws:iam:11111:policy/x', 'arn:aws:iam::111122223333:role/r', 'arn:aws-cn:iam::aws:policy/A', 'arn:aws:s3:::bucket', 'arn:aws:iam::aws:policy/A', 'arn:aws:iam::aws:policy/A', 'arn:aws:iam::aws:policy/', null]}"), @r#"
    5:42: error: `x` is not the ARN of an IAM policy
        help: write it like arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess
    5:45: error: `arn:aws:iam:11111:policy/x` is not the ARN of an IAM policy
        help: the account comes after two colons: `arn:aws:iam::11111:policy/x`
    5:75: error: `arn:aws:iam::111122223333:role/r` is not the ARN of an IAM policy
        help: this is a role; `attachRoleARN` uses an existing role
    5:111: error: `arn:aws-cn:iam::aws:policy/A` is in the partition aws-cn, and the region is in aws
        help: begin it with `arn:aws:`
    5:143: error: `arn:aws:s3:::bucket` is not the ARN of an IAM policy
        help: write it like arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess
    5:195: warning: `arn:aws:iam::aws:policy/A` is listed twice
        help: leave one out
    5:224: error: `arn:aws:iam::aws:policy/` is not the ARN of an IAM policy
        help: write it like arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess
    5:252: error: iam.serviceAccounts[0].attachPolicyARNs[8] is empty
        help: a variable was probably not set: fill it in, or remove it from the list
    "#);
    assert_snapshot!(about("\n{metadata: {name: a}, attachRoleARN: 'arn:aws:iam::aws:policy/A'}"), @r#"
    5:38: error: `arn:aws:iam::aws:policy/A` is not the ARN of an IAM role
        help: this is a policy; it belongs in `attachPolicyARNs`
    "#);
    assert_snapshot!(about_one("permissionsBoundary: 'arn:aws:iam::1234:policy/B'"), @r#"
    5:93: error: `arn:aws:iam::1234:policy/B` is not the ARN of an IAM policy
        help: its account, `1234`, must be 12 digits
    "#);
}

#[test]
fn names_of_kubernetes_and_iam() {
    assert_snapshot!(about("\n{metadata: {name: My_App, namespace: team.a}, attachPolicyARNs: ['arn:aws:iam::aws:policy/A']},\n{metadata: {name: a.b, namespace: '-'}, attachPolicyARNs: ['arn:aws:iam::aws:policy/A']}"), @r#"
    5:19: error: `My_App` cannot be the name of a service account
        help: Kubernetes would accept `my-app`
    5:38: error: `team.a` cannot be the name of a namespace
        help: it has at most 63 lower-case letters, digits and hyphens, and a letter or digit at both ends
    6:35: error: `-` cannot be the name of a namespace
        help: it has at most 63 lower-case letters, digits and hyphens, and a letter or digit at both ends
    "#);
    assert_snapshot!(about_one(&format!("roleName: 'path/{}'", "r".repeat(64))), @r#"
    5:82: error: `path/rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr` cannot be the name of an IAM role
        help: a name has no path; eksctl's format has no field for one
    "#);
    assert_snapshot!(about("\n{metadata: {name: a}, roleName: App, attachPolicyARNs: ['arn:aws:iam::aws:policy/A']},\n{metadata: {name: b}, roleName: app, attachPolicyARNs: ['arn:aws:iam::aws:policy/A']}"), @r#"
    6:33: error: the role name `app` is used by iam.serviceAccounts[0] already, on line 5; an account can have each name only once
        help: give one of the two another name
    "#);
}

#[test]
fn labels_and_annotations() {
    assert_snapshot!(about("\n{metadata: {name: a, labels: {'a b': c, d: 'e f', app.kubernetes.io/managed-by: Helm}, annotations: {eks.amazonaws.com/role-arn: x, '/': y, eks.amazonaws.com/token-expiration: 3600}}, attachPolicyARNs: ['arn:aws:iam::aws:policy/A']}"), @r#"
    5:31: error: `a b` cannot be the key of a label
        help: at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends, optionally after a `prefix/`
    5:44: error: `e f` cannot be the value of a label
        help: at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends; longer text goes into an annotation
    5:51: warning: app.kubernetes.io/managed-by will be `eksctl`, not `Helm`
        help: eksact marks what it owns with this label, as eksctl does; leave it out here
    5:102: error: eks.amazonaws.com/role-arn is written by eksact itself
        help: leave it out; to use an existing role write `attachRoleARN`
    5:133: error: `/` cannot be the key of an annotation
        help: at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends, optionally after a `prefix/`
    "#);
}

#[test]
fn subject_patterns() {
    for (pattern, expected) in [
        ("a*", ""),
        ("?", ""),
        ("x*", "warning: `x*` does not match"),
        ("**", "warning: every service account"),
        ("ns:a", "error: `ns:a` can match no"),
        ("A*", "error: `A*` can match no"),
    ] {
        let said = about_one(&format!("subjectPattern: '{pattern}'"));
        assert!(
            said.contains(expected) && said.is_empty() == expected.is_empty(),
            "{pattern}: {said}"
        );
    }
}

#[test]
fn policy_documents() {
    assert_snapshot!(about_one("attachPolicy: {Version: 2012-10-17, Statement: [{Effect: allow, Action: 's3:GetObject', Resource: '*'}, {Effect: Allow, Action: [S3], Resource: '*', Sid: ✓}]}"), @r#"
    5:86: error: IAM does not allow `✓` in a policy document
        help: only characters up to U+00FF are allowed
    5:129: error: `Effect` must be "Allow" or "Deny", spelled exactly so
    5:201: error: action `S3` is not written service:Name, such as s3:GetObject or s3:*
    5:226: error: Sid `✓` may have only the letters A-Z and a-z and the digits 0-9
    "#);
    assert_snapshot!(about_one("attachPolicy: {}"), @r#"
    5:86: error: `Statement` is missing; a policy needs at least one statement
        help: list at least one statement under `Statement`, with `Effect`, `Action` and `Resource`
    "#);
}

#[test]
fn limits_warn_at_the_default_and_refuse_at_the_maximum() {
    let arns = |count: usize| {
        (0..count)
            .map(|index| format!("'arn:aws:iam::aws:policy/P{index}'"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let account = |count| {
        about(&format!(
            "\n{{metadata: {{name: a}}, wellKnownPolicies: {{ebsCSIController: true}}, attachPolicyARNs: [{}]}}",
            arns(count)
        ))
    };
    assert_eq!(account(9), "");
    assert_snapshot!(account(10), @r#"
    5:68: warning: 11 managed policies on one role; an account allows 10 unless its quota was raised
        help: the quota "Managed policies per role" can be raised to 25
    "#);
    assert_snapshot!(account(25), @r#"
    5:68: error: 26 managed policies on one role; AWS allows 25 at most
        help: put the statements of several into one policy of your own
    "#);
    let policy = |length: usize| {
        format!(
            "attachPolicy: {{Version: '2012-10-17', Statement: [{{Effect: Allow, Action: 's3:GetObject', Resource: 'arn:aws:s3:::{}'}}]}}",
            "b".repeat(length)
        )
    };
    assert_eq!(about_one(&policy(10_000)), "");
    assert_snapshot!(about_one(&policy(10_200)), @r#"
    5:72: error: the policy has 10308 characters; IAM allows 10240 for all inline policies of a role
        help: make it a managed policy and name it in `attachPolicyARNs`
    "#);
    assert_snapshot!(about_one(&format!("wellKnownPolicies: {{awsLoadBalancerController: true}}, {}", policy(5_000))), @r#"
    5:126: error: the policy has 5108 characters, 10304 with the well-known policies; IAM allows 10240 for all inline policies of a role
        help: make it a managed policy and name it in `attachPolicyARNs`
    "#);
}

#[test]
fn stack_names_that_collide() {
    assert_snapshot!(about("\n{metadata: {name: c, namespace: a-b}, attachPolicyARNs: ['arn:aws:iam::aws:policy/A']},\n{metadata: {name: b-c, namespace: a}, attachPolicyARNs: ['arn:aws:iam::aws:policy/A']}"), @r#"
    5:1: warning: `a/b-c` and `a-b/c` would have the same stack name in eksctl; `a/b-c` has it here, `a-b/c` gets another
        help: a stack that exists already keeps its name if its tag names its service account; eksctl cannot manage both
    "#);
    // No stack, no collision.
    assert_eq!(
        about(
            "{metadata: {name: c, namespace: a-b}, attachRoleARN: 'arn:aws:iam::111122223333:role/r'}, {metadata: {name: b-c, namespace: a}, attachPolicyARNs: ['arn:aws:iam::aws:policy/A']}"
        ),
        ""
    );
}
