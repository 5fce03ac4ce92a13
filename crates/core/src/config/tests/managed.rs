//! What the `managed` marks of the field table mean for a file: in every section that eksact manages the same is told.

use super::{HEAD, report};
use crate::config::document::DocumentKind;
use crate::config::fields::{FieldType, ObjectType, types};

/// A section of each kind, with the path of a text in it whose value is left to fill in as `@`, and a key written in the wrong case.
const SECTIONS: [(&str, &str, &str); 7] = [
    (
        "iam: {withOIDC: true, serviceAccounts: [{metadata: {name: a}, attachPolicyARNs: [], roleName: \"@\"}]}\n",
        "iam.serviceAccounts[0].roleName",
        "rolename",
    ),
    (
        "iam: {podIdentityAssociations: [{namespace: a, serviceAccountName: b, roleARN: 'arn:aws:iam::111122223333:role/r', targetRoleARN: \"@\"}]}\n",
        "iam.podIdentityAssociations[0].targetRoleARN",
        "targetRoleArn",
    ),
    (
        "identityProviders: [{type: oidc, name: x, clientID: y, issuerURL: 'https://a.example.com', usernameClaim: \"@\"}]\n",
        "identityProviders[0].usernameClaim",
        "usernameclaim",
    ),
    (
        "accessConfig: {authenticationMode: \"@\"}\n",
        "accessConfig.authenticationMode",
        "AuthenticationMode",
    ),
    (
        "accessConfig: {accessEntries: [{principalARN: 'arn:aws:iam::111122223333:role/r', kubernetesUsername: \"@\"}]}\n",
        "accessConfig.accessEntries[0].kubernetesUsername",
        "kubernetesUserName",
    ),
    (
        "iamIdentityMappings: [{arn: 'arn:aws:iam::111122223333:role/r', groups: [a], username: \"@\"}]\n",
        "iamIdentityMappings[0].username",
        "userName",
    ),
    ("", "metadata.version", "Version"),
];

fn filled(section: &str, value: &str) -> String {
    let head = if section.is_empty() {
        HEAD.replace("name: prod", "version: \"@\", name: prod")
    } else {
        HEAD.to_owned()
    };
    format!("{head}{section}").replace('@', value)
}

/// The paths of the fields that are marked, as far down as the marks go, but for switches, which hold no text.
fn marked(type_name: &str, prefix: &str, found: &mut Vec<String>) {
    let types = types(DocumentKind::ClusterConfig);
    for field in types[type_name].fields.iter().filter(|field| field.managed) {
        let path = format!("{prefix}{}", field.name);
        match &field.holds {
            FieldType::Boolean => {}
            FieldType::Object(inner) if types.get(inner).is_some_and(ObjectType::is_managed_in_part) => {
                marked(inner, &format!("{path}."), found);
            }
            _ => found.push(path),
        }
    }
}

#[test]
fn managed_sections_are_those_that_are_marked() {
    let mut marked_paths = Vec::new();
    marked(DocumentKind::ClusterConfig.name(), "", &mut marked_paths);
    // By these a file is a ClusterConfig at all.
    marked_paths.retain(|path| path != "apiVersion" && path != "kind");
    for marked in &marked_paths {
        let own = SECTIONS.iter().filter(|(_, path, _)| path.starts_with(marked));
        assert_eq!(own.count(), 1, "{marked}");
    }
    assert_eq!(marked_paths.len(), SECTIONS.len(), "{marked_paths:?}");
}

#[test]
fn managed_sections_have_no_blank_text() {
    for (section, path, _) in SECTIONS {
        for (value, what) in [("", "empty"), ("\\t", "blank")] {
            if path == "metadata.version" && value.is_empty() {
                assert_eq!(report(&filled(section, value)), "");
                continue;
            }
            let said = report(&filled(section, value));
            // Of a choice it is told what there is to choose.
            let is_told = said.contains(&format!("error: {path} is {what}"))
                || said.contains(&format!("error: {path} cannot be"));
            assert!(is_told, "{path}: {said}");
            assert_eq!(said.matches("error: ").count(), 1, "{said}");
        }
    }
}

