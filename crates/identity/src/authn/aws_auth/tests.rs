//! Every rule of the server's reading, of matching and of near misses.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const ROLE: &str = "arn:aws:iam::111122223333:role/dev";

fn parse_roles(text: &str) -> AwsAuth {
    parse(&BTreeMap::from([("mapRoles".to_owned(), text.to_owned())]))
}

fn data(roles: &str, users: &str, accounts: &str) -> AwsAuth {
    let sections = [
        ("mapRoles", roles),
        ("mapUsers", users),
        ("mapAccounts", accounts),
    ];
    parse(
        &sections
            .map(|(key, text)| (key.to_owned(), text.to_owned()))
            .into(),
    )
}

fn session(role: &str, session: &str) -> Identity {
    let arn = format!("arn:aws:sts::111122223333:assumed-role/{role}/{session}");
    Identity::from_caller(&arn, "111122223333", &format!("AROAX:{session}"), "ASIAX").unwrap()
}

fn user(name: &str) -> Identity {
    let arn = format!("arn:aws:iam::111122223333:user/{name}");
    Identity::from_caller(&arn, "111122223333", "AIDAX", "AKIAX").unwrap()
}

/// Username and groups of the one entry.
fn only(text: &str) -> (String, Vec<String>) {
    let section = parse_roles(text).roles;
    assert_eq!((section.entries.len(), &section.dropped), (1, &None), "{text}");
    let mapping = section.entries[0].value.clone();
    (mapping.username, mapping.groups)
}

#[test]
fn wrong_types_are_empty_and_the_entry_stays() {
    let entry = |rest: &str| only(&format!("- rolearn: {ROLE}\n  {rest}\n"));
    for (rest, username, groups) in [
        ("groups: system:masters", "", &[][..]),
        ("username: 123", "", &[]),
        ("username: yes", "", &[]),
        ("username: 2001-12-14", "2001-12-14", &[]),
        ("username: 12:30", "12:30", &[]),
        ("username: ~", "", &[]),
        ("groups: [y, on, 1, ~, a]", "", &["", "", "", "", "a"]),
        ("username: admin:{{SessionName}}", "admin:{{SessionName}}", &[]),
        ("UserName: ann\n  GROUPS: [a]", "ann", &["a"]),
        ("username: a\n  username: b", "b", &[]),
        ("username: low\n  Username: Up", "low", &[]),
        ("groups:\n  - a\n   - b", "", &["a - b"]),
        ("other: {deep: [1]}", "", &[]),
    ] {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        assert_eq!(entry(rest), (username.to_owned(), groups), "{rest}");
    }
}

#[test]
fn sections_are_dropped_whole_and_each_by_itself() {
    for (text, line, problem) in [
        (
            "- rolearn: a\n  username: {{SessionName}}\n",
            2,
            "yaml: invalid map key",
        ),
        (
            "- rolearn: a\n\tusername: b\n",
            2,
            "yaml: line 2: found a tab character that violates indentation",
        ),
        ("rolearn: a\n", 1, "the section is a mapping, and must be a list"),
        (
            "- rolearn: a\n  x: .inf\n",
            2,
            "yaml: JSON cannot represent this number",
        ),
        ("- *x\n", 1, "yaml: unknown anchor 'x' referenced"),
        ("- &x\n  <<: *x\n", 2, "yaml: anchor 'x' value contains itself"),
        (
            "- rolearn: a\n username: b\n",
            2,
            "yaml: line 1: did not find expected '-' indicator",
        ),
    ] {
        let aws_auth = data(text, "- userarn: u\n", "- 012345678901\n");
        let fault = aws_auth.roles.dropped.as_ref().unwrap();
        assert_eq!(
            (fault.line, fault.problem.as_str()),
            (Some(line), problem),
            "{text}"
        );
        assert_eq!(aws_auth.roles.entries, []);
        assert_eq!((aws_auth.users.entries.len(), aws_auth.dropped().count()), (1, 1));
        assert_eq!(aws_auth.accounts.entries[0].value, "012345678901");
    }
    for nothing in ["", " \n", "\"\"", "''", "``", "[]", "~", "# c"] {
        let section = parse_roles(nothing).roles;
        assert_eq!(
            (section.present, section.entries.len(), section.dropped),
            (true, 0, None),
            "{nothing}"
        );
    }
    let unknown = parse(&BTreeMap::from([(
        "maproles".to_owned(),
        format!("- rolearn: {ROLE}\n"),
    )]));
    assert_eq!(
        (unknown.roles.present, unknown.unknown_keys),
        (false, vec!["maproles".to_owned()])
    );
}

#[test]
fn entries_are_left_out_one_by_one_and_know_their_place() {
    let text = "# c\n- roleARM: a\n- \n- text\n- rolearn: b\n  sso: {}\n- sso: {permissionSetName: View, accountID: 012345678912}\n- {rolearn: c}\n---\n- rolearn: d\n";
    let section = parse_roles(text).roles;
    let places: Vec<_> = section
        .entries
        .iter()
        .map(|entry| (entry.item, entry.line, &text[entry.span.clone()]))
        .collect();
    assert_eq!(places, [(5, 8, "- {rolearn: c}\n")]);
    let refused: Vec<_> = section
        .refused
        .iter()
        .map(|refused| (refused.line, refused.because.as_str()))
        .collect();
    assert_eq!(
        refused,
        [
            (2, "one of rolearn or SSO must be supplied"),
            (3, "one of rolearn or SSO must be supplied"),
            (4, "one of rolearn or SSO must be supplied"),
            (5, "only one of rolearn or SSO can be supplied"),
            (7, "AccountID '' is not a valid AWS Account ID"),
        ]
    );
}

