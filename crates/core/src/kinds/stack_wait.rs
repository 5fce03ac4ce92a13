//! Waits for stacks to settle: many at once with one listing, few one by one, often at first and more seldom later.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use tokio::{sync::oneshot, time::Instant};

use crate::{
    engine::executor::Progress,
    ports::{
        CallError, CallErrorKind,
        aws::{AwsReader, Stack, StackEvent},
    },
};
use eksact_message::duration::in_words;

/// Up to this many stacks are asked for one by one, and more where a listing takes more pages than that.
const ONE_BY_ONE: usize = 3;
/// What a page of `DescribeStacks` holds.
const STACKS_PER_PAGE: usize = 100;
/// How often a listing may fail in a row before the waiting ends.
const FAILURES: u32 = 5;
const SHORTEST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(5);

struct Waiting {
    answer: oneshot::Sender<Result<Option<Stack>, CallError>>,
    since: Instant,
    progress: Progress,
    told: String,
}

#[derive(Default)]
struct State {
    waiting: BTreeMap<String, Vec<Waiting>>,
    polling: bool,
}

/// Waits for stacks by id.
pub struct StackWait {
    aws: Arc<dyn AwsReader>,
    timeout: Duration,
    state: Mutex<State>,
    /// How many stacks the last listing had; 0 before the first.
    listed: AtomicUsize,
}

impl std::fmt::Debug for StackWait {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StackWait")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl StackWait {
    /// A waiter that gives each stack `timeout`.
    pub fn new(aws: Arc<dyn AwsReader>, timeout: Duration) -> Self {
        Self {
            aws,
            timeout,
            state: Mutex::default(),
            listed: AtomicUsize::new(0),
        }
    }

    /// The stack with this id once CloudFormation is done with it.
    pub async fn settled(self: &Arc<Self>, id: &str, progress: &Progress) -> Result<Stack, CallError> {
        self.settled_or_gone(id, progress).await?.ok_or_else(|| {
            CallError::new(
                "cloudformation",
                "DescribeStacks",
                id,
                CallErrorKind::NotFound,
                "the stack is gone: it was deleted meanwhile",
            )
        })
    }

