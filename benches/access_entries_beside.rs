//! eksctl's `get accessentry` and `get podidentityassociation` beside `eksact plan`, over the thousand access entries and associations of
//! `access_entries`. It builds eksctl by Go, some ten minutes. One command: `cargo bench --bench access_entries_beside`.
//!
//! It fails where eksact makes more calls than eksctl for one object that both read.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark ends like a test")]

#[path = "support/eks.rs"]
mod eks;
#[path = "support/peak.rs"]
mod peak;
#[path = "support/plan.rs"]
mod plan;
#[path = "support/server.rs"]
mod server;

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Duration,
};

use peak::{Usage, usage, watched};
use serde_json::Value;
use server::Server;

const COUNT: usize = 1000;
const LATENCY: Duration = Duration::from_millis(10);
const RUNS: usize = 3;
const EKSCTL: &str = "github.com/weaveworks/eksctl@v0.215.0";
/// Of the module, as Go's checksum database has it.
const SUM: &str = "h1:oCPoubT3UsW4Y2J43Y4dNRvXHEIsgg03Y3e6wv6bKG4=";

fn main() -> ExitCode {
    // `cargo test --benches` builds and starts this too; measuring is asked for by `cargo bench` alone.
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let eksctl = eksctl();
    show(
        "| program | reads | seconds, best | seconds for 100 | processor seconds | AWS calls | calls for 100 | most in flight | peak MiB |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    let theirs: Vec<f64> = ["accessentry", "podidentityassociation"]
        .into_iter()
        .map(|kind| {
            let server = eks::start(COUNT, LATENCY, None);
            let runs: Vec<(Usage, usize)> = (0..RUNS).map(|_| got(&eksctl, kind, &server)).collect();
            row(&format!("eksctl get {kind}"), runs[0].1, &runs, &server)
        })
        .collect();
    let server = eks::start(COUNT, LATENCY, None);
    let runs: Vec<(Usage, usize)> = (0..RUNS)
        .map(|_| (plan::planned(COUNT, &server), 2 * COUNT))
        .collect();
    let ours = row("eksact plan", 2 * COUNT, &runs, &server);
    show(&format!("\nAWS calls of eksact: {}\n", server.by_action(RUNS)));
    let mean = theirs.iter().sum::<f64>() / 2.0;
    if ours > mean || server.most_in_flight() > eks::IN_FLIGHT {
        show("More calls than eksctl for as many objects, or more at once than allowed: see the table.\n");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Shows one program's runs, and gives its calls for a hundred objects.
fn row(program: &str, read: usize, runs: &[(Usage, usize)], server: &Server) -> f64 {
    let number = |count: usize| f64::from(u32::try_from(count).unwrap());
    let calls = server.calls() / runs.len();
    let hundreds = number(read) / 100.0;
    let best = |of: fn(&Usage) -> f64| {
        let each = runs.iter().map(|(run, _)| of(run));
        each.fold(f64::INFINITY, f64::min)
    };
    let seconds = best(|run| run.seconds);
    let most = runs.iter().map(|(run, _)| run.peak_mebibytes).fold(0.0, f64::max);
    let each = number(calls) / hundreds;
    show(&format!(
        "| `{program}` | {read} of {} | {seconds:.2} | {:.2} | {:.2} | {calls} | {each:.0} | {} | {most:.0} |\n",
        if program.starts_with("eksact") {
            2 * COUNT
        } else {
            COUNT
        },
        seconds / hundreds,
        best(|run| run.processor_seconds),
        server.most_in_flight(),
    ));
    each
}

/// What eksctl tells of one kind of object, and of how many it tells.
fn got(eksctl: &Path, kind: &str, server: &Server) -> (Usage, usize) {
    let home = tempfile::tempdir().unwrap();
    let output = home.path().join("output");
    let mut command = watched(&output, eksctl);
    command
        .args(["get", kind, "--cluster", eks::CLUSTER, "--region", eks::REGION])
        .args(["-o", "json", "--verbose", "0"])
        .env("HOME", home.path())
        .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "example")
        .env("AWS_ENDPOINT_URL", server.endpoint());
    let usage = usage(&mut command);
    let said = std::fs::read_to_string(&output).unwrap();
    assert_eq!(usage.exit, 0, "{said}");
    let told: Value = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"));
    (usage, told.as_array().unwrap().len())
}

/// Builds eksctl. Its module replaces others, which Go heeds in the module's own folder alone: so from a copy of it.
fn eksctl() -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let program = place.join("eksctl");
    if program.exists() {
        return program;
    }
    let told = Command::new("go")
        .args(["mod", "download", "-json", EKSCTL])
        .output()
        .unwrap();
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(
        told["Sum"], SUM,
        "another {EKSCTL} than the one that was measured"
    );
    let source = place.join("eksctl-source");
    let copied = Command::new("cp")
        .args(["--recursive", "--no-preserve=mode", told["Dir"].as_str().unwrap()])
        .arg(&source)
        .status()
        .unwrap();
    assert!(copied.success(), "{EKSCTL} could not be copied");
    let built = Command::new("go")
        .args(["build", "-mod=mod", "-trimpath", "-ldflags=-s -w", "-o"])
        .arg(&program)
        .arg("./cmd/eksctl")
        .env("CGO_ENABLED", "0")
        .current_dir(&source)
        .status()
        .unwrap();
    assert!(built.success(), "{EKSCTL} could not be built");
    std::fs::remove_dir_all(&source).unwrap();
    program
}

#[expect(clippy::print_stdout, reason = "the table is what a benchmark is for")]
fn show(text: &str) {
    print!("{text}");
}
