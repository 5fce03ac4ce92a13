//! The writes and the proof of a migration.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use crate::{
    engine::{StepDone, StepError, executor::Progress},
    guard::{access::principal_key, recovery::caller_key},
    kinds::{RunContext, runner::run_again},
    ports::{
        CallError, CallErrorKind,
        kubernetes::{AccessReview, Object as _, ObjectKey, Precondition, RbacBinding, UserInfo},
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
    /// Asks the cluster who the caller is, until it is in these groups.
    Confirm {
        /// The caller's key.
        principal: String,
        /// The groups of its entry.
        groups: Vec<String>,
    },
    /// Deletes the binding.
    Unbind {
        /// Its name.
        name: String,
    },
}

impl Operation {
    pub(super) fn access_reviews(&self) -> Vec<AccessReview> {
        let verb = match self {
            Self::Bind { .. } => "create",
            Self::Unbind { .. } => "delete",
            Self::Confirm { .. } => return Vec::new(),
        };
        vec![AccessReview {
            verb: verb.to_owned(),
            group: crate::live::RBAC_GROUP.to_owned(),
            resource: "clusterrolebindings".to_owned(),
            namespace: None,
        }]
    }

    pub(super) async fn run(self, context: &RunContext, progress: &Progress) -> Result<StepDone, StepError> {
        match self {
            Self::Bind { binding } => bind(&binding, context).await,
            Self::Confirm { principal, groups } => confirm(&principal, &groups, context, progress).await,
            Self::Unbind { name } => unbind(&name, context).await,
        }
    }
}

async fn bind(binding: &RbacBinding, context: &RunContext) -> Result<StepDone, StepError> {
    match context.writers.kubernetes.create(binding).await {
        Ok(_) => Ok(StepDone::default()),
        Err(error) => match read(&binding.name, context).await? {
            // An earlier run's, or this one's after a lost answer.
            Some(live) if live.role_name == binding.role_name && live.subjects == binding.subjects => {
                Ok(StepDone::default())
            }
            _ => Err(error.into()),
        },
    }
}

async fn unbind(name: &str, context: &RunContext) -> Result<StepDone, StepError> {
    let Some(live) = read(name, context).await? else {
        return Ok(StepDone::default());
    };
    let precondition = Precondition::exactly(&live.uid, &live.resource_version);
    let deleted = context
        .writers
        .kubernetes
        .delete::<RbacBinding>(live.key(), precondition)
        .await;
    match deleted {
        Err(error) if error.kind != CallErrorKind::NotFound => Err(error.into()),
        _ => Ok(StepDone::default()),
    }
}

async fn read(name: &str, context: &RunContext) -> Result<Option<RbacBinding>, CallError> {
    let key = ObjectKey::new(None, name);
    context.readers.kubernetes.get::<RbacBinding>(key).await
}

async fn confirm(
    principal: &str,
    groups: &[String],
    context: &RunContext,
    progress: &Progress,
) -> Result<StepDone, StepError> {
    let deadline = Instant::now() + EFFECT;
    loop {
        let answer = context.readers.kubernetes.user_info().await;
        let last = match answer {
            Ok(user) => match missing(&user, principal, groups) {
                None => return Ok(StepDone::default()),
                Some(missing) => missing,
            },
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
fn missing(user: &UserInfo, principal: &str, groups: &[String]) -> Option<String> {
    let arn = user.extra.get("arn").and_then(|values| values.first());
    if arn.is_some_and(|arn| principal_key(&caller_key(arn)) != principal) {
        return None;
    }
    let missing: Vec<&str> = groups
        .iter()
        .filter(|group| !user.groups.contains(group))
        .map(String::as_str)
        .collect();
    (!missing.is_empty()).then(|| format!("{} is not in {}", user.username, missing.join(", ")))
}
