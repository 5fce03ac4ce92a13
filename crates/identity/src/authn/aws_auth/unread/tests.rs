//! What makes no difference is found, all of it and nothing else.

mod random;

use std::collections::BTreeMap;

use super::super::lint::{LintFinding, Surroundings, lint};
use super::super::{AwsAuth, SectionKey, parse};

const ROLE: &str = "arn:aws:iam::111122223333:role/dev";
const USER: &str = "arn:aws:iam::111122223333:user/ann";

fn read(section: SectionKey, text: &str) -> AwsAuth {
    parse(&BTreeMap::from([(section.as_str().to_owned(), text.to_owned())]))
}

fn findings(section: SectionKey, text: &str) -> Vec<LintFinding> {
    lint(&read(section, text), &Surroundings::default())
}

/// Codes with lines, the errors marked, and what to do.
fn said(section: SectionKey, text: &str) -> Vec<(String, String)> {
    let findings = findings(section, text).into_iter();
    findings
        .map(|finding| {
            let mark = if finding.weight == crate::authn::aws_auth::Weight::Error {
                "!"
            } else {
                ""
            };
            let place = format!("{}{mark} {}", finding.code, finding.line.unwrap_or_default());
            (place, finding.suggestion.to_string())
        })
        .collect()
}

#[track_caller]
fn check(section: SectionKey, text: &str, expected: &[(&str, &str)]) {
    let said = said(section, text);
    let said: Vec<(&str, &str)> = said
        .iter()
        .map(|(place, help)| (place.as_str(), help.as_str()))
        .collect();
    assert_eq!(said, expected, "{text}");
}

/// Below `- rolearn: …`, so that the first line is the second of the text.
#[track_caller]
fn in_roles(rest: &str, expected: &[(&str, &str)]) {
    check(SectionKey::Roles, &format!("- rolearn: {ROLE}\n{rest}"), expected);
}

#[track_caller]
fn in_users(rest: &str, expected: &[(&str, &str)]) {
    check(SectionKey::Users, &format!("- userarn: {USER}\n{rest}"), expected);
}

#[test]
fn keys_that_the_server_does_not_read_are_named_with_the_nearest() {
    in_roles(
        "  username: dev\n  group: system:masters\n",
        &[("unknown-key! 3", "write `groups: [\"system:masters\"]` instead")],
    );
    in_roles(
        "  username: dev\n  group:\n  - admins\n",
        &[("unknown-key! 3", "rename it to `groups`")],
    );
    for (key, meant) in [
        ("user", "username"),
        ("name", "username"),
        ("usrname", "username"),
        ("user_name", "username"),
        ("userName ", "username"),
        ("userame", "username"),
        ("usernames", "username"),
    ] {
        let help = format!("rename it to `{meant}`");
        let text = format!("  '{key}': dev\n  groups: [a]\n");
        in_roles(&text, &[("unknown-key! 2", &help)]);
    }
    for key in ["grups", "gropus", "groupNames", "group_s", "k8sGroups"] {
        in_roles(
            &format!("  username: dev\n  {key}: [a]\n"),
            &[("unknown-key! 3", "rename it to `groups`")],
        );
    }
    // The right key is there, too.
    in_roles(
        "  username: dev\n  name: ann\n  groups: [a]\n  group: b\n",
        &[
            ("unknown-key! 3", "move its value to `username`, and remove it"),
            ("unknown-key! 5", "move its value to `groups`, and remove it"),
        ],
    );
    in_roles(
        "  username: dev\n  note: {deep: [1]}\n",
        &[("unknown-key 3", "remove it, or comment it out: `# note: …`")],
    );
    // Case does not matter to Go, blanks do.
    in_roles("  UserName: dev\n  GROUPS: [a]\n", &[]);
    check(
        SectionKey::Roles,
        &format!("- RoleARN: {ROLE}\n  username: dev\n"),
        &[],
    );
}

