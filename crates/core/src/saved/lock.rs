//! The lock that keeps two applies of saved plans apart, and the record of what was applied: a Lease in the cluster itself, which
//! every machine that applies can reach.
//!
//! The version of the Lease that was read before planning is the precondition under which it is taken: whoever takes it after
//! somebody else had it plans anew.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::ports::{
    CallError, CallErrorKind, Readers, Writers,
    kubernetes::{Lease, LeaseSpec, MicroTime, ObjectKey, Precondition},
};

/// Where the Lease is.
pub const NAMESPACE: &str = "kube-system";
/// Its name.
pub const NAME: &str = "eksact-apply";
/// The annotation with the digest of the plan that is being applied.
const APPLYING: &str = "eksact.dev/applying";
/// The annotation with what was applied, the latest first.
const APPLIED: &str = "eksact.dev/applied";
/// How many are remembered.
const REMEMBERED: usize = 20;

/// How long a lock outlives its last renewal, that of a run which was killed. AWS refuses calls from a clock that is five
/// minutes off, so no two machines that apply are further apart.
pub const DURATION: SignedDuration = SignedDuration::from_mins(10);
/// How often it is renewed.
pub const RENEWAL: std::time::Duration = std::time::Duration::from_mins(1);

/// How an apply of a plan ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// All of it was done.
    Applied,
    /// Not all of it was.
    Unfinished,
}

/// An apply that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Of the plan.
    pub digest: String,
    /// How.
    pub outcome: Outcome,
    /// When.
    pub at: Timestamp,
    /// Who: the ARN of the caller.
    pub by: String,
}

/// Why the lock cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// Somebody applies a plan.
    #[error("{} applies a plan to the cluster since {since} ({digest})", by(holder))]
    Held {
        /// Who.
        holder: String,
        /// Since when.
        since: Timestamp,
        /// Which plan.
        digest: String,
        /// When the lock ends by itself, unless its holder renews it.
        until: Timestamp,
    },
    /// Somebody had it since it was read.
    #[error("somebody applied a plan to the cluster meanwhile")]
    Moved,
    /// What was applied before cannot be told.
    #[error("the annotation {APPLIED} of the Lease {NAMESPACE}/{NAME} is not what eksact wrote: {0}")]
    Unreadable(String),
    /// A call failed.
    #[error(transparent)]
    Call(#[from] CallError),
}

fn key() -> ObjectKey<'static> {
    ObjectKey::namespaced(NAMESPACE, NAME)
}

/// The lock as it was read.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    lease: Option<Lease>,
    records: Vec<Record>,
}

/// Reads the lock.
///
/// # Errors
/// When it cannot be read.
pub async fn look(readers: &Readers) -> Result<Seen, LockError> {
    let lease: Option<Lease> = readers.kubernetes.get(key()).await?;
    let annotation = lease.as_ref().and_then(|lease| lease.annotations.get(APPLIED));
    let records = match annotation {
        Some(text) => serde_json::from_str(text).map_err(|error| LockError::Unreadable(error.to_string()))?,
        None => Vec::new(),
    };
    Ok(Seen { lease, records })
}

impl Seen {
    /// When this plan was applied in full, if that is remembered.
    pub fn applied(&self, digest: &str) -> Option<&Record> {
        let mut records = self.records.iter();
        records.find(|record| record.digest == digest && record.outcome == Outcome::Applied)
    }

    /// Who holds it at this time.
    ///
    /// # Errors
    /// [`LockError::Held`], where somebody does.
    pub fn is_free(&self, now: Timestamp) -> Result<(), LockError> {
        let Some((holder, spec, until)) = self.holder() else {
            return Ok(());
        };
        if until < now {
            return Ok(());
        }
        let lease = self.lease.as_ref();
        let digest = lease.and_then(|lease| lease.annotations.get(APPLYING));
        Err(LockError::Held {
            holder: holder.to_owned(),
            since: spec.acquire_time.map_or(now, |time| time.0),
            digest: digest.cloned().unwrap_or_else(|| "of no known digest".to_owned()),
            until,
        })
    }

    /// Whether nobody has written the lock between this look and `other`.
    pub fn is_as(&self, other: &Self) -> bool {
        let version = |seen: &Self| {
            let lease = seen.lease.as_ref();
            lease.map(|lease| (lease.uid.clone(), lease.resource_version.clone()))
        };
        version(self) == version(other)
    }

    /// Who did not give it back, where it ended by itself.
    pub fn left_behind(&self) -> Option<String> {
        self.holder().map(|(holder, ..)| by(holder).to_owned())
    }

    fn holder(&self) -> Option<(&str, &LeaseSpec, Timestamp)> {
        let spec = &self.lease.as_ref()?.spec;
        let holder = spec
            .holder_identity
            .as_deref()
            .filter(|holder| !holder.is_empty())?;
        let seconds = spec.lease_duration_seconds.unwrap_or_default();
        let renewed = spec.renew_time.or(spec.acquire_time).map(|time| time.0)?;
        let until = renewed.saturating_add(SignedDuration::from_secs(seconds.into()));
        Some((holder, spec, until.unwrap_or(Timestamp::MAX)))
    }
}

