//! How long a plan over a thousand access entries with policies and a thousand pod identity associations takes, and how much it asks
//! for: against a server in this process that answers as AWS does, each call after a fixed time, some of them throttled. One command:
//! `cargo bench --bench access_entries`; README.md beside this file has the results.
//!
//! Only counts decide whether it passes, never the time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark ends like a test")]

#[path = "support/eks.rs"]
mod eks;
#[path = "support/peak.rs"]
mod peak;
#[path = "support/plan.rs"]
mod plan;
#[path = "support/server.rs"]
mod server;

use std::{process::ExitCode, time::Duration};

use eks::IN_FLIGHT;
use peak::Usage;
use plan::planned;

/// Entries with a policy each, and as many associations.
const COUNT: usize = 1000;
/// What a call takes.
const LATENCY: Duration = Duration::from_millis(10);
/// What the listings and the rest of a plan may cost beside what the API allows no less of.
const BESIDE: usize = 40;

fn main() -> ExitCode {
    // `cargo test --benches` builds and starts this too; measuring is asked for by `cargo bench` alone.
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    show(
        "\n| case | runs | seconds, best | processor seconds | AWS calls | throttled | most in flight | peak MiB |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    let mut actions = Vec::new();
    let mut is_over = false;
    for (name, throttled, times) in [
        ("plan", None, 5),
        ("plan, every 500th call throttled", Some(500), 1),
    ] {
        let eks = eks::start(COUNT, LATENCY, throttled);
        let runs: Vec<Usage> = (0..times).map(|_| planned(COUNT, &eks)).collect();
        let calls = eks.calls() / times;
        let refused = eks.throttled() / times;
        let best = |of: fn(&Usage) -> f64| runs.iter().map(of).fold(f64::INFINITY, f64::min);
        let most = runs.iter().map(|run| run.peak_mebibytes).fold(0.0, f64::max);
        // An entry needs its description and its policies, an association its description.
        let bound = 3 * COUNT;
        is_over |= calls - refused > bound + BESIDE || eks.most_in_flight() > IN_FLIGHT;
        let number = |count: usize| f64::from(u32::try_from(count).unwrap());
        let floor = LATENCY.as_secs_f64() * number(calls) / number(IN_FLIGHT);
        show(&format!(
            "| {name} | {times} | {:.2} (≤ 3; calls alone {floor:.2}) | {:.2} | {calls} (≥ {bound} and listings) | {refused} | {} | {most:.0} |\n",
            best(|run| run.seconds),
            best(|run| run.processor_seconds),
            eks.most_in_flight(),
        ));
        actions.push(format!("* {name}: {}\n", eks.by_action(times)));
    }
    show(&format!("\nAWS calls by action:\n{}", actions.concat()));
    if is_over {
        show("More calls, or more at once, than the target allows: see the table.\n");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

#[expect(clippy::print_stdout, reason = "the table is what a benchmark is for")]
fn show(text: &str) {
    print!("{text}");
}