#[test]
fn key_of_the_other_section_is_named() {
    in_roles(
        &format!("  username: dev\n  userarn: {USER}\n"),
        &[(
            "unknown-key! 3",
            "remove it; the principal that it names needs an entry of its own in mapUsers",
        )],
    );
    check(
        SectionKey::Roles,
        &format!("- userarn: {USER}\n  username: ann\n"),
        &[(
            "entry-dropped! 1",
            "move the entry to mapUsers: `userarn` is a key of that section",
        )],
    );
    check(
        SectionKey::Roles,
        &format!("- userarn: {ROLE}\n  username: dev\n"),
        &[("entry-dropped! 1", "rename `userarn` to `rolearn`")],
    );
    check(
        SectionKey::Users,
        &format!("- rolearn: {ROLE}\n  username: dev\n"),
        &[(
            "entry-dropped! 1",
            "move the entry to mapRoles: `rolearn` is a key of that section",
        )],
    );
    in_users(
        "  username: ann\n  sso: {accountID: '1'}\n",
        &[("unknown-key 3", "remove it, or comment it out: `# sso: …`")],
    );
    for key in ["roleARM", "role_arn", "arn", "rolarn", "iamRoleArn", "role"] {
        check(
            SectionKey::Roles,
            &format!("- username: dev\n  {key}: {ROLE}\n"),
            &[("entry-dropped! 1", &format!("rename `{key}` to `rolearn`"))],
        );
    }
}

#[test]
fn values_that_are_nothing_are_named() {
    let write = |key: &str| format!("write a value after `{key}:`, or remove the key");
    for null in ["", "~", "null", "NULL", "!!null ''"] {
        in_roles(
            &format!("  username: {null}\n  groups: [a]\n"),
            &[("wrong-type! 2", &write("username"))],
        );
    }
    in_roles(
        "  username: dev\n  groups:\n",
        &[("wrong-type! 3", &write("groups"))],
    );
    in_roles(
        "  username: dev\n  groups:\n  - a\n  - \n  - ''\n",
        &[
            (
                "wrong-type! 5",
                "write the name of the group in quotes, or remove the item",
            ),
            ("empty-value! 6", "write a value, or remove it"),
        ],
    );
    in_roles(
        "  username: ''\n  groups: [a]\n",
        &[("empty-value! 2", "write a value, or remove it")],
    );
    in_roles(
        "  username: dev\n  groups: []\n",
        &[("empty-value 3", "write a value, or remove it")],
    );
    check(
        SectionKey::Roles,
        "- rolearn:\n  username: dev\n",
        &[("entry-dropped! 1", "write an ARN after `rolearn`, in quotes")],
    );
    check(
        SectionKey::Roles,
        "- \n",
        &[("entry-dropped! 1", "give it a `rolearn`, or remove it")],
    );
}

#[test]
fn values_of_the_wrong_type_say_what_to_write() {
    for (rest, help) in [
        (
            "groups: system:masters",
            "write a list: `groups: [\"system:masters\"]`",
        ),
        ("groups: a, b;c", "write a list: `groups: [\"a\", \"b\", \"c\"]`"),
        (
            "groups: |\n    - a\n    - b",
            "write a list: `groups: [\"a\", \"b\"]`",
        ),
        (
            "groups:\n  - system: bootstrappers",
            "a blank after a colon makes a mapping; write `system:bootstrappers`",
        ),
        (
            "groups:\n  - system:bootstrappers:",
            "a blank after a colon makes a mapping; write `system:bootstrappers`",
        ),
        (
            "groups: {system:masters}",
            "write a list: `groups: [\"system:masters\"]`",
        ),
        (
            "groups:\n    system:masters:\n    ops:",
            "write a list: `groups: [\"system:masters\", \"ops\"]`",
        ),
        (
            "groups: {system: master, AccountID: }",
            "write a list: `groups: [\"system:masters\", \"{{AccountID}}\"]`",
        ),
        ("groups: yes", "write a list: `groups: [\"yes\"]`"),
        ("groups: 0123", "write a list: `groups: [\"0123\"]`"),
        ("groups: 1.50", "write a list: `groups: [\"1.50\"]`"),
        (
            "groups: [[ops]]",
            "write groups as a list of strings, and put `yes`, `no`, numbers and `~` in quotes",
        ),
        ("groups: [123]", "write it in quotes: `\"123\"`"),
        ("groups: [0123]", "write it in quotes: `\"0123\"`"),
        ("groups: [yes]", "write it in quotes: `\"yes\"`"),
    ] {
        let text = format!("  username: dev\n  {rest}\n");
        let said = said(SectionKey::Roles, &format!("- rolearn: {ROLE}\n{text}"));
        let said: Vec<_> = said
            .iter()
            .map(|(place, help)| (place.split(' ').next().unwrap(), help.as_str()))
            .collect();
        assert_eq!(said, [("wrong-type!", help)], "{rest}");
    }
    for (value, help) in [
        ("123", "write it in quotes: `\"123\"`"),
        ("1e3", "write it in quotes: `\"1e3\"`"),
        ("on", "write it in quotes: `\"on\"`"),
        (
            "{SessionName}",
            "write the placeholder in quotes: `\"{{SessionName}}\"`",
        ),
        (
            "{ec2privatednsname}",
            "write the placeholder in quotes: `\"{{EC2PrivateDNSName}}\"`",
        ),
        ("[ann]", "put the value in quotes"),
    ] {
        in_roles(
            &format!("  username: {value}\n  groups: [a]\n"),
            &[("wrong-type! 2", help)],
        );
    }
}

