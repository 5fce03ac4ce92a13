//! Work on many clusters side by side: so many at once, each within its time, and none begun after an interruption.

use std::{cell::Cell, pin::pin, time::Duration};

use futures::{StreamExt as _, stream};
use tokio::sync::watch;

use crate::cli::run::interrupt::Listener;
use eksact_core::engine::Interrupt;

/// So long what writes may go on when the time of its cluster is over, before it is given up.
const GRACE: Duration = Duration::from_mins(1);

/// Why work on a cluster did not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    /// It took longer than it may.
    TimedOut,
    /// The run was interrupted.
    Interrupted,
}

/// How work may be ended before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    /// It only reads: it is dropped when its time is over or the run is interrupted.
    Dropped(Duration),
    /// It writes, and ends itself.
    Its,
}

/// Does `work` for each item, and gives the results in the order of the items.
pub(super) async fn each<Item, Result_>(
    items: Vec<Item>,
    at_once: usize,
    bound: Bound,
    interrupt: &watch::Receiver<Interrupt>,
    work: impl AsyncFn(Item) -> Result_,
) -> Vec<Result<Result_, Stopped>> {
    let work = &work;
    let one = async |number: usize, item: Item| {
        if *interrupt.borrow() > Interrupt::None {
            return (number, Err(Stopped::Interrupted));
        }
        let Bound::Dropped(limit) = bound else {
            return (number, Ok(work(item).await));
        };
        let run = pin!(tokio::time::timeout(limit, work(item)));
        let result = tokio::select! {
            result = run => result.map_err(|_| Stopped::TimedOut),
            () = interrupted(interrupt.clone()) => Err(Stopped::Interrupted),
        };
        (number, result)
    };
    let one = &one;
    let mut results: Vec<_> = stream::iter(items.into_iter().enumerate())
        .map(|(number, item)| one(number, item))
        .buffer_unordered(at_once)
        .collect()
        .await;
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Waits for `work`, which only reads until `is_writing` says otherwise. Until then it is dropped when its time is over or the run
/// is interrupted.
pub(super) async fn unless_stopped<Result_>(
    work: impl Future<Output = Result_>,
    limit: Duration,
    is_writing: &Cell<bool>,
    interrupt: &watch::Receiver<Interrupt>,
) -> Result<Result_, Stopped> {
    let mut work = pin!(work);
    let stopped = tokio::select! {
        result = &mut work => return Ok(result),
        () = tokio::time::sleep(limit) => Stopped::TimedOut,
        () = interrupted(interrupt.clone()) => Stopped::Interrupted,
    };
    if !is_writing.get() {
        return Err(stopped);
    }
    tokio::time::timeout(GRACE, work).await.map_err(|_| stopped)
}

/// Ends the steps of a cluster whose time is over, and says so in `is_over`: none is begun, and those in flight get a grace.
pub(super) async fn end_after(limit: Duration, is_over: &Cell<bool>, listener: &Listener) {
    tokio::time::sleep(limit).await;
    is_over.set(true);
    listener.finish();
    tokio::time::sleep(GRACE).await;
    listener.abandon();
}

/// Ends when the run is interrupted.
async fn interrupted(mut interrupt: watch::Receiver<Interrupt>) {
    if interrupt
        .wait_for(|level| *level > Interrupt::None)
        .await
        .is_err()
    {
        // Nobody is left who could interrupt.
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Time does not pass here by itself: it jumps to what is waited for.
    #[tokio::test(start_paused = true)]
    async fn cluster_that_hangs_hides_no_other() {
        let (_sender, interrupt) = watch::channel(Interrupt::None);
        let work = async |number: usize| {
            if number == 3 {
                std::future::pending::<()>().await;
            }
            number * 10
        };
        let bound = Bound::Dropped(Duration::from_mins(1));
        let results = each((0..8).collect(), 2, bound, &interrupt, work).await;
        let wanted: Vec<_> = (0..8)
            .map(|number| {
                if number == 3 {
                    Err(Stopped::TimedOut)
                } else {
                    Ok(number * 10)
                }
            })
            .collect();
        assert_eq!(results, wanted);
    }

    /// What reads is dropped; what has begun to write comes to its end, or is given up a minute later.
    #[tokio::test(start_paused = true)]
    async fn cluster_that_writes_is_not_cut_off() {
        let limit = Duration::from_secs(10);
        let longer = || tokio::time::sleep(Duration::from_secs(30));
        let (sender, interrupt) = watch::channel(Interrupt::None);
        let (reads, writes) = (Cell::new(false), Cell::new(true));
        assert_eq!(
            unless_stopped(longer(), limit, &reads, &interrupt).await,
            Err(Stopped::TimedOut)
        );
        assert_eq!(unless_stopped(longer(), limit, &writes, &interrupt).await, Ok(()));
        assert_eq!(
            unless_stopped(std::future::pending::<()>(), limit, &writes, &interrupt).await,
            Err(Stopped::TimedOut)
        );
        sender.send_replace(Interrupt::Finish);
        assert_eq!(
            unless_stopped(longer(), limit, &reads, &interrupt).await,
            Err(Stopped::Interrupted)
        );
        assert_eq!(unless_stopped(longer(), limit, &writes, &interrupt).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn clusters_at_once_are_no_more_than_allowed() {
        let (_sender, interrupt) = watch::channel(Interrupt::None);
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = async |number: u64| {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_secs(number % 5)).await;
            now.fetch_sub(1, Ordering::SeqCst);
        };
        let bound = Bound::Dropped(Duration::from_mins(1));
        let results = each((0..40).collect(), 4, bound, &interrupt, work).await;
        assert!(results.iter().all(Result::is_ok));
        assert_eq!(most.load(Ordering::SeqCst), 4);
    }

    /// What reads is dropped, what writes comes to its own end, and neither is begun anew.
    #[tokio::test(start_paused = true)]
    async fn run_begins_nothing_more_after_an_interruption() {
        for (bound, first) in [
            (Bound::Dropped(Duration::from_mins(1)), Err(Stopped::Interrupted)),
            (Bound::Its, Ok(0)),
        ] {
            let (sender, interrupt) = watch::channel(Interrupt::None);
            let work = async |number: u64| {
                sender.send_replace(Interrupt::Finish);
                tokio::time::sleep(Duration::from_secs(1)).await;
                number
            };
            let results = each((0..3).collect(), 1, bound, &interrupt, work).await;
            assert_eq!(results[0], first);
            assert_eq!(
                results[1..],
                [Err(Stopped::Interrupted), Err(Stopped::Interrupted)]
            );
        }
    }
}
