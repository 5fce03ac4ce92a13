//! What the benchmarks share: running eksact once with the kernel's account of it, counting its calls, and the table.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{
    bed::Bed,
    peak::{Usage, usage, watched},
};

/// What may not be exceeded.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Target {
    pub(crate) seconds: Option<f64>,
    pub(crate) calls: Option<usize>,
    pub(crate) mebibytes: Option<f64>,
}

/// One line of the table: the best time of several runs, and the most calls and memory.
pub(crate) struct Case {
    name: String,
    target: Target,
    pub(crate) runs: Vec<Run>,
}

/// One run.
pub(crate) struct Run {
    usage: Usage,
    /// What it said on both streams.
    #[allow(dead_code, reason = "not every benchmark looks at it")]
    pub(crate) said: String,
    aws: BTreeMap<String, usize>,
    kubernetes: usize,
}

impl Run {
    fn aws_calls(&self) -> usize {
        self.aws.values().sum()
    }
}

/// Runs eksact once. Any exit code but `exit` ends the benchmark with what eksact said. Kubernetes calls are counted for
/// these resources.
pub(crate) fn measured(bed: &Bed, resources: &[&str], exit: i32, arguments: &[&str]) -> Run {
    let output = bed.home.path().join("output");
    let eksact = bed.eksact(arguments);
    let mut command = watched(&output, eksact.get_program());
    command.args(eksact.get_args()).current_dir(bed.home.path());
    for (name, value) in eksact.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    let kubernetes_before = kubernetes_calls(bed, resources);
    bed.forget_calls();
    let usage = usage(&mut command);
    let said = std::fs::read_to_string(&output).unwrap();
    assert_eq!(usage.exit, exit, "eksact {}: {said}", arguments.join(" "));
    let mut aws = BTreeMap::new();
    for call in bed.calls() {
        *aws.entry(call.call).or_default() += 1;
    }
    Run {
        usage,
        said,
        aws,
        kubernetes: kubernetes_calls(bed, resources) - kubernetes_before,
    }
}

/// The calls about these resources that the API server has answered, by its own count.
fn kubernetes_calls(bed: &Bed, resources: &[&str]) -> usize {
    let metrics = bed.kubectl(&["get", "--raw", "/metrics"]).ended(0).stdout;
    let ours = |line: &&str| {
        line.starts_with("apiserver_request_total{")
            && resources
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
    pub(crate) fn new(name: String, target: Target) -> Self {
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

    #[allow(dead_code, reason = "not every benchmark has targets")]
    pub(crate) fn is_over_calls(&self) -> bool {
        self.target.calls.is_some_and(|target| self.aws_calls() > target)
    }
}

/// Everything measured, as Markdown.
pub(crate) fn table(cases: &[Case]) -> String {
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
pub(crate) fn show(text: &str) {
    print!("{text}");
}
