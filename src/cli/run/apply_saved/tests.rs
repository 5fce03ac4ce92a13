//! What becomes of a run whose lock is lost, and of one whose lock is not.

use std::{sync::Arc, time::Duration};

use super::*;
use eksact_core::{
    config,
    engine::EventKind,
    kinds::{Request, request::Settings},
    ports::CallErrorKind,
    view::{ColourChoice, Level},
};
use eksact_simulator::{Fault, Matching, Rule, Sandbox, Seed, TokioClock, World};

const FILE: &str = include_str!("../../../../examples/quickstart.yaml");

/// The stack of its role is the last of its steps.
const ROLE_ONLY: &str = "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\n\
     metadata: {name: quickstart, region: eu-west-1}\niam:\n  withOIDC: true\n  serviceAccounts:\n    \
     - {metadata: {name: web, namespace: app}, roleOnly: true, roleName: web, \
     attachPolicyARNs: ['arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess']}\n";

/// An approved plan, which has its lock and of which no step is begun.
struct Approved {
    sandbox: Sandbox,
    connection: Connection,
    saved: SavedPlan,
    plan: Plan,
    held: Option<Box<Held>>,
}

impl Approved {
    /// The plan of `file` for an empty account in which every stack takes `stack_seconds` of tokio's time.
    async fn of(file: &str, stack_seconds: u32) -> Self {
        let seed = Seed {
            cluster: "quickstart".to_owned(),
            region: "eu-west-1".to_owned(),
            account: None,
        };
        let mut world = World::seeded(&seed);
        world.stack_seconds = stack_seconds;
        let start = Timestamp::from_second(1_767_225_600).unwrap();
        let sandbox = Sandbox::in_memory(world, Arc::new(TokioClock::starting_at(start)));
        let connection = Connection {
            readers: sandbox.readers(),
            writers: sandbox.writers(),
            web_identity: Arc::new(sandbox.clone()),
        };
        let config = config::load("quickstart.yaml", file.as_bytes()).unwrap().config;
        let request = Request::ensure(config, Settings::default());
        let planned = flow::plan_for(&request, &connection, &quiet()).await.unwrap();
        let saved = SavedPlan::new(&planned, &request).unwrap();
        let run = Run {
            id: "this-run".to_owned(),
            locks: true,
            now: Timestamp::now,
        };
        let clients = (&connection.readers, &connection.writers);
        let approve = async |_: &Plan| Ok::<(), ApplyError>(());
        let begun = Box::pin(begin(&saved, clients, &run, |_: &str| {}, approve)).await;
        let (plan, held) = match begun {
            Ok(Begun::Ready { plan, held, .. }) => (plan, held),
            other => panic!("it is not ready: {other:?}"),
        };
        assert!(held.is_some());
        Self {
            sandbox,
            connection,
            saved,
            plan,
            held,
        }
    }

    /// Somebody ends the lock by hand.
    fn take_lease_away(&self) {
        let taken = self.sandbox.edit(|world| {
            let cluster = world.clusters.values_mut().next().unwrap();
            cluster
                .leases
                .remove(&format!("{}/{}", lock::NAMESPACE, lock::NAME))
        });
        assert!(taken.unwrap().is_some());
    }

    /// No renewal gets through, so many times.
    fn refuse_renewals(&self, times: u32) {
        self.sandbox.faults().add(Rule {
            matching: Matching::Action("patch leases".to_owned()),
            nth: 1,
            times,
            fault: Fault::ErrorBefore(CallErrorKind::Unreachable),
        });
    }

    /// Carries it out, as `apply PLAN` does.
    async fn carry_out(&mut self, stop: impl AsyncFnOnce(&Listener)) -> End {
        let held = self.held.take();
        let (plan, saved, connection) = (&self.plan, &self.saved, &self.connection);
        let (report, events, is_lost) =
            under_lock(plan, saved, connection, held, Told::No, &quiet(), stop).await;
        End {
            report,
            events,
            is_lost,
        }
    }
}

fn quiet() -> Printer {
    Printer::new(Level::Quiet, ColourChoice::Never)
}

async fn never(_: &Listener) {
    std::future::pending::<()>().await;
}

/// How a run ended.
#[derive(Debug)]
struct End {
    report: Report,
    events: Vec<Event>,
    is_lost: bool,
}

impl End {
    fn code(&self) -> ExitCode {
        flow::code_of(&self.report)
    }

    /// The events that end a run before its end, and when each was told, in milliseconds.
    fn endings(&self) -> (Vec<EventKind>, Vec<u64>) {
        let events = self.events.iter();
        let endings = events.filter(|event| {
            matches!(
                event.kind,
                EventKind::LockLost { .. } | EventKind::Interrupted { .. }
            )
        });
        endings
            .map(|event| (event.kind.clone(), event.elapsed_milliseconds))
            .unzip()
    }

