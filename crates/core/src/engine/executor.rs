//! Carries out a plan's steps: each as soon as what it waits for has succeeded, independent ones side by side, failures
//! contained, interruptions respected. What a step does is its runner's matter.

use eksact_message::remedy::Remedy;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use futures::{FutureExt as _, StreamExt as _, stream::FuturesUnordered};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::{sync::watch, time::Instant};

use super::{Event, EventKind, Outputs, Plan, Step, StepId, readiness::Readiness};
use crate::ports::CallError;

/// Why a step failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error, JsonSchema)]
#[error("{message}")]
pub struct StepError {
    /// What failed, on which object, and why, the root cause included.
    pub message: String,
    /// What to do, each a sentence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub help: Vec<Remedy>,
    /// Which sort of failure it is.
    #[serde(default)]
    pub cause: StepFailure,
}

/// Sorts of failures that a script tells apart by the exit code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StepFailure {
    /// Something failed.
    #[default]
    Failed,
    /// The world is no longer as the plan saw it; nothing was written.
    Moved,
    /// And so a guard refuses what the plan would now do; nothing was written.
    Guarded,
}

/// A failed call as the failure of a step, with what to do.
impl From<CallError> for StepError {
    fn from(error: CallError) -> Self {
        let step = Self::new(error.to_string());
        match error.help() {
            Some(help) => step.with_help(help),
            None => step,
        }
    }
}

impl StepError {
    /// A failure with its words.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: Vec::new(),
            cause: StepFailure::Failed,
        }
    }

    /// The same of another sort.
    #[must_use]
    pub fn because(mut self, cause: StepFailure) -> Self {
        self.cause = cause;
        self
    }

    /// The same with what to do.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<Remedy>) -> Self {
        self.help.push(help.into());
        self
    }
}

/// What a step that succeeded has to tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepDone {
    /// Attributes that others wait for.
    pub outputs: BTreeMap<String, Value>,
    /// Remarks for people, each a sentence.
    pub notes: Vec<String>,
}

/// Tells the progress of one step.
#[derive(Clone)]
pub struct Progress(Arc<dyn Fn(String) + Send + Sync>);

impl Progress {
    /// A teller that hands each message to `sink`.
    pub fn new(sink: impl Fn(String) + Send + Sync + 'static) -> Self {
        Self(Arc::new(sink))
    }

    /// Tells `message`.
    pub fn tell(&self, message: impl Into<String>) {
        (self.0)(message.into());
    }
}

impl std::fmt::Debug for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Progress")
    }
}

/// Does what a step says.
#[async_trait]
pub trait StepRunner: Send + Sync {
    /// Runs `step`, whose `operation` has every unknown value filled in.
    async fn run(&self, step: &Step, operation: &Value, progress: Progress) -> Result<StepDone, StepError>;
}

/// Whether and how a run is to end before its end. What comes later in this list outweighs what comes before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Interrupt {
    /// Not at all.
    #[default]
    None,
    /// The lock was lost under which it works: start nothing more, finish what is in flight. Nobody asked for it.
    LockLost,
    /// Somebody asked: start nothing more, finish what is in flight.
    Finish,
    /// Somebody asked again: give up what is in flight.
    Abandon,
}

impl Interrupt {
    /// Whether somebody asked for it.
    fn is_asked_for(self) -> bool {
        self >= Self::Finish
    }

    /// Why a step was not tried where this was the first that ended the run.
    fn reason(self) -> &'static str {
        match self {
            Self::None => "it was never ready",
            Self::LockLost => "the lock was lost",
            Self::Finish | Self::Abandon => "interrupted",
        }
    }
}

/// How to run.
#[derive(Clone, Copy, Debug)]
pub struct ExecutionOptions {
    /// How many steps may be in flight at once.
    pub steps_in_flight: usize,
}

impl Default for ExecutionOptions {
    fn default() -> Self {
        Self {
            steps_in_flight: 1000,
        }
    }
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Steps that succeeded.
    pub done: Vec<StepId>,
    /// Steps that failed, and why.
    pub failed: Vec<(StepId, StepError)>,
    /// Steps that were not tried, and why.
    pub not_tried: Vec<(StepId, String)>,
    /// Steps that were given up while in flight: their effect is unknown.
    pub unknown: Vec<StepId>,
    /// Whether the user asked to stop.
    pub interrupted: bool,
}

impl Report {
    /// Whether everything was done.
    pub fn succeeded(&self) -> bool {
        self.failed.is_empty() && self.not_tried.is_empty() && self.unknown.is_empty()
    }
}

