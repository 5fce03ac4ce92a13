//! Errors that name the cause, once: what people wrote, and every error that is told about it.

use super::{HEAD, report};

/// The errors of a file, each with its line and its help.
fn errors(yaml: &str) -> Vec<String> {
    let text = report(yaml);
    let mut errors: Vec<String> = Vec::new();
    for line in text.lines() {
        if let Some((place, message)) = line.split_once(": error: ") {
            let place = place.trim_start_matches("c.yaml:");
            let number = place.split(':').next().unwrap_or_default();
            errors.push(format!("{number}: {message}"));
        } else if let Some(help) = line.strip_prefix("    help: ")
            && let Some(error) = errors.last_mut()
        {
            error.push_str(" | ");
            error.push_str(help);
        }
    }
    errors
}

fn account(account: &str) -> String {
    format!("{HEAD}iam:\n  withOIDC: true\n  serviceAccounts:\n{account}")
}

const POLICY: &str = "attachPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess']";

#[test]
fn first_error_drags_no_others_along() {
    for (yaml, wanted) in [
        (
            account(&format!("  - name: web\n    namespace: app\n    {POLICY}\n")),
            &[
                "7: there is no key `name` in iam.serviceAccounts[0] | `name` belongs to iam.serviceAccounts[].metadata",
                "8: there is no key `namespace` in iam.serviceAccounts[0] | `namespace` belongs to iam.serviceAccounts[].metadata",
            ][..],
        ),
        (
            account(&format!("  - metdata: {{name: web}}\n    {POLICY}\n")),
            &["7: there is no key `metdata` in iam.serviceAccounts[0] | did you mean `metadata`?"],
        ),
        (
            account(&format!("  - metadata: web\n    {POLICY}\n")),
            &["7: iam.serviceAccounts[0].metadata must be a mapping, and this is the string `web`"],
        ),
        (
            account("  - metadata: {name: web}\n    attachPolicyArn: x\n"),
            &["8: there is no key `attachPolicyArn` in iam.serviceAccounts[0] | did you mean `attachPolicyARNs`?"],
        ),
        (
            account("  - metadata: {name: web}\n    attachPolicyARNs: arn:aws:iam::aws:policy/ReadOnlyAccess\n"),
            &["8: iam.serviceAccounts[0].attachPolicyARNs must be a list of strings, and this is the string \
               `arn:aws:iam::aws:policy/ReadOnlyAccess` | write a list: `- ` before each item, or `[a, b]`"],
        ),
        (
            account("  - metadata: {name: web}\n    wellKnownPolicies: {albController: true}\n"),
            &["8: there is no key `albController` in iam.serviceAccounts[0].wellKnownPolicies | the keys here are `autoScaler`, \
               `awsLoadBalancerController`, `certManager`, `ebsCSIController`, `efsCSIController`, `externalDNS` and `imageBuilder`"],
        ),
        (
            account("  - metadata: {name: web}\n    wellKnownPolicies: [autoScaler]\n"),
            &["8: iam.serviceAccounts[0].wellKnownPolicies must be a mapping, and this is a list"],
        ),
        (
            account("  - web\n"),
            &["7: iam.serviceAccounts[0] must be a mapping, and this is the string `web`"],
        ),
        (
            "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nname: prod\nregion: eu-west-1\n".to_owned(),
            &[
                "3: there is no key `name` at the root of the file | `name` belongs to metadata",
                "4: there is no key `region` at the root of the file | `region` belongs to metadata",
            ],
        ),
        (
            "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: prod\n".to_owned(),
            &["3: metadata must be a mapping, and this is the string `prod`"],
        ),
        (
            "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetaData: {name: prod, region: eu-west-1}\n".to_owned(),
            &["3: there is no key `metaData` at the root of the file | did you mean `metadata`? Keys are case-sensitive"],
        ),
        (
            "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {clusterName: prod, region: eu-west-1}\n".to_owned(),
            &["3: there is no key `clusterName` in metadata | did you mean `name`?"],
        ),
        (
            "apiversion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {name: prod, region: eu-west-1}\n".to_owned(),
            &["1: there is no key `apiversion` at the root of the file | did you mean `apiVersion`? Keys are case-sensitive"],
        ),
    ] {
        assert_eq!(errors(&yaml), wanted, "{yaml}");
    }
    // What is really missing beside a mistake is told, too.
    let yaml = "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {nmae: prod}\n";
    assert_eq!(
        errors(yaml),
        [
            "3: metadata.region must be set | write the AWS region of the cluster, such as `region: eu-west-1`",
            "3: there is no key `nmae` in metadata | did you mean `name`?",
        ]
    );
}

