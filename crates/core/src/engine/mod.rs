//! The heart: what a plan is, how it is put together, and how it is carried out. It knows no AWS and no Kubernetes;
//! the kinds in `kinds` fill it.
//!
//! A *change* is what people see, one per address; a *step* is one write. The planner makes both, the executor walks
//! the steps and tells what happens as events.

pub mod access_delta;
pub mod address;
pub mod change;
pub mod draft;
pub mod drift;
pub mod events;
pub mod executor;
pub mod explanation;
pub mod finding;
pub mod plan;
mod readiness;
pub mod step;
pub mod targets;
pub mod unknown;

pub use access_delta::{AccessDelta, HolderDelta, HolderKind};
pub use address::Address;
pub use change::{Action, AttributeChange, Change, Difference, DifferenceSign, Effect, Origin, Reason};
pub use draft::{DraftError, PlanDraft};
pub use events::{Event, EventKind};
pub use executor::{
    ExecutionOptions, Interrupt, Report, StepDone, StepError, StepFailure, StepRunner, execute,
};
pub use finding::{Finding, Severity};
pub use plan::Plan;
pub use step::{Step, StepId};
pub use targets::{Partial, TargetError, Targets};
pub use unknown::{Deferred, Outputs, Unknown};
