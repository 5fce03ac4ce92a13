//! Each finding on the text that it is for, with its fix applied.

use std::collections::BTreeMap;

use super::*;
use crate::authn::aws_auth::edit::apply;
use crate::authn::aws_auth::parse;

fn data(roles: &str, users: &str, accounts: &str) -> AwsAuth {
    let sections = [
        ("mapRoles", roles),
        ("mapUsers", users),
        ("mapAccounts", accounts),
    ];
    let data: BTreeMap<_, _> = sections
        .iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(key, text)| ((*key).to_owned(), (*text).to_owned()))
        .collect();
    parse(&data)
}

/// The codes with their lines, and what the fixes make of `mapRoles`; without the user names that most of the texts leave out.
fn lint_roles(roles: &str) -> (Vec<(&'static str, usize)>, Vec<String>) {
    let surroundings = Surroundings {
        partition: Some("aws"),
        ..Surroundings::default()
    };
    let mut findings = lint(&data(roles, "", ""), &surroundings);
    findings.retain(|finding| finding.code != "no-username");
    let fixed = findings
        .iter()
        .filter_map(|finding| finding.fix.clone())
        .map(|fix| apply(SectionKey::Roles, Some(roles), &[fix]).unwrap())
        .collect();
    let codes = findings
        .iter()
        .map(|finding| (finding.code.as_str(), finding.line.unwrap()))
        .collect();
    (codes, fixed)
}

#[test]
fn arns_that_let_nobody_in() {
    for (arn, code, fixed) in [
        (
            "arn:aws:iam::111122223333:role/a/b/dev",
            "role-arn-with-path",
            Some("arn:aws:iam::111122223333:role/dev"),
        ),
        (
            "arn:aws:sts::111122223333:assumed-role/dev/me",
            "session-arn",
            Some("arn:aws:iam::111122223333:role/dev"),
        ),
        ("arn:aws:iam::111122223333:group/devs", "group-arn", None),
        ("arn:aws:iam::111122223333:user/ann", "user-in-map-roles", None),
        ("arn:aws-cn:iam::111122223333:role/dev", "wrong-partition", None),
        (
            "arn:aws-us-govt:iam::111122223333:role/dev",
            "wrong-partition",
            None,
        ),
        ("arn:aws:iam::11112222333:role/dev", "bad-account", None),
        ("arn:aws:iam::111122223333:role/*", "wildcard-in-arn", None),
        (
            "arn:aws:iam:eu-west-1:111122223333:role/dev",
            "arn-with-region",
            None,
        ),
        ("arn:aws:iam::111122223333:policy/dev", "not-an-arn", None),
        ("dev", "not-an-arn", None),
        ("'arn:aws:iam::111122223333:role/dev '", "not-an-arn", None),
    ] {
        let text = format!("# c\n- rolearn: {arn} # x\n  username: u\n");
        let fixed: Vec<_> = fixed.iter().map(|with| text.replace(arn, with)).collect();
        assert_eq!(lint_roles(&text), (vec![(code, 2)], fixed), "{arn}");
    }
    assert_eq!(
        lint_roles("- rolearn: arn:aws:iam::111122223333:role/dev\n").0,
        []
    );
}

#[test]
fn names_that_mean_nothing() {
    let entry = |rest: &str| format!("- rolearn: arn:aws:iam::111122223333:role/dev\n{rest}");
    let (codes, fixed) = lint_roles(&entry("  groups: [system:master, devs] # why\n"));
    assert_eq!(codes, [("misspelt-system-group", 1)]);
    assert_eq!(fixed, [entry("  groups: [\"system:masters\", devs] # why\n")]);
    assert_eq!(
        lint_roles(&entry("  username: 'x:{{Session}}'\n")).0,
        [("unknown-placeholder", 1)]
    );
    assert_eq!(
        lint_roles(&entry("  username: '{{AccountID}}{{SessionName}}'\n")).0,
        []
    );
    assert_eq!(lint_roles(&entry("  username: yes\n")).0, [("wrong-type", 2)]);
    assert_eq!(
        lint_roles(&entry("  groups: system:masters\n")).0,
        [("wrong-type", 2)]
    );
}

#[test]
fn duplicates_and_what_is_dropped() {
    let one = "- rolearn: arn:aws:iam::111122223333:role/dev\n  groups: [a]\n";
    let text = format!("{one}{}", one.replace("dev", "DEV"));
    assert_eq!(
        lint_roles(&text),
        (vec![("duplicate-overridden", 1)], vec![one.replace("dev", "DEV")])
    );
    let user = one.replace("rolearn", "userarn").replace("role/", "user/");
    let users = lint(
        &data("", &format!("{user}{}", user.replace("dev", "DEV")), ""),
        &Surroundings::default(),
    );
    assert_eq!(
        users.first().map(|finding| finding.code.as_str()),
        Some("duplicate-at-random")
    );
    assert_eq!(lint_roles("- username: x\n").0, [("entry-dropped", 1)]);
    assert_eq!(
        lint_roles("- rolearn: a\n  username: {{SessionName}}\n").0,
        [("section-dropped", 2)]
    );
    let found = lint(&data("", "", "- 12\n- 111122223333\n"), &Surroundings::default());
    assert_eq!(
        found
            .iter()
            .map(|finding| (finding.code.as_str(), finding.line))
            .collect::<Vec<_>>(),
        [("bad-account", Some(1))]
    );
    let misspelt = parse(&BTreeMap::from([("maproles".to_owned(), String::new())]));
    assert_eq!(
        lint(&misspelt, &Surroundings::default())[0].code,
        "section-misspelt"
    );
}

#[test]
fn lint_by_what_kubernetes_and_iam_know() {
    let text = "- rolearn: arn:aws:iam::111122223333:role/AWSReservedSSO_Admin_0123456789abcdef\n  username: a\n  groups: [devs, ops, system:nodes, 'x:{{AccountID}}']\n";
    let (bound, roles) = (
        BTreeSet::from(["devs".to_owned()]),
        BTreeSet::from(["AWSReservedSSO_Admin_fedcba9876543210".to_owned()]),
    );
    let surroundings = Surroundings {
        partition: None,
        bound_groups: Some(&bound),
        roles: Some(("111122223333", &roles)),
        ..Surroundings::default()
    };
    let found = lint(&data(text, "", ""), &surroundings);
    let said: Vec<_> = found
        .iter()
        .map(|finding| (finding.code.as_str(), finding.suggestion.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            (
                "stale-sso-role",
                "permission set `Admin` has AWSReservedSSO_Admin_fedcba9876543210 now"
            ),
            ("group-not-bound", "bind it, or remove it"),
        ]
    );
}

/// The server looks into mapRoles first, whatever the ARN is of.
#[test]
fn user_that_map_roles_has_as_well_is_covered_by_it() {
    let both = "arn:aws:iam::111122223333:user/bob";
    let aws_auth = data(
        &format!("- rolearn: {both}\n  username: role\n"),
        &format!("- userarn: {both}\n  username: bob\n- userarn: {both}by\n  username: bobby\n"),
        "",
    );
    let covered: Vec<_> = lint(&aws_auth, &Surroundings::default())
        .into_iter()
        .filter(|finding| finding.code == "duplicate-overridden")
        .map(|finding| (finding.section, finding.entry))
        .collect();
    assert_eq!(covered, [(Some(SectionKey::Users), Some(0))]);
}

#[test]
fn node_names_are_for_roles_that_instances_have() {
    for (key, arn, is_told) in [
        ("rolearn", "role/nodes", false),
        ("rolearn", "role/AWSReservedSSOnodes", false),
        ("rolearn", "role/nodes-AWSReservedSSO_Ops_0123456789abcdef", false),
        ("rolearn", "role/AWSReservedSSO_Ops_0123456789abcdef", true),
        ("rolearn", "role/awsreservedsso_ops_0123456789abcdef", true),
        (
            "rolearn",
            "role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Ops_0123456789abcdef",
            true,
        ),
        ("userarn", "user/ann", true),
        ("userarn", "user/AWSReservedSSO_Ops_0123456789abcdef", true),
    ] {
        let entry = |name: &str| {
            format!("- {{{key}: 'arn:aws:iam::111122223333:{arn}', username: dev, groups: ['{name}']}}\n")
        };
        let section = if key == "rolearn" { "mapRoles" } else { "mapUsers" };
        let codes = |name: &str| -> Vec<&str> {
            let data = BTreeMap::from([(section.to_owned(), entry(name))]);
            let found = lint(&parse(&data), &Surroundings::default());
            let found = found.iter().filter(|found| found.weight == Weight::Error);
            let codes = found.map(|found| found.code.as_str());
            codes.filter(|code| *code == "unknown-placeholder").collect()
        };
        assert_eq!(
            codes("system:node:{{EC2PrivateDNSName}}").len(),
            usize::from(is_told),
            "{arn}"
        );
        assert!(codes("{{AccountID}}").is_empty(), "{arn}");
    }
}
