//! What the executor tells while it works: the only way from it to people. Views render these as progress, as lines or
//! as JSON.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Address, StepError, StepId};

/// One thing that happened, with the time since the run began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Milliseconds since the run began.
    pub elapsed_milliseconds: u64,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum EventKind {
    /// The run begins.
    RunStarted {
        /// How many steps it has.
        steps: usize,
    },
    /// A step begins.
    StepStarted {
        /// Which.
        id: StepId,
        /// The object that it writes.
        address: Address,
        /// What it does.
        title: String,
    },
    /// A step has something to tell: a stack's status.
    StepProgress {
        /// Which.
        id: StepId,
        /// What.
        message: String,
    },
    /// A step succeeded.
    StepFinished {
        /// Which.
        id: StepId,
        /// The object that it wrote.
        address: Address,
        /// What it did.
        title: String,
        /// How long it took.
        took_milliseconds: u64,
        /// What it has to say, each a sentence.
        notes: Vec<String>,
    },
    /// A step failed.
    StepFailed {
        /// Which.
        id: StepId,
        /// The object that it was to write.
        address: Address,
        /// What it tried.
        title: String,
        /// How long it took.
        took_milliseconds: u64,
        /// Why.
        error: StepError,
    },
    /// A step was not tried.
    StepSkipped {
        /// Which.
        id: StepId,
        /// The object that it would have written.
        address: Address,
        /// What it would have done.
        title: String,
        /// Why: a step that failed, an interruption, or a lock that was lost.
        reason: String,
    },
    /// The user asked to stop.
    Interrupted {
        /// How many steps are in flight and will be finished (first time) or are given up (second).
        in_flight: usize,
        /// Whether it was the second time.
        abandoned: bool,
    },
    /// The lock was lost under which the run works: no further step is begun.
    LockLost {
        /// How many steps are in flight and will be finished.
        in_flight: usize,
    },
    /// The run is over.
    RunFinished {
        /// Steps that succeeded.
        done: usize,
        /// Steps that failed.
        failed: usize,
        /// Steps that were not tried, or given up.
        not_tried: usize,
    },
}
