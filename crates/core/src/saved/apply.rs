//! From a saved plan to what may be carried out: read and planned again from the same request, held against the plan, and locked.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;

use super::{
    SavedPlan,
    compare::{Moved, moved},
    lock::{self, Held, LockError, Record},
};
use crate::{
    engine::{Plan, Severity},
    kinds::{self, PlanError},
    live::{Live, LiveReader},
    ports::{CallError, CallErrorKind, Readers, Writers},
};

/// What was read longer ago, while somebody was asked, is read again.
const FRESH: Duration = Duration::from_secs(10);

/// Who applies, and how.
#[derive(Clone, Debug)]
pub struct Run {
    /// Makes this run another than every other: in the tokens of its writes and as holder of the lock.
    pub id: String,
    /// Whether it takes the lock.
    pub locks: bool,
    /// Tells the time.
    pub now: fn() -> Timestamp,
}

/// Why it cannot be said how a saved plan stands, or why it must not be applied whatever it says.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ApplyError {
    /// The account is another one.
    #[error("the plan is for account {saved}, and the credentials are of account {found}")]
    OtherAccount {
        /// The plan's.
        saved: String,
        /// The caller's.
        found: String,
    },
    /// The cluster is another one.
    #[error("the plan is for the {what} {saved}, and the cluster's is {found}")]
    OtherCluster {
        /// What tells them apart.
        what: &'static str,
        /// The plan's.
        saved: String,
        /// That of the cluster.
        found: String,
    },
    /// The cluster is gone.
    #[error("the plan is for cluster {0}, and there is no such cluster")]
    NoCluster(String),
    /// The lock.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A call.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The plan of now cannot be made.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A mistake of eksact.
    #[error("internal error: the step {0} would be done otherwise than it was saved")]
    AnotherStep(String),
}

/// How a saved plan stands to the world as it is now.
#[derive(Clone, Debug)]
pub enum Standing {
    /// Nothing has moved: this is to be carried out, the saved plan with this run's tokens.
    Ready(Plan),
    /// The world is as the plan would leave it: the plan of now, which changes nothing, and the record of this one's apply, where
    /// there is one.
    Done(Plan, Option<Record>),
    /// Something that it relies on has moved. With the record of its apply, where it was applied before that.
    Moved(Vec<Moved>, Option<Record>),
    /// A guard refuses it now: the plan of now, which says so.
    Refused(Plan),
}

/// What came of beginning to apply a saved plan.
#[derive(Debug)]
pub enum Begun {
    /// To be carried out now, under the lock where there is one.
    Ready {
        /// What.
        plan: Plan,
        /// The lock.
        held: Option<Box<Held>>,
        /// Who had the lock and did not give it back.
        left_behind: Option<String>,
    },
    /// Not to be carried out.
    Otherwise(Standing),
}

/// Reads, plans again, compares, asks `approve` and takes the lock. Where somebody else had the lock meanwhile all of it but
/// the question is done again.
///
/// # Errors
/// [`ApplyError`], and what `approve` answers.
pub async fn begin<E: From<ApplyError>>(
    saved: &SavedPlan,
    (readers, writers): (&Readers, &Writers),
    run: &Run,
    notice: impl Fn(&str) + Clone + Send + Sync + 'static,
    approve: impl AsyncFnOnce(&Plan) -> Result<(), E>,
) -> Result<Begun, E> {
    let mut approve = Some(approve);
    loop {
        let reader = LiveReader::begin(readers.clone(), &saved.request.config.metadata.name.value).await;
        let reader = match reader {
            Ok(reader) => reader.with_notice(notice.clone()),
            Err(error) => return Err(without_cluster(saved, error, readers).await.into()),
        };
        is_target(saved, &reader)?;
        // Before anything is read: its version is what nobody else may have changed when it is taken.
        let seen = if run.locks {
            Some(lock::look(readers).await.map_err(ApplyError::from)?)
        } else {
            None
        };
        if let Some(seen) = &seen {
            seen.is_free((run.now)()).map_err(ApplyError::from)?;
        }
        let mut live = Box::pin(kinds::read(&saved.request, &reader)).await;
        kinds::keep_what_grew_old(&saved.plan, &mut live);
        let record = seen
            .as_ref()
            .and_then(|seen| seen.applied(saved.digest()).cloned());
        let plan = match stands(saved, &live, record, run)? {
            Standing::Ready(plan) => plan,
            otherwise => {
                // What somebody's apply has moved while this was read is told by the lock: by whom, and that it is done.
                if let (Standing::Moved(..), Some(seen)) = (&otherwise, &seen)
                    && !lock::look(readers).await.map_err(ApplyError::from)?.is_as(seen)
                {
                    continue;
                }
                return Ok(Begun::Otherwise(otherwise));
            }
        };
        if let Some(approve) = approve.take() {
            let asked = Instant::now();
            approve(&plan).await?;
            if asked.elapsed() > FRESH {
                continue;
            }
        }
        let Some(seen) = seen else {
            return Ok(Begun::Ready {
                plan,
                held: None,
                left_behind: None,
            });
        };
        let caller = live.caller.as_ref().map(|caller| caller.arn.as_str());
        let caller = caller.unwrap_or("a caller whose identity could not be read");
        match lock::take(
            (readers, writers),
            &seen,
            saved.digest(),
            (caller, &run.id),
            (run.now)(),
        )
        .await
        {
            Ok(held) => {
                return Ok(Begun::Ready {
                    plan,
                    held: Some(Box::new(held)),
                    left_behind: seen.left_behind(),
                });
            }
            Err(LockError::Moved) => {}
            Err(error) => return Err(ApplyError::from(error).into()),
        }
    }
}