#[test]
fn key_is_told_its_owner() {
    let head = HEAD;
    for (yaml, wanted) in [
        (
            format!("{head}identityMappings: []\n"),
            "4: there is no key `identityMappings` at the root of the file | did you mean `iamIdentityMappings`?",
        ),
        (
            format!("{head}iam:\n  identityMappings: []\n"),
            "5: there is no key `identityMappings` in iam | did you mean `iamIdentityMappings`, which belongs to the root of the file?",
        ),
        (
            format!("{head}cloudWatch:\n  clusterLogging:\n    enable:\n      types: [api]\n"),
            "6: there is no key `enable` in cloudWatch.clusterLogging | did you mean `enableTypes`?",
        ),
        (
            format!("{head}cloudWatch: {{clusterLogging: {{types: [api]}}}}\n"),
            "4: there is no key `types` in cloudWatch.clusterLogging | did you mean `enableTypes`?",
        ),
        (
            format!(
                "{head}iamIdentityMappings:\n- rolearn: arn:aws:iam::111122223333:role/a\n  username: a\n"
            ),
            "5: there is no key `rolearn` in iamIdentityMappings[0] | did you mean `arn`?",
        ),
        (
            format!(
                "{head}iamIdentityMappings:\n- arn: arn:aws:iam::111122223333:role/a\n  username: a\n  group: [b]\n"
            ),
            "7: there is no key `group` in iamIdentityMappings[0] | did you mean `groups`?",
        ),
        (
            format!("{head}serviceAccounts: []\n"),
            "4: there is no key `serviceAccounts` at the root of the file | `serviceAccounts` belongs to iam",
        ),
    ] {
        assert_eq!(errors(&yaml), [wanted], "{yaml}");
    }
}

#[test]
fn wildcard_in_a_service_accounts_name_belongs_elsewhere() {
    for (name, example) in [
        ("provider-aws-*", "provider-aws-one"),
        ("*", "one"),
        ("app-?-worker", "app-x-worker"),
        ("team-*-*", "team-one-one"),
    ] {
        let help = format!(
            "for every service account with such a name write `name: {example}` here and, beside `metadata`, \
             `subjectPattern: \"{name}\"`; with `roleOnly: true` no service account is made"
        );
        let yaml = account(&format!("  - metadata: {{name: \"{name}\"}}\n    {POLICY}\n"));
        let wanted = format!("7: `{name}` cannot be the name of a service account | {help}");
        assert_eq!(errors(&yaml), [wanted], "{yaml}");
        // And what is said works.
        let yaml = account(&format!(
            "  - metadata: {{name: {example}}}\n    subjectPattern: \"{name}\"\n    roleOnly: true\n    {POLICY}\n"
        ));
        assert_eq!(errors(&yaml), <[String; 0]>::default(), "{yaml}");
    }
}

#[test]
fn characters_that_cannot_be_seen_are_shown() {
    let at = |value: &str| account(&format!("  - metadata: {{name: {value}}}\n    {POLICY}\n"));
    for (value, shown) in [
        ("\"web \"", "`\"web \"` (blank at its end)"),
        ("' web'", "`\" web\"` (blank at its start)"),
        ("\"web\\n\"", "`\"web\\n\"` (blank at its end)"),
        ("\"web\\u00a0\"", "`web<U+00A0>`"),
        ("web\u{200b}", "`web<U+200B>`"),
        ("\"\\ufeffweb\"", "`<U+FEFF>web`"),
    ] {
        let errors = errors(&at(value));
        assert_eq!(
            errors,
            [format!(
                "7: {shown} cannot be the name of a service account | Kubernetes would accept `web`"
            )]
        );
    }
    let others = errors(&format!(
        "{}    roleName: \"reader \"\n    permissionsBoundary: \"arn:aws:iam::111122223333:policy/b \"\n",
        at("web")
    ));
    assert!(
        others[0].starts_with("9: `\"reader \"` (blank at its end) cannot be the name of an IAM role")
            && others[1].starts_with(
                "10: `\"arn:aws:iam::111122223333:policy/b \"` (blank at its end) is not the ARN"
            ),
        "{others:?}"
    );
    let key = errors(&format!("{HEAD}iam:\n  \"withOIDC \": true\n"));
    assert_eq!(
        key,
        ["5: there is no key `\"withOIDC \"` (blank at its end) in iam | did you mean `withOIDC`?"]
    );
}

