//! `apply` over many clusters: plan all, show all, ask once, and carry each out by itself.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use tokio::sync::watch;

use super::{
    FleetFlags, Member, Refused, announce, end,
    ended::{Cut, Ended, ask, finish, not_approved, report, unasked},
    files, flags,
    plan::{Entry, plan_all, refuse_one_cluster_twice},
    run::{Bound, each, end_after, unless_stopped},
    shown,
    ways::Ways,
};
use crate::cli::{
    ExitCode, Failure,
    flags::{global::GlobalFlags, plan::Output},
    run::{
        carry_out::{self, Told},
        config_files::WholeFileFlags,
        flow::{self, ApprovalFlags},
        interrupt::Listener,
        sandbox,
        wiring::Connection,
    },
};
use eksact_core::{
    config::ClusterConfig,
    engine::{Interrupt, Plan},
    fleet::{Outcome, Status},
    guard::broadening,
    kinds::{Request, preflight},
    view::{Printer, fleet_human::Run},
};

/// A plan older than this is made again before it is carried out.
const FRESH: Duration = Duration::from_secs(10);

/// What a plan was made of, and when.
struct Planned {
    request: Request,
    connection: Connection,
    at: Instant,
}

/// The whole road, for all clusters.
pub(crate) async fn apply(
    members: Vec<Member>,
    whole: &WholeFileFlags,
    fleet: &FleetFlags,
    approval: ApprovalFlags,
    more: Vec<Refused>,
    global: &GlobalFlags,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    flags::check(whole, global, more)?;
    files::look_at(&members, whole, fleet, printer)?;
    let (_listener, interrupt) = Listener::begin();
    if global.sandbox {
        sandbox::tell(&global.sandbox_file, printer);
    }
    announce("planning", members.len(), fleet.at_once(), printer);
    let ways = Ways::new(global);
    let open = async |config: &ClusterConfig, printer: &Printer| ways.to(config, printer).await;
    let request = |config: ClusterConfig, printer: &Printer| whole.request_of(config, printer);
    let keep = |request, connection| Planned {
        request,
        connection,
        at: Instant::now(),
    };
    let mut entries = plan_all(members, fleet, &interrupt, printer, (open, request, keep)).await;
    refuse_one_cluster_twice(&mut entries, "ClusterConfigs");
    for entry in &mut entries {
        guard_what_is_applied(entry);
    }
    let (mut outcomes, mut kept): (Vec<Outcome>, Vec<Option<Planned>>) = entries
        .into_iter()
        .map(|entry| (entry.outcome, entry.kept))
        .unzip();
    let (output, views) = (whole.plan.output, &whole.plan.views);
    shown::write_views(&outcomes, Run::Plan, views)?;
    shown::show_before_apply(&outcomes, output, views, printer)?;
    let waiting: Vec<usize> = outcomes
        .iter()
        .zip(&kept)
        .enumerate()
        .filter(|(_, (outcome, kept))| kept.is_some() && is_to_be_applied(outcome))
        .map(|(number, _)| number)
        .collect();
    let is_asked = !approval.given() && !waiting.is_empty() && *interrupt.borrow() == Interrupt::None;
    let answer = if is_asked {
        ask(&outcomes, waiting.len(), whole, &["--yes".to_owned()], printer)
    } else {
        Ok(true)
    };
    let is_declined = !matches!(answer, Ok(true));
    if is_declined {
        not_approved(&mut outcomes);
        if let Err(failure) = answer {
            return Err(unasked(&outcomes, whole, fleet, printer, failure));
        }
        printer.status("Nothing was changed.\n");
    } else {
        let taken: Vec<(usize, Planned)> = waiting
            .into_iter()
            .filter_map(|number| Some((number, kept.get_mut(number)?.take()?)))
            .collect();
        let numbers: Vec<usize> = taken.iter().map(|(number, _)| *number).collect();
        let work: Vec<(&Outcome, Planned)> = taken
            .into_iter()
            .filter_map(|(number, planned)| Some((outcomes.get(number)?, planned)))
            .collect();
        let carry = async |(outcome, planned): (&Outcome, Planned)| {
            let printer = printer.about(&outcome.label());
            let begun = Instant::now();
            let told = match output {
                Output::Ndjson => Told::Lines(outcome.cluster.as_ref()),
                _ => Told::No,
            };
            let bounds = (fleet.timeout(), &interrupt);
            let ended = match &outcome.plan {
                Some(plan) => carry_out(plan, &planned, bounds, told, &printer).await,
                None => Ended::Failed(Failure::error("it has no plan")),
            };
            (ended, begun.elapsed())
        };
        let results = each(work, fleet.at_once(), Bound::Its, &interrupt, carry).await;
        for (number, result) in numbers.into_iter().zip(results) {
            if let Some(outcome) = outcomes.get_mut(number) {
                finish(outcome, result);
            }
        }
    }
    report(&outcomes, whole, fleet, printer)?;
    end(&outcomes, false)
}

/// What is planned and applied in one run has no digest that was approved before.
fn guard_what_is_applied(entry: &mut Entry<Planned>) {
    if let Some(planned) = &entry.kept
        && let Some(plan) = entry.outcome.plan.take()
    {
        let plan = broadening::when_applied(plan, &planned.request.broadening_rule(), false);
        entry.outcome.status = Status::of_plan(&plan, false);
        entry.outcome.plan = Some(plan);
    }
}

/// Nothing of a cluster that a guard refuses is applied; the others go on.
fn is_to_be_applied(outcome: &Outcome) -> bool {
    let plan = &outcome.plan;
    plan.as_ref()
        .is_some_and(|plan| plan.may_be_applied() && plan.has_changes())
}

/// One cluster, from its approved plan to its end. Its writes are never cut off: when its time is over no step is begun, and
/// those in flight get a grace.
async fn carry_out(
    plan: &Plan,
    planned: &Planned,
    (limit, interrupt): (Duration, &watch::Receiver<Interrupt>),
    told: Told<'_>,
    printer: &Printer,
) -> Ended {
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
    match unless_stopped(look_again, limit, &Cell::new(false), interrupt).await {
        Ok(Ok(())) => {}
        Ok(Err(failure)) => return Ended::Failed(failure),
        Err(stopped) => return Ended::stopped(stopped, limit),
    }
    let is_over = Cell::new(false);
    let stop = async |listener: &Listener| end_after(limit, &is_over, listener).await;
    let (report, events) = carry_out::carry_out(plan, request, connection, told, printer, stop).await;
    Ended::Run(report, events, is_over.get().then_some(Cut::TimeOver))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::run::Stopped;
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
        let (_sender, interrupt) = watch::channel(Interrupt::None);
        let ended = carry_out(&planned.0, &planned.1, (limit, &interrupt), Told::No, &printer).await;
        finish(&mut outcome, Ok((ended, Duration::ZERO)));
        outcome
    }

    #[tokio::test(start_paused = true)]
    async fn report_tells_what_was_done() {
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
    async fn cluster_that_hangs_in_its_apply_ends() {
        let hanging = sandbox();
        hanging.edit(|world| world.stack_seconds = u32::MAX).unwrap();
        let outcome = applied(&hanging, Duration::from_secs(90)).await;
        assert_eq!(outcome.status, Status::Partial);
        let (report, _) = outcome.run.unwrap();
        assert!(report.interrupted && !report.unknown.is_empty(), "{report:?}");
        assert!(outcome.problem.unwrap().message.contains("--cluster-timeout"));
    }

    #[test]
    fn cluster_whose_turn_did_not_come_is_told_so() {
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
