//! Hands each step of a plan to its kind, with the clients that may write.

use eksact_message::remedy::Remedy;
use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use serde_json::Value;

use super::stack_wait::StackWait;
use crate::{
    engine::{Step, StepDone, StepError, StepRunner, executor::Progress},
    kinds::kind_of,
    ports::{Readers, Writers, aws::Cluster},
};

/// What a step of any kind may use.
#[derive(Clone, Debug)]
pub struct RunContext {
    /// For looking before and after a write.
    pub readers: Readers,
    /// For writing.
    pub writers: Writers,
    /// Waits for many stacks with one listing.
    pub stacks: Arc<StackWait>,
    /// How long to keep trying where others write the same object.
    pub timeout: std::time::Duration,
    /// The folder for what must outlive the run and has no place in the cluster: backups that it refuses.
    pub state_folder: Option<PathBuf>,
    /// Tells the time.
    pub now: fn() -> jiff::Timestamp,
}

impl RunContext {
    /// What steps may use, without a folder of the user's.
    pub fn new(readers: Readers, writers: Writers, timeout: std::time::Duration) -> Self {
        Self {
            stacks: Arc::new(StackWait::new(readers.aws.clone(), timeout)),
            readers,
            writers,
            timeout,
            state_folder: None,
            now: jiff::Timestamp::now,
        }
    }
}

/// Runs steps for the executor.
#[derive(Debug)]
pub struct Runner {
    context: RunContext,
}

impl Runner {
    /// A runner over these clients; `timeout` bounds the wait for each stack, and for an object that others write.
    pub fn new(readers: Readers, writers: Writers, timeout: std::time::Duration) -> Self {
        Self {
            context: RunContext::new(readers, writers, timeout),
        }
    }

    /// The same with another clock than the machine's.
    #[must_use]
    pub fn telling_time_by(mut self, now: fn() -> jiff::Timestamp) -> Self {
        self.context.now = now;
        self
    }

    /// The same with a folder for what must outlive the run.
    #[must_use]
    pub fn with_state_folder(mut self, folder: Option<PathBuf>) -> Self {
        self.context.state_folder = folder;
        self
    }
}

#[async_trait]
impl StepRunner for Runner {
    async fn run(&self, step: &Step, operation: &Value, progress: Progress) -> Result<StepDone, StepError> {
        let Some(kind) = kind_of(step) else {
            return Err(StepError::new(format!(
                "this version of eksact does not know the kind `{}` of {}",
                step.address.kind(),
                step.address
            )));
        };
        kind.run(operation, &self.context, &progress).await
    }
}

/// What to do where the world moved, or where the cause is gone: a plan begins with what is there.
pub fn run_again() -> Remedy {
    remedy!("Run the same command again: it plans from what is there now.")
}

/// What to do where an object is still being deleted.
pub fn wait_until_gone() -> Remedy {
    remedy!("Wait until it is gone and run the same command again.")
}

/// What to do where CloudFormation is still at work.
pub fn wait_longer() -> Remedy {
    remedy!("Run the same command again later, or wait longer with --timeout.")
}

/// How the API of a cluster is reached that does not answer, by what EKS says of its endpoint.
pub fn way_to(cluster: &Cluster) -> Remedy {
    if cluster.endpoint_public_access == Some(true) {
        return remedy!(
            "Its endpoint is public: look for what is in between, such as a proxy, a firewall, or `publicAccessCidrs` of the \
             cluster without this machine's address; a tunnel is named with --kubeconfig and --context."
        );
    }
    remedy!(
        "A private endpoint is reached from inside its VPC, or through a tunnel with --kubeconfig and --context."
    )
}