#[test]
fn placeholder_is_told_once_by_its_name() {
    let twice = |text: &str| {
        account(&format!(
            "  - metadata: {{name: web, namespace: {text}}}\n    {POLICY}\n  - metadata: {{name: api, namespace: {text}}}\n    {POLICY}\n"
        ))
    };
    let names = |text: &str| {
        account(&format!(
            "  - metadata:\n      name: {text}\n    {POLICY}\n  - metadata:\n      name: {text}\n    {POLICY}\n"
        ))
    };
    let value = "write the value itself";
    let template = "render the template first, or write the value itself";
    for (placeholder, help) in [
        ("${NAME}", "fill it in first, for example with envsubst"),
        ("$(NAME)", value),
        ("<NAME>", value),
        ("<your-namespace>", value),
        ("%NAME%", value),
        ("{{NAME}}", template),
        ("{{ name }}", template),
        (
            "{{ .Values.name }}",
            "render the chart first, for example with `helm template`, or write the value itself",
        ),
        (
            "{% name %}",
            "render the template first, or write what it stands for",
        ),
    ] {
        for (line, yaml) in [
            (7, twice(&format!("\"{placeholder}\""))),
            (8, names(&format!("\"{placeholder}\""))),
        ] {
            let wanted =
                format!("{line}: `{placeholder}` is not expanded by eksact; it is there 2 times | {help}");
            assert_eq!(errors(&yaml), [wanted], "{yaml}");
        }
        if placeholder.starts_with('{') {
            let wanted =
                format!("8: `{placeholder}` is not expanded by eksact; it is there 2 times | {help}");
            assert_eq!(errors(&names(placeholder)), [wanted]);
        }
    }
    let all = account(
        "  {% for name in names %}\n  - metadata:\n      name: {{ name }}\n      namespace: {{NS}}-{{NS}}\n    \
         attachPolicyARNs: [{{ARN}}, '{{ARN}}']\n  {% endfor %}\nextra: [\n",
    );
    let told = errors(&all);
    let starts = [
        "7: `{% for name in names %}` is not",
        "9: `{{ name }}` is not",
        "10: `{{NS}}` is not expanded by eksact; it is there 2 times",
        "11: `{{ARN}}` is not",
        "12: `{% endfor %}` is not",
        // What is wrong besides is told, too.
        "14: this is not valid YAML",
    ];
    assert_eq!(told.len(), starts.len(), "{told:?}");
    for (error, start) in told.iter().zip(starts) {
        assert!(error.starts_with(start), "{error}");
    }
}

#[test]
fn value_that_is_not_filled_in_has_no_type_yet() {
    for value in ["${OIDC}", "<true>", "'{{ oidc }}'", "$OIDC"] {
        let told = errors(&format!("{HEAD}iam:\n  withOIDC: {value}\n"));
        assert!(
            told.len() == 1 && told[0].contains("is not expanded by eksact"),
            "{told:?}"
        );
    }
    let told = errors(&format!(
        "{HEAD}iam:\n${{ACCOUNTS}}\n  withOIDC: true\nvpc:\n  ${{SUBNETS}}\n"
    ));
    assert_eq!(
        told,
        [
            "5: `${ACCOUNTS}` is not expanded by eksact | fill it in first, for example with envsubst",
            "8: `${SUBNETS}` is not expanded by eksact | fill it in first, for example with envsubst",
        ]
    );
}

#[test]
fn arn_is_told_what_is_wrong_with_it() {
    for (arn, help) in [
        (
            "arn:aws:iam::11111:policy/b",
            "its account, `11111`, must be 12 digits",
        ),
        (
            "arn:aws:iam::ACCOUNT_ID:policy/b",
            "its account, `ACCOUNT_ID`, must be 12 digits",
        ),
        (
            "arn:aws:iam:eu-west-1:111122223333:policy/b",
            "an IAM ARN has no region: leave `eu-west-1` out",
        ),
        (
            "arn:aws:iam:111122223333:policy/b",
            "the account comes after two colons: `arn:aws:iam::111122223333:policy/b`",
        ),
        (
            "arn:aws:iam::111122223333:role/b",
            "this is a role; `attachRoleARN` uses an existing role",
        ),
        (
            "arn:aws:s3:::b",
            "write it like arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",
        ),
    ] {
        let yaml = account(&format!(
            "  - metadata: {{name: web}}\n    attachPolicyARNs: ['{arn}']\n"
        ));
        assert_eq!(
            errors(&yaml),
            [format!("8: `{arn}` is not the ARN of an IAM policy | {help}")]
        );
    }
}

#[test]
fn text_before_a_mistake_in_the_yaml_is_not_judged() {
    for yaml in [
        format!("$ cat cluster.yaml\n{HEAD}"),
        format!("cluster.yaml\n{HEAD}"),
        format!("- a\n{HEAD}"),
    ] {
        let told = errors(&yaml);
        assert!(
            told.len() == 1 && told[0].contains("this is not valid YAML"),
            "{told:?}"
        );
    }
}

