//! Changes one part of a role's trust policy while others may change other parts of it at the same time.
//!
//! IAM's `UpdateAssumeRolePolicy` takes a whole document and no precondition: of two writers who read the same document, the
//! second takes away what the first wrote. So every writer here writes soon after it has read, and then watches the document
//! until each write that was made from an older reading must have arrived; what such a write took away is put back. With
//! that, writers of this kind lose nothing of each other's. `docs/shared-roles.md` says what this rests on.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use super::{RunContext, runner::run_again};
use crate::{
    engine::{StepError, StepFailure, executor::Progress},
    ports::{CallError, CallErrorKind, aws::RoleTrust},
};
use eksact_identity::{
    authn::irsa,
    iam::shared_trust::{length, shared},
};
use eksact_message::remedy::Remedy;

/// A reading older than this is not written from.
const FRESH: Duration = Duration::from_secs(5);
/// A call that takes longer is given up; a write may have its effect until then.
const CALL_LIMIT: Duration = Duration::from_secs(10);
/// For so long IAM may still show the document of before a write.
const LAG: Duration = Duration::from_secs(15);
/// So long the document must stay as it is: a write that was made from an older reading has arrived by then
/// (`FRESH + CALL_LIMIT`), readers see it (`LAG`), and some is to spare.
const QUIET: Duration = Duration::from_secs(35);
/// How often it is looked at.
const PAUSE: Duration = Duration::from_secs(3);
/// So many writes in a row whose effect is unknown are taken for a failure.
const MOST_UNKNOWN: u32 = 5;

/// The role whose trust policy is changed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    /// Its name.
    pub role: &'a str,
    /// Its unique id when the plan was made, where the plan was about this very role.
    pub id: Option<&'a str>,
}

/// Makes the trust policy what `edit` makes of it, and sees to it that it stays so. `edit` gives back what it was given
/// where there is nothing to do; it is asked again after every reading.
///
/// Gives how often the change had to be made again because somebody else's write took it away, or nothing where there was
/// nothing to do.
pub(super) async fn change(
    target: Target<'_>,
    edit: impl Fn(&Value) -> Result<Value, StepError> + Send + Sync,
    context: &RunContext,
    progress: &Progress,
) -> Result<Option<u32>, StepError> {
    let begun = Instant::now();
    let mut writes = 0;
    let mut unknown = 0;
    let mut written: Option<Instant> = None;
    let mut quiet: Option<(Instant, Value)> = None;
    loop {
        if begun.elapsed() > context.timeout.max(QUIET * 2) {
            return Err(restless(target.role, context.timeout));
        }
        let asked = Instant::now();
        let policy = match read(target, context).await {
            Ok(policy) => policy,
            // What was written must still be watched: one failed look is no reason to give up.
            Err(Reading::Failed(error))
                if written.is_some() && is_passing(&error) && unknown < MOST_UNKNOWN =>
            {
                unknown += 1;
                sleep(PAUSE).await;
                continue;
            }
            Err(Reading::Failed(error)) => return Err(error.into()),
            Err(Reading::Refused(error)) => return Err(after_writing(writes, error)),
        };
        // So soon after a write IAM may show the document of before, and others' statements may be missing in that.
        let settled = written.is_none_or(|written| asked.duration_since(written) > LAG);
        let wanted = match edit(&policy) {
            Ok(wanted) => wanted,
            Err(error) if settled => return Err(after_writing(writes, error)),
            Err(_) => policy.clone(),
        };
        if wanted == policy {
            if written.is_none() {
                return Ok(None);
            }
            match &quiet {
                Some((since, seen)) if *seen == policy => {
                    if since.elapsed() > QUIET {
                        return Ok(Some(writes - 1));
                    }
                }
                _ => quiet = Some((asked, policy)),
            }
            sleep(PAUSE).await;
            continue;
        }
        quiet = None;
        if !settled {
            sleep(PAUSE).await;
            continue;
        }
        if asked.elapsed() > FRESH {
            continue;
        }
        match timeout(
            CALL_LIMIT,
            context.writers.aws.set_trust_policy(target.role, &wanted),
        )
        .await
        {
            Ok(Ok(())) => {
                if !needs_watching(&policy) && !needs_watching(&wanted) {
                    return Ok(Some(writes));
                }
                if writes == 0 {
                    progress.tell("watching for writes by other clusters");
                }
                unknown = 0;
                writes += 1;
            }
            Ok(Err(error)) if !is_passing(&error) => return Err(refused(target.role, &wanted, error)),
            Ok(Err(error)) if unknown >= MOST_UNKNOWN => return Err(error.into()),
            // Whether it had its effect only a look can tell, once it must have arrived.
            Ok(Err(_)) | Err(_) if unknown < MOST_UNKNOWN => {
                unknown += 1;
                writes += 1;
            }
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => return Err(silent("UpdateAssumeRolePolicy", target.role).into()),
        }
        written = Some(Instant::now());
    }
}

