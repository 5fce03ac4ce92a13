//! Text that says nothing, and keys that hold anchors.

use insta::assert_snapshot;

use super::{HEAD, loaded, report, report_all};

const ACCESS: &str = "apiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\n";

/// What is said about one service account with these keys, in block style.
fn about(keys: &str) -> String {
    report(&format!(
        "{HEAD}iam:\n  withOIDC: true\n  serviceAccounts:\n  - metadata: {{name: web, namespace: app}}\n{keys}"
    ))
}

/// The first line of each diagnostic.
fn first_lines(report: &str) -> Vec<&str> {
    report
        .lines()
        .filter(|line| line.starts_with("c.yaml:") || line.starts_with("b.yaml:"))
        .collect()
}

#[test]
fn blank_text_is_an_error_with_its_place() {
    assert_snapshot!(about("    attachPolicyARNs: [\"\"]\n    roleName: ''\n    tags: {'': x}\n"), @r#"
    c.yaml:8:24: error: iam.serviceAccounts[0].attachPolicyARNs[0] is empty
            attachPolicyARNs: [""]
                               ^
        help: a variable was probably not set: fill it in, or remove it from the list
    c.yaml:9:15: error: iam.serviceAccounts[0].roleName is empty
            roleName: ''
                      ^
        help: a variable was probably not set: fill it in, or leave the key out
    c.yaml:10:12: error: iam.serviceAccounts[0].tags has an empty key
            tags: {'': x}
                   ^
        help: a variable was probably not set: fill it in, or leave the key out
    "#);
    let policy = "    attachPolicyARNs: ['arn:aws:iam::aws:policy/A']\n";
    for (keys, wanted) in [
        (
            "    attachPolicyARNs: [\"\"]\n",
            "8:24: error: iam.serviceAccounts[0].attachPolicyARNs[0] is empty",
        ),
        (
            "    attachPolicyARNs: ['  ']\n",
            "8:24: error: iam.serviceAccounts[0].attachPolicyARNs[0] is blank",
        ),
        (
            "    attachPolicyARNs:\n    -\n",
            "9:6: error: iam.serviceAccounts[0].attachPolicyARNs[0] is empty",
        ),
        (
            "    attachRoleARN: \"\"\n",
            "8:20: error: iam.serviceAccounts[0].attachRoleARN is empty",
        ),
        (
            "    attachRoleARN: \"\\t\"\n",
            "8:20: error: iam.serviceAccounts[0].attachRoleARN is blank",
        ),
        (
            &format!("{policy}    roleName: \"\"\n"),
            "9:15: error: iam.serviceAccounts[0].roleName is empty",
        ),
        (
            &format!("{policy}    roleName: \"\\u00a0\"\n"),
            "9:15: error: iam.serviceAccounts[0].roleName is blank",
        ),
        (
            &format!("{policy}    permissionsBoundary: ''\n"),
            "9:26: error: iam.serviceAccounts[0].permissionsBoundary is empty",
        ),
        (
            &format!("{policy}    subjectPattern: \"\"\n"),
            "9:21: error: iam.serviceAccounts[0].subjectPattern is empty",
        ),
        (
            &format!("{policy}    tags: {{\"\": x}}\n"),
            "9:12: error: iam.serviceAccounts[0].tags has an empty key",
        ),
    ] {
        assert_eq!(first_lines(&about(keys)), [format!("c.yaml:{wanted}")], "{keys}");
    }
}

#[test]
fn blank_keys_and_names_of_kubernetes_are_errors() {
    for (metadata, wanted) in [
        (
            "name: web, labels: {\"\": x}",
            "iam.serviceAccounts[0].metadata.labels has an empty key",
        ),
        (
            "name: web, labels: {\" \": x}",
            "iam.serviceAccounts[0].metadata.labels has an empty key",
        ),
        (
            "name: web, annotations: {\"\": x}",
            "iam.serviceAccounts[0].metadata.annotations has an empty key",
        ),
        (
            "name: web, namespace: \"\"",
            "iam.serviceAccounts[0].metadata.namespace is empty",
        ),
        ("name: \"\"", "iam.serviceAccounts[0].metadata.name must be set"),
        ("name: \" \"", "iam.serviceAccounts[0].metadata.name is blank"),
    ] {
        let said = report(&format!(
            "{HEAD}iam: {{withOIDC: true, serviceAccounts: [{{metadata: {{{metadata}}}, wellKnownPolicies: {{autoScaler: true}}}}]}}\n"
        ));
        let errors: Vec<&str> = first_lines(&said)
            .into_iter()
            .map(|line| line.split_once("error: ").unwrap().1)
            .collect();
        assert_eq!(errors, [wanted]);
    }
    // Values may be empty.
    let said = report(&format!(
        "{HEAD}iam: {{withOIDC: true, serviceAccounts: [{{metadata: {{name: web, labels: {{a: \"\"}}, annotations: {{b: \"\"}}}}, wellKnownPolicies: {{autoScaler: true}}}}]}}\n"
    ));
    assert_eq!(said, "");
}

#[test]
fn blank_text_in_mappings_and_groups_is_an_error() {
    for (mapping, wanted) in [
        ("{arn: \"\", username: x}", "iamIdentityMappings[0].arn is empty"),
        (
            "{arn: 'arn:aws:iam::111122223333:role/r', username: \"\", groups: [a]}",
            "iamIdentityMappings[0].username is empty",
        ),
        (
            "{arn: 'arn:aws:iam::111122223333:role/r', username: x, groups: [\"\"]}",
            "iamIdentityMappings[0].groups[0] is empty",
        ),
        ("{account: \" \"}", "iamIdentityMappings[0].account is blank"),
        (
            "{serviceName: emr-containers, namespace: \" \"}",
            "iamIdentityMappings[0].namespace is blank",
        ),
    ] {
        let said = report(&format!("{HEAD}iamIdentityMappings: [{mapping}]\n"));
        let errors: Vec<&str> = first_lines(&said)
            .into_iter()
            .map(|line| line.split_once("error: ").unwrap().1)
            .collect();
        assert_eq!(errors, [wanted], "{said}");
    }
    for (group, wanted) in [
        (
            "{name: \"\", bindings: [{clusterRole: view}]}",
            "groups[0].name must be set",
        ),
        (
            "{name: dev, bindings: [{clusterRole: \" \"}]}",
            "groups[0].bindings[0].clusterRole is blank",
        ),
        (
            "{name: dev, bindings: [{clusterRole: view, namespaces: [\"\"]}]}",
            "groups[0].bindings[0].namespaces[0] is empty",
        ),
        // Without a value it would hold in the whole cluster.
        (
            "{name: dev, bindings: [{clusterRole: view, namespaces: }]}",
            "groups[0].bindings[0].namespaces has no value",
        ),
        (
            "{name: dev, bindings: [{rules: [{apiGroups: [\"\"], resources: [pods], verbs: [get], resourceNames: }]}]}",
            "groups[0].bindings[0].rules[0].resourceNames has no value",
        ),
        (
            "{name: dev, bindings: [{rules: [{apiGroups: [\"\"], resources: [\"\"], verbs: [get]}]}]}",
            "groups[0].bindings[0].rules[0].resources[0] is empty",
        ),
    ] {
        let said = report_all(&[
            &format!("{HEAD}iam: {{withOIDC: true}}\n"),
            &format!("{ACCESS}groups: [{group}]\n"),
        ]);
        let errors: Vec<&str> = first_lines(&said)
            .into_iter()
            .map(|line| line.split_once("error: ").unwrap().1)
            .collect();
        assert_eq!(errors, [wanted], "{said}");
    }
}

#[test]
fn policies_are_none_by_an_explicit_empty_list_and_never_by_a_key_without_a_value() {
    assert_snapshot!(about("    attachPolicyARNs: []\n"), @"
    c.yaml:8:23: warning: the role of `app/web` will have no policy
            attachPolicyARNs: []
                              ^
        help: attach one, unless resources trust the role by name
    ");
    assert_snapshot!(about("    attachPolicyARNs:\n"), @"
    c.yaml:7:5: error: iam.serviceAccounts[0].wellKnownPolicies, iam.serviceAccounts[0].attachPolicyARNs, iam.serviceAccounts[0].attachRoleARN or iam.serviceAccounts[0].attachPolicy must be set
          - metadata: {name: web, namespace: app}
            ^
        help: for a role without any policy write `attachPolicyARNs: []`
    c.yaml:8:5: warning: iam.serviceAccounts[0].attachPolicyARNs has no value and is treated as left out
            attachPolicyARNs:
            ^
        help: a variable was probably not set: fill it in, or leave the key out
    ");
    assert_snapshot!(about("    wellKnownPolicies: {autoScaler: true}\n    permissionsBoundary:\n    attachPolicyARNs: ~\n"), @"
    c.yaml:9:5: warning: iam.serviceAccounts[0].permissionsBoundary has no value and is treated as left out
            permissionsBoundary:
            ^
        help: a variable was probably not set: fill it in, or leave the key out
    c.yaml:10:5: warning: iam.serviceAccounts[0].attachPolicyARNs has no value and is treated as left out
            attachPolicyARNs: ~
            ^
        help: a variable was probably not set: fill it in, or leave the key out
    ");
}

#[test]
fn keys_without_a_value_are_told_wherever_they_are_acted_on() {
    let policy = "    attachPolicyARNs: ['arn:aws:iam::aws:policy/A']\n";
    for key in [
        "attachPolicy",
        "wellKnownPolicies",
        "roleName",
        "roleOnly",
        "tags",
        "subjectPattern",
        "attachRoleARN",
    ] {
        assert_eq!(
            first_lines(&about(&format!("{policy}    {key}:\n"))),
            [format!(
                "c.yaml:9:5: warning: iam.serviceAccounts[0].{key} has no value and is treated as left out"
            )]
        );
    }
    // Lists of objects lose their value when their items are commented out.
    assert_eq!(
        report(&format!(
            "{HEAD}iamIdentityMappings:\niam:\n  withOIDC: true\n  serviceAccounts: ~\n"
        )),
        ""
    );
}

#[test]
fn blank_text_of_others_is_left_to_them() {
    let said = report(&format!(
        "{HEAD}iam: {{withOIDC: true, serviceRoleARN: \"\"}}\naddons: [{{name: a, version: \"\"}}]\n\
         managedNodeGroups: [{{name: a, instanceType: \"\", labels: {{\"\": x}}}}]\nvpc: {{id: \"\"}}\n"
    ));
    assert_eq!(said, "");
}

#[test]
fn keys_that_hold_anchors_are_accepted() {
    for holder in [
        "x-common",
        "x-",
        "aliases",
        "anchors",
        ".defaults",
        "_templates",
        "common",
    ] {
        let file = format!(
            "{HEAD}{holder}:\n  arns: &arns ['arn:aws:iam::aws:policy/A']\n  tags: &tags {{team: a}}\niam:\n  withOIDC: true\n  \
             serviceAccounts:\n  - metadata: {{name: web}}\n    attachPolicyARNs: *arns\n    tags: {{<<: *tags}}\n"
        );
        let read = loaded(&file);
        assert!(read.warnings.is_empty(), "{holder}");
        assert!(
            read.config.unmanaged_sections.is_empty(),
            "{:?}",
            read.config.unmanaged_sections
        );
        let account = &read.config.iam.service_accounts[0];
        assert_eq!(account.attach_policy_arns[0].value, "arn:aws:iam::aws:policy/A");
        assert_eq!(account.tags["team"], "a");
    }
    // One scalar is enough, and a merge of a mapping, also where every key of it is written beside it.
    for file in [
        "x-role: &role 'arn:aws:iam::aws:policy/A'\niam: {withOIDC: true, serviceAccounts: [{metadata: {name: a}, attachPolicyARNs: [*role]}]}\n",
        "x-iam: &iam {withOIDC: false}\niam:\n  <<: *iam\n  withOIDC: true\n",
        "anchors: [&iam {withOIDC: false}, &none {}]\niam:\n  <<: [*iam, *none]\n  withOIDC: true\n",
        "x-none: &none {}\niam:\n  <<: *none\n  withOIDC: true\n",
        "x-all:\n- &one {wellKnownPolicies: {autoScaler: true}}\niam: {withOIDC: true, serviceAccounts: [{metadata: {name: a}, <<: *one}]}\n",
    ] {
        assert_eq!(report(&format!("{HEAD}{file}")), "");
    }
}

#[test]
fn keys_that_hold_nothing_for_the_rest_are_told() {
    assert_snapshot!(report(&format!("{HEAD}x-common: {{a: b}}\n")), @"
    c.yaml:4:1: warning: no alias in this file refers to what `x-common` holds
        x-common: {a: b}
        ^
        help: it holds anchors (`&name`) for aliases (`*name`) elsewhere, and eksctl refuses it; leave it out
    ");
    // A mistyped section is not a holder, although its content is used elsewhere.
    for (key, help) in [
        ("nodeGroup", "did you mean `nodeGroups`?"),
        ("iamIdentityMapping", "did you mean `iamIdentityMappings`?"),
        ("serviceAccounts", "`serviceAccounts` belongs to iam"),
        ("groups", "belongs to"),
    ] {
        let said = report(&format!("{HEAD}{key}: &a [x]\nlocalZones: *a\n"));
        assert!(
            said.contains(&format!("there is no key `{key}`")) && said.contains(help),
            "{said}"
        );
    }
    // Anchors that are used within the key alone, or not at all.
    for file in [
        "aliases: {a: &a [x], b: *a}\n",
        "aliases: {a: &a [x]}\n",
        "anchors:\n",
    ] {
        let said = report(&format!("{HEAD}{file}"));
        assert!(said.contains("error: there is no key"), "{said}");
    }
}