/// The lock, held.
#[derive(Clone, Debug)]
pub struct Held {
    lease: Lease,
    records: Vec<Record>,
    caller: String,
    digest: String,
}

/// Takes the lock for the plan of this digest. `run` makes the holder another than every other run of this caller.
///
/// # Errors
/// When somebody holds it, or had it since it was seen.
pub async fn take(
    (readers, writers): (&Readers, &Writers),
    seen: &Seen,
    digest: &str,
    (caller, run): (&str, &str),
    now: Timestamp,
) -> Result<Held, LockError> {
    seen.is_free(now)?;
    let seconds = i32::try_from(DURATION.as_secs()).unwrap_or(i32::MAX);
    let mut wanted = seen.lease.clone().unwrap_or_else(|| Lease {
        namespace: NAMESPACE.to_owned(),
        name: NAME.to_owned(),
        ..Lease::default()
    });
    wanted.annotations.insert(APPLYING.to_owned(), digest.to_owned());
    wanted.spec = LeaseSpec {
        holder_identity: Some(format!("{caller} {run}")),
        lease_duration_seconds: Some(seconds),
        acquire_time: Some(MicroTime(now)),
        renew_time: Some(MicroTime(now)),
    };
    let taken = match &seen.lease {
        None => writers.kubernetes.create(&wanted).await,
        Some(lease) => {
            let patch = json!({
                "metadata": {"annotations": {APPLYING: digest}},
                "spec": wanted.spec,
            });
            patched(writers, lease, patch).await
        }
    };
    match taken {
        Ok(lease) => Ok(Held {
            lease,
            records: seen.records.clone(),
            caller: caller.to_owned(),
            digest: digest.to_owned(),
        }),
        Err(error) if is_another(&error) => Err(LockError::Moved),
        // The call may have taken effect all the same.
        Err(error) => match readers.kubernetes.get::<Lease>(key()).await {
            Ok(Some(lease)) if lease.spec.holder_identity == wanted.spec.holder_identity => Ok(Held {
                lease,
                records: seen.records.clone(),
                caller: caller.to_owned(),
                digest: digest.to_owned(),
            }),
            _ => Err(error.into()),
        },
    }
}

impl Held {
    /// Says that the run still works.
    ///
    /// # Errors
    /// [`LockError::Moved`] where the lock is no longer this run's.
    pub async fn renew(&mut self, clients: (&Readers, &Writers), now: Timestamp) -> Result<(), LockError> {
        let patch = json!({"spec": {"renewTime": MicroTime(now)}});
        self.write(clients, patch).await
    }

    /// Changes the Lease while it is this run's: at another version too, which a write of this run that seemed to fail has left.
    async fn write(
        &mut self,
        (readers, writers): (&Readers, &Writers),
        patch: serde_json::Value,
    ) -> Result<(), LockError> {
        let error = match patched(writers, &self.lease, patch.clone()).await {
            Ok(lease) => {
                self.lease = lease;
                return Ok(());
            }
            Err(error) if is_another(&error) => error,
            Err(error) => return Err(error.into()),
        };
        let lease: Option<Lease> = readers.kubernetes.get(key()).await?;
        match lease {
            Some(lease) if lease.spec.holder_identity == self.lease.spec.holder_identity => {
                self.lease = patched(writers, &lease, patch).await?;
                Ok(())
            }
            _ => {
                tracing::debug!("{error}");
                Err(LockError::Moved)
            }
        }
    }

    /// Gives the lock back, and remembers how the plan was applied: none where nothing of it was begun.
    ///
    /// # Errors
    /// When it is no longer this run's, or the call failed: then it ends by itself.
    pub async fn give_back(
        mut self,
        clients: (&Readers, &Writers),
        outcome: Option<Outcome>,
        now: Timestamp,
    ) -> Result<(), LockError> {
        if let Some(outcome) = outcome {
            let record = Record {
                digest: self.digest.clone(),
                outcome,
                at: now,
                by: self.caller.clone(),
            };
            self.records.retain(|other| other.digest != record.digest);
            self.records.insert(0, record);
            self.records.truncate(REMEMBERED);
        }
        let applied = serde_json::to_string(&self.records).unwrap_or_default();
        let patch = json!({
            "metadata": {"annotations": {APPLYING: null, APPLIED: applied}},
            "spec": LeaseSpec::default(),
        });
        self.write(clients, patch).await
    }
}

async fn patched(writers: &Writers, lease: &Lease, patch: serde_json::Value) -> Result<Lease, CallError> {
    let version = Precondition::exactly(&lease.uid, &lease.resource_version);
    writers.kubernetes.merge(key(), patch, version).await
}

/// Whether a write failed since the Lease is not the one that was read.
fn is_another(error: &CallError) -> bool {
    matches!(
        error.kind,
        CallErrorKind::Conflict | CallErrorKind::AlreadyExists | CallErrorKind::NotFound
    )
}

/// The caller of a holder: what comes after it tells its runs apart.
fn by(holder: &str) -> &str {
    holder.rsplit_once(' ').map_or(holder, |(caller, _)| caller)
}
