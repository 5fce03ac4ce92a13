//! How the apply of a cluster ended, and what becomes of it in the report.

use std::time::Duration;

use super::{FleetFlags, problem_of, run::Stopped, shown, status_of, write_metrics};
use crate::cli::{
    ExitCode, Failure,
    flags::plan::Output,
    run::{config_files::WholeFileFlags, flow},
};
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

/// What ended the steps of one cluster, and of no other, before all were done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Its time was over.
    TimeOver,
    /// Its lock was lost.
    LockLost,
}

/// How a cluster's apply ended.
pub(super) enum Ended {
    /// Its steps were carried out, as far as the report says; and what ended them early, if anything but the user did.
    Run(Report, Vec<Event>, Option<Cut>),
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
        Ended::Run(report, events, cut) => {
            // What was done in the end was not cut off, whatever was asked for meanwhile.
            let cut = cut.filter(|_| !report.succeeded());
            let was_begun = !report.done.is_empty() || !report.unknown.is_empty();
            outcome.status = match (cut, flow::code_of(&report)) {
                _ if report.succeeded() && has_unplanned(outcome) => Status::Partial,
                _ if report.succeeded() => Status::Applied,
                (Some(_), _) if was_begun => Status::Partial,
                (Some(Cut::TimeOver), _) => Status::TimedOut,
                (None, ExitCode::Interrupted) => Status::Interrupted,
                (None, ExitCode::Partial) => Status::Partial,
                (None, ExitCode::Refused) => Status::Refused,
                (None, ExitCode::Stale) => Status::Stale,
                (Some(Cut::LockLost) | None, _) => Status::Failed,
            };
            if let Some(cut) = cut {
                let why = match cut {
                    Cut::TimeOver => {
                        "its time was over before all was done. --cluster-timeout sets the limit"
                    }
                    Cut::LockLost => "its lock was lost before all was done",
                };
                outcome.problem = told(why.to_owned());
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

/// Marks what was to be applied and was not approved. What failed stays a failure: it must not end as a question that was answered.
pub(super) fn not_approved<'run>(outcomes: impl IntoIterator<Item = &'run mut Outcome>) {
    for outcome in outcomes {
        if outcome.status == Status::Changes {
            outcome.status = Status::NotApproved;
        }
    }
}

/// The end of a run that could not ask: its lines and metrics are as whole as those of any other. The plans are shown already.
pub(super) fn unasked(
    outcomes: &[Outcome],
    whole: &WholeFileFlags,
    fleet: &FleetFlags,
    printer: &Printer,
    failure: Failure,
) -> Failure {
    let told = write_metrics(outcomes, fleet).and_then(|()| {
        if whole.plan.output == Output::Ndjson {
            shown::show_after_apply(outcomes, Output::Ndjson, &whole.plan.views, printer)
        } else {
            Ok(())
        }
    });
    match told {
        Ok(()) => failure,
        Err(other) => other.with_code(failure.code),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use eksact_core::engine::StepId;

    fn ended(report: Report, cut: Option<Cut>) -> Outcome {
        let mut outcome = Outcome {
            cluster: None,
            files: vec!["a.yaml".to_owned()],
            status: Status::Changes,
            plan: None,
            digest: None,
            saved: None,
            run: None,
            problem: None,
            took: Duration::ZERO,
        };
        let run = Ended::Run(report, Vec::new(), cut);
        finish(&mut outcome, Ok((run, Duration::ZERO)));
        outcome
    }

    /// The last step came to its end in the grace: it was asked to end, and all is done.
    #[test]
    fn report_has_as_applied_what_was_done_in_the_end() {
        for cut in [None, Some(Cut::TimeOver), Some(Cut::LockLost)] {
            let report = Report {
                interrupted: true,
                ..Report::default()
            };
            let outcome = ended(report, cut);
            assert_eq!(outcome.status, Status::Applied);
            assert_eq!(outcome.problem, None);
        }
    }

    /// Nobody interrupted the run where one cluster was cut off.
    #[test]
    fn run_is_not_interrupted_by_one_cluster_that_is_cut_off() {
        for (cut, of_nothing, why) in [
            (Cut::TimeOver, Status::TimedOut, "its time was over"),
            (Cut::LockLost, Status::Failed, "its lock was lost"),
        ] {
            let id = StepId("iam-role/app/web#step-0".to_owned());
            let mut report = Report {
                not_tried: vec![(id.clone(), "interrupted".to_owned())],
                interrupted: true,
                ..Report::default()
            };
            assert_eq!(ended(report.clone(), Some(cut)).status, of_nothing);
            assert_eq!(ended(report.clone(), None).status, Status::Interrupted);
            report.done.push(id);
            let outcome = ended(report, Some(cut));
            assert_eq!(outcome.status, Status::Partial);
            let problem = outcome.problem.unwrap();
            assert!(problem.message.starts_with(why), "{problem:?}");
        }
    }
}
