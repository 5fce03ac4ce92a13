//! `create`, `get`, `update` and `delete podidentityassociation`, and a file with associations in it.

use std::collections::BTreeMap;

use eksact_core::ports::kubernetes::Pod;
use eksact_simulator::World;

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

/// From the annotation to the association, with the restart between, to the annotation's end.
#[test]
fn migration_to_pod_identity_from_the_annotation_to_its_end() {
    const MIGRATE: [&str; 4] = ["migrate", "to-pod-identity", "--cluster", "quickstart"];
    let account =
        format!("{{metadata: {{name: reader, namespace: app}}, attachPolicyARNs: ['{READ_ONLY}']}}");
    let mut place = Place::new();
    place.write_accounts("cluster.yaml", &[&account]);
    place.edit("quickstart", |world| {
        world.clusters.values_mut().next().unwrap().cluster.auto_mode = true;
    });
    assert_eq!(place.run(&["apply", "-f", "cluster.yaml", "--yes"]).code, 0);
    let pod = |variables: &'static [&'static str]| {
        move |world: &mut World| {
            let pod = Pod {
                namespace: "app".to_owned(),
                name: "reader-5d4f8c7b9-x2x4z".to_owned(),
                service_account: "reader".to_owned(),
                phase: "Running".to_owned(),
                controller: Some("deployment/reader".to_owned()),
                credential_variables: BTreeMap::from([(
                    "app".to_owned(),
                    variables.iter().map(|name| (*name).to_owned()).collect(),
                )]),
                ..Pod::default()
            };
            let cluster = world.clusters.values_mut().next().unwrap();
            cluster.pods.insert("app/reader".to_owned(), pod);
        }
    };
    place.edit(
        "quickstart",
        pod(&["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"]),
    );
    let told = |place: &mut Place, more: &[&str]| place.tell(&[MIGRATE.as_slice(), more].concat()).code;
    assert_eq!(told(&mut place, &["--include", "web/*"]), 1);
    assert_eq!(told(&mut place, &[]), 3);
    assert_eq!(told(&mut place, &["--yes"]), 0);
    assert_eq!(told(&mut place, &["--remove-irsa", "--yes"]), 0);
    place.edit("quickstart", pod(&["AWS_CONTAINER_CREDENTIALS_FULL_URI"]));
    assert_eq!(told(&mut place, &["--remove-irsa", "--yes"]), 0);
    assert_eq!(told(&mut place, &["--remove-irsa", "--yes"]), 0);
    // eksctl's name and flag for it.
    let eksctls = [
        "utils",
        "migrate-to-pod-identity",
        "--cluster",
        "prod",
        "--approve",
    ];
    let ended = place.run(&[eksctls.as_slice(), &["--remove-oidc-provider-trust-relationship"]].concat());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_story!("pod-identity-migration", place.story());
}

/// Without an agent the migration is refused, and no guard refuses it: nothing is offered that the command line refuses.
#[test]
fn migration_to_pod_identity_without_an_agent_says_what_works() {
    const MIGRATE: [&str; 4] = ["migrate", "to-pod-identity", "--cluster", "quickstart"];
    let place = Place::new();
    let account =
        format!("{{metadata: {{name: reader, namespace: app}}, attachPolicyARNs: ['{READ_ONLY}']}}");
    place.write_accounts("cluster.yaml", &[&account]);
    assert_eq!(place.run(&["apply", "-f", "cluster.yaml", "--yes"]).code, 0);
    let refused = place.run(&[MIGRATE.as_slice(), &["--yes"]].concat());
    assert_eq!(refused.code, 4, "{}", refused.stderr);
    assert!(
        refused.stdout.contains("refused[pod-identity-agent-missing]"),
        "{}",
        refused.stdout
    );
    assert!(!refused.stdout.contains("--allow"), "{}", refused.stdout);
    let done = place.run(&[MIGRATE.as_slice(), &["--install-agent", "--yes"]].concat());
    assert_eq!(done.code, 0, "{}", done.stderr);
}