#[test]
fn line_that_is_written_twice_is_told_once() {
    let one = "put the intended values into one and remove the other";
    in_roles(
        "  username: dev\n  groups: [a]\n  groups: [b]\n",
        &[("overridden-key! 3", one)],
    );
    in_roles(
        "  username: dev\n  groups: [a]\n  groups: [a]\n",
        &[("overridden-key! 3", one)],
    );
    in_roles("  username: low\n  Username: Up\n", &[("overridden-key! 3", one)]);
    in_roles(
        "  username: a\n  username: b\n  username: c\n",
        &[("overridden-key! 2", one), ("overridden-key! 3", one)],
    );
    check(
        SectionKey::Roles,
        &format!("- rolearn: x\n  rolearn: {ROLE}\n  username: dev\n"),
        &[("overridden-key! 1", one)],
    );
    in_roles(
        "  username: dev\n  groups: [a, b, a]\n",
        &[("repeated-value 3", "remove it")],
    );
    in_roles(
        "  username: dev\n  userid: AROAX\n",
        &[("unused-key 3", "remove it")],
    );
    check(
        SectionKey::Accounts,
        "- '111122223333'\n- 111122223333\n",
        &[("repeated-value 2", "remove it")],
    );
}

/// What has an effect elsewhere, or only by where it stands, is not called idle.
#[test]
fn anchors_and_merges_count_where_they_are_used() {
    let shared = format!(
        "- &base\n  rolearn: {ROLE}\n  x: &g [a, b]\n  username: dev\n- <<: *base\n  rolearn: {ROLE}2\n  groups: *g\n"
    );
    // `x` carries the anchor that the second entry uses; in the second, `<<` brings the user name.
    assert_eq!(
        said(SectionKey::Roles, &shared)
            .iter()
            .map(|(place, _)| place.as_str())
            .collect::<Vec<_>>(),
        Vec::<&str>::new()
    );
    in_roles(
        "  username: dev\n  <<: {username: other, groups: [a]}\n",
        &[(
            "overridden-key! 2",
            "put the intended values into one and remove the other",
        )],
    );
    in_roles(
        "  <<: {username: other, note: x}\n  username: dev\n",
        &[("no-difference 2", "remove it")],
    );
    let overridden = format!(
        "- &base\n  rolearn: {ROLE}\n  username: dev\n- <<: *base\n  rolearn: {ROLE}2\n  username: two\n"
    );
    check(
        SectionKey::Roles,
        &overridden,
        &[("no-difference 4", "remove it")],
    );
}

#[test]
fn second_document_is_not_read() {
    let text = format!("- rolearn: {ROLE}\n  username: dev\n---\n- rolearn: {ROLE}2\n");
    check(
        SectionKey::Roles,
        &text,
        &[(
            "document-not-read! 4",
            "remove each line with `---` or `...` above it",
        )],
    );
    check(
        SectionKey::Roles,
        &format!("---\n---\n- rolearn: {ROLE}\n"),
        &[(
            "document-not-read! 3",
            "remove each line with `---` or `...` above it",
        )],
    );
    check(
        SectionKey::Roles,
        &format!("---\n# c\n- rolearn: {ROLE}\n  username: dev\n...\n---\n# c\n"),
        &[],
    );
    check(
        SectionKey::Accounts,
        "- '111122223333'\n---\n- '444455556666'\n",
        &[(
            "document-not-read! 3",
            "remove each line with `---` or `...` above it",
        )],
    );
}

#[test]
fn entry_without_a_name_is_told() {
    in_roles(
        "  groups: [a]\n",
        &[(
            "no-username 1",
            "write `username: \"{{SessionName}}\"`, or a name",
        )],
    );
    in_roles(
        "",
        &[(
            "no-username! 1",
            "give it a `username`, and `groups` or a RoleBinding for that user",
        )],
    );
    in_users("  groups: [a]\n", &[("no-username 1", "write a `username`")]);
}
