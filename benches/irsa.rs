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

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    process::{Command, ExitCode, Stdio},
};

use bed::Bed;
use serde::Deserialize;
use serde_json::json;

/// What a stack takes, in seconds.
const STACK_SECONDS: u32 = 5;
/// What the accounts of a file are spread over.
const NAMESPACES: usize = 20;

/// What `peak.py` tells of a run.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Usage {
    exit: i32,
    seconds: f64,
    processor_seconds: f64,
    peak_mebibytes: f64,
}

/// What may not be exceeded.
#[derive(Clone, Copy, Debug, Default)]
struct Target {
    seconds: Option<f64>,
    calls: Option<usize>,
    mebibytes: Option<f64>,
}

/// One line of the table: the best time of several runs, and the most calls and memory.
struct Case {
    name: String,
    target: Target,
    runs: Vec<Run>,
}

/// One run.
struct Run {
    usage: Usage,
    aws: BTreeMap<String, usize>,
    kubernetes: usize,
}

impl Run {
    fn aws_calls(&self) -> usize {
        self.aws.values().sum()
    }
}

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
        apply.runs.push(measured(&bed, &["apply", "-f", &file, "--yes"]));
        plan.runs
            .push(measured(&bed, &["plan", "-f", &file, "--detailed-exitcode"]));
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
    apply.runs.push(measured(&bed, &["apply", "-f", &file, "--yes"]));
    let target = Target {
        seconds: Some(2.0),
        calls: Some(60),
        mebibytes: Some(100.0),
    };
    let mut plan = Case::new(format!("plan {COUNT} existing"), target);
    for _ in 0..5 {
        // With this flag a plan that would change anything ends with another code, and the benchmark with it.
        plan.runs
            .push(measured(&bed, &["plan", "-f", &file, "--detailed-exitcode"]));
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

/// Runs eksact once. Any exit code but 0 ends the benchmark with what eksact said.
fn measured(bed: &Bed, arguments: &[&str]) -> Run {
    let output = bed.home.path().join("output");
    let eksact = bed.eksact(arguments);
    let mut command = Command::new("python3");
    command
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peak.py"))
        .arg(&output)
        .arg(eksact.get_program())
        .args(eksact.get_args())
        .env_clear()
        .current_dir(bed.home.path())
        .stdin(Stdio::null());
    for (name, value) in eksact.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    let kubernetes_before = kubernetes_calls(bed);
    bed.forget_calls();
    let told = bed::Ran::from(command.output().unwrap()).ended(0);
    let usage: Usage = serde_json::from_value(told.json()).unwrap();
    let said = std::fs::read_to_string(&output).unwrap();
    assert_eq!(usage.exit, 0, "eksact {}: {said}", arguments.join(" "));
    let mut aws = BTreeMap::new();
    for call in bed.calls() {
        *aws.entry(call.call).or_default() += 1;
    }
    Run {
        usage,
        aws,
        kubernetes: kubernetes_calls(bed) - kubernetes_before,
    }
}

/// The calls about namespaces, service accounts and rights that the API server has answered, by its own count.
fn kubernetes_calls(bed: &Bed) -> usize {
    let metrics = bed.kubectl(&["get", "--raw", "/metrics"]).ended(0).stdout;
    let ours = |line: &&str| {
        line.starts_with("apiserver_request_total{")
            && ["namespaces", "serviceaccounts", "selfsubjectaccessreviews"]
                .iter()
                .any(|resource| line.contains(&format!("resource=\"{resource}\"")))
            && !line.contains("verb=\"WATCH\"")
    };
    metrics
        .lines()
        .filter(ours)
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<usize>().ok())
        .sum()
}

impl Case {
    fn new(name: String, target: Target) -> Self {
        Self {
            name,
            target,
            runs: Vec::new(),
        }
    }

    fn seconds(&self) -> f64 {
        self.runs
            .iter()
            .map(|run| run.usage.seconds)
            .fold(f64::INFINITY, f64::min)
    }

    fn processor_seconds(&self) -> f64 {
        self.runs
            .iter()
            .map(|run| run.usage.processor_seconds)
            .fold(f64::INFINITY, f64::min)
    }

    fn mebibytes(&self) -> f64 {
        self.runs
            .iter()
            .map(|run| run.usage.peak_mebibytes)
            .fold(0.0, f64::max)
    }

    fn busiest(&self) -> Option<&Run> {
        self.runs.iter().max_by_key(|run| run.aws_calls())
    }

    fn aws_calls(&self) -> usize {
        self.busiest().map_or(0, Run::aws_calls)
    }

    fn is_over_calls(&self) -> bool {
        self.target.calls.is_some_and(|target| self.aws_calls() > target)
    }
}

/// Everything measured, as Markdown.
fn table(cases: &[Case]) -> String {
    fn cell(value: impl std::fmt::Display, target: Option<impl std::fmt::Display>) -> String {
        match target {
            Some(target) => format!("{value} (≤ {target})"),
            None => value.to_string(),
        }
    }
    let mut text = String::from(
        "\n| case | runs | seconds, best | processor seconds | AWS calls | Kubernetes calls | peak MiB |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for case in cases {
        // Writing to a text cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {:.2} | {} | {} | {} |",
            case.name,
            case.runs.len(),
            cell(format!("{:.2}", case.seconds()), case.target.seconds),
            case.processor_seconds(),
            cell(case.aws_calls(), case.target.calls),
            case.busiest().map_or(0, |run| run.kubernetes),
            cell(format!("{:.0}", case.mebibytes()), case.target.mebibytes),
        );
    }
    text.push_str("\nAWS calls by action:\n");
    for case in cases {
        let actions: Vec<String> = case
            .busiest()
            .into_iter()
            .flat_map(|run| &run.aws)
            .map(|(action, count)| format!("{action} {count}"))
            .collect();
        let _ = writeln!(text, "* {}: {}", case.name, actions.join(", "));
    }
    text
}

#[expect(clippy::print_stdout, reason = "the table is what a benchmark is for")]
fn show(text: &str) {
    print!("{text}");
}
