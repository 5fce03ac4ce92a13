//! `apply` over many clusters: plan all, show all, ask once, and carry each out by itself.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use super::super::{
    ExitCode, Failure,
    flow::{self, ApprovalFlags},
    global::GlobalFlags,
    interrupt::Listener,
    plan::WholeFileFlags,
    plan_flags::Output,
    sandbox,
    wiring::Connection,
};
use super::{
    FleetFlags, Member, Refused, announce, end, flags,
    plan::{Entry, plan_all, refuse_one_cluster_twice},
    problem_of,
    run::{Bound, Stopped, each},
    shown, status_of,
    ways::Ways,
    write_metrics, write_views,
};
use eksact_core::{
    config::ClusterConfig,
    engine::{Event, Interrupt, Plan, Report, Severity},
    fleet::{Outcome, Problem, Status},
    guard::broadening,
    kinds::{Request, preflight},
    view::{
        Printer,
        fleet_human::{Run, fleet_human},
        text::counted,
    },
};
use eksact_message::duration::in_words;

/// So long steps in flight may go on when the time of their cluster is over, before they are given up.
const GRACE: Duration = Duration::from_mins(1);
/// A plan older than this is made again before it is carried out.
const FRESH: Duration = Duration::from_secs(10);

/// What a plan was made of, and when.
struct Planned {
    request: Request,
    connection: Connection,
    at: Instant,
}

/// The whole road, for all clusters.
pub(in super::super) async fn apply(
    members: Vec<Member>,
    whole: &WholeFileFlags,
    fleet: &FleetFlags,
    approval: ApprovalFlags,
    more: Vec<Refused>,
    global: &GlobalFlags,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    flags::check(whole, global, more)?;
    let (_listener, interrupt) = Listener::begin();
    if global.sandbox {
        sandbox::tell(&global.sandbox_file, printer);
    }
    announce(&members, fleet.at_once(), printer);
    let ways = Ways::new(global);
    let open = async |config: &ClusterConfig, printer: &Printer| ways.to(config, printer).await;
    let request = |config: ClusterConfig, printer: &Printer| whole.request_of(config, printer);
    let keep = |request, connection| Planned {
        request,
        connection,
        at: Instant::now(),
    };
    let mut entries = plan_all(members, fleet, &interrupt, printer, (open, request, keep)).await;
    refuse_one_cluster_twice(&mut entries);
    for entry in &mut entries {
        guard_what_is_applied(entry);
    }
    show_plans(&entries, whole, printer)?;
    let waiting: Vec<usize> = entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| is_to_be_applied(entry))
        .map(|(number, _)| number)
        .collect();
    let is_asked = !approval.given() && !waiting.is_empty() && *interrupt.borrow() == Interrupt::None;
    if is_asked && !ask(&entries, waiting.len(), whole, printer)? {
        for entry in entries.iter_mut().filter(|entry| is_to_be_applied(entry)) {
            entry.outcome.status = Status::NotApproved;
        }
        printer.status("Nothing was changed.\n");
    } else {
        let taken: Vec<(usize, Planned)> = waiting
            .into_iter()
            .filter_map(|number| Some((number, entries.get_mut(number)?.kept.take()?)))
            .collect();
        let numbers: Vec<usize> = taken.iter().map(|(number, _)| *number).collect();
        let work: Vec<(&Outcome, Planned)> = taken
            .into_iter()
            .filter_map(|(number, planned)| Some((&entries.get(number)?.outcome, planned)))
            .collect();
        let limit = fleet.timeout();
        let carry = async |(outcome, planned): (&Outcome, Planned)| {
            let printer = printer.about(&outcome.label());
            let begun = Instant::now();
            let ended = match &outcome.plan {
                Some(plan) => carry_out(plan, &planned, limit, &printer).await,
                None => Ended::Failed(Failure::error("it has no plan")),
            };
            (ended, begun.elapsed())
        };
        let results = each(work, fleet.at_once(), Bound::Its, &interrupt, carry).await;
        for (number, result) in numbers.into_iter().zip(results) {
            if let Some(entry) = entries.get_mut(number) {
                finish(&mut entry.outcome, result);
            }
        }
    }
    let outcomes: Vec<Outcome> = entries.into_iter().map(|entry| entry.outcome).collect();
    report(&outcomes, whole, fleet, printer)?;
    end(&outcomes, false)
}

