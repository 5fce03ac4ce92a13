//! How the apply of a cluster ended, and what becomes of it in the report.

use std::time::Duration;

use super::super::{ExitCode, Failure, flow, plan::WholeFileFlags, plan_flags::Output};
use super::{FleetFlags, problem_of, run::Stopped, shown, status_of, write_metrics};
use eksact_core::{
    engine::{Event, Plan, Report, Severity},
    fleet::{Outcome, Problem, Status},
    view::{
        Printer,
        fleet_human::{Run, fleet_human},
        text::counted,
    },
};
use eksact_message::duration::in_words;

/// Asks once for all that is to be applied to `count` clusters. `approval` are the words that approve it on a command line.
pub(super) fn ask(
    outcomes: &[Outcome],
    count: usize,
    whole: &WholeFileFlags,
    approval: &[String],
    printer: &Printer,
) -> Result<bool, Failure> {
    let output = whole.plan.output;
    if output == Output::Json {
        // Without approval the plans are all there is to show.
        shown::show(outcomes, Run::Plan, output, &whole.plan.views, printer)?;
    }
    let question = format!(
        "Apply these changes to {}? [y/N] ",
        counted(count, "cluster", "clusters")
    );
    let is_for_machines = matches!(output, Output::Json | Output::Ndjson);
    flow::ask(&question, is_for_machines, approval)
}

/// How a cluster's apply ended.
pub(super) enum Ended {
    /// Its steps were carried out, as far as the report says; whether its time was over before.
    Run(Report, Vec<Event>, bool),
    /// Nothing was begun.
    Failed(Failure),
    /// There was nothing to do: the plan of now.
    Nothing(Plan),
    /// A guard refuses it now: the plan of now, which says so.
    Refused(Plan),
    /// Nothing was begun within its time.
    TimedOut(Duration),
    /// The run was interrupted before anything was begun.
    Interrupted,
}

impl Ended {
    /// Where what only reads was stopped.
    pub(super) fn stopped(stopped: Stopped, limit: Duration) -> Self {
        match stopped {
            Stopped::TimedOut => Self::TimedOut(limit),
            Stopped::Interrupted => Self::Interrupted,
        }
    }
}

/// What became of a cluster by how its apply ended.
pub(super) fn finish(outcome: &mut Outcome, result: Result<(Ended, Duration), Stopped>) {
    let told = |message: String| {
        Some(Problem {
            message,
            help: Vec::new(),
        })
    };
    let (ended, took) = result.unwrap_or((Ended::Interrupted, Duration::ZERO));
    outcome.took += took;
    match ended {
        Ended::Interrupted => {
            outcome.status = Status::Interrupted;
            outcome.problem =
                told("the run was interrupted before its turn; nothing of it was changed".to_owned());
        }
        Ended::Nothing(plan) => {
            outcome.status = Status::of_plan(&plan, false);
            if plan.findings_of(Severity::Error).next().is_some() {
                outcome.problem = Some(problem_of(flow::could_not_be_planned(&plan)));
            }
            outcome.plan = Some(plan);
        }
        Ended::Refused(plan) => {
            outcome.status = Status::Refused;
            outcome.problem = Some(problem_of(flow::refused(&plan)));
            outcome.plan = Some(plan);
        }
        Ended::Failed(failure) => {
            outcome.status = status_of(&failure);
            outcome.problem = Some(problem_of(failure));
        }
        Ended::TimedOut(limit) => {
            outcome.status = Status::TimedOut;
            outcome.problem = told(format!(
                "it was not ready to be applied within {}; nothing of it was changed. --cluster-timeout sets the limit",
                in_words(limit)
            ));
        }
        Ended::Run(report, events, is_over) => {
            let was_begun = !report.done.is_empty() || !report.unknown.is_empty();
            outcome.status = match flow::code_of(&report) {
                _ if is_over && was_begun => Status::Partial,
                _ if is_over => Status::TimedOut,
                ExitCode::Success if has_unplanned(outcome) => Status::Partial,
                ExitCode::Success => Status::Applied,
                ExitCode::Interrupted => Status::Interrupted,
                ExitCode::Partial => Status::Partial,
                ExitCode::Refused => Status::Refused,
                ExitCode::Stale => Status::Stale,
                _ => Status::Failed,
            };
            if is_over {
                outcome.problem = told(
                    "its time was over before all was done. --cluster-timeout sets the limit".to_owned(),
                );
            }
            outcome.run = Some((report, events));
        }
    }
}

/// Whether some object of it could not even be planned.
fn has_unplanned(outcome: &Outcome) -> bool {
    let plan = outcome.plan.as_ref();
    plan.is_some_and(|plan| plan.findings_of(Severity::Error).next().is_some())
}

/// How all ended: for people on stderr, behind the plans; for machines in place of them.
pub(super) fn report(
    outcomes: &[Outcome],
    whole: &WholeFileFlags,
    fleet: &FleetFlags,
    printer: &Printer,
) -> Result<(), Failure> {
    let ended = |failure: Failure| {
        let code = super::code_of(eksact_core::fleet::ending(outcomes), false);
        failure.with_code(code.or(ExitCode::Error))
    };
    printer.always(&format!(
        "\n{}",
        fleet_human(outcomes, Run::Apply, printer.stderr_style())
    ));
    write_metrics(outcomes, fleet).map_err(ended)?;
    let views = &whole.plan.views;
    shown::write_views(outcomes, Run::Apply, views).map_err(ended)?;
    shown::show_after_apply(outcomes, whole.plan.output, views, printer).map_err(ended)
}
