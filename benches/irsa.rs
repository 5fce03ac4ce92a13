//! How long eksact takes for service accounts with roles, and how much it asks for: on the whole test bed, with stacks
//! that take five seconds each. One command: `cargo bench --bench irsa`; README.md beside this file has the results.
//!
//! Only counts decide whether it passes: a number of calls is the same on every machine, a number of seconds is not.

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

use std::process::ExitCode;

use bed::Bed;
use measure::{Case, Target, measured, show, table};
use serde_json::json;

/// What a stack takes, in seconds.
const STACK_SECONDS: u32 = 5;
/// What the accounts of a file are spread over.
const NAMESPACES: usize = 20;
/// What is asked of the Kubernetes API, besides its version.
const RESOURCES: [&str; 3] = ["namespaces", "serviceaccounts", "selfsubjectaccessreviews"];

fn main() -> ExitCode {
    // `cargo test --benches` builds and starts this too; measuring is asked for by `cargo bench` alone.
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let mut cases = Vec::new();
    for (count, times, target) in [
        (
            1,
            3,
            Target {
                seconds: Some(6.0),
                ..Target::default()
            },
        ),
        (20, 1, Target::default()),
        (
            200,
            2,
            Target {
                seconds: Some(12.0),
                calls: Some(300),
                ..Target::default()
            },
        ),
    ] {
        cases.extend(applying(count, times, target));
    }
    cases.extend(planning_a_thousand());
    let table = table(&cases);
    let over: Vec<&Case> = cases.iter().filter(|case| case.is_over_calls()).collect();
    show(&table);
    if over.is_empty() {
        ExitCode::SUCCESS
    } else {
        show("More calls than the target allows: see the table.\n");
        ExitCode::FAILURE
    }
}

/// Applying a file of `count` accounts to an account and a cluster that have nothing yet, then planning it again.
fn applying(count: usize, times: usize, target: Target) -> Vec<Case> {
    let mut apply = Case::new(format!("apply {count}, stacks of {STACK_SECONDS} s"), target);
    let mut plan = Case::new(format!("plan {count} existing"), Target::default());
    for _ in 0..times {
        let bed = Bed::start();
        bed.stacks_take(&json!(STACK_SECONDS));
        let file = bed.file("cluster.yaml", &configuration(&bed, count));
        apply
            .runs
            .push(measured(&bed, &RESOURCES, 0, &["apply", "-f", &file, "--yes"]));
        plan.runs.push(measured(
            &bed,
            &RESOURCES,
            0,
            &["plan", "-f", &file, "--detailed-exitcode"],
        ));
    }
    vec![apply, plan]
}

/// Planning over a thousand accounts that exist and are as wanted, every role compared. eksact itself makes them, with
/// stacks that take no time.
fn planning_a_thousand() -> Vec<Case> {
    const COUNT: usize = 1000;
    let bed = Bed::start();
    let file = bed.file("cluster.yaml", &configuration(&bed, COUNT));
    bed.stacks_take(&json!(0));
    let mut apply = Case::new(format!("apply {COUNT}, stacks of 0 s"), Target::default());
    apply
        .runs
        .push(measured(&bed, &RESOURCES, 0, &["apply", "-f", &file, "--yes"]));
    let target = Target {
        seconds: Some(2.0),
        calls: Some(60),
        mebibytes: Some(100.0),
    };
    let mut plan = Case::new(format!("plan {COUNT} existing"), target);
    for _ in 0..5 {
        // With this flag a plan that would change anything ends with another code, and the benchmark with it.
        plan.runs.push(measured(
            &bed,
            &RESOURCES,
            0,
            &["plan", "-f", &file, "--detailed-exitcode"],
        ));
    }
    vec![apply, plan]
}

/// A file with `count` accounts: each with a managed policy, every second with an inline policy, every tenth with the
/// longest of the well-known policies.
fn configuration(bed: &Bed, count: usize) -> String {
    let accounts: Vec<serde_json::Value> = (0..count)
        .map(|number| {
            let mut account = json!({
                "metadata": {
                    "name": format!("account-{number:04}"),
                    "namespace": format!("team-{:02}", number % NAMESPACES),
                    "labels": {"tier": "backend"},
                },
                "attachPolicyARNs": ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"],
            });
            if number % 2 == 1 {
                account["attachPolicy"] = json!({"Version": "2012-10-17", "Statement": [{
                    "Effect": "Allow",
                    "Action": ["s3:GetObject", "s3:PutObject"],
                    "Resource": format!("arn:aws:s3:::bucket-{number}/*"),
                }]});
            }
            if number % 10 == 0 {
                account["wellKnownPolicies"] = json!({"awsLoadBalancerController": true});
            }
            account
        })
        .collect();
    json!({
        "apiVersion": "eksctl.io/v1alpha5",
        "kind": "ClusterConfig",
        "metadata": {"name": bed.fact("cluster"), "region": bed.fact("region")},
        "iam": {"withOIDC": true, "serviceAccounts": accounts},
    })
    .to_string()
}