/// Carries out `plan`, telling `events` as it goes. `interrupt` is looked at whenever it changes.
pub async fn execute(
    plan: &Plan,
    runner: &dyn StepRunner,
    options: ExecutionOptions,
    events: &(dyn Fn(Event) + Send + Sync),
    mut interrupt: watch::Receiver<Interrupt>,
) -> Report {
    let started = Instant::now();
    let outputs = Outputs::default();
    let mut report = Report::default();
    let mut readiness = Readiness::of(&plan.steps);
    let mut in_flight: BTreeSet<&StepId> = BTreeSet::new();
    let mut flying = FuturesUnordered::new();
    let (progress_sender, mut progress_receiver) = tokio::sync::mpsc::unbounded_channel();
    let tell = |kind| {
        events(Event {
            elapsed_milliseconds: milliseconds(started.elapsed()),
            kind,
        });
    };
    tell(EventKind::RunStarted {
        steps: plan.steps.len(),
    });
    let mut interrupt_open = true;
    let mut heard = Interrupt::None;
    let mut ended_by = Interrupt::None;

    loop {
        let requested = *interrupt.borrow_and_update();
        ended_by = first_of(ended_by, requested);
        if requested > heard && !flying.is_empty() {
            heard = requested;
            let abandoned = requested == Interrupt::Abandon;
            let in_flight = in_flight.len();
            tell(if requested.is_asked_for() {
                EventKind::Interrupted { in_flight, abandoned }
            } else {
                EventKind::LockLost { in_flight }
            });
            if abandoned {
                break;
            }
        }
        if requested == Interrupt::None {
            while in_flight.len() < options.steps_in_flight
                && let Some(step) = readiness.begin_next()
            {
                tell(EventKind::StepStarted {
                    id: step.id.clone(),
                    address: step.address.clone(),
                    title: step.title.clone(),
                });
                in_flight.insert(&step.id);
                let operation = outputs.resolve(&step.operation);
                let sender = progress_sender.clone();
                let id = step.id.clone();
                let progress = Progress::new(move |message| {
                    // The receiver lives as long as this function: a lost message means the run is over.
                    let _ = sender.send((id.clone(), message));
                });
                let begun = Instant::now();
                flying.push(
                    async move {
                        match operation {
                            Ok(operation) => runner.run(step, &operation, progress).await,
                            Err(unknown) => Err(StepError::new(format!(
                                "internal error: nothing provided the {unknown} that {} needs",
                                step.id
                            ))),
                        }
                    }
                    .map(move |result| (step, begun, result)),
                );
            }
        }
        if flying.is_empty() {
            break;
        }
        tokio::select! {
            biased;
            Some((id, message)) = progress_receiver.recv() => tell(EventKind::StepProgress { id, message }),
            changed = interrupt.changed(), if interrupt_open => interrupt_open = changed.is_ok(),
            Some((step, begun, result)) = flying.next() => {
                in_flight.remove(&step.id);
                let took_milliseconds = milliseconds(begun.elapsed());
                let (id, address, title) = (step.id.clone(), step.address.clone(), step.title.clone());
                match result {
                    Ok(StepDone { outputs: told, notes }) => {
                        outputs.record(&step.address, told);
                        readiness.done(&step.id);
                        report.done.push(step.id.clone());
                        tell(EventKind::StepFinished { id, address, title, took_milliseconds, notes });
                    }
                    Err(error) => {
                        report.failed.push((step.id.clone(), error.clone()));
                        tell(EventKind::StepFailed { id, address, title, took_milliseconds, error });
                    }
                }
            }
        }
    }
    drop(flying);
    let requested = *interrupt.borrow();
    ended_by = first_of(ended_by, requested);
    report.interrupted = requested.is_asked_for();
    report.unknown = in_flight.into_iter().cloned().collect();
    let failed: BTreeSet<StepId> = report
        .failed
        .iter()
        .map(|(id, _)| id.clone())
        .chain(report.unknown.iter().cloned())
        .collect();
    for (step, reason) in skipped(&readiness.left(), &failed, ended_by) {
        report.not_tried.push((step.id.clone(), reason.clone()));
        tell(EventKind::StepSkipped {
            id: step.id.clone(),
            address: step.address.clone(),
            title: step.title.clone(),
            reason,
        });
    }
    tell(EventKind::RunFinished {
        done: report.done.len(),
        failed: report.failed.len(),
        not_tried: report.not_tried.len() + report.unknown.len(),
    });
    report
}

/// What ended the run: the first of what was told it, whatever was told it afterwards.
fn first_of(before: Interrupt, now: Interrupt) -> Interrupt {
    if before == Interrupt::None { now } else { before }
}

/// Why each step that was left over was not tried: the first failure behind it, else what ended the run.
fn skipped<'plan>(
    left: &[&'plan Step],
    failed: &BTreeSet<StepId>,
    ended_by: Interrupt,
) -> Vec<(&'plan Step, String)> {
    let mut causes: BTreeMap<&StepId, StepId> = BTreeMap::new();
    let mut skipped = Vec::new();
    // Steps stand after what they wait for, so that one pass sees every cause.
    for step in left {
        let cause = step.depends_on.iter().find_map(|id| {
            if failed.contains(id) {
                Some(id.clone())
            } else {
                causes.get(id).cloned()
            }
        });
        let reason = match &cause {
            Some(cause) => format!("{cause} did not succeed"),
            None => ended_by.reason().to_owned(),
        };
        if let Some(cause) = cause {
            causes.insert(&step.id, cause);
        }
        skipped.push((*step, reason));
    }
    skipped
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