    /// Why steps were not tried: the report and the events must not tell different things.
    fn reasons(&self) -> Vec<&str> {
        let of_events: Vec<&str> = self
            .events
            .iter()
            .filter_map(|event| match &event.kind {
                EventKind::StepSkipped { reason, .. } => Some(reason.as_str()),
                _ => None,
            })
            .collect();
        let not_tried = self.report.not_tried.iter();
        let of_report: Vec<&str> = not_tried.map(|(_, reason)| reason.as_str()).collect();
        assert_eq!(of_report, of_events);
        of_report
    }
}

/// Three stacks are in flight when the lock is found to be gone.
#[tokio::test(start_paused = true)]
async fn run_without_its_lock_finishes_what_is_in_flight_and_begins_no_more() {
    let mut approved = Approved::of(FILE, 150).await;
    approved.take_lease_away();
    let end = approved.carry_out(never).await;
    assert!(end.is_lost);
    assert_eq!(end.code(), ExitCode::Partial);
    let Report {
        done,
        failed,
        unknown,
        interrupted,
        ..
    } = &end.report;
    assert!(
        !done.is_empty() && failed.is_empty() && unknown.is_empty(),
        "{end:?}"
    );
    assert!(!interrupted, "nobody interrupted it");
    assert_eq!(end.endings().0, [EventKind::LockLost { in_flight: 3 }]);
    let reasons = end.reasons();
    assert!(!reasons.is_empty());
    assert!(
        reasons.iter().all(|reason| *reason == "the lock was lost"),
        "{reasons:?}"
    );
}

/// What was in flight were the last steps: nothing is left undone.
#[tokio::test(start_paused = true)]
async fn run_that_did_all_without_its_lock_succeeded() {
    let mut approved = Approved::of(ROLE_ONLY, 150).await;
    approved.take_lease_away();
    let end = approved.carry_out(never).await;
    assert!(end.is_lost && end.report.succeeded(), "{end:?}");
    assert_eq!(end.code(), ExitCode::Success);
    assert_eq!(end.endings().0, [EventKind::LockLost { in_flight: 1 }]);
}

/// Ctrl-C twice after that gives up writes whose effect is then unknown.
#[tokio::test(start_paused = true)]
async fn run_without_its_lock_that_is_given_up_was_interrupted() {
    let mut approved = Approved::of(FILE, 150).await;
    approved.take_lease_away();
    let give_up = async |listener: &Listener| {
        tokio::time::sleep(Duration::from_secs(90)).await;
        listener.abandon();
    };
    let end = approved.carry_out(give_up).await;
    assert_eq!(end.code(), ExitCode::Interrupted);
    assert!(end.report.interrupted && end.is_lost, "{end:?}");
    assert_eq!(end.report.unknown.len(), 3);
    let told = EventKind::Interrupted {
        in_flight: 3,
        abandoned: true,
    };
    assert_eq!(end.endings().0, [EventKind::LockLost { in_flight: 3 }, told]);
    assert!(!end.reasons().contains(&"interrupted"));
}

/// Whoever interrupted the run before its lock was lost is who ended it.
#[tokio::test(start_paused = true)]
async fn run_that_was_interrupted_before_it_lost_its_lock_was_interrupted() {
    let mut approved = Approved::of(FILE, 150).await;
    approved.take_lease_away();
    let interrupt = async |listener: &Listener| {
        tokio::time::sleep(Duration::from_secs(30)).await;
        listener.finish();
        std::future::pending::<()>().await;
    };
    let end = approved.carry_out(interrupt).await;
    assert_eq!(end.code(), ExitCode::Interrupted);
    assert!(end.report.interrupted && !end.is_lost, "{end:?}");
    let interrupted = EventKind::Interrupted {
        in_flight: 3,
        abandoned: false,
    };
    assert_eq!(end.endings().0, [interrupted]);
    assert!(end.reasons().iter().all(|reason| *reason == "interrupted"));
}

/// Five minutes without a renewal are as good as a lock that is gone: it may be taken over before a sixth is tried.
#[tokio::test(start_paused = true)]
async fn lock_that_cannot_be_renewed_for_long_is_lost() {
    let mut approved = Approved::of(FILE, 600).await;
    approved.refuse_renewals(u32::MAX);
    let end = approved.carry_out(never).await;
    assert!(end.is_lost);
    assert_eq!(end.code(), ExitCode::Partial);
    let (endings, when) = end.endings();
    assert_eq!(endings, [EventKind::LockLost { in_flight: 3 }]);
    assert!(
        when.iter().all(|when| (300_000..420_000).contains(when)),
        "{when:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn lock_that_is_renewed_in_time_is_kept_and_given_back() {
    for refused in [0, 3] {
        let mut approved = Approved::of(FILE, 600).await;
        approved.refuse_renewals(refused);
        let end = approved.carry_out(never).await;
        assert!(!end.is_lost && end.report.succeeded(), "{end:?}");
        assert_eq!(end.code(), ExitCode::Success);
        assert!(end.endings().0.is_empty());
        assert!(
            approved.sandbox.faults().count("patch leases") > 9,
            "it was renewed"
        );
        let seen = lock::look(&approved.connection.readers).await.unwrap();
        assert!(seen.applied(approved.saved.digest()).is_some());
        assert_eq!(seen.left_behind(), None);
    }
}
