//! What happened in a story, in order: every call that reached a service, what time and hands did, and the world after each.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use eksact_core::engine::{Plan, Report, StepError};
use eksact_simulator::{Call, Seen, World};
use jiff::Timestamp;

tokio::task_local! {
    /// The step whose write is on its way.
    pub static STEP: String;
}

/// What an event is.
#[derive(Clone, Debug)]
pub enum What {
    /// CloudFormation or EKS went on with its work.
    Time,
    /// A call reached the service.
    Call {
        /// Which.
        call: Call,
        /// Whether the service did what it was asked.
        accepted: bool,
        /// Whether the caller hears the answer.
        heard: bool,
        /// When, by the clock of the service.
        now: Timestamp,
    },
    /// Somebody did something by hand.
    Hand(String),
    /// A step was begun.
    Begun,
    /// A step ended; none where it succeeded.
    Ended(Option<StepError>),
}

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Event {
    /// Whose run; none for hands.
    pub run: Option<usize>,
    /// The step that made the call.
    pub step: Option<String>,
    /// What.
    pub what: What,
    /// The version of the world before.
    pub before: usize,
    /// The version after; the same where nothing changed.
    pub after: usize,
}

/// A plan that a run made, and when.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Whose run.
    pub run: usize,
    /// The plan.
    pub plan: Plan,
    /// Versions of the world that it may have read: from the first to the last.
    pub read: (usize, usize),
    /// The place in the events after which it was carried out; none where it was not.
    pub begun: Option<usize>,
    /// How it ended; none where it was not carried out, or its process died.
    pub report: Option<Report>,
}

#[derive(Debug, Default)]
struct Inner {
    versions: Vec<Arc<World>>,
    events: Vec<Event>,
    plans: Vec<Planned>,
}

/// The record of a story.
#[derive(Debug, Default)]
pub struct History {
    inner: Mutex<Inner>,
}

impl Inner {
    fn keep(&mut self, world: &World) -> (usize, usize) {
        let last = self.versions.len().saturating_sub(1);
        if self.versions.last().is_none_or(|kept| **kept != *world) {
            self.versions.push(Arc::new(world.clone()));
        }
        (last, self.versions.len() - 1)
    }
}

impl History {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The record of a story that begins with this world.
    pub fn beginning_with(world: &World) -> Arc<Self> {
        let history = Self::default();
        history.inner().keep(world);
        Arc::new(history)
    }

    /// Keeps what a service tells.
    pub fn see(&self, run: usize, seen: &Seen<'_>) {
        let step = STEP.try_with(Clone::clone).ok();
        let mut inner = self.inner();
        let (what, (before, after)) = match seen {
            Seen::Time { world } => (What::Time, inner.keep(world)),
            Seen::Call {
                call,
                accepted,
                heard,
                now,
                world,
            } => {
                let kept = if call.write && *accepted {
                    inner.keep(world)
                } else {
                    let last = inner.versions.len() - 1;
                    (last, last)
                };
                let what = What::Call {
                    call: (*call).clone(),
                    accepted: *accepted,
                    heard: *heard,
                    now: *now,
                };
                (what, kept)
            }
        };
        inner.events.push(Event {
            run: Some(run),
            step,
            what,
            before,
            after,
        });
    }

    /// Keeps what time did, where it did anything.
    pub fn time(&self, world: &World) {
        let mut inner = self.inner();
        let (before, after) = inner.keep(world);
        if before != after {
            inner.events.push(Event {
                run: None,
                step: None,
                what: What::Time,
                before,
                after,
            });
        }
    }

    /// Keeps what was done by hand.
    pub fn hand(&self, what: String, world: &World) {
        let mut inner = self.inner();
        let (before, after) = inner.keep(world);
        inner.events.push(Event {
            run: None,
            step: None,
            what: What::Hand(what),
            before,
            after,
        });
    }

    /// Keeps that a step was begun, or ended.
    pub fn step(&self, run: usize, step: &str, what: What) {
        let mut inner = self.inner();
        let version = inner.versions.len() - 1;
        inner.events.push(Event {
            run: Some(run),
            step: Some(step.to_owned()),
            what,
            before: version,
            after: version,
        });
    }

    /// The version that is the present.
    pub fn now(&self) -> usize {
        self.inner().versions.len() - 1
    }

    /// How many events there are.
    pub fn length(&self) -> usize {
        self.inner().events.len()
    }

    /// Keeps a plan; gives its number.
    pub fn planned(&self, planned: Planned) -> usize {
        let mut inner = self.inner();
        inner.plans.push(planned);
        inner.plans.len() - 1
    }

    /// Notes that a plan is carried out from now on.
    pub fn begin(&self, number: usize) {
        let mut inner = self.inner();
        let length = inner.events.len();
        inner.plans[number].begun = Some(length);
    }

    /// Notes how it ended.
    pub fn end(&self, number: usize, report: Report) {
        self.inner().plans[number].report = Some(report);
    }

    /// All of it.
    pub fn told(&self) -> Told {
        let inner = self.inner();
        Told {
            versions: inner.versions.clone(),
            events: inner.events.clone(),
            plans: inner.plans.clone(),
        }
    }
}

/// A record that is closed.
#[derive(Debug)]
pub struct Told {
    /// The worlds.
    pub versions: Vec<Arc<World>>,
    /// What happened.
    pub events: Vec<Event>,
    /// The plans.
    pub plans: Vec<Planned>,
}

impl Told {
    /// Writes that had an effect, each with its run, its step and the plan under which the run worked then.
    pub fn effects(&self) -> impl Iterator<Item = (&Event, usize, &Call)> {
        self.events.iter().filter_map(|event| match &event.what {
            What::Call {
                call, accepted: true, ..
            } if call.write => Some((event, event.run?, call)),
            _ => None,
        })
    }

    /// The plan of a run that was being carried out at this place of the events.
    pub fn plan_at(&self, run: usize, place: usize) -> Option<&Planned> {
        let mut plans = self.plans.iter().rev();
        plans.find(|planned| planned.run == run && planned.begun.is_some_and(|begun| begun <= place))
    }

    /// The addresses of a plan's steps, by their ids.
    pub fn steps(planned: &Planned) -> BTreeMap<&str, &eksact_core::engine::Step> {
        planned
            .plan
            .steps
            .iter()
            .map(|step| (step.id.0.as_str(), step))
            .collect()
    }
}
