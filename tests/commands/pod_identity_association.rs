//! `create`, `get`, `update` and `delete podidentityassociation`, and a file with associations in it.

use crate::commands::place::{Place, READ_ONLY, assert_story};

const ONE: [&str; 6] = [
    "--cluster",
    "prod",
    "--namespace",
    "app",
    "--service-account-name",
    "reader",
];

#[test]
fn podidentityassociation_from_creation_to_deletion() {
    let mut place = Place::new();
    let mut told = |verb: &str, more: &[&str]| {
        place
            .tell(&[&[verb, "podidentityassociation"], ONE.as_slice(), more].concat())
            .code
    };
    let role = ["--permission-policy-arns", READ_ONLY, "--create-service-account"];
    assert_eq!(told("create", &role), 3);
    assert_eq!(told("create", &[&role[..], &["--yes"]].concat()), 0);
    assert_eq!(told("create", &[&role[..], &["--yes"]].concat()), 0);
    assert_eq!(told("get", &[]), 0);
    let target = "arn:aws:iam::444455556666:role/data";
    assert_eq!(told("update", &["--target-role-arn", target, "--yes"]), 0);
    assert_eq!(told("get", &["--output", "yaml"]), 0);
    assert_eq!(told("delete", &["--yes"]), 0);
    assert_eq!(told("delete", &["--yes"]), 0);
    assert_eq!(told("get", &[]), 0);
    assert_story!("pod-identity-association", place.story());
}

/// What eksctl refuses is refused in its words, before anything is read.
#[test]
fn podidentityassociation_refuses_what_eksctl_refuses() {
    let role = "arn:aws:iam::111122223333:role/reader";
    for (line, words) in [
        (
            "create --service-account-name b --role-arn a",
            "--namespace is required",
        ),
        (
            "create --namespace a --role-arn a",
            "--service-account-name is required",
        ),
        (
            "create --namespace a --service-account-name b",
            "at least one of the following flags must be specified: --role-arn, --permission-policy-arns, --well-known-policies",
        ),
        (
            &format!(
                "create --namespace a --service-account-name b --role-arn {role} --permission-policy-arns {READ_ONLY}"
            ),
            "--permission-policy-arns cannot be specified when --role-arn is set",
        ),
        (
            &format!(
                "create --namespace a --service-account-name b --role-arn {role} --well-known-policies autoscaler"
            ),
            "--well-known-policies cannot be specified when --role-arn is set",
        ),
        (
            &format!("create --namespace a --service-account-name b --role-arn {role} --policy {{}}"),
            "--disable-session-tags must be set to true when using --policy",
        ),
        (
            "update --namespace a --service-account-name b",
            "nothing to update",
        ),
        (
            "get --service-account-name b",
            "--namespace must be set in order to specify --service-account-name",
        ),
    ] {
        let mut words_of_line: Vec<&str> = line.split(' ').collect();
        words_of_line.insert(1, "podidentityassociation");
        words_of_line.extend(["--cluster", "prod"]);
        let ended = Place::new().run(&words_of_line);
        assert_eq!(ended.code, 64, "{line}: {}", ended.stderr);
        let said = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(words), "{line}: {said}");
    }
}
