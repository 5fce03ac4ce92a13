//! One case for each rule: eksctl's, and those that eksctl misses.

use insta::assert_snapshot;

use super::validate;
use crate::config::tests::{HEAD, report};
use crate::config::{ClusterConfig, Located, ServiceAccount, Severity};

/// The messages about a file, without places and source lines: `error: …` with the help behind it.
pub(in crate::config) fn said(yaml: &str) -> String {
    let text = report(yaml);
    let lines = text
        .lines()
        .filter(|line| !line.starts_with("    ") || line.starts_with("    help: "));
    lines
        .map(|line| line.strip_prefix("c.yaml:").map_or(line, |rest| rest))
        .collect::<Vec<_>>()
        .join("\n")
}

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
fn with_oidc_must_be_said() {
    assert_snapshot!(said(&format!("{HEAD}iam:\n  serviceAccounts: [{{metadata: {{name: a}}, attachPolicyARNs: []}}]\n")), @r#"
    5:3: error: iam.withOIDC must be enabled explicitly for iam.serviceAccounts to be created
        help: write `withOIDC: true` under `iam`
    5:61: warning: the role of `default/a` will have no policy
        help: attach one, unless resources trust the role by name
    "#);
    assert_snapshot!(said(&format!("{HEAD}iam: {{withOIDC: no, serviceAccounts: []}}\n")), @"");
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
    6:19: error: the service account `default/a` is in the list twice; the first is iam.serviceAccounts[0], on line 5
        help: leave one out
    "#);
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
        help: a variable was probably not set: fill it in, or leave the key out
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
fn tags() {
    assert_snapshot!(said("apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata:\n  name: prod\n  region: eu-west-1\n  tags: {Team: a, 'aws:x': b}\niam:\n  withOIDC: true\n  serviceAccounts:\n  - metadata: {name: a}\n    attachPolicyARNs: ['arn:aws:iam::aws:policy/A']\n    tags: {team: b, alpha.eksctl.io/cluster-name: c, 'a{': d, e: 'f;', '': g, emoji: ok-é}\n"), @r#"
    6:19: error: the tag `aws:x` begins with `aws:`, which is reserved for AWS
    12:12: error: the tags `Team` and `team` differ only in case; IAM refuses both on one role
        help: write them the same way
    12:21: error: the tag `alpha.eksctl.io/cluster-name` is written by eksact itself
    12:54: error: `a{` cannot be the key of a tag: letters, digits, spaces and `_.:/=+-@` are allowed
    12:66: error: `f;` cannot be the value of a tag: letters, digits, spaces and `_.:/=+-@` are allowed
    12:72: error: iam.serviceAccounts[0].tags has an empty key
        help: a variable was probably not set: fill it in, or leave the key out
    "#);
    let many = (0..47)
        .map(|index| format!("k{index}: v"))
        .collect::<Vec<_>>()
        .join(", ");
    assert_snapshot!(about_one(&format!("tags: {{{many}}}")), @r#"
    5:72: error: the stack of `default/a` would have 51 tags with those of metadata.tags and eksact's own four; AWS allows 50
        help: leave out 1 of them, here or in `metadata.tags`
    "#);
    assert_snapshot!(about_one(&format!("tags: {{{}: v, k: {}}}", "k".repeat(129), "v".repeat(257))), @r#"
    5:79: error: the key of a tag has 1 to 128 characters
    5:216: error: the value of a tag has at most 256 characters
    "#);
}

#[test]
fn mark_is_written_by_no_file() {
    for mark in [
        "alpha.eksctl.io/cluster-name",
        "eksctl.cluster.k8s.io/v1alpha1/cluster-name",
        "alpha.eksctl.io/eksctl-version",
        "alpha.eksctl.io/iamserviceaccount-name",
        "alpha.eksctl.io/podidentityassociation-name",
        "eksact.dev/managed-policy-name",
        "eksact.dev/role-name",
    ] {
        let expected = format!("error: the tag `{mark}` is written by eksact itself");
        let of_account = about_one(&format!("tags: {{{mark}: x}}"));
        assert!(of_account.contains(&expected), "{mark}: {of_account}");
        let of_file = said(&format!(
            "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: prod, region: eu-west-1, tags: {{{mark}: x}}}}\n"
        ));
        assert!(of_file.contains(&expected), "{mark}: {of_file}");
    }
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

#[test]
fn cluster_name_and_region() {
    let file = |name: &str, region: &str| {
        said(&format!(
            "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: '{name}', region: '{region}'}}\n"
        ))
    };
    assert_snapshot!(file("-prod", "us-west-2a"), @r#"
    3:18: error: `-prod` cannot be the name of an EKS cluster
        help: it has 1 to 100 letters, digits, hyphens and underscores, and begins with a letter or digit
    3:35: error: `us-west-2a` is not an AWS region
        help: this is an availability zone; its region is `us-west-2`
    "#);
    assert_snapshot!(file("prod.one", "Ireland"), @r#"
    3:18: error: `prod.one` cannot be the name of an EKS cluster
        help: it has 1 to 100 letters, digits, hyphens and underscores, and begins with a letter or digit
    3:38: error: `Ireland` is not an AWS region
        help: a region is written like `eu-west-1`
    "#);
    for region in [
        "eu-west-1",
        "us-gov-west-1",
        "eusc-de-east-1",
        "us-isob-east-1",
        "xy-newplace-12",
    ] {
        assert_eq!(file("my_prod-1", region), "", "{region}");
    }
}

#[test]
fn eksctls_rules_for_other_sections() {
    assert_snapshot!(said(&format!("{HEAD}iamIdentityMappings:\n- {{arn: a, username: b, groups: [c], serviceName: emr-containers, namespace: d}}\n- {{serviceName: a}}\n- {{namespace: a}}\n- {{account: '1', arn: b}}\n")), @r#"
    5:38: error: iamIdentityMappings[0]: cannot use arn, username, and groups with serviceName
    6:3: error: iamIdentityMappings[1]: namespace is required when using serviceName
    6:17: error: invalid service name `a`
        help: the only one is `emr-containers`
    7:3: error: iamIdentityMappings[2]: serviceName is required when using namespace
    8:4: error: iamIdentityMappings[3]: account cannot be configured with any other options
    "#);
    assert_snapshot!(said(&format!("{HEAD}outpost: {{controlPlaneOutpostARN: x}}\niam: {{withOIDC: true}}\nidentityProviders: [{{type: oidc, name: a, issuerURL: 'https://b', clientID: c}}]\naccessConfig: {{bootstrapClusterCreatorAdminPermissions: false}}\n")), @r#"
    5:17: error: iam.withOIDC is not supported on Outposts
        help: leave it out
    6:1: error: Identity Providers are not supported on Outposts
        help: leave it out
    7:57: error: accessConfig.bootstrapClusterCreatorAdminPermissions can't be set to false on Outposts
        help: leave it out
    "#);
    assert_snapshot!(said(&format!("{HEAD}addons:\n- {{name: x, useDefaultPodIdentityAssociations: true, podIdentityAssociations: [{{wellKnownPolicies: {{autoScaler: true}}, tags: {{a: b}}}}]}}\n")), @r#"
    5:54: error: cannot specify both addon.useDefaultPodIdentityAssociations and addon.podIdentityAssociations (addon: `x`)
        help: leave one out
    5:81: error: wellKnownPolicies is not supported for addon.podIdentityAssociations
        help: leave it out
    5:120: error: tags is not supported for addon.podIdentityAssociations
        help: leave it out
    "#);
    assert_snapshot!(said(&format!("{HEAD}identityProviders: [{{name: a, issuerURL: b}}]\n")), @r#"
    4:21: error: identityProviders[0] is invalid: clientID must be set and non-empty
    4:21: error: identityProviders[0] is invalid: type must be set
        help: write `type: oidc`
    4:42: error: the issuer URL `b` must begin with https://
    "#);
}

#[test]
fn eksctls_rules_for_access_entries() {
    assert_snapshot!(said(&format!(
        "{HEAD}accessConfig:\n  authenticationMode: CONFIG_MAP\n  accessEntries:\n  - {{type: STANDARD}}\n  - &e {{principalARN: 'arn:aws:iam::111122223333:role/r', type: EC2_LINUX, kubernetesGroups: [a], accessPolicies: []}}\n  - {{<<: *e, type: EC2LINUX}}\n  - principalARN: arn:aws:iam::111122223333:role/s\n    accessPolicies:\n    - {{policyARN: 'arn:aws:iam::aws:policy/A', accessScope: {{type: cluster, namespaces: [a]}}}}\n    - {{policyARN: 'arn:aws:eks::aws:cluster-access-policy', accessScope: {{type: namespace}}}}\n    - {{accessScope: {{type: clusters}}}}\n    - {{policyARN: 'arn:aws:eks::aws:cluster-access-policy/A'}}\n"
    )), @r#"
    5:23: error: accessConfig.authenticationMode must be set to either API_AND_CONFIG_MAP or API to use access entries
    7:5: error: accessConfig.accessEntries[0].principalARN must be set to a valid AWS ARN
        help: write the ARN of a role or user with its path, like arn:aws:iam::111122223333:role/team/dev
    8:23: error: duplicate access entry accessConfig.accessEntries[2] with principal ARN `arn:aws:iam::111122223333:role/r`; the first is accessConfig.accessEntries[1]
        help: keep one entry for the principal, with all groups and policies
    8:76: error: cannot specify accessConfig.accessEntries[1].kubernetesGroups nor accessConfig.accessEntries[1].kubernetesUsername when type is set to `EC2_LINUX`
        help: remove it: EKS gives nodes their user name and groups
    8:76: error: cannot specify accessConfig.accessEntries[2].kubernetesGroups nor accessConfig.accessEntries[2].kubernetesUsername when type is set to `EC2LINUX`
        help: remove it: EKS gives nodes their user name and groups
    9:20: error: accessConfig.accessEntries[2].type cannot be `EC2LINUX`
        help: did you mean `EC2_LINUX`?
    12:19: error: accessConfig.accessEntries[3].accessPolicies[0].policyARN must be a cluster-access-policy resource, and is `arn:aws:iam::aws:policy/A`
        help: write an access policy of EKS, such as `arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy`; `aws eks list-access-policies` lists them
    12:89: error: cannot specify accessConfig.accessEntries[3].accessPolicies[0].accessScope.namespaces when accessScope is set to cluster
    13:19: error: accessConfig.accessEntries[3].accessPolicies[1].policyARN must be a cluster-access-policy resource, and is `arn:aws:eks::aws:cluster-access-policy`
        help: write an access policy of EKS, such as `arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy`; `aws eks list-access-policies` lists them
    13:74: error: at least one namespace must be specified when accessScope is set to namespace: (accessConfig.accessEntries[3].accessPolicies[1])
    14:7: error: accessConfig.accessEntries[3].accessPolicies[2].policyARN must be set to a valid AWS ARN
        help: write an access policy of EKS, such as `arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy`; `aws eks list-access-policies` lists them
    14:28: error: accessConfig.accessEntries[3].accessPolicies[2].accessScope.type cannot be `clusters`
        help: did you mean `cluster`?
    15:7: error: accessConfig.accessEntries[3].accessPolicies[3].accessScope.type must be set to either "namespace" or "cluster"
    "#);
}

#[test]
fn objects_from_flags_pass_the_same_rules_without_places() {
    let account = ServiceAccount {
        name: "A".into(),
        namespace: "default".into(),
        attach_role_arn: Some(Located::unlocated("x".into())),
        ..Default::default()
    };
    let mut config = ClusterConfig::default();
    config.iam.with_oidc.value = true;
    config.iam.service_accounts.push(account);
    let found = validate(&config);
    let shown: Vec<_> = found
        .iter()
        .map(|diagnostic| {
            (
                diagnostic.severity,
                diagnostic.code.as_str(),
                diagnostic.path.as_str(),
                diagnostic.location.is_some(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            (
                Severity::Error,
                "kubernetes-name",
                "iam.serviceAccounts[0].metadata.name",
                false
            ),
            (
                Severity::Error,
                "arn",
                "iam.serviceAccounts[0].attachRoleARN",
                false
            ),
        ]
    );
}
