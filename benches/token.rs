//! What a token costs, as kubectl pays for it: whole processes, one after the other in one run, eksact and its peers. One
//! command: `cargo bench --bench token`; README.md beside this file has the results.
//!
//! The machine's speed decides nothing: only how eksact compares with aws-iam-authenticator, measured side by side, decides
//! whether it passes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark ends like a test"
)]

#[path = "../tests/support/bed.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod bed;
#[path = "support/peak.rs"]
mod peak;
#[path = "../tests/support/schemas.rs"]
mod schemas;

use std::{fmt::Write as _, process::ExitCode};

use bed::Bed;
use peak::{Usage, usage, watched};

/// Rounds; in each, every program runs once, so that a busy moment hits all of them.
const ROUNDS: usize = 41;
/// eksact may take at most this part of aws-iam-authenticator's time …
const PART_OF_TIME: f64 = 0.2;
/// … and less than this part of its memory.
const PART_OF_MEMORY: f64 = 0.5;

/// One program that makes a token, and its runs.
struct Case {
    name: &'static str,
    program: String,
    arguments: Vec<String>,
    /// Variables beside the bed's.
    environment: Vec<(&'static str, String)>,
    judged: bool,
    runs: Vec<Usage>,
}

impl Case {
    fn median(&self, value: impl Fn(&Usage) -> f64) -> f64 {
        let mut values: Vec<f64> = self.runs.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    }

    fn milliseconds(&self) -> f64 {
        self.median(|run| run.seconds) * 1000.0
    }

    fn peak(&self) -> f64 {
        self.runs.iter().map(|run| run.peak_mebibytes).fold(0.0, f64::max)
    }
}

fn main() -> ExitCode {
    // `cargo test --benches` builds and starts this too; measuring is asked for by `cargo bench` alone.
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let bed = Bed::start();
    let mut cases = cases(&bed);
    for _ in 0..=ROUNDS {
        for case in &mut cases {
            let usage = measured(&bed, case);
            case.runs.push(usage);
        }
    }
    for case in &mut cases {
        // The first round fills the cache and the machine's own.
        case.runs.remove(0);
    }
    let peer = cases
        .iter()
        .find(|case| case.name.starts_with("aws-iam-authenticator"))
        .unwrap();
    let (time, memory) = (peer.milliseconds() * PART_OF_TIME, peer.peak() * PART_OF_MEMORY);
    let fails = cases
        .iter()
        .any(|case| case.judged && (case.milliseconds() > time || case.peak() >= memory));
    show(&table(&cases, time, memory));
    if fails {
        show("Over the target: see the table.\n");
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn cases(bed: &Bed) -> Vec<Case> {
    let cluster = bed.fact("cluster").to_owned();
    let region = bed.fact("region").to_owned();
    let deployer = &bed.facts["people"]["deployer"];
    let config = bed.file(
        "aws-config",
        &format!(
            "[profile base]\naws_access_key_id = {}\naws_secret_access_key = {}\n[profile admin]\nrole_arn = {}\n\
             source_profile = base\n",
            deployer["access_key_id"].as_str().unwrap(),
            deployer["secret_access_key"].as_str().unwrap(),
            bed.fact("deployer_role"),
        ),
    );
    let words = |text: &[&str]| text.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let eksact = env!("CARGO_BIN_EXE_eksact").to_owned();
    let mut cases = vec![
        Case {
            name: "an empty process (`true`)",
            program: program_in_path("true").unwrap(),
            arguments: Vec::new(),
            environment: Vec::new(),
            judged: false,
            runs: Vec::new(),
        },
        Case {
            name: "eksact token, static keys, no cache",
            program: eksact.clone(),
            arguments: words(&["token", "--cluster", &cluster, "--region", &region]),
            environment: Vec::new(),
            judged: true,
            runs: Vec::new(),
        },
        Case {
            name: "eksact token, a role from the warm cache",
            program: eksact,
            arguments: words(&[
                "token",
                "--cluster",
                &cluster,
                "--region",
                &region,
                "--profile",
                "admin",
            ]),
            environment: vec![("AWS_CONFIG_FILE", config), ("AWS_ACCESS_KEY_ID", String::new())],
            judged: true,
            runs: Vec::new(),
        },
        Case {
            name: "aws-iam-authenticator token, static keys",
            program: bed.facts["binaries"]["aws-iam-authenticator"]
                .as_str()
                .unwrap()
                .to_owned(),
            arguments: words(&["token", "-i", &cluster, "--region", &region]),
            environment: Vec::new(),
            judged: false,
            runs: Vec::new(),
        },
    ];
    cases.push(Case {
        name: "aws eks get-token, static keys",
        program: bed.facts["binaries"]["aws"].as_str().unwrap().to_owned(),
        arguments: words(&[
            "eks",
            "get-token",
            "--cluster-name",
            &cluster,
            "--region",
            &region,
        ]),
        environment: Vec::new(),
        judged: false,
        runs: Vec::new(),
    });
    cases
}

fn program_in_path(name: &str) -> Option<String> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .map(|path| path.display().to_string())
}

/// One run, with the bed's environment and nothing of this process's.
fn measured(bed: &Bed, case: &Case) -> Usage {
    let output = bed.home.path().join("output");
    let usage = usage(
        watched(&output, &case.program)
            .args(&case.arguments)
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", bed.home.path())
            .envs(bed.environment())
            .envs(case.environment.iter().map(|(name, value)| (*name, value))),
    );
    let said = std::fs::read_to_string(&output).unwrap();
    assert_eq!(usage.exit, 0, "{}: {said}", case.name);
    usage
}

fn table(cases: &[Case], milliseconds: f64, mebibytes: f64) -> String {
    let mut text = "| whole process | median ms | processor ms | peak MiB |\n|---|---|---|---|\n".to_owned();
    for case in cases {
        let target = |limit: f64, sign: &str| {
            if case.judged {
                format!(" ({sign} {limit:.1})")
            } else {
                String::new()
            }
        };
        writeln!(
            text,
            "| {} | {:.1}{} | {:.1} | {:.1}{} |",
            case.name,
            case.milliseconds(),
            target(milliseconds, "≤"),
            case.median(|run| run.processor_seconds) * 1000.0,
            case.peak(),
            target(mebibytes, "<"),
        )
        .unwrap();
    }
    text
}

#[expect(clippy::print_stdout, reason = "a benchmark reports on stdout")]
fn show(text: &str) {
    print!("{text}");
}