/// Whether other clusters may write this document, too: one without any of their statements has one owner.
fn needs_watching(policy: &Value) -> bool {
    !shared(policy).is_empty()
}

/// Why there is no document.
enum Reading {
    /// The call failed.
    Failed(CallError),
    /// It is not the role of the plan.
    Refused(StepError),
}

async fn read(target: Target<'_>, context: &RunContext) -> Result<Value, Reading> {
    let role = target.role;
    let read = timeout(CALL_LIMIT, context.readers.aws.trust_policy(role))
        .await
        .unwrap_or_else(|_| Err(silent("GetRole", role)))
        .map_err(Reading::Failed)?;
    let moved = |what: String| {
        Reading::Refused(
            StepError::new(what)
                .with_help(run_again())
                .because(StepFailure::Moved),
        )
    };
    match read {
        None => Err(moved(format!("the role {role} is gone since the plan was made"))),
        Some(RoleTrust { role_id, .. }) if target.id.is_some_and(|id| id != role_id) => Err(moved(format!(
            "the role {role} was deleted and recreated since the plan was made"
        ))),
        Some(RoleTrust { policy, .. }) => Ok(policy),
    }
}

/// The same error where something was written before it: then it is not one of those after which nothing was.
fn after_writing(writes: u32, error: StepError) -> StepError {
    if writes == 0 {
        return error;
    }
    StepError {
        message: format!("{}, after this run had written it", error.message),
        cause: StepFailure::Failed,
        ..error
    }
}

fn silent(action: &str, role: &str) -> CallError {
    let message = format!("no answer within {} s", CALL_LIMIT.as_secs());
    CallError::new("iam", action, role, CallErrorKind::Unreachable, message)
}

/// Whether a failure says nothing about the request: it may go away, and a write may have had its effect.
fn is_passing(error: &CallError) -> bool {
    matches!(
        error.kind,
        CallErrorKind::Unreachable
            | CallErrorKind::ServiceFailure
            | CallErrorKind::Throttled
            | CallErrorKind::Conflict
    )
}

/// IAM's refusal of a document, with what to do.
fn refused(role: &str, document: &Value, error: CallError) -> StepError {
    match error.kind {
        CallErrorKind::LimitExceeded => StepError::new(format!(
            "the trust policy of role {role} would have {} characters, and IAM accepts no more than the \
             account's quota: {}",
            length(document),
            error.message
        ))
        .with_help(quota_help(length(document))),
        CallErrorKind::Invalid => StepError::from(error).with_help(remedy!(
            "IAM checks the whole trust policy, statements of others included: `aws iam get-role \
             --role-name {role}` shows it. A principal `AIDA…` or `AROA…` in it was deleted and must be \
             removed first."
        )),
        _ => error.into(),
    }
}

/// What to do about a trust policy of so many characters.
pub(super) fn quota_help(characters: usize) -> Remedy {
    let shorter =
        remedy!("To need less, let service accounts in by one `subjectPattern`, or use a second role.");
    match irsa::quota_help(characters) {
        Some(raised) => raised.and(&shorter),
        None => shorter,
    }
}

fn restless(role: &str, limit: Duration) -> StepError {
    StepError::new(format!(
        "the trust policy of role {role} kept changing for {} s: another writer overwrites it again and \
         again",
        limit.as_secs()
    ))
    .with_help(remedy!(
        "The statement may or may not be there now. Find the writer of the whole trust policy \
         (CloudTrail: UpdateAssumeRolePolicy), and run the same command again."
    ))
}
