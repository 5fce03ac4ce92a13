//! The clocks of the machines on which the runs are: each off by its own, and moved while they run.

use std::cell::RefCell;
use std::sync::Arc;

use eksact_simulator::{Clock, TokioClock};
use jiff::{SignedDuration, Timestamp};

tokio::task_local! {
    /// How far the clock of the running process is off, in seconds.
    pub static OFF: Arc<Seconds>;
}

/// A number of seconds that changes.
#[derive(Debug, Default)]
pub struct Seconds(std::sync::atomic::AtomicI32);

impl Seconds {
    /// Begins with this number.
    pub fn new(seconds: i32) -> Self {
        Self(std::sync::atomic::AtomicI32::new(seconds))
    }

    /// Adds to it.
    pub fn move_by(&self, seconds: i32) {
        self.0.fetch_add(seconds, std::sync::atomic::Ordering::Relaxed);
    }

    fn get(&self) -> i32 {
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }
}

thread_local! {
    static TRUE_TIME: RefCell<Option<TokioClock>> = const { RefCell::new(None) };
}

/// Sets the clock from which all others are off, for this thread.
pub fn set(clock: TokioClock) {
    TRUE_TIME.with(|time| *time.borrow_mut() = Some(clock));
}

/// The time of the machine of the run that asks.
pub fn now() -> Timestamp {
    let time = TRUE_TIME.with(|time| time.borrow().map(|clock| clock.now()));
    let off = OFF.try_with(|off| off.get()).unwrap_or_default();
    let time = time.unwrap_or(Timestamp::UNIX_EPOCH);
    time.saturating_add(SignedDuration::from_secs(i64::from(off)))
        .unwrap_or(time)
}