#[test]
fn managed_sections_have_no_keys_without_value_unsaid() {
    for (section, path, _) in SECTIONS {
        let said = report(&filled(section, "@").replace("\"@\"", "~"));
        let wanted = format!("warning: {path} has no value and is treated as left out");
        assert!(said.contains(&wanted), "{path}: {said}");
    }
    let said = report(&format!(
        "{HEAD}iam: {{withOIDC: ~}}\naccessConfig: {{bootstrapClusterCreatorAdminPermissions: ~}}\n"
    ));
    assert_eq!(
        said.matches("has no value and is treated as left out").count(),
        2,
        "{said}"
    );
}

#[test]
fn managed_sections_say_once_what_must_be_there() {
    const ARN: &str = "policyARN: 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy'";
    let provider =
        "identityProviders: [{type: oidc, name: a, clientID: b, issuerURL: 'https://x.example.com'}]\n";
    let entry = "accessConfig: {accessEntries: [{principalARN: 'arn:aws:iam::111122223333:role/r'}]}\n";
    let policy = "accessConfig: {accessEntries: [{principalARN: 'arn:aws:iam::111122223333:role/r', accessPolicies: [{policyARN: x, accessScope: {type: cluster}}]}]}\n";
    let account = "iam: {withOIDC: true, serviceAccounts: [{metadata: {name: a}, wellKnownPolicies: {autoScaler: true}}]}\n";
    let association = "iam: {podIdentityAssociations: [{namespace: a, serviceAccountName: b, roleARN: 'arn:aws:iam::111122223333:role/r'}]}\n";
    for (section, from, key, wanted) in [
        (provider, "oidc", "type", "type must be set\n"),
        (provider, "a", "name", "name must be set and non-empty\n"),
        (provider, "b", "clientID", "clientID must be set and non-empty\n"),
        (
            provider,
            "'https://x.example.com'",
            "issuerURL",
            "issuerURL must be set and non-empty\n",
        ),
        (
            entry,
            "'arn:aws:iam::111122223333:role/r'",
            "principalARN",
            "principalARN must be set to a valid AWS ARN\n",
        ),
        (
            policy,
            "x",
            "policyARN",
            "policyARN must be set to a valid AWS ARN\n",
        ),
        (account, "a", "name", "metadata.name must be set\n"),
        (association, "a", "namespace", "namespace must be set\n"),
        (
            association,
            "b",
            "serviceAccountName",
            "serviceAccountName must be set\n",
        ),
    ] {
        let (from, blank) = (format!("{key}: {from}"), |value: &str| format!("{key}: {value}"));
        for value in ["\"\"", "~"] {
            let said = report(&format!("{HEAD}{section}").replacen(&from, &blank(value), 1));
            assert!(said.contains(wanted), "{key}: {value}: {said}");
            assert_eq!(said.matches(": error: ").count(), 1, "{said}");
            assert!(
                !said.contains("warning: ") && !said.contains("leave the key out"),
                "{said}"
            );
        }
        let said = report(&format!("{HEAD}{section}").replacen(&from, &blank("\"\\t\""), 1));
        assert_eq!(said.matches(": error: ").count(), 1, "{said}");
        // Without the key the next complaint would come.
        assert!(!said.contains("leave the key out"), "{said}");
    }
    // The whole object that has the key, and the choice of a scope.
    for (section, from, to, wanted) in [
        (account, "{name: a}", "~", "metadata.name must be set\n"),
        (policy, "{type: cluster}", "~", "accessScope"),
        (policy, "type: cluster", "type: ~", "accessScope.type"),
        (policy, "type: cluster", "type: \"\"", "accessScope.type"),
    ] {
        let said = report(
            &format!("{HEAD}{section}")
                .replace("policyARN: x", ARN)
                .replacen(from, to, 1),
        );
        assert!(said.contains(wanted), "{to}: {said}");
        assert_eq!(said.matches(": error: ").count(), 1, "{said}");
        assert!(
            !said.contains("warning: ") && !said.contains("leave the key out"),
            "{said}"
        );
    }
    let said = report(&format!(
        "{HEAD}iam: {{withOIDC: ~, serviceAccounts: [{{metadata: {{name: a}}, wellKnownPolicies: {{autoScaler: true}}}}]}}\n"
    ));
    assert!(
        said.contains("withOIDC must be enabled") && !said.contains("warning: "),
        "{said}"
    );
}