/// What is planned and applied in one run has no digest that was approved before.
fn guard_what_is_applied(entry: &mut Entry<Planned>) {
    if let (Some(planned), Some(plan)) = (&entry.kept, &entry.outcome.plan) {
        let plan = broadening::when_applied(plan, &planned.request.broadening_rule(), false);
        entry.outcome.status = Status::of_plan(&plan, false);
        entry.outcome.plan = Some(plan);
    }
}

/// Nothing of a cluster that a guard refuses is applied; the others go on.
fn is_to_be_applied(entry: &Entry<Planned>) -> bool {
    let plan = entry.kept.as_ref().and(entry.outcome.plan.as_ref());
    plan.is_some_and(|plan| plan.may_be_applied() && plan.has_changes())
}

/// Shows the plans of all before anything is changed; a file for them that cannot be written ends the run.
fn show_plans(entries: &[Entry<Planned>], whole: &WholeFileFlags, printer: &Printer) -> Result<(), Failure> {
    let outcomes: Vec<Outcome> = entries.iter().map(|entry| entry.outcome.clone()).collect();
    write_views(&outcomes, Run::Plan, &whole.plan)?;
    if whole.plan.output == Output::Json {
        return Ok(());
    }
    flow::deliver(
        &shown(&outcomes, Run::Plan, &whole.plan, printer.stdout_style())?,
        printer,
    )
}

/// Asks once for all.
fn ask(
    entries: &[Entry<Planned>],
    count: usize,
    whole: &WholeFileFlags,
    printer: &Printer,
) -> Result<bool, Failure> {
    let is_json = whole.plan.output == Output::Json;
    if is_json {
        // Without approval the plans are all there is to show.
        let outcomes: Vec<Outcome> = entries.iter().map(|entry| entry.outcome.clone()).collect();
        flow::deliver(
            &shown(&outcomes, Run::Plan, &whole.plan, printer.stdout_style())?,
            printer,
        )?;
    }
    let question = format!(
        "Apply these changes to {}? [y/N] ",
        counted(count, "cluster", "clusters")
    );
    flow::ask(&question, is_json, &["--yes".to_owned()])
}

/// How a cluster's apply ended.
enum Ended {
    /// Its steps were carried out, as far as the report says; whether its time was over before.
    Run(Report, Vec<Event>, bool),
    /// Nothing was begun.
    Failed(Failure),
    /// Nothing was begun within its time.
    TimedOut(Duration),
}

/// One cluster, from its approved plan to its end. Its writes are never cut off: when its time is over no step is begun, and
/// those in flight get a grace.
async fn carry_out(plan: &Plan, planned: &Planned, limit: Duration, printer: &Printer) -> Ended {
    let Planned {
        request,
        connection,
        at,
    } = planned;
    let look_again = async {
        if at.elapsed() > FRESH {
            flow::still_true(request, connection, plan, printer).await?;
        }
        preflight::check(plan, connection.readers.kubernetes.as_ref()).await?;
        Ok::<(), Failure>(())
    };
    match tokio::time::timeout(limit, look_again).await {
        Ok(Ok(())) => {}
        Ok(Err(failure)) => return Ended::Failed(failure),
        Err(_) => return Ended::TimedOut(limit),
    }
    let is_over = Cell::new(false);
    let stop = async |listener: &Listener| {
        tokio::time::sleep(limit).await;
        is_over.set(true);
        listener.finish();
        tokio::time::sleep(GRACE).await;
        listener.abandon();
    };
    let (report, events) = flow::carry_out(plan, request, connection, Output::Human, printer, stop).await;
    Ended::Run(report, events, is_over.get())
}

