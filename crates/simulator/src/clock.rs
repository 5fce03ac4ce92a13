//! Where the sandbox gets its time from: the machine, tokio (whose time tests can pause), or a test's own hand.
//!
//! Only stacks and change sets take time in the sandbox; nothing in here waits.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// Tells the time. Never goes backwards within one process.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// Follows tokio's time from a fixed start, so that a paused runtime pauses the sandbox as well.
#[derive(Clone, Copy, Debug)]
pub struct TokioClock {
    start: Timestamp,
    origin: tokio::time::Instant,
}

impl TokioClock {
    /// A clock that shows `start` now.
    pub fn starting_at(start: Timestamp) -> Self {
        Self {
            start,
            origin: tokio::time::Instant::now(),
        }
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.origin.elapsed()).unwrap_or(SignedDuration::MAX);
        self.start.saturating_add(elapsed).unwrap_or(Timestamp::MAX)
    }
}

/// Stands still until it is told to move.
#[derive(Debug)]
pub struct ManualClock {
    now: Mutex<Timestamp>,
}

impl ManualClock {
    /// A clock that shows `start`.
    pub fn starting_at(start: Timestamp) -> Self {
        Self {
            now: Mutex::new(start),
        }
    }

    /// Moves on by whole seconds.
    pub fn advance(&self, seconds: u32) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        *now = now
            .saturating_add(SignedDuration::from_secs(i64::from(seconds)))
            .unwrap_or(Timestamp::MAX);
    }
}

impl Default for ManualClock {
    /// Shows the first second of 2026.
    fn default() -> Self {
        Self::starting_at(Timestamp::from_second(1_767_225_600).unwrap_or(Timestamp::UNIX_EPOCH))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manual_clock_moves_only_when_told() {
        let clock = ManualClock::default();
        let before = clock.now();
        assert_eq!(clock.now(), before);
        clock.advance(7);
        assert_eq!(clock.now().as_second() - before.as_second(), 7);
    }

    #[tokio::test]
    async fn tokio_clock_starts_where_it_is_told() {
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        let clock = TokioClock::starting_at(start);
        assert!(clock.now() >= start);
        assert!(clock.now().as_second() - start.as_second() < 60);
    }
}