#[test]
fn blank_keys_of_which_one_is_needed_name_the_others() {
    const ROLE: &str = "'arn:aws:iam::111122223333:role/r'";
    let mapping = "iamIdentityMappings: [{@}]\n";
    let account = "iam: {withOIDC: true, serviceAccounts: [{metadata: {name: a}, @}]}\n";
    let association = "iam: {podIdentityAssociations: [{namespace: a, serviceAccountName: b, @}]}\n";
    let own = |section: &str| {
        format!("---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\n{section}: [{{@}}]\n")
    };
    let (own_mapping, group) = (own("identityMappings"), own("groups"));
    let (shared, policy, role) = (own("sharedRoles"), own("policies"), own("roles"));
    let out = "fill it in, or leave the key out";
    for (section, keys, wanted) in [
        (
            mapping,
            "arn: '', username: u",
            "fill it in, or write `account` or `serviceName` instead",
        ),
        (mapping, "arn: '', account: '111122223333'", out),
        (
            mapping,
            "arn: ' ', account: '', username: u",
            "fill it in, or write `account` or `serviceName` instead",
        ),
        (
            mapping,
            "serviceName: ''",
            "fill it in, or write `arn` or `account` instead",
        ),
        (
            mapping,
            &format!("arn: {ROLE}, username: ''"),
            "fill it in, or write `groups`, `account` or `serviceName` instead",
        ),
        (
            mapping,
            &format!("arn: {ROLE}, groups: ['']"),
            "fill it in, or write `username`, `account` or `serviceName` instead",
        ),
        (mapping, &format!("arn: {ROLE}, username: '', groups: [g]"), out),
        (
            mapping,
            &format!("arn: {ROLE}, username: u, groups: ['']"),
            "fill it in, or remove it from the list",
        ),
        (
            account,
            "attachRoleARN: ''",
            "fill it in, or write `attachPolicyARNs`, `wellKnownPolicies` or `attachPolicy` instead",
        ),
        (
            account,
            "attachRoleARN: '', wellKnownPolicies: {autoScaler: true}",
            out,
        ),
        (
            &own_mapping,
            "arn: '', username: u",
            "fill it in, or write `permissionSet`, `account` or `serviceName` instead",
        ),
        (
            &own_mapping,
            "arn: '', permissionSet: {name: s}, username: u",
            out,
        ),
        (
            &group,
            "name: g, bindings: [{clusterRole: ''}]",
            "fill it in, or write `rules` instead",
        ),
        (
            &group,
            "name: g, bindings: [{clusterRole: view, namespaces: ['']}]",
            "fill it in, or remove it from the list",
        ),
        (
            &group,
            "name: g, bindings: [{rules: [{verbs: [''], resources: [a]}]}]",
            "fill it in",
        ),
        (
            &shared,
            "roleARN: ~, serviceAccounts: [{namespace: a, name: b}]",
            "fill it in, or write `roleName` instead",
        ),
        (
            &shared,
            &format!("roleARN: {ROLE}, serviceAccounts: [{{namespace: a, name: ~}}]"),
            "fill it in, or write `subjectPattern` instead",
        ),
        (
            &role,
            "name: r, assumedBy: {users: [''], mfa: true}",
            "fill it in, or write `roles`, `accounts`, `permissionSets` or `oidc` instead",
        ),
        (
            association,
            "roleARN: ''",
            "fill it in, or write `permissionPolicy`, `permissionPolicyARNs` or `wellKnownPolicies` instead",
        ),
        (
            &policy,
            "name: p, file: ''",
            "fill it in, or write `document` instead",
        ),
        (
            &policy,
            "name: p, document: ~",
            "fill it in, or write `file` instead",
        ),
    ] {
        let said = report(&format!("{HEAD}{}", section.replace('@', keys)));
        let help: Vec<&str> = said
            .lines()
            .filter_map(|line| line.split_once("help: a variable was probably not set: "))
            .map(|(_, advice)| advice)
            .collect();
        assert_eq!(help.first(), Some(&wanted), "{keys}: {said}");
    }
}