/// What became of a cluster by how its apply ended.
fn finish(outcome: &mut Outcome, result: Result<(Ended, Duration), Stopped>) {
    let told = |message: String| {
        Some(Problem {
            message,
            help: Vec::new(),
        })
    };
    let Ok((ended, took)) = result else {
        outcome.status = Status::Interrupted;
        outcome.problem =
            told("the run was interrupted before its turn; nothing of it was changed".to_owned());
        return;
    };
    outcome.took += took;
    match ended {
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
fn report(
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
    write_views(outcomes, Run::Apply, &whole.plan).map_err(ended)?;
    if whole.plan.output == Output::Json {
        let document = shown(outcomes, Run::Apply, &whole.plan, printer.stdout_style())?;
        flow::deliver(&document, printer).map_err(ended)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use eksact_core::{
        config,
        fleet::ClusterId,
        kinds::request::Settings,
        ports::CallErrorKind,
        view::{ColourChoice, Level},
    };
    use eksact_simulator::{Fault, ManualClock, Matching, Rule, Sandbox, Seed, World};

    async fn planned(sandbox: &Sandbox) -> (Plan, Planned) {
        let file = include_bytes!("../../../examples/quickstart.yaml");
        let config = config::load("quickstart.yaml", file).unwrap().config;
        let request = Request::ensure(config, Settings::default());
        let connection = Connection {
            readers: sandbox.readers(),
            writers: sandbox.writers(),
            web_identity: Arc::new(sandbox.clone()),
        };
        let printer = Printer::new(Level::Quiet, ColourChoice::Never);
        let plan = flow::plan_for(&request, &connection, &printer).await.unwrap();
        let planned = Planned {
            request,
            connection,
            at: Instant::now(),
        };
        (plan, planned)
    }

    fn outcome((plan, planned): &(Plan, Planned)) -> Outcome {
        Outcome {
            cluster: Some(ClusterId::of(&planned.request.config)),
            files: vec!["quickstart.yaml".to_owned()],
            status: Status::Changes,
            plan: Some(plan.clone()),
            digest: None,
            saved: None,
            run: None,
            problem: None,
            took: Duration::ZERO,
        }
    }

    fn sandbox() -> Sandbox {
        let seed = Seed {
            cluster: "quickstart".to_owned(),
            region: "eu-west-1".to_owned(),
            account: None,
        };
        Sandbox::in_memory(World::seeded(&seed), Arc::new(ManualClock::default()))
    }

    async fn applied(sandbox: &Sandbox, limit: Duration) -> Outcome {
        let planned = planned(sandbox).await;
        let printer = Printer::new(Level::Quiet, ColourChoice::Never);
        let mut outcome = outcome(&planned);
        let ended = carry_out(&planned.0, &planned.1, limit, &printer).await;
        finish(&mut outcome, Ok((ended, Duration::ZERO)));
        outcome
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_done_is_what_is_told() {
        let limit = Duration::from_hours(1);
        assert_eq!(applied(&sandbox(), limit).await.status, Status::Applied);
        let failing = sandbox();
        failing.faults().add(Rule::once(
            Matching::Action("CreateStack".to_owned()),
            1,
            Fault::ErrorBefore(CallErrorKind::AccessDenied),
        ));
        let outcome = applied(&failing, limit).await;
        assert_eq!(outcome.status, Status::Partial);
        assert!(!outcome.run.unwrap().0.failed.is_empty());
    }

    /// Stacks that never come to an end: the cluster's time is over, then the grace of what is in flight, and the run goes on.
    #[tokio::test(start_paused = true)]
    async fn a_cluster_that_hangs_in_its_apply_ends() {
        let hanging = sandbox();
        hanging.edit(|world| world.stack_seconds = u32::MAX).unwrap();
        let outcome = applied(&hanging, Duration::from_secs(90)).await;
        assert_eq!(outcome.status, Status::Partial);
        let (report, _) = outcome.run.unwrap();
        assert!(report.interrupted && !report.unknown.is_empty(), "{report:?}");
        assert!(outcome.problem.unwrap().message.contains("--cluster-timeout"));
    }

    #[test]
    fn a_cluster_whose_turn_did_not_come_is_told_so() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let planned = runtime.block_on(planned(&sandbox()));
        let mut outcome = outcome(&planned);
        finish(&mut outcome, Err(Stopped::Interrupted));
        assert_eq!(outcome.status, Status::Interrupted);
    }
}