    /// The same for a stack that is being deleted: it comes back as `DELETE_COMPLETE`, or not at all once
    /// CloudFormation has forgotten it.
    pub async fn settled_or_gone(
        self: &Arc<Self>,
        id: &str,
        progress: &Progress,
    ) -> Result<Option<Stack>, CallError> {
        let (answer, answered) = oneshot::channel();
        let begin_polling = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.waiting.entry(id.to_owned()).or_default().push(Waiting {
                answer,
                since: Instant::now(),
                progress: progress.clone(),
                told: String::new(),
            });
            !std::mem::replace(&mut state.polling, true)
        };
        if begin_polling {
            tokio::spawn(Arc::clone(self).poll());
        }
        answered.await.unwrap_or_else(|_| {
            Err(CallError::new(
                "cloudformation",
                "DescribeStacks",
                id,
                CallErrorKind::Other,
                "the waiting for the stack was given up",
            ))
        })
    }

    async fn poll(self: Arc<Self>) {
        let mut failures = 0;
        loop {
            let Some((ids, youngest)) = self.pending() else {
                return;
            };
            // A tenth of the youngest wait: a stack of five seconds is noticed within half a second of its end.
            tokio::time::sleep((youngest / 10).clamp(SHORTEST, LONGEST)).await;
            match self.look(&ids).await {
                Ok(stacks) => {
                    failures = 0;
                    self.tell(&stacks);
                }
                Err(error) => {
                    failures += 1;
                    if !error.kind.is_passing() || failures >= FAILURES {
                        self.give_up(&error);
                    }
                }
            }
            self.expire();
        }
    }

    /// The stacks that are waited for and the age of the youngest wait; none ends the polling.
    fn pending(&self) -> Option<(Vec<String>, Duration)> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.waiting.retain(|_, waiting| {
            waiting.retain(|one| !one.answer.is_closed());
            !waiting.is_empty()
        });
        let youngest = state
            .waiting
            .values()
            .flatten()
            .map(|one| one.since.elapsed())
            .min();
        if youngest.is_none() {
            state.polling = false;
        }
        youngest.map(|youngest| (state.waiting.keys().cloned().collect(), youngest))
    }

    async fn look(&self, ids: &[String]) -> Result<BTreeMap<String, Option<Stack>>, CallError> {
        let mut found: BTreeMap<String, Option<Stack>> = BTreeMap::new();
        let pages = self.listed.load(Ordering::Relaxed) / STACKS_PER_PAGE;
        if ids.len() > ONE_BY_ONE.max(pages) {
            let all = self.aws.stacks().await?;
            self.listed.store(all.len(), Ordering::Relaxed);
            found.extend(all.into_iter().map(|stack| (stack.id.clone(), Some(stack))));
        }
        // The listing leaves deleted stacks out: those are asked for by id.
        let left: Vec<&String> = ids.iter().filter(|id| !found.contains_key(*id)).collect();
        let asked = join_all(left.iter().map(|id| self.aws.stack(id))).await;
        for (id, stack) in left.into_iter().zip(asked) {
            match stack {
                Ok(stack) => {
                    found.insert(id.clone(), stack);
                }
                // One stack that cannot be read ends its own waiting only.
                Err(error) if !error.kind.is_passing() => self.give_up_one(id, &error),
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    fn tell(&self, stacks: &BTreeMap<String, Option<Stack>>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.waiting.retain(|id, waiting| {
            let Some(stack) = stacks.get(id) else { return true };
            if let Some(stack) = stack.as_ref().filter(|stack| stack.in_progress()) {
                for one in waiting.iter_mut().filter(|one| one.told != stack.status) {
                    one.told.clone_from(&stack.status);
                    one.progress.tell(stack.status.clone());
                }
                return true;
            }
            for one in std::mem::take(waiting) {
                // Nobody listens any more when the step was given up.
                let _ = one.answer.send(Ok(stack.clone()));
            }
            false
        });
    }

    fn give_up(&self, error: &CallError) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for one in std::mem::take(&mut state.waiting).into_values().flatten() {
            let _ = one.answer.send(Err(error.clone()));
        }
    }

    fn give_up_one(&self, id: &str, error: &CallError) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for one in state.waiting.remove(id).unwrap_or_default() {
            let _ = one.answer.send(Err(error.clone()));
        }
    }

    fn expire(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, waiting) in &mut state.waiting {
            let (late, rest) = std::mem::take(waiting)
                .into_iter()
                .partition(|one| one.since.elapsed() >= self.timeout);
            *waiting = rest;
            for one in late {
                let error = CallError::new(
                    "cloudformation",
                    "DescribeStacks",
                    id.as_str(),
                    CallErrorKind::Other,
                    format!(
                        "CloudFormation was still working after {} (--timeout); it continues, and the next \
                         run waits for it",
                        in_words(self.timeout)
                    ),
                );
                let _ = one.answer.send(Err(error));
            }
        }
    }
}

/// Why a stack failed: the reason of the first resource that failed in `token`'s request, in CloudFormation's own words.
/// Later failures ("Resource creation cancelled") follow from it. Events of other requests do not count; where no event
/// bears the token (CloudFormation gives none for what it does by itself), those without any do.
pub fn root_cause(events: &[StackEvent], token: &str) -> Option<String> {
    let bears = |event: &&StackEvent| event.client_request_token.as_deref() == Some(token);
    let known = events.iter().any(|event| bears(&event));
    let failed: Vec<&StackEvent> = events
        .iter()
        .filter(|event| {
            if known {
                bears(event)
            } else {
                event.client_request_token.is_none()
            }
        })
        .filter(|event| event.status.ends_with("_FAILED"))
        .collect();
    // Events come newest first.
    let first = failed
        .iter()
        .rev()
        .find(|event| {
            !event
                .status_reason
                .as_deref()
                .unwrap_or_default()
                .contains("cancelled")
        })
        .or(failed.last())?;
    let reason = first
        .status_reason
        .as_deref()
        .unwrap_or("CloudFormation gives no reason");
    Some(format!(
        "{} ({}) {}: {reason}",
        first.logical_id, first.resource_type, first.status
    ))
}