/// Whether nothing that the plan relies on has moved. Pure.
fn stands(
    saved: &SavedPlan,
    live: &Live,
    applied: Option<Record>,
    run: &Run,
) -> Result<Standing, ApplyError> {
    let fresh = match kinds::plan(&saved.request, live) {
        // What a glob of a partial plan matched is gone, or was removed by this very plan.
        Err(PlanError::Targets(error)) => {
            let how = error.to_string();
            return Ok(Standing::Moved(vec![Moved { address: None, how }], applied));
        }
        fresh => fresh?,
    };
    let is_planned = |plan: &Plan| plan.findings_of(Severity::Error).next().is_none();
    if !fresh.has_changes() && saved.plan.has_changes() && is_planned(&fresh) && fresh.may_be_applied() {
        return Ok(Standing::Done(fresh, applied));
    }
    // A step may know what guards refuse: the guard's own words say more than that it changed.
    let objects = |plan: &Plan| {
        let changes = plan.changes.iter();
        let changes =
            changes.map(|change| (change.address.clone(), change.action, change.fingerprint.clone()));
        (changes.collect::<Vec<_>>(), plan.unchanged.clone())
    };
    if !fresh.may_be_applied() && objects(&fresh) == objects(&saved.plan) {
        return Ok(Standing::Refused(fresh));
    }
    let moved = moved(&saved.plan, &fresh);
    if !moved.is_empty() || (applied.is_some() && saved.plan.has_changes()) {
        return Ok(Standing::Moved(moved, applied));
    }
    if !fresh.may_be_applied() {
        return Ok(Standing::Refused(fresh));
    }
    if !saved.plan.has_changes() {
        return Ok(Standing::Done(fresh, applied));
    }
    let mut request = saved.request.clone();
    request.settings.nonce.clone_from(&run.id);
    let own = kinds::plan(&request, live)?;
    for (index, step) in saved.plan.steps.iter().enumerate() {
        let is_same = own.steps.get(index).is_some_and(|own| {
            (&own.id, &own.address, &own.depends_on) == (&step.id, &step.address, &step.depends_on)
                && is_same_but_for_tokens(&own.operation, &step.operation)
        });
        if !is_same || own.steps.len() != saved.plan.steps.len() {
            return Err(ApplyError::AnotherStep(step.id.to_string()));
        }
    }
    Ok(Standing::Ready(Plan {
        steps: own.steps,
        ..saved.plan.clone()
    }))
}

/// Whether the cluster is the one that the plan was made for. One of the same name that was made anew has another issuer.
fn is_target(saved: &SavedPlan, reader: &LiveReader) -> Result<(), ApplyError> {
    let of_plan = |name: &str| saved.plan.target.get(name).map_or("", String::as_str);
    let cluster = reader.cluster();
    if of_plan("account") != reader.account() {
        return Err(ApplyError::OtherAccount {
            saved: of_plan("account").to_owned(),
            found: reader.account().to_owned(),
        });
    }
    for (what, name, found) in [
        ("cluster", "clusterARN", cluster.arn.as_str()),
        (
            "OIDC issuer",
            "issuer",
            cluster.oidc_issuer.as_deref().unwrap_or_default(),
        ),
    ] {
        if of_plan(name) != found {
            return Err(ApplyError::OtherCluster {
                what,
                saved: or_none(of_plan(name)),
                found: or_none(found),
            });
        }
    }
    Ok(())
}

fn or_none(text: &str) -> String {
    if text.is_empty() { "(none)" } else { text }.to_owned()
}

/// Why the cluster could not be read: a missing one may be missing because the account is another one.
async fn without_cluster(saved: &SavedPlan, error: CallError, readers: &Readers) -> ApplyError {
    if error.kind != CallErrorKind::NotFound {
        return error.into();
    }
    let account = saved.plan.target.get("account").cloned().unwrap_or_default();
    match readers.aws.caller_identity().await {
        Ok(caller) if caller.account != account => ApplyError::OtherAccount {
            saved: account,
            found: caller.account,
        },
        _ => ApplyError::NoCluster(or_none(
            saved.plan.target.get("clusterARN").map_or("", String::as_str),
        )),
    }
}

/// Whether two operations are the same but for the client request tokens that a run makes its own.
fn is_same_but_for_tokens(one: &Value, other: &Value) -> bool {
    let is_token = |text: &str| {
        text.starts_with("eksact-")
            && text
                .rsplit('-')
                .next()
                .is_some_and(|tail| tail.len() == 32 && tail.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| {
                    other
                        .get(name)
                        .is_some_and(|other| is_same_but_for_tokens(value, other))
                })
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|(one, other)| is_same_but_for_tokens(one, other))
        }
        (Value::String(one), Value::String(other)) => one == other || (is_token(one) && is_token(other)),
        _ => one == other,
    }
}
