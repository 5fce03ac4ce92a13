//! What the executor promises: order, containment of failures, interruption.

use std::sync::Mutex;

use serde_json::json;
use tokio::sync::watch;

use super::*;
use crate::engine::{Action, Address, Change, Effect, PlanDraft, Reason, Unknown};

/// A plan whose steps are `name: waits for, waits for`.
fn plan(steps: &[(&str, &[&str])]) -> Plan {
    let mut draft = PlanDraft::default();
    for (name, waits) in steps {
        let address = Address::new("thing", *name);
        let waits = waits
            .iter()
            .map(|name| StepId(format!("thing/{name}#write")))
            .collect();
        let operation = json!({"name": name});
        let id = draft.add_step(&address, "write", format!("write {name}"), waits, &operation);
        draft.add_change(Change {
            address,
            action: Action::Create,
            reasons: vec![Reason::new("missing", "it does not exist")],
            source: None,
            attributes: Vec::new(),
            depends_on: Vec::new(),
            steps: vec![id],
            origin: None,
            fingerprint: String::new(),
            effect: Effect::Equal,
            notes: Vec::new(),
        });
    }
    draft.finish("0").unwrap()
}

/// Runs steps by name: those in `fail` fail, each takes a second of paused time, and the order of ends is kept.
#[derive(Default)]
struct Recorder {
    fail: Vec<&'static str>,
    ended: Mutex<Vec<String>>,
    most_in_flight: Mutex<(usize, usize)>,
}

#[async_trait]
impl StepRunner for Recorder {
    async fn run(&self, step: &Step, operation: &Value, progress: Progress) -> Result<StepDone, StepError> {
        {
            let mut flight = self.most_in_flight.lock().unwrap();
            flight.0 += 1;
            flight.1 = flight.1.max(flight.0);
        }
        progress.tell("half way");
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.most_in_flight.lock().unwrap().0 -= 1;
        let name = step.address.name().to_owned();
        self.ended.lock().unwrap().push(name.clone());
        if self.fail.contains(&name.as_str()) {
            return Err(StepError::new("it broke").with_help("mend it"));
        }
        let outputs = BTreeMap::from([("ARN".to_owned(), json!(format!("arn:{name}")))]);
        Ok(StepDone {
            outputs,
            notes: vec![operation.to_string()],
        })
    }
}

fn quiet(_: Event) {}

#[tokio::test(start_paused = true)]
async fn failure_stops_only_what_waits_for_it() {
    let plan = plan(&[
        ("provider", &[]),
        ("role", &["provider"]),
        ("account", &["role"]),
        ("other", &[]),
    ]);
    let runner = Recorder {
        fail: vec!["role"],
        ..Recorder::default()
    };
    let (_keep, interrupt) = watch::channel(Interrupt::None);
    let report = execute(&plan, &runner, ExecutionOptions::default(), &quiet, interrupt).await;
    assert_eq!(report.done.len(), 2, "{report:?}");
    assert_eq!(report.failed[0].0.0, "thing/role#write");
    assert_eq!(
        report.not_tried,
        vec![(
            StepId("thing/account#write".to_owned()),
            "thing/role#write did not succeed".to_owned()
        )]
    );
    assert!(!report.succeeded());
}

#[tokio::test(start_paused = true)]
async fn independent_steps_run_side_by_side_up_to_the_bound() {
    let plan = plan(&[("a", &[]), ("b", &[]), ("c", &[]), ("d", &[])]);
    let runner = Recorder::default();
    let (_keep, interrupt) = watch::channel(Interrupt::None);
    let begun = Instant::now();
    let report = execute(
        &plan,
        &runner,
        ExecutionOptions { steps_in_flight: 2 },
        &quiet,
        interrupt,
    )
    .await;
    assert!(report.succeeded());
    assert_eq!(runner.most_in_flight.lock().unwrap().1, 2);
    assert_eq!(begun.elapsed().as_secs(), 2, "two rounds of one second");
}

#[tokio::test(start_paused = true)]
async fn first_interrupt_finishes_what_is_in_flight_and_the_second_gives_it_up() {
    for (second, done, unknown, not_tried) in [(false, 1, 0, 1), (true, 0, 1, 1)] {
        let plan = plan(&[("a", &[]), ("b", &["a"])]);
        let runner = Recorder::default();
        let (sender, interrupt) = watch::channel(Interrupt::None);
        let events = |event: Event| {
            if matches!(event.kind, EventKind::StepProgress { .. }) {
                sender.send_replace(if second {
                    Interrupt::Abandon
                } else {
                    Interrupt::Finish
                });
            }
        };
        let report = execute(&plan, &runner, ExecutionOptions::default(), &events, interrupt).await;
        assert!(report.interrupted);
        assert_eq!(
            (report.done.len(), report.unknown.len(), report.not_tried.len()),
            (done, unknown, not_tried),
            "{report:?}"
        );
    }
}

/// Nobody interrupts a run whose lock is lost, unless somebody does.
#[tokio::test(start_paused = true)]
async fn lost_lock_begins_no_more_and_is_no_interruption() {
    for then_interrupted in [false, true] {
        let plan = plan(&[("a", &[]), ("b", &["a"])]);
        let runner = Recorder::default();
        let (sender, interrupt) = watch::channel(Interrupt::None);
        let told = Mutex::new(Vec::new());
        let events = |event: Event| match &event.kind {
            EventKind::StepProgress { .. } => {
                sender.send_replace(Interrupt::LockLost);
            }
            EventKind::LockLost { .. } if then_interrupted => {
                sender.send_replace(Interrupt::Finish);
            }
            EventKind::StepSkipped { reason, .. } => told.lock().unwrap().push(reason.clone()),
            _ => {}
        };
        let report = execute(&plan, &runner, ExecutionOptions::default(), &events, interrupt).await;
        assert_eq!(report.interrupted, then_interrupted);
        assert_eq!((report.done.len(), report.unknown.len()), (1, 0), "{report:?}");
        assert_eq!(report.not_tried[0].1, "the lock was lost");
        assert_eq!(*told.lock().unwrap(), ["the lock was lost"]);
    }
}

#[tokio::test(start_paused = true)]
async fn step_is_given_what_an_earlier_one_told() {
    let mut plan = plan(&[("role", &[]), ("account", &["role"])]);
    let role = Unknown {
        address: Address::new("thing", "role"),
        attribute: "ARN".to_owned(),
    };
    plan.steps[1].operation = json!({"annotation": super::super::Deferred::<String>::from(role)});
    let notes = Mutex::new(Vec::new());
    let events = |event: Event| {
        if let EventKind::StepFinished { notes: told, .. } = event.kind {
            notes.lock().unwrap().extend(told);
        }
    };
    let (_keep, interrupt) = watch::channel(Interrupt::None);
    execute(
        &plan,
        &Recorder::default(),
        ExecutionOptions::default(),
        &events,
        interrupt,
    )
    .await;
    assert_eq!(
        notes.lock().unwrap().last().unwrap(),
        r#"{"annotation":"arn:role"}"#
    );
}
