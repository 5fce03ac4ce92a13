//! Carries out a write of `aws-auth`: reads it, works the delta out on what is there, compares that with what was planned,
//! keeps a backup, and writes under the version that it read. Where others write too, it does so again.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use super::{
    backup, backup_file,
    delta::{EntryChange, Outcome, content_digest, work_out},
    operation::Operation,
    ownership::ANNOTATION,
};
use crate::{
    engine::{StepDone, StepError, StepFailure, executor::Progress},
    guard::access::Refusal,
    kinds::{RunContext, runner::run_again},
    live::{AWS_AUTH, AWS_AUTH_NAMESPACE},
    ports::{
        CallError, CallErrorKind,
        kubernetes::{ConfigMap, ConfigMapPatch, ObjectKey, Precondition},
    },
};
use eksact_message::duration::in_words;

/// The pause after the first write that met somebody else's; it doubles, and a random part of it is waited.
const FIRST_PAUSE: Duration = Duration::from_millis(40);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How many answers may be lost in a row before the rest is left to another run.
const LOST_ANSWERS: usize = 3;

/// What shall be written over the ConfigMap as it was just read.
struct Writing {
    data: BTreeMap<String, Option<String>>,
    annotations: BTreeMap<String, Option<String>>,
}

/// What is known of the writes of a step that stops.
#[derive(Clone, Copy)]
enum Written {
    Nothing,
    /// One got no answer.
    Perhaps,
}

/// Why nothing more is written.
enum Stop {
    /// The ConfigMap moved so that the write would no longer be what was planned.
    Moved(String),
    /// A guard refuses what it would be now.
    Guarded(Refusal),
    /// It cannot be written at all.
    Impossible(StepError),
}

impl Stop {
    /// As the failure of the step. After a write without an answer nobody can say that nothing was written.
    fn into_error(self, written: Written) -> StepError {
        const CHANGED: &str = "aws-auth changed since the plan was made";
        let (cause, what, help) = match self {
            Self::Moved(what) => (StepFailure::Moved, format!(": {what}"), None),
            Self::Guarded(refusal) => {
                let what = format!(
                    ", and now a guard refuses the write ({}): {}",
                    refusal.guard.code(),
                    refusal.message
                );
                (StepFailure::Guarded, what, refusal.help)
            }
            Self::Impossible(error) => return error,
        };
        let error = match written {
            Written::Nothing => {
                StepError::new(format!("{CHANGED}{what}; nothing was written")).because(cause)
            }
            Written::Perhaps => StepError::new(format!(
                "{CHANGED}{what}; a write before that got no answer, and may have been carried out"
            )),
        };
        let error = error.with_help(run_again());
        match help {
            Some(help) => error.with_help(help),
            None => error,
        }
    }
}

