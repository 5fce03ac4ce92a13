//! Carries an update of a cluster to its end. EKS does one at a time and takes minutes: another one that runs is waited for,
//! and ours until EKS is done with it and the cluster is `ACTIVE` again.

use std::time::Duration;

use futures::future::join_all;
use tokio::time::Instant;

use super::runner::{RunContext, run_again, wait_longer};
use crate::{
    engine::{StepError, executor::Progress},
    ports::{CallError, CallErrorKind, aws::ClusterUpdate},
};
use eksact_message::duration::in_words;

const SHORTEST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(10);
/// How often a look may fail in a row before the waiting ends.
const FAILURES: u32 = 5;

/// An update of a cluster, to be sent and waited for.
pub(super) struct Updating<'run> {
    pub cluster: &'run str,
    pub update_type: &'static str,
    pub context: &'run RunContext,
    pub progress: &'run Progress,
    begun: Instant,
}

impl<'run> Updating<'run> {
    /// One of this type.
    pub(super) fn new(
        cluster: &'run str,
        update_type: &'static str,
        context: &'run RunContext,
        progress: &'run Progress,
    ) -> Self {
        Self {
            cluster,
            update_type,
            context,
            progress,
            begun: Instant::now(),
        }
    }

    /// Sends the update until EKS takes it, and waits for its end. `is_done` tells whether the cluster is as wanted already,
    /// which ends it as well: somebody else's update may have done it, or one of ours whose answer was lost.
    pub(super) async fn carry_out<Sent, Done>(
        &self,
        send: impl Fn() -> Sent + Send,
        is_done: impl Fn() -> Done + Send,
    ) -> Result<(), StepError>
    where
        Sent: Future<Output = Result<ClusterUpdate, CallError>> + Send,
        Done: Future<Output = Result<bool, CallError>> + Send,
    {
        loop {
            let error = match send().await {
                Ok(update) => return self.finished(&update.id).await,
                Err(error) => error,
            };
            match error.kind {
                CallErrorKind::Conflict => {
                    let Some(running) = self.running().await? else {
                        return if is_done().await? {
                            Ok(())
                        } else {
                            Err(error.into())
                        };
                    };
                    self.progress.tell(format!(
                        "waits for update {} ({}), which is running",
                        running.id, running.update_type
                    ));
                    self.ended(&running.id).await?;
                    self.active().await?;
                    if is_done().await? {
                        return Ok(());
                    }
                }
                // The answer was lost; the update may have begun.
                CallErrorKind::Unreachable | CallErrorKind::ServiceFailure => {
                    let running = self.running().await?;
                    match running.filter(|update| update.update_type == self.update_type) {
                        Some(update) => self.finished(&update.id).await?,
                        None => self.active().await?,
                    }
                    return if is_done().await? {
                        Ok(())
                    } else {
                        Err(error.into())
                    };
                }
                _ => return Err(error.into()),
            }
        }
    }

    /// Waits until no update runs and the cluster is `ACTIVE`.
    pub(super) async fn idle(&self) -> Result<(), StepError> {
        if let Some(running) = self.running().await? {
            self.progress.tell(format!(
                "waits for update {} ({}), which is running",
                running.id, running.update_type
            ));
            self.ended(&running.id).await?;
        }
        self.active().await
    }

    /// The update that runs on the cluster.
    async fn running(&self) -> Result<Option<ClusterUpdate>, CallError> {
        let aws = &self.context.readers.aws;
        let ids = aws.cluster_updates(self.cluster).await?;
        let updates = ids.iter().map(|id| aws.cluster_update(self.cluster, id));
        for update in join_all(updates).await {
            let update = update?;
            if update.in_progress() {
                return Ok(Some(update));
            }
        }
        Ok(None)
    }

    /// Waits for the end of our update; one that did not succeed is an error with EKS's reasons.
    async fn finished(&self, id: &str) -> Result<(), StepError> {
        let update = self.ended(id).await?;
        if !update.succeeded() {
            let reasons: Vec<String> = update.errors.iter().map(ToString::to_string).collect();
            let reasons = if reasons.is_empty() {
                "EKS gives no reason".to_owned()
            } else {
                reasons.join("; ")
            };
            return Err(StepError::new(format!(
                "update {id} ({}) of cluster {} ended as {}: {reasons}",
                update.update_type, self.cluster, update.status
            ))
            .with_help(run_again()));
        }
        self.active().await
    }

    async fn ended(&self, id: &str) -> Result<ClusterUpdate, StepError> {
        let aws = &self.context.readers.aws;
        self.until(
            || aws.cluster_update(self.cluster, id),
            |update| !update.in_progress(),
            |update| format!("update {id} ({}) is {}", update.update_type, update.status),
        )
        .await
    }

    async fn active(&self) -> Result<(), StepError> {
        let aws = &self.context.readers.aws;
        self.until(
            || aws.cluster(self.cluster),
            |cluster| cluster.status == "ACTIVE",
            |cluster| format!("cluster {} is {}", self.cluster, cluster.status),
        )
        .await
        .map(drop)
    }

    /// Looks again and again, more seldom with time, until what is seen is `enough` or the time is up.
    async fn until<T, Look>(
        &self,
        look: impl Fn() -> Look + Send,
        enough: impl Fn(&T) -> bool + Send,
        words: impl Fn(&T) -> String + Send,
    ) -> Result<T, StepError>
    where
        T: Send,
        Look: Future<Output = Result<T, CallError>> + Send,
    {
        let mut failures = 0;
        let mut told = String::new();
        loop {
            match look().await {
                Ok(seen) if enough(&seen) => return Ok(seen),
                Ok(seen) => {
                    failures = 0;
                    let state = words(&seen);
                    if self.begun.elapsed() >= self.context.timeout {
                        return Err(StepError::new(format!(
                            "{state} after {} (--timeout), and EKS goes on",
                            in_words(self.context.timeout)
                        ))
                        .with_help(wait_longer()));
                    }
                    if state != told {
                        self.progress.tell(state.clone());
                        told = state;
                    }
                }
                Err(error) => {
                    failures += 1;
                    if !error.kind.is_passing() || failures >= FAILURES {
                        return Err(error.into());
                    }
                }
            }
            tokio::time::sleep((self.begun.elapsed() / 10).clamp(SHORTEST, LONGEST)).await;
        }
    }
}
