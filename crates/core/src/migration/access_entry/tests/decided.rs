//! Lines and entries of one principal: which of them decides.

use super::*;

#[test]
fn lines_without_effect_are_told_and_the_one_that_decides_moves() {
    let twice = role("dev", "first", "a") + &role("dev", "second", "b") + &role("team/path", "p", "c");
    let users =
        format!("- {{userarn: 'arn:aws:iam::{ACCOUNT}:user/ops/Ann', username: ann, groups: [ops]}}\n");
    let accounts = "- '444455556666'\n";
    let lines = fates(
        &[
            ("mapRoles", &twice),
            ("mapUsers", &users),
            ("mapAccounts", accounts),
        ],
        &[],
        &Choices::default(),
    );
    let told: Vec<String> = lines
        .iter()
        .map(|line| format!("{:?} {}", line.line, told(&line.fate)))
        .collect();
    assert_eq!(
        told,
        [
            "Some(2) role/team/dev STANDARD second [b] [] same",
            "Some(1) user/ops/Ann STANDARD ann [ops] [] same",
            "None blocked: an access entry is for one principal, and this lets in every user and role of an account",
            "Some(1) dead: another line for the same ARN decides",
            "Some(3) dead: no caller has this ARN",
        ]
    );
}

#[test]
fn entry_that_is_there_decides_and_is_held_against_the_line() {
    let entry = |username: &str, groups: &[&str], policy: Option<&str>| AccessEntry {
        principal_arn: format!("arn:aws:iam::{ACCOUNT}:role/team/dev"),
        username: username.to_owned(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        entry_type: "STANDARD".to_owned(),
        policies: policy
            .map(|name| AccessPolicy {
                arn: format!("arn:aws:eks::aws:cluster-access-policy/{name}"),
                namespaces: None,
            })
            .into_iter()
            .collect(),
        ..AccessEntry::default()
    };
    let admin = Some("AmazonEKSClusterAdminPolicy");
    for (groups, entry, wanted) in [
        ("a, b", entry("dev", &["b", "a"], None), "decided same: "),
        (
            "a",
            entry("dev", &["a", "b"], None),
            "decided more: the entry has the groups b besides",
        ),
        (
            "a, b",
            entry("dev", &["a"], None),
            "decided less: the entry does not have the groups b",
        ),
        (
            "a",
            entry("ann", &["a"], None),
            "decided unknown: the user name is ann, the line says dev",
        ),
        (
            "'system:masters'",
            entry("dev", &[], None),
            "decided less: the line gives the whole cluster, the entry does not",
        ),
        ("'system:masters'", entry("dev", &[], admin), "decided same: "),
        (
            "a",
            entry("dev", &["a"], Some("AmazonEKSViewPolicy")),
            "decided more: the entry has access policies besides",
        ),
    ] {
        let lines = fates(
            &[("mapRoles", &role("dev", "dev", groups))],
            &[entry],
            &Choices::default(),
        );
        assert_eq!(told(&lines[0].fate), wanted);
    }
}