#[test]
fn accounts_keep_their_digits() {
    let accounts = data("", "", "- 012345678901\n- 1_000\n- 0x10\n- [no]\n- ~\n").accounts;
    let values: Vec<_> = accounts
        .entries
        .iter()
        .map(|entry| entry.value.as_str())
        .collect();
    assert_eq!(
        (values, accounts.faults.len()),
        (vec!["012345678901", "1_000", "0x10", ""], 1)
    );
}

#[test]
fn matching_order_and_templates() {
    let aws_auth = data(
        "- {rolearn: 'ARN:aws:iam::111122223333:ROLE/dev', username: old, groups: [old]}\n- {rolearn: 'arn:aws:iam::111122223333:role/DEV', username: '{{AccountID}}:{{SessionName}}:{{SessionNameRaw}}:{{AccessKeyID}}:{{ SessionName }}', groups: ['{{SessionName}}']}\n- {rolearn: 'arn:aws:iam::111122223333:user/ann', username: from-roles}\n- {rolearn: 'arn:aws:iam::111122223333:role/node', username: 'system:node:{{EC2PrivateDNSName}}'}\n",
        "- {userarn: 'arn:aws:iam::111122223333:user/ann', username: from-users}\n- {userarn: 'arn:aws:iam::111122223333:user/p/bob', username: bob}\n- {userarn: 'arn:aws:iam::111122223333:user/p/BOB', username: BOB}\n",
        "- 111122223333\n",
    );
    // The last of the two counts, and the server compares without regard to case.
    let mapped = map(&aws_auth, &session("dev", "me@example.com")).unwrap();
    assert_eq!(
        mapped.username,
        "111122223333:me-example.com:me@example.com:ASIAX:{{ SessionName }}"
    );
    assert_eq!(
        (mapped.groups, mapped.by),
        (
            vec!["me-example.com".to_owned()],
            MappedBy::Entry(SectionKey::Roles, 1)
        )
    );
    assert_eq!(map(&aws_auth, &user("ann")).unwrap().username, "from-roles");
    assert_eq!(map(&aws_auth, &user("p/bob")).unwrap().at_random_with, [2]);
    // An account lets everybody of it in, under the ARN and without groups.
    let other = map(&aws_auth, &session("other", "x")).unwrap();
    assert_eq!(
        (other.username.as_str(), other.by),
        ("arn:aws:iam::111122223333:role/other", MappedBy::Account(0))
    );
    // An entry that matches and cannot be rendered denies, whatever else would match.
    assert!(matches!(
        map(&aws_auth, &session("node", "me")),
        Err(Denied::NotAnInstance { .. })
    ));
    assert!(map(&aws_auth, &session("node", "i-0123456789abcdef0")).is_ok());
    let rules = MappingRules {
        reserved_username_prefixes: &["from-"],
    };
    assert!(matches!(
        map_with(&aws_auth, &user("ann"), rules),
        Err(Denied::ReservedPrefix { .. })
    ));
    assert_eq!(map(&parse_roles(""), &user("ann")), Err(Denied::NotMapped));
}

#[test]
fn principals_are_those_that_can_match() {
    let text = format!(
        "- {{rolearn: '{ROLE}', groups: [a, b, a]}}\n- rolearn: arn:aws:iam::111122223333:role/p/dev\n- rolearn: arn:aws:sts::111122223333:assumed-role/dev/x\n- rolearn: arn:aws:iam::1:role/x\n"
    );
    let found = principals(&data(
        &text,
        "- userarn: arn:aws:iam::111122223333:user/P/Ann\n",
        "- '1'\n",
    ));
    let arns: Vec<_> = found.arns.keys().map(String::as_str).collect();
    assert_eq!(arns, [ROLE, "arn:aws:iam::111122223333:user/p/ann"]);
    assert_eq!((found.arns[ROLE].groups.len(), found.accounts.len()), (2, 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Any bytes, and what looks like YAML: read without a panic and without end.
    #[test]
    fn aws_auth_panics_on_no_text(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        pieces in "(- |rolearn: |[a-z]|\n|  |[\\[\\]{}\"'&*!|>%@#:,?]|<<: |\\*a|&a ){0,40}",
    ) {
        for text in [String::from_utf8_lossy(&bytes).into_owned(), pieces] {
            let aws_auth = data(&text, &text, &text);
            let _ = map(&aws_auth, &session("dev", "me"));
            let _ = near_misses(&aws_auth, &user("ann"), &BTreeMap::from([("mapRoles".to_owned(), text.clone()), ("maproles".to_owned(), text.clone())]));
            let _ = misses(&text, &session("AWSReservedSSO_View_0123456789abcdef", "me"));
            let _ = lint::lint(&aws_auth, &lint::Surroundings::default());
            let _ = principals(&aws_auth);
        }
    }
}
