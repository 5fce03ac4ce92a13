//! `update-kubeconfig --write-aws-profile`: a profile beside the kubeconfig, in a file that is left as it was but for it.

use std::fs;

use serde_json::json;

use crate::commands::place::{Ended, Place, assert_story};

const CONFIG: &str = "; nina's
[default]
region=eu-west-1   # home

[profile base]
aws_access_key_id = AKIAEXAMPLE
aws_secret_access_key = secret
s3 =
  max_concurrent_requests = 20
[sso-session corp]
sso_region = eu-west-1
";

/// A place with the role `deployer`, and this AWS config file.
fn with_role(config: &str) -> Place {
    let place = Place::new();
    place.edit("prod", |world| {
        let role = eksact_core::ports::aws::Role {
            name: "deployer".to_owned(),
            arn: "arn:aws:iam::111122223333:role/team/deployer".to_owned(),
            id: "AROADEPLOYER".to_owned(),
            path: "/team/".to_owned(),
            trust_policy: json!({"Version": "2012-10-17", "Statement": []}),
            managed_policy_arns: Vec::new(),
            inline_policies: std::collections::BTreeMap::new(),
            max_session_seconds: None,
            permissions_boundary: None,
            tags: std::collections::BTreeMap::new(),
        };
        world.roles.insert("deployer".to_owned(), role);
    });
    place.write("aws", config);
    place
}

const COMMON: [&str; 8] = [
    "update-kubeconfig",
    "--name",
    "prod",
    "--region",
    "eu-west-1",
    "--kubeconfig",
    "kubeconfig",
    "--portable",
];

fn run(place: &Place, more: &[&str]) -> Ended {
    let mut command = place.command(&[&COMMON, more].concat());
    Ended::of(command.env("AWS_CONFIG_FILE", "aws").output().unwrap())
}

fn tell(place: &mut Place, more: &[&str]) {
    let ended = run(place, more);
    place.record(&[&COMMON, more].concat(), &ended);
}

#[test]
fn update_kubeconfig_writes_a_profile_with_the_role() {
    let mut place = with_role(CONFIG);
    let deployer = [
        "--assume-role",
        "deployer",
        "--write-aws-profile",
        "deployer",
        "--source-profile",
        "base",
    ];
    tell(&mut place, &[&deployer[..], &["--diff-only"]].concat());
    assert_eq!(fs::read_to_string(place.path("aws")).unwrap(), CONFIG);
    assert!(!place.path("kubeconfig").exists());
    #[cfg(unix)]
    let mode = |place: &Place| {
        std::os::unix::fs::PermissionsExt::mode(&fs::metadata(place.path("aws")).unwrap().permissions())
    };
    #[cfg(unix)]
    let before = mode(&place);
    tell(&mut place, &deployer);
    tell(&mut place, &deployer);
    let text = fs::read_to_string(place.path("aws")).unwrap();
    let added = text.strip_prefix(CONFIG).unwrap();
    assert_eq!(
        added,
        "\n[profile deployer]\nrole_arn = arn:aws:iam::111122223333:role/team/deployer\nsource_profile = base\n"
    );
    #[cfg(unix)]
    assert_eq!(mode(&place), before);
    let kubeconfig = fs::read_to_string(place.path("kubeconfig")).unwrap();
    assert!(
        kubeconfig.contains("arn:aws:iam::111122223333:role/team/deployer"),
        "{kubeconfig}"
    );
    // Another role under the same name, unasked and forced.
    let other = [
        "--assume-role",
        "arn:aws:iam::111122223333:role/ops",
        "--write-aws-profile",
        "deployer",
        "--source-profile",
        "base",
    ];
    tell(&mut place, &other);
    assert_eq!(fs::read_to_string(place.path("aws")).unwrap(), text);
    tell(&mut place, &[&other[..], &["--force"]].concat());
    assert_eq!(
        fs::read_to_string(place.path("aws")).unwrap(),
        text.replace("role/team/deployer", "role/ops")
    );
    let files: Vec<_> = fs::read_dir(place.path(""))
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    assert_eq!(files.len(), 4, "no lock is left: {files:?}");
    assert_story!("aws-profile", place.story());
}

#[test]
fn hostile_names_and_files_are_refused() {
    let mut place = with_role(CONFIG);
    for (name, source) in [
        ("a]\n[default", "base"),
        ("deployer x", "base"),
        ("", "base"),
        ("deployer", "base\nrole_arn = x"),
        ("deployer", "gone"),
        ("base", "base"),
        ("deployer#", "base"),
    ] {
        tell(
            &mut place,
            &[
                "--assume-role",
                "deployer",
                "--write-aws-profile",
                name,
                "--source-profile",
                source,
            ],
        );
    }
    for role in ["gone", "a/b", "../x", "$(x)"] {
        tell(&mut place, &["--assume-role", role]);
    }
    let deployer = [
        "--assume-role",
        "deployer",
        "--write-aws-profile",
        "deployer",
        "--source-profile",
        "base",
    ];
    assert_eq!(fs::read_to_string(place.path("aws")).unwrap(), CONFIG);
    for text in [
        "[profile base]\nx",
        "[profile base]\n[profile deployer]\n[profile  deployer]\n",
    ] {
        place.write("aws", text);
        tell(&mut place, &deployer);
        assert_eq!(fs::read_to_string(place.path("aws")).unwrap(), text);
    }
    assert!(!place.path("kubeconfig").exists());
    assert_story!("aws-profile-refused", place.story());
}
