//! The writes and the proof of a migration.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use crate::{
    engine::{StepDone, StepError, StepFailure, executor::Progress},
    guard::{
        access::{MASTERS, principal_key},
        recovery::caller_key,
    },
    kinds::{
        RunContext,
        kubernetes_write::{self, Verb, Written as _},
        runner::run_again,
    },
    ports::{
        CallError,
        kubernetes::{AccessReview, RbacBinding, UserInfo},
    },
};

/// How long an entry may take until the cluster lets its principal in by it. EKS says "several seconds"
/// (<https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html>).
const EFFECT: Duration = Duration::from_mins(2);
const PAUSE: Duration = Duration::from_secs(2);

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub(crate) enum Operation {
    /// Creates the binding.
    Bind {
        /// The binding.
        binding: RbacBinding,
    },
    /// Asks the cluster who the caller is and what it may do, until that is what its entry gives.
    Confirm {
        /// The caller's key.
        principal: String,
        /// The groups of its entry.
        groups: Vec<String>,
        /// Whether its entry gives everything.
        is_admin: bool,
    },
    /// Deletes the binding, once no access entry is in its group.
    Unbind {
        /// Name of the cluster.
        cluster: String,
        /// Its name.
        name: String,
    },
}

impl Operation {
    pub(super) fn access_reviews(&self) -> Vec<AccessReview> {
        match self {
            Self::Bind { binding } => kubernetes_write::access_reviews((Verb::Create, binding)),
            Self::Unbind { name, .. } => kubernetes_write::access_reviews((Verb::Delete, &named(name))),
            Self::Confirm { .. } => Vec::new(),
        }
    }

    pub(super) async fn run(self, context: &RunContext, progress: &Progress) -> Result<StepDone, StepError> {
        match self {
            // One that is there is an earlier run's, or this one's after a lost answer.
            Self::Bind { binding } => kubernetes_write::run((Verb::Create, &binding), context).await,
            Self::Confirm {
                principal,
                groups,
                is_admin,
            } => {
                let wanted = Wanted {
                    principal,
                    groups,
                    is_admin,
                };
                wanted.confirm(context, progress).await
            }
            Self::Unbind { cluster, name } => unbind(&cluster, &name, context).await,
        }
    }
}

/// The binding of this name as it is looked for.
fn named(name: &str) -> RbacBinding {
    RbacBinding {
        name: name.to_owned(),
        ..RbacBinding::default()
    }
}

async fn unbind(cluster: &str, name: &str, context: &RunContext) -> Result<StepDone, StepError> {
    // Another run may have come to need it since the plan.
    let entries = context.readers.aws.access_entries(cluster).await?;
    if let Some(entry) = entries
        .iter()
        .find(|entry| entry.groups.iter().any(|group| group == name))
    {
        return Err(StepError::new(format!(
            "the access entry of {} is in the group {name} since the plan was made, perhaps by another migration: the group's binding \
             is kept",
            entry.principal_arn
        ))
        .because(StepFailure::Moved)
        .with_help(run_again()));
    }
    match named(name).now(context.readers.kubernetes.as_ref()).await? {
        Some(live) => kubernetes_write::run((Verb::Delete, &live), context).await,
        None => Ok(StepDone::default()),
    }
}

/// What the cluster has to say of the caller.
struct Wanted {
    principal: String,
    groups: Vec<String>,
    is_admin: bool,
}

impl Wanted {
    async fn confirm(&self, context: &RunContext, progress: &Progress) -> Result<StepDone, StepError> {
        let deadline = Instant::now() + EFFECT;
        loop {
            let last = match self.missing(context).await {
                Ok(None) => return Ok(StepDone::default()),
                Ok(Some(missing)) => missing,
                Err(error) => error.to_string(),
            };
            if Instant::now() >= deadline {
                return Err(StepError::new(format!(
                    "the cluster does not let the caller in as its access entry says: {last}"
                ))
                .with_help(run_again()));
            }
            progress.tell(format!("waiting until the entry counts: {last}"));
            sleep(PAUSE).await;
        }
    }

    /// What is missing until the caller gets in by its entry. One who is somebody else to the cluster, by a kubeconfig of its own, is
    /// not asked about.
    async fn missing(&self, context: &RunContext) -> Result<Option<String>, CallError> {
        let user = context.readers.kubernetes.user_info().await?;
        let arn = user.extra.get("arn").and_then(|values| values.first());
        if arn.is_some_and(|arn| principal_key(&caller_key(arn)) != self.principal) {
            return Ok(None);
        }
        if let Some(missing) = self.groups_missing(&user) {
            return Ok(Some(missing));
        }
        let everything = AccessReview {
            verb: "*".to_owned(),
            group: "*".to_owned(),
            resource: "*".to_owned(),
            namespace: None,
        };
        if self.is_admin && !context.readers.kubernetes.may(&everything).await? {
            return Ok(Some(format!("{} may not do everything", user.username)));
        }
        Ok(None)
    }

    fn groups_missing(&self, user: &UserInfo) -> Option<String> {
        if user.groups.iter().any(|group| group == MASTERS) {
            return Some(format!("{} still gets in by aws-auth", user.username));
        }
        let missing: Vec<&str> = self
            .groups
            .iter()
            .filter(|group| !user.groups.contains(group))
            .map(String::as_str)
            .collect();
        (!missing.is_empty()).then(|| format!("{} is not in {}", user.username, missing.join(", ")))
    }
}
