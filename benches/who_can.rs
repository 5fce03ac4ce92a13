//! What `who-can` costs over a large cluster, from a snapshot: 2,000 bindings, 800 roles, 3,000 roles of IAM with an entry, trust
//! and policies, 5,000 service accounts, of which 2,900 have a role. Asked of the cluster and of AWS. One command:
//! `cargo bench --bench who_can`.
//!
//! Over the targets it fails.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark ends like a test"
)]

#[path = "support/large.rs"]
mod large;
#[path = "support/peak.rs"]
mod peak;

use std::process::ExitCode;

use eksact_core::diagnosis::authorization::write_snapshot;
use large::{ACCOUNTS, BINDINGS, ENTRIES, ROLES, picture};
use peak::{usage, watched};

const RUNS: usize = 5;
const SECONDS: f64 = 1.0;
const MEBIBYTES: f64 = 200.0;

fn main() -> ExitCode {
    // `cargo test --benches` builds and starts this too; measuring is asked for by `cargo bench` alone.
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let folder = tempfile::tempdir().unwrap();
    let snapshot = folder.path().join("access.json");
    std::fs::write(
        &snapshot,
        write_snapshot(&picture(), "2026-11-29T00:00:00Z").unwrap(),
    )
    .unwrap();
    let mut is_over = false;
    let size = std::fs::metadata(&snapshot).unwrap().len() / 1024;
    show(&format!(
        "{BINDINGS} bindings, {ROLES} roles, {ENTRIES} access entries and roles of IAM, {ACCOUNTS} service accounts, a snapshot of {size} KiB:\n"
    ));
    for (question, exit) in [
        (&["get", "secrets", "-n", "team-007"][..], 0),
        (&["get", "secrets", "--any-namespace"], 0),
        // What the bucket's policy says is not known.
        (&["s3:GetObject", "arn:aws:s3:::reports/*"], 5),
    ] {
        let (mut seconds, mut processor, mut mebibytes) = (f64::INFINITY, f64::INFINITY, 0.0_f64);
        for _ in 0..RUNS {
            let output = folder.path().join("output");
            let mut command = watched(&output, env!("CARGO_BIN_EXE_eksact"));
            command
                .arg("who-can")
                .args(question)
                .args(["-o", "json", "--snapshot"]);
            command.arg(&snapshot).env("HOME", folder.path());
            let used = usage(&mut command);
            let said = std::fs::read_to_string(&output).unwrap();
            assert_eq!(used.exit, exit, "{said}");
            assert!(said.contains("\"canBecome\": [\n    {"), "{said}");
            seconds = seconds.min(used.seconds);
            processor = processor.min(used.processor_seconds);
            mebibytes = mebibytes.max(used.peak_mebibytes);
        }
        show(&format!(
            "{}: {seconds:.2} s at best of {RUNS} (at most {SECONDS} s), {processor:.2} s of a processor, {mebibytes:.0} MiB (at most \
             {MEBIBYTES} MiB)\n",
            question.join(" ")
        ));
        is_over |= seconds > SECONDS || mebibytes > MEBIBYTES;
    }
    if is_over {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

#[expect(clippy::print_stdout, reason = "the figures are what a benchmark is for")]
fn show(text: &str) {
    print!("{text}");
}
