//! `create`, `get`, `update` and `delete accessentry`, and a file with access entries in it.

use crate::commands::place::Place;

const DEV: &str = "arn:aws:iam::111122223333:role/team/dev";

macro_rules! assert_steady_story {
    ($name:literal, $place:expr) => {
        insta::with_settings!({
            snapshot_path => "snapshots",
            prepend_module_to_snapshot => false,
            omit_expression => true,
            filters => vec![(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "2026-11-29T12:00:00Z")],
        }, { insta::assert_snapshot!($name, $place.story()); });
    };
}

#[test]
fn accessentry_from_creation_to_deletion() {
    let mut place = Place::new();
    let about = |verb: &'static str| vec![verb, "accessentry", "--cluster", "prod", "--principal-arn", DEV];
    let create = [
        about("create"),
        vec![
            "--kubernetes-groups",
            "developers",
            "--access-policy",
            "AmazonEKSViewPolicy:default,dev-*",
        ],
    ]
    .concat();
    place.tell(&create);
    place.tell(&[create.as_slice(), &["--yes"]].concat());
    place.tell(&[create.as_slice(), &["--yes"]].concat());
    place.tell(&["get", "accessentry", "--cluster", "prod"]);
    // Only what the flags name changes.
    place.tell(
        &[
            about("update"),
            vec!["--access-policy", "AmazonEKSClusterAdminPolicy", "--yes"],
        ]
        .concat(),
    );
    place.tell(
        &[
            about("update"),
            vec![
                "--no-access-policies",
                "--kubernetes-username",
                "dev:{{SessionName}}",
                "--yes",
            ],
        ]
        .concat(),
    );
    place.tell(&[about("get"), vec!["-o", "json"]].concat());
    place.tell(&[about("delete"), vec!["--yes"]].concat());
    place.tell(&[about("delete"), vec!["--yes"]].concat());
    place.tell(&about("get"));
    assert_steady_story!("accessentry", &place);
}

#[test]
fn accessentry_that_cannot_be_is_refused_in_the_words_of_the_flags() {
    let mut place = Place::new();
    let create = |words: &[&str]| -> Vec<String> {
        let line = ["create", "accessentry", "--cluster", "prod"];
        line.iter().chain(words).map(|word| (*word).to_owned()).collect()
    };
    for words in [
        &[][..],
        &["--principal-arn", "dev"],
        &["--principal-arn", DEV, "--kubernetes-groups", "system:masters"],
        &[
            "--principal-arn",
            DEV,
            "--type",
            "EC2_LINUX",
            "--kubernetes-username",
            "x",
        ],
        &["--principal-arn", DEV, "--access-policy", "AmazonEKSViewPolicy:"],
    ] {
        let line = create(words);
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        place.tell(&line);
    }
    place.tell(&[
        "update",
        "accessentry",
        "--cluster",
        "prod",
        "--principal-arn",
        DEV,
    ]);
    place.tell(&["delete", "accessentry", "--cluster", "prod"]);
    // The caller's own, and the last administrator's.
    let own = "arn:aws:iam::111122223333:user/sandbox";
    place.tell(&[
        "delete",
        "accessentry",
        "--cluster",
        "prod",
        "--principal-arn",
        own,
        "--yes",
    ]);
    assert_steady_story!("accessentry-refused", &place);
}

#[test]
fn accessentry_of_a_file_is_planned_with_what_it_means() {
    let mut place = Place::new();
    place.write(
        "cluster.yaml",
        "apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata: {name: prod, region: eu-west-1}
accessConfig:
  accessEntries:
    - principalARN: arn:aws:iam::111122223333:role/team/admin
      accessPolicies:
        - policyARN: arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy
          accessScope: {type: cluster}
    - principalARN: arn:aws:iam::111122223333:role/team/dev
      kubernetesUsername: dev:{{SessionName}}
      kubernetesGroups: [developers]
      accessPolicies:
        - policyARN: arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy
          accessScope: {type: namespace, namespaces: [default, dev-*]}
    - principalARN: arn:aws:iam::111122223333:role/KarpenterNode
      type: EC2_LINUX
",
    );
    place.tell(&["plan", "-f", "cluster.yaml"]);
    place.tell(&["apply", "-f", "cluster.yaml", "--yes"]);
    place.tell(&["plan", "-f", "cluster.yaml"]);
    place.tell(&["get", "accessentry", "-f", "cluster.yaml", "-o", "yaml"]);
    place.tell(&[
        "delete",
        "accessentry",
        "-f",
        "cluster.yaml",
        "--allow",
        "node-role-lost",
        "--yes",
    ]);
    assert_steady_story!("accessentry-file", &place);
}

#[test]
fn accessentry_of_a_permission_set_is_shown_by_the_name_of_the_set() {
    const ADMINS: &str = "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admins_0123456789abcdef";
    let mut place = Place::new();
    for arn in [ADMINS, DEV] {
        let create = [
            "create",
            "accessentry",
            "--cluster",
            "prod",
            "--yes",
            "--principal-arn",
            arn,
        ];
        assert_eq!(place.run(&create).code, 0);
    }
    let get = ["get", "accessentry", "--cluster", "prod", "--principal-arn"];
    for set in ["permissionSet:Admins", "permissionSet:Admin"] {
        place.tell(&[get.as_slice(), &[set]].concat());
    }
    assert_steady_story!("accessentry-permission-set", &place);
}
