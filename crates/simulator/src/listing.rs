//! Lists: page by page, between which others write, and some behind what was written.

use jiff::{SignedDuration, Timestamp};

use crate::refusal::Refusal;
use crate::state::World;
use crate::{Call, Sandbox};
use eksact_core::ports::CallError;
use std::sync::PoisonError;

/// Worlds of a while ago, each with the time until which it was the present. Empty where no list lags.
#[derive(Debug, Default)]
pub(super) struct Past(Vec<(Timestamp, World)>);

impl Past {
    /// Keeps a world that was the present until now.
    pub(super) fn keep(&mut self, before: World, now: Timestamp) {
        let lag = lag_of(&before);
        self.0.retain(|(until, _)| now.duration_since(*until) <= lag);
        self.0.push((now, before));
    }

    /// The oldest world that a list may still show.
    fn shown(&self, lag: SignedDuration, now: Timestamp) -> Option<&World> {
        let mut past = self.0.iter();
        past.find(|(until, _)| now.duration_since(*until) < lag)
            .map(|(_, world)| world)
    }
}

/// The world before a call, where it has to be kept.
pub(super) fn to_keep(world: &World) -> Option<World> {
    (world.list_lag_milliseconds > 0).then(|| world.clone())
}

fn lag_of(world: &World) -> SignedDuration {
    SignedDuration::from_millis(i64::from(world.list_lag_milliseconds))
}

impl Sandbox {
    /// A list, whole: page by page in the order of `key`, each a call of its own. A page may be that of a while ago where
    /// the lists of the world lag.
    pub(super) async fn listed<T: Send>(
        &self,
        call: Call,
        per_page: usize,
        key: fn(&T) -> &str,
        list: impl Fn(&World, Timestamp) -> Result<Vec<T>, Refusal> + Send + Sync,
    ) -> Result<Vec<T>, CallError> {
        let per_page = self.faults.page_size().unwrap_or(per_page);
        let mut found: Vec<T> = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let (page, is_last) = self
                .call(call.clone(), |world, now| {
                    let past = self.past.lock().unwrap_or_else(PoisonError::into_inner);
                    let shown = self.as_listed(&past, world, now).unwrap_or(world);
                    let mut left = list(shown, now)?;
                    left.sort_by(|one, other| key(one).cmp(key(other)));
                    left.retain(|item| after.as_deref().is_none_or(|after| key(item) > after));
                    let is_last = left.len() <= per_page;
                    left.truncate(per_page);
                    Ok((left, is_last))
                })
                .await?;
            after = page.last().map(|item| key(item).to_owned()).or(after);
            found.extend(page);
            if is_last {
                return Ok(found);
            }
        }
    }

    /// The world that a list shows, where it is not the present one.
    fn as_listed<'p>(&self, past: &'p Past, world: &World, now: Timestamp) -> Option<&'p World> {
        let lag = lag_of(world);
        if lag.is_zero() || self.faults.random().is_none_or(|random| random % 2 == 0) {
            return None;
        }
        past.shown(lag, now)
    }
}
