//! `check access`: everything that is wrong with the access that is there, in one run, and the same for machines.

use std::collections::BTreeMap;

use eksact_core::ports::aws::{AccessEntry, AccessPolicy, PodIdentityAssociation, Role};
use eksact_simulator::World;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::commands::place::{Place, assert_story};

const ACCOUNT: &str = "111122223333";

fn arn(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/{name}")
}

fn role(world: &mut World, name: &str, trusted: &Value) {
    let role = Role {
        name: name.to_owned(),
        arn: arn(name),
        id: format!("AROA{}", name.to_uppercase()),
        path: "/".to_owned(),
        trust_policy: json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}
        ]}),
        managed_policy_arns: Vec::new(),
        inline_policies: BTreeMap::new(),
        max_session_seconds: None,
        permissions_boundary: None,
        tags: BTreeMap::new(),
    };
    world.roles.insert(name.to_owned(), role);
}

fn entry(world: &mut World, name: &str, groups: &[&str], namespaces: Option<&[&str]>) {
    let entry = AccessEntry {
        principal_arn: arn(name),
        username: name.to_owned(),
        entry_type: "STANDARD".to_owned(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        policies: Vec::from_iter(namespaces.map(|namespaces| AccessPolicy {
            arn: "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy".to_owned(),
            namespaces:
                (!namespaces.is_empty()).then(|| namespaces.iter().map(|name| (*name).to_owned()).collect()),
        })),
        created_at: Some(Timestamp::from_second(1_700_000_000).unwrap()),
        ..AccessEntry::default()
    };
    let cluster = world.clusters.values_mut().next().unwrap();
    cluster.eks.access_entries.insert(arn(name), entry);
}

fn association(world: &mut World, name: &str) {
    let association = PodIdentityAssociation {
        id: format!("a-{name}"),
        arn: format!("arn:aws:eks:eu-west-1:{ACCOUNT}:podidentityassociation/quickstart/a-{name}"),
        namespace: "app".to_owned(),
        service_account: name.to_owned(),
        role_arn: arn(name),
        ..PodIdentityAssociation::default()
    };
    let cluster = world.clusters.values_mut().next().unwrap();
    cluster
        .eks
        .pod_identity_associations
        .insert(association.id.clone(), association);
}

fn all_wrong(world: &mut World) {
    world.any_principal = false;
    let people = json!({"AWS": ACCOUNT});
    for name in ["young", "empty", "narrow", "both", "nodes", "refusing", "same"] {
        role(world, name, &people);
    }
    world.role_dates.insert(
        "AROAYOUNG".to_owned(),
        Timestamp::from_second(1_750_000_000).unwrap(),
    );
    entry(world, "young", &[], Some(&[]));
    entry(world, "gone", &[], Some(&[]));
    entry(world, "empty", &["nowhere"], None);
    entry(world, "narrow", &["unbound"], Some(&["shop", "team-*"]));
    entry(world, "both", &[], Some(&["default"]));
    entry(world, "nodes", &[], Some(&[]));
    entry(world, "same", &["devs"], Some(&[]));
    association(world, "lost");
    association(world, "refusing");
    let cluster = world.clusters.values_mut().next().unwrap();
    let map = cluster.config_maps.get_mut("kube-system/aws-auth").unwrap();
    map.data.insert(
        "mapRoles".to_owned(),
        format!(
            "- rolearn: {}\n  username: both\n  groups: [system:masters]\n\
             - rolearn: {}\n  username: system:node:{{{{EC2PrivateDNSName}}}}\n  groups: [system:bootstrappers, system:nodes]\n\
             - rolearn: arn:aws:iam::999988887777:role/abroad\n  username: abroad\n",
            arn("both"),
            arn("nodes"),
        ),
    );
    map.data
        .insert("mapAccounts".to_owned(), "- '444455556666'\n".to_owned());
}

const CHECK: [&str; 6] = [
    "check",
    "access",
    "--cluster",
    "quickstart",
    "--region",
    "eu-west-1",
];

#[test]
fn check_access_of_a_fresh_cluster_finds_nothing() {
    let mut place = Place::new();
    assert_eq!(place.tell(&CHECK).code, 0);
    assert_story!("check-access-fresh", place.story());
}

#[test]
fn check_access_finds_all_that_is_wrong_at_once() {
    let mut place = Place::new();
    place.edit("quickstart", all_wrong);
    assert_eq!(place.tell(&CHECK).code, 1);
    assert_eq!(place.tell(&[&CHECK[..], &["-o", "github"]].concat()).code, 1);
    assert_story!("check-access", place.story());

    let ended = place.run(&[&CHECK[..], &["-o", "json"]].concat());
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    let mut codes: Vec<&str> = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["code"].as_str().unwrap())
        .collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(
        codes,
        [
            "attached-role-missing",
            "attached-role-refuses",
            "entry-gives-nothing",
            "group-not-bound",
            "line-blocks-api",
            "line-shadowed",
            "node-entry-type",
            "pod-identity-agent-missing",
            "principal-missing",
            "principal-stale",
            "scope-matches-nothing",
        ]
    );
    assert_eq!(
        document["checked"],
        json!({"entries": 8, "lines": 4, "associations": 2})
    );
}

/// Without errors the exit code is that of success.
#[test]
fn check_access_with_warnings_alone_succeeds() {
    let place = Place::new();
    place.edit("quickstart", |world| {
        role(world, "narrow", &json!({"AWS": ACCOUNT}));
        entry(world, "narrow", &["unbound"], Some(&["team-*"]));
    });
    let ended = place.run(&CHECK);
    assert_eq!(ended.code, 0, "{}", ended.stdout);
    assert!(ended.stdout.contains("2 warnings"), "{}", ended.stdout);
}

/// In mode API nothing of aws-auth counts, and nothing of it blocks the mode.
#[test]
fn check_access_in_mode_api_says_nothing_of_aws_auth() {
    let place = Place::new();
    place.edit("quickstart", |world| {
        all_wrong(world);
        let cluster = world.clusters.values_mut().next().unwrap();
        cluster.cluster.authentication_mode = Some("API".to_owned());
    });
    let ended = place.run(&[&CHECK[..], &["-o", "json"]].concat());
    assert_eq!(ended.code, 1);
    for code in ["line-blocks-api", "line-shadowed", "node-entry-type"] {
        assert!(!ended.stdout.contains(code), "{code}\n{}", ended.stdout);
    }
}