#[test]
fn managed_sections_have_no_placeholders_in_keys() {
    for (section, path) in [
        (SECTIONS[0].0, "iam.serviceAccounts[0]"),
        ("iam: {withOIDC: true, @}\n", "iam"),
        ("accessConfig: {authenticationMode: API, @}\n", "accessConfig"),
        (
            "iamIdentityMappings: [{arn: 'arn:aws:iam::111122223333:role/r', username: a, groups: [a], @}]\n",
            "iamIdentityMappings[0]",
        ),
    ] {
        let file = format!("{HEAD}{}", section.replace("roleName: \"@\"", "@")).replace('@', "\"${K}\": x");
        let said = report(&file);
        assert!(
            said.contains("error: `${K}` is not expanded by eksact\n"),
            "{path}: {said}"
        );
        assert_eq!(said.matches(": error: ").count(), 1, "{said}");
    }
    // At the root it may be anybody's.
    let said = report(&format!("{HEAD}\"${{K}}\": x\n"));
    assert_eq!(said.matches(": error: ").count(), 1, "{said}");
}

#[test]
fn managed_sections_have_no_placeholders() {
    for (section, path, _) in SECTIONS {
        let said = report(&filled(section, "${NAME}"));
        assert!(
            said.contains("error: `${NAME}` is not expanded by eksact"),
            "{path}: {said}"
        );
        assert_eq!(said.matches("error: ").count(), 1, "{said}");
    }
}

#[test]
fn managed_sections_have_no_keys_in_another_case() {
    for (section, path, other) in SECTIONS {
        let key = path.rsplit('.').next().unwrap();
        let file = filled(section, "x").replace(&format!("{key}:"), &format!("{other}:"));
        let said = report(&file);
        assert!(
            said.contains(&format!("error: there is no key `{other}`")),
            "{path}: {said}"
        );
    }
    // eksctl passes over it, and so does eksact, which has nothing to do with it.
    let said = report(&format!("{HEAD}vpc: {{Id: x}}\n"));
    assert!(
        said.contains("warning: there is no key `Id` in vpc; eksctl ignores it"),
        "{said}"
    );
}

#[test]
fn managed_sections_tell_a_repeated_placeholder_where_it_is_first() {
    let said = report(&format!(
        "{HEAD}iam:\n  podIdentityAssociations:\n  - {{namespace: a, serviceAccountName: b, roleARN: 'arn:aws:iam::${{ACCOUNT}}:role/r'}}\n\
         iamIdentityMappings:\n- {{arn: 'arn:aws:iam::${{ACCOUNT}}:role/r', groups: [a]}}\n"
    ));
    assert!(said.starts_with("c.yaml:6:"), "{said}");
    assert!(
        said.contains("`${ACCOUNT}` is not expanded by eksact; it is there 2 times"),
        "{said}"
    );
}

#[test]
fn managed_sections_leave_alone_what_is_ignored_in_them() {
    let file = format!(
        "{}iam:\n  withOIDC: true\n  serviceRoleARN: \"${{ROLE}}\"\n  serviceAccounts:\n  - metadata: {{name: a}}\n    attachPolicyARNs: ['arn:aws:iam::aws:policy/A']\n    status: {{roleARN: \"\", stackName: \"${{STACK}}\"}}\n",
        HEAD.replace(
            "name: prod",
            "name: prod, annotations: {a: \"${NOTE}\"}, forceUpdateVersion: ~"
        )
    );
    assert_eq!(report(&file), "");
}