/// Carries out one write.
pub(super) async fn run(
    mut operation: Operation,
    context: &RunContext,
    progress: &Progress,
) -> Result<StepDone, StepError> {
    let deadline = Instant::now() + context.timeout;
    let mut pause = FIRST_PAUSE;
    let mut lost = 0;
    let mut written = Written::Nothing;
    let mut backups = Vec::new();
    let mut entries_were_read = false;
    loop {
        let now = context
            .readers
            .kubernetes
            .get::<ConfigMap>(ObjectKey::namespaced(AWS_AUTH_NAMESPACE, AWS_AUTH))
            .await?;
        let writing = match writing(&operation, now.as_ref()) {
            Ok(Some(writing)) => writing,
            Ok(None) => return Ok(finished(&operation, backups, context).await),
            Err(stop) => {
                // An access entry that this very run made may be what the guard misses.
                if matches!(stop, Stop::Guarded(_)) && !entries_were_read {
                    entries_were_read = true;
                    if operation.look_at_entries_again(context).await {
                        continue;
                    }
                }
                return Err(stop.into_error(written));
            }
        };
        if let Some(now) = &now {
            let kept = backup::keep(now, operation.cluster_arn(), operation.is_restore(), context).await?;
            if !backups.contains(&kept) {
                backups.push(kept);
            }
        }
        let Err(error) = write(&writing, now.as_ref(), context).await else {
            return Ok(finished(&operation, backups, context).await);
        };
        match error.kind {
            CallErrorKind::Conflict | CallErrorKind::AlreadyExists | CallErrorKind::NotFound => {
                lost = 0;
                progress.tell("another writer changed aws-auth at the same time; reading it again");
            }
            // The write may have had its effect: only the ConfigMap can tell.
            CallErrorKind::Unreachable | CallErrorKind::ServiceFailure if lost < LOST_ANSWERS => {
                lost += 1;
                written = Written::Perhaps;
            }
            CallErrorKind::Credentials => {
                let help = remedy!(
                    "If no one gets in any more, recover with: {}",
                    operation.recovery()
                );
                return Err(StepError::from(error).with_help(help));
            }
            CallErrorKind::AccessDenied | CallErrorKind::Invalid | CallErrorKind::LimitExceeded => {
                let mut refused = StepError::from(error);
                if let Some(kept) = backups.last() {
                    let place = kept.place();
                    let left = format!(
                        "; aws-auth is as it was, and a copy that was made before the write is kept in {place}"
                    );
                    refused.message.push_str(&left);
                }
                return Err(refused);
            }
            _ => return Err(error.into()),
        }
        if Instant::now() + pause >= deadline {
            return Err(StepError::new(format!(
                "aws-auth could not be written within {}: others keep writing it, or the cluster does not answer ({error})",
                in_words(context.timeout)
            ))
            .with_help(
                remedy!("It has either all of this change or none of it. Run the same command again, which \
                 checks first; --timeout sets how long it tries."),
            ));
        }
        tokio::time::sleep(pause.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// What there is to write, or nothing.
fn writing(operation: &Operation, now: Option<&ConfigMap>) -> Result<Option<Writing>, Stop> {
    match operation {
        Operation::Write {
            delta,
            expected,
            allowed,
            standpoint,
            ..
        } => {
            let outcome = work_out(delta, now).map_err(|error| Stop::Moved(error.to_string()))?;
            if outcome.is_nothing() {
                return Ok(None);
            }
            same_as_planned(expected, &outcome).map_err(Stop::Moved)?;
            let refusals = standpoint.refusals(
                &outcome.before,
                &outcome.after,
                &outcome.before.dropped,
                &outcome.foreign,
            );
            let is_allowed = |refusal: &Refusal| allowed.iter().any(|known| refusal.is_covered_by(known));
            if let Some(worse) = refusals.into_iter().find(|refusal| !is_allowed(refusal)) {
                return Err(Stop::Guarded(worse));
            }
            if let Some(problem) = super::plan::cannot_be_written(now, &outcome) {
                let error = StepError::new(problem.message);
                return Err(Stop::Impossible(match problem.help {
                    Some(help) => error.with_help(help),
                    None => error,
                }));
            }
            Ok(Some(Writing {
                data: outcome
                    .data
                    .into_iter()
                    .map(|(key, text)| (key, Some(text)))
                    .collect(),
                annotations: outcome.annotations,
            }))
        }
        Operation::Restore {
            backup,
            seen,
            data,
            annotation,
            ..
        } => {
            let empty = BTreeMap::new();
            let live = now.map_or(&empty, |now| &now.data);
            let restored = data.iter().all(|(key, text)| live.get(key) == text.as_ref());
            if restored && now.is_some() {
                return Ok(None);
            }
            if now.map(|now| content_digest(&now.data)) != *seen {
                let what = format!("the plan was to restore {backup} over another text");
                return Err(Stop::Moved(what));
            }
            Ok(Some(Writing {
                data: data.clone(),
                annotations: BTreeMap::from([(ANNOTATION.to_owned(), annotation.clone())]),
            }))
        }
    }
}

/// That the write would still do what was planned and no more. What somebody else did meanwhile need not be done.
fn same_as_planned(expected: &[EntryChange], outcome: &Outcome) -> Result<(), String> {
    // By subject: there may be nine thousand of both.
    let mut by_subject: BTreeMap<&str, Vec<&EntryChange>> = BTreeMap::new();
    for planned in expected {
        by_subject.entry(&planned.subject).or_default().push(planned);
    }
    for change in &outcome.changes {
        let mut same = by_subject.get(change.subject.as_str()).into_iter().flatten();
        let planned = same.any(|planned| {
            planned.section == change.section
                && planned.action == change.action
                && planned.before == change.before
                && planned.after == change.after
                && planned.lines.trimmed() == change.lines.trimmed()
        });
        if !planned {
            let lines: Vec<String> = change
                .lines
                .trimmed()
                .into_iter()
                .map(|(sign, line)| match sign {
                    crate::engine::DifferenceSign::Added => format!("+ {line}"),
                    crate::engine::DifferenceSign::Removed => format!("- {line}"),
                    crate::engine::DifferenceSign::Context => line.to_owned(),
                })
                .collect();
            return Err(format!(
                "the mapping of {} would change differently than planned: {}",
                change.subject,
                lines.join(" / ")
            ));
        }
    }
    Ok(())
}

async fn write(
    writing: &Writing,
    now: Option<&ConfigMap>,
    context: &RunContext,
) -> Result<ConfigMap, CallError> {
    let kubernetes = &context.writers.kubernetes;
    if let Some(now) = now {
        let patch = ConfigMapPatch {
            data: writing.data.clone(),
            annotations: writing.annotations.clone(),
        };
        return kubernetes
            .merge(
                ObjectKey::namespaced(AWS_AUTH_NAMESPACE, AWS_AUTH),
                patch.to_wire(),
                Precondition::version(&now.resource_version),
            )
            .await;
    }
    let present = |(key, text): (&String, &Option<String>)| Some((key.clone(), text.clone()?));
    kubernetes
        .create(&ConfigMap {
            namespace: AWS_AUTH_NAMESPACE.to_owned(),
            name: AWS_AUTH.to_owned(),
            annotations: writing.annotations.iter().filter_map(present).collect(),
            data: writing.data.iter().filter_map(present).collect(),
            ..ConfigMap::default()
        })
        .await
}

/// Says where the backups are, and lets go of the oldest.
async fn finished(operation: &Operation, backups: Vec<backup::Kept>, context: &RunContext) -> StepDone {
    let mut notes: Vec<String> = backups.last().iter().map(|kept| kept.note()).collect();
    if operation.may_lock_out() {
        notes.push(format!(
            "If no one gets into the cluster any more, recover with: {}",
            operation.recovery()
        ));
    }
    if backups
        .iter()
        .any(|kept| matches!(kept, backup::Kept::InCluster { .. }))
    {
        notes.extend(backup::forget_oldest(context).await);
    }
    if backups
        .iter()
        .any(|kept| matches!(kept, backup::Kept::File { .. }))
    {
        backup_file::forget_oldest(operation.cluster_arn(), context);
    }
    StepDone {
        notes,
        ..StepDone::default()
    }
}