/// In all that eksact manages, and a policy's own variables are left alone there as well.
#[test]
fn placeholder_is_told_in_every_section() {
    let expanded = |place: &str, placeholder: &str| {
        let told = errors(&format!("{HEAD}{place}\n"));
        let wanted = format!(
            "`{placeholder}` is not expanded by eksact | fill it in first, for example with envsubst"
        );
        let rest = told.iter().filter_map(|told| told.split_once(": "));
        assert_eq!(
            rest.map(|(_, rest)| rest).collect::<Vec<_>>(),
            [wanted],
            "{place}"
        );
    };
    let provider = "name: id, type: oidc, issuerURL: 'https://id.example.com'";
    let of_pods = "iam: {podIdentityAssociations: [{namespace: app, serviceAccountName: web";
    for (place, placeholder) in [
        (
            format!("identityProviders: [{{{provider}, clientID: '${{CLIENT}}'}}]"),
            "${CLIENT}",
        ),
        (
            format!("identityProviders: [{{{provider}, clientID: a, usernamePrefix: 'x-${{STAGE}}:'}}]"),
            "${STAGE}",
        ),
        (
            format!(
                "identityProviders: [{{{provider}, clientID: a, requiredClaims: {{hd: '${{DOMAIN}}'}}}}]"
            ),
            "${DOMAIN}",
        ),
        (
            "identityProviders: [{name: id, type: oidc, issuerURL: 'https://${HOST}/x', clientID: a}]"
                .to_owned(),
            "${HOST}",
        ),
        (
            format!("{of_pods}, roleARN: 'arn:aws:iam::${{ACCOUNT}}:role/x'}}]}}"),
            "${ACCOUNT}",
        ),
        (
            format!(
                "{of_pods}, roleName: 'x-${{STAGE}}', permissionPolicyARNs: ['arn:aws:iam::aws:policy/A']}}]}}"
            ),
            "${STAGE}",
        ),
        (
            format!("{of_pods}, roleARN: 'arn:aws:iam::111122223333:role/x', tags: {{a: '${{TAG}}'}}}}]}}"),
            "${TAG}",
        ),
        (
            "accessConfig: {authenticationMode: '${MODE}'}".to_owned(),
            "${MODE}",
        ),
    ] {
        expanded(&place, placeholder);
    }
    let policy = "Version: '2012-10-17', Statement: [{Effect: Allow, Action: 's3:*', Resource: 'arn:aws:s3:::b/${aws:username}'}]";
    let yaml = format!("{HEAD}{of_pods}, permissionPolicy: {{{policy}}}}}]}}\n");
    assert_eq!(errors(&yaml), <[String; 0]>::default(), "{}", report(&yaml));
}

/// Somebody has an aws-auth, and wants to keep it as a file.
#[test]
fn manifest_of_aws_auth_is_told_as_what_it_is() {
    let manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: aws-auth, namespace: kube-system}\n\
                    data:\n  mapRoles: |\n    - rolearn: arn:aws:iam::111122223333:role/dev\n      username: dev\n";
    let told = [
        "1: this is the ConfigMap aws-auth: a ClusterConfig says the same as `iamIdentityMappings` | `eksact check aws-auth -f FILE` \
         checks it as it is; `eksact export --cluster NAME --region REGION` writes what that of a cluster says as a ClusterConfig",
    ];
    assert_eq!(errors(manifest), told);
    let behind = errors(&format!("{HEAD}---\n{manifest}"));
    assert_eq!(behind.len(), 1, "{behind:?}");
    assert!(behind[0].contains("this is the ConfigMap aws-auth"), "{behind:?}");
}

#[test]
fn text_that_looks_like_a_placeholder_and_is_none_is_left_alone() {
    let yaml = format!(
        "{}  - metadata: {{name: web, annotations: {{a: \"{{{{- x }}}}\", b: \"<b>bold</b>\", c: \"100%25%\"}}}}\n    \
         attachPolicy: {{Version: '2012-10-17', Statement: [{{Effect: Allow, Action: 's3:*', Resource: \"arn:aws:s3:::b/${{aws:username}}/<x\"}}]}}\n\
         iamIdentityMappings:\n- arn: arn:aws:iam::111122223333:role/a\n  username: \"a:{{{{SessionName}}}}\"\n",
        account("")
    );
    assert_eq!(errors(&yaml), <[String; 0]>::default(), "{}", report(&yaml));
}
