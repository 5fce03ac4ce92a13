//! Many clusters in one run: `plan` and `apply` with `-f` naming a folder, a glob, or several ClusterConfigs.

mod apply;
mod apply_saved;
mod ended;
mod files;
mod flags;
mod plan;
mod plan_folder;
mod run;
mod shard;
mod shown;
mod ways;

pub(crate) use apply::apply;
pub(crate) use apply_saved::ApplyFolder;
pub(crate) use files::{Member, members};
pub(crate) use flags::{FleetFlags, Refused};
pub(crate) use plan::{PlanMany, plan};
pub(crate) use plan_folder::{saved_plans, show};
pub(crate) use shard::FleetCommand;

use crate::cli::{ExitCode, Failure, run::views};
use eksact_core::{
    fleet::{Outcome, Problem, Status, ending},
    view::{Printer, fleet_metrics::fleet_metrics},
};

/// How a status ends the program. `detailed` is that of `plan --detailed-exitcode`.
fn code_of(status: Status, detailed: bool) -> ExitCode {
    match status {
        Status::Changes if detailed => ExitCode::Changes,
        Status::Unchanged | Status::Applied | Status::Changes => ExitCode::Success,
        Status::Drift => ExitCode::Drift,
        Status::NotApproved => ExitCode::NotApproved,
        Status::Refused => ExitCode::Refused,
        Status::Stale => ExitCode::Stale,
        Status::Partial => ExitCode::Partial,
        Status::Failed | Status::TimedOut => ExitCode::Error,
        Status::Invalid => ExitCode::Configuration,
        Status::Interrupted => ExitCode::Interrupted,
    }
}

/// What a cluster's status is when a command over it fails.
fn status_of(failure: &Failure) -> Status {
    match failure.code {
        ExitCode::Configuration | ExitCode::Usage => Status::Invalid,
        ExitCode::Stale => Status::Stale,
        ExitCode::Refused => Status::Refused,
        ExitCode::Interrupted => Status::Interrupted,
        ExitCode::NotApproved => Status::NotApproved,
        ExitCode::Partial => Status::Partial,
        ExitCode::Success | ExitCode::Changes | ExitCode::Drift | ExitCode::Error => Status::Failed,
    }
}

fn problem_of(failure: Failure) -> Problem {
    Problem {
        message: failure.message,
        help: failure.help,
    }
}

/// The end of the run: an exit code, and where something went wrong a last line that names the clusters.
fn end(outcomes: &[Outcome], detailed: bool) -> Result<ExitCode, Failure> {
    const NAMED: usize = 10;
    let code = code_of(ending(outcomes), detailed);
    let failed: Vec<String> = outcomes
        .iter()
        .filter(|outcome| outcome.status.is_failure() || outcome.status == Status::Refused)
        .map(Outcome::label)
        .collect();
    if failed.is_empty() {
        return Ok(code);
    }
    let more = match failed.len().checked_sub(NAMED).filter(|more| *more > 0) {
        Some(more) => format!(" and {more} more"),
        None => String::new(),
    };
    let named: Vec<&str> = failed.iter().take(NAMED).map(String::as_str).collect();
    let clusters = if outcomes.len() == 1 {
        "cluster"
    } else {
        "clusters"
    };
    Err(Failure::error(format!(
        "{} of {} {clusters} did not end well: {}{more}",
        failed.len(),
        outcomes.len(),
        named.join(", ")
    ))
    .with_code(code))
}

/// Writes the metrics of a run that is over. Of clusters that failed the file keeps the time of their last success.
fn write_metrics(outcomes: &[Outcome], fleet: &FleetFlags) -> Result<(), Failure> {
    let Some(path) = fleet.metrics_into() else {
        return Ok(());
    };
    // A file that is not there, or no text, knows of no success.
    let before = fs_err::read_to_string(path).unwrap_or_default();
    let now = jiff::Timestamp::now().as_second();
    let text = fleet_metrics(outcomes, now, &before, env!("CARGO_PKG_VERSION"));
    views::write("--metrics-into", path, &text)
}

/// Says on stderr what is about to happen: a run over many clusters may take its time.
fn announce(what: &str, clusters: usize, at_once: usize, printer: &Printer) {
    printer.detail(&format!("{what} {clusters} clusters, {at_once} at once\n"));
}
