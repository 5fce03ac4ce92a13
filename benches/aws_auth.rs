//! What one mapping costs in an aws-auth of 9,000, near the size that a ConfigMap may have, what it costs to change every
//! one, and how the one too many is refused. One command: `cargo bench --bench aws_auth`; README.md beside this file has
//! the results.
//!
//! Only what was written decides whether it passes, never the time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark ends like a test"
)]

#[path = "../tests/support/bed.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod bed;
#[path = "support/measure.rs"]
mod measure;
#[path = "support/peak.rs"]
mod peak;
#[path = "../tests/support/schemas.rs"]
mod schemas;

use std::{fmt::Write as _, process::ExitCode};

use bed::{Bed, until};
use measure::{Case, Run, Target, measured, show, table};
use serde_json::{Value, json};

const MAPPINGS: usize = 9000;
const RUNS: usize = 5;
/// Sum of the values of a ConfigMap that the API server takes, in bytes.
const LARGEST: usize = 1024 * 1024;
const AWS_AUTH: &str = "/api/v1/namespaces/kube-system/configmaps/aws-auth";
/// What is asked of the Kubernetes API, besides its version.
const RESOURCES: [&str; 6] = [
    "configmaps",
    "clusterrolebindings",
    "rolebindings",
    "selfsubjectreviews",
    "selfsubjectaccessreviews",
    "namespaces",
];
/// A command line that the server would refuse to follow ends with this.
const REFUSED: i32 = 1;

fn main() -> ExitCode {
    // `cargo test --benches` builds and starts this too; measuring is asked for by `cargo bench` alone.
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let bed = Bed::start();
    let map_roles = map_roles(MAPPINGS);
    let size = map_roles.len();
    let mut plan = Case::new(format!("plan one more than {MAPPINGS}"), Target::default());
    let mut apply = Case::new(format!("add one to {MAPPINGS}"), Target::default());
    for _ in 0..RUNS {
        put(&bed, &map_roles);
        plan.runs.push(add(&bed, 3, &[]));
        apply.runs.push(add(&bed, 0, &["--approve"]));
        let after = section(&bed);
        let added = after
            .strip_prefix(&map_roles)
            .expect("what was there has changed");
        assert_eq!(added.matches("role/one-more").count(), 1, "{added}");
    }
    let mut change = Case::new(format!("change all {MAPPINGS}"), Target::default());
    let file = bed.file("every.yaml", &every_mapping(&bed, MAPPINGS));
    for _ in 0..RUNS {
        put(&bed, &map_roles);
        change
            .runs
            .push(measured(&bed, &RESOURCES, 0, &["apply", "-f", &file, "--yes"]));
        assert_eq!(section(&bed), map_roles.replace(": deployer-", ": operator-"));
    }
    let mut refuse = Case::new("refuse the one too many".to_owned(), Target::default());
    let room = LARGEST - map_roles.len() - users(&bed).len() - "#\n".len();
    let full = format!("{map_roles}#{}\n", "x".repeat(room));
    put(&bed, &full);
    for _ in 0..RUNS {
        let run = add(&bed, REFUSED, &["--approve"]);
        assert!(run.said.contains("1048576"), "{}", run.said);
        refuse.runs.push(run);
        assert_eq!(section(&bed), full, "something was written");
    }
    show(&format!("\nmapRoles: {MAPPINGS} entries, {size} bytes\n"));
    show(&table(&[plan, apply, change, refuse]));
    ExitCode::SUCCESS
}

/// As eksctl writes it.
fn map_roles(count: usize) -> String {
    let mut text = String::new();
    for number in 0..count {
        // Writing to a text cannot fail.
        let _ = write!(
            text,
            "- groups:\n  - team-{:03}\n  rolearn: arn:aws:iam::111122223333:role/team-{number:05}-deployer\n  \
             username: deployer-{number:05}\n",
            number % 100
        );
    }
    text
}

/// A configuration that wants another user name for each of them.
fn every_mapping(bed: &Bed, count: usize) -> String {
    let mut text = format!(
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: bench, region: {}}}\n\
         iamIdentityMappings:\n",
        bed.fact("region")
    );
    for number in 0..count {
        // Writing to a text cannot fail.
        let _ = write!(
            text,
            "- arn: arn:aws:iam::111122223333:role/team-{number:05}-deployer\n  username: operator-{number:05}\n  \
             groups: [team-{:03}]\n",
            number % 100
        );
    }
    text
}

fn users(bed: &Bed) -> String {
    let arn = &bed.facts["people"]["deployer"]["arn"];
    json!([{"userarn": arn, "username": "deployer", "groups": ["system:masters"]}]).to_string()
}

/// Puts the section in place and waits until the authenticator, which reads all of it, lets the deployer in.
fn put(bed: &Bed, map_roles: &str) {
    let (_, mut object) = bed.kubernetes("GET", AWS_AUTH, &Value::Null);
    object["data"] = json!({"mapRoles": map_roles, "mapUsers": users(bed)});
    object["metadata"]["annotations"] = json!({});
    let (status, answer) = bed.kubernetes("PUT", AWS_AUTH, &object);
    assert_eq!(status, 200, "{answer}");
    let get = ["get", "iamserviceaccount", "--cluster", "bench"];
    until("the deployer to be let in", || bed.run(&get).code == Some(0));
}

fn section(bed: &Bed) -> String {
    let (_, found) = bed.kubernetes("GET", AWS_AUTH, &Value::Null);
    found["data"]["mapRoles"].as_str().unwrap().to_owned()
}

fn add(bed: &Bed, exit: i32, more: &[&str]) -> Run {
    let create = [
        "create",
        "iamidentitymapping",
        "--cluster",
        "bench",
        "--arn",
        "arn:aws:iam::111122223333:role/one-more",
        "--username",
        "one-more",
        "--group",
        "team-001",
    ];
    measured(bed, &RESOURCES, exit, &[create.as_slice(), more].concat())
}
