//! Carries out the writes that service accounts need, each under its precondition; what moved meanwhile is read again,
//! and written only where it does not touch what the plan was about.

use std::collections::BTreeMap;

use super::{operation::Operation, plan::only_ours};
use crate::{
    engine::{Deferred, StepDone, StepError},
    kinds::{RunContext, runner::run_again},
    live::{MANAGED_BY_LABEL, Ownership, ROLE_ANNOTATION, other_owner, ownership},
    ports::{
        CallErrorKind,
        kubernetes::{Object as _, ObjectKey, Pod, Precondition, ServiceAccount},
    },
};

/// How often a write is tried again on an object that others keep changing.
const ATTEMPTS: usize = 8;

/// Carries out one write.
pub(super) async fn run(operation: Operation, context: &RunContext) -> Result<StepDone, StepError> {
    match operation {
        Operation::Create {
            namespace,
            name,
            labels,
            annotations,
        } => {
            let metadata = ServiceAccount {
                namespace,
                name,
                labels,
                annotations: known(annotations)?,
                ..ServiceAccount::default()
            };
            create(&metadata, context).await
        }
        Operation::Apply { .. } => apply(operation, context).await,
        Operation::RemoveAnnotation {
            namespace,
            name,
            uid,
            resource_version,
            role_arn,
        } => remove_annotation((&namespace, &name), &uid, resource_version, &role_arn, context).await,
        Operation::Delete {
            namespace,
            name,
            uid,
            resource_version,
            role_arn,
            labels,
            annotations,
        } => {
            let seen = ServiceAccount {
                namespace,
                name,
                uid,
                resource_version,
                labels,
                annotations,
                ..ServiceAccount::default()
            };
            delete(seen, role_arn.as_ref(), context).await
        }
    }
}

/// Every annotation's value, known by now.
fn known(annotations: BTreeMap<String, Deferred<String>>) -> Result<BTreeMap<String, String>, StepError> {
    annotations
        .into_iter()
        .map(|(key, value)| match value {
            Deferred::Known(value) => Ok((key, value)),
            Deferred::Unknown { unknown } => Err(StepError::new(format!(
                "internal error: nothing provided the {unknown}"
            ))),
        })
        .collect()
}

fn has(account: &ServiceAccount, metadata: &ServiceAccount) -> bool {
    metadata
        .labels
        .iter()
        .all(|(key, value)| account.labels.get(key) == Some(value))
        && metadata
            .annotations
            .iter()
            .all(|(key, value)| account.annotations.get(key) == Some(value))
}

async fn create(metadata: &ServiceAccount, context: &RunContext) -> Result<StepDone, StepError> {
    let Err(error) = context.writers.kubernetes.create(metadata).await else {
        return Ok(StepDone::default());
    };
    let lost = matches!(
        error.kind,
        CallErrorKind::AlreadyExists | CallErrorKind::Unreachable | CallErrorKind::ServiceFailure
    );
    if !lost {
        return Err(error.into());
    }
    match context
        .readers
        .kubernetes
        .get::<ServiceAccount>(metadata.key())
        .await
    {
        Ok(Some(account)) if has(&account, metadata) => Ok(StepDone::default()),
        Ok(Some(_)) if error.kind == CallErrorKind::AlreadyExists => Err(StepError::new(format!(
            "the service account {}/{} appeared since the plan was made, and it differs from the desired \
             state",
            metadata.namespace, metadata.name
        ))
        .with_help(run_again())),
        _ => Err(error.into()),
    }
}

async fn apply(operation: Operation, context: &RunContext) -> Result<StepDone, StepError> {
    let Operation::Apply {
        namespace,
        name,
        uid,
        resource_version,
        labels,
        annotations,
        before_labels,
        before_annotations,
        remove_labels,
        remove_annotations,
    } = operation
    else {
        return Err(StepError::new("internal error: not an apply"));
    };
    let metadata = ServiceAccount {
        namespace,
        name,
        labels,
        annotations: known(annotations)?,
        ..ServiceAccount::default()
    };
    let mut version = resource_version;
    for _ in 0..ATTEMPTS {
        match context
            .writers
            .kubernetes
            .apply(&metadata, Precondition::version(&version))
            .await
        {
            Ok(applied) => {
                remove(applied, &remove_labels, &remove_annotations, context).await?;
                let annotation_changed = before_annotations.get(ROLE_ANNOTATION).and_then(Option::as_ref)
                    != metadata.annotations.get(ROLE_ANNOTATION);
                let notes = if annotation_changed {
                    restart_notes(&metadata, context).await
                } else {
                    Vec::new()
                };
                return Ok(StepDone {
                    notes,
                    ..StepDone::default()
                });
            }
            Err(error) if error.kind == CallErrorKind::Conflict => {
                let now = context
                    .readers
                    .kubernetes
                    .get::<ServiceAccount>(metadata.key())
                    .await?
                    .ok_or_else(|| moved(&metadata.namespace, &metadata.name, "it was deleted"))?;
                if now.uid != uid {
                    return Err(moved(&metadata.namespace, &metadata.name, "it was recreated"));
                }
                let untouched = |before: &BTreeMap<String, Option<String>>,
                                 live: &BTreeMap<String, String>,
                                 wanted: &BTreeMap<String, String>| {
                    before.iter().all(|(key, before)| {
                        live.get(key) == before.as_ref() || live.get(key) == wanted.get(key)
                    })
                };
                if !untouched(&before_labels, &now.labels, &metadata.labels)
                    || !untouched(&before_annotations, &now.annotations, &metadata.annotations)
                {
                    return Err(moved(
                        &metadata.namespace,
                        &metadata.name,
                        "the labels or annotations in the plan were changed",
                    ));
                }
                // Server-side apply takes away what the same manager does not say again, and so what another run of eksact set.
                let is_known = |wanted: &BTreeMap<String, String>, removed: &[String], key: &str| {
                    wanted.contains_key(key) || removed.iter().any(|removed| removed == key)
                };
                unless_another_run_has_set(
                    &now,
                    |key| is_known(&metadata.labels, &remove_labels, key) || key == MANAGED_BY_LABEL,
                    |key| is_known(&metadata.annotations, &remove_annotations, key),
                )?;
                version = now.resource_version;
            }
            Err(error) if error.kind == CallErrorKind::NotFound => {
                return Err(moved(&metadata.namespace, &metadata.name, "it was deleted"));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(moved(
        &metadata.namespace,
        &metadata.name,
        "others keep changing it",
    ))
}

/// Refuses an object to which another run of eksact has given a label or annotation that is not known: another file wants it so.
fn unless_another_run_has_set(
    now: &ServiceAccount,
    is_known_label: impl Fn(&str) -> bool,
    is_known_annotation: impl Fn(&str) -> bool,
) -> Result<(), StepError> {
    if only_ours(now, false, is_known_label).is_empty()
        && only_ours(now, true, is_known_annotation).is_empty()
    {
        return Ok(());
    }
    Err(moved(
        &now.namespace,
        &now.name,
        "another run of eksact has set labels or annotations that the plan does not have",
    ))
}

fn moved(namespace: &str, name: &str, what: &str) -> StepError {
    StepError::new(format!(
        "the service account {namespace}/{name} changed since the plan was made: {what}"
    ))
    .with_help(run_again())
}

/// Takes away what only eksact had set, where server-side apply did not already.
async fn remove(
    applied: ServiceAccount,
    labels: &[String],
    annotations: &[String],
    context: &RunContext,
) -> Result<(), StepError> {
    let left = |keys: &[String], live: &BTreeMap<String, String>| {
        keys.iter()
            .filter(|key| live.contains_key(*key))
            .cloned()
            .collect::<Vec<_>>()
    };
    let (labels, annotations) = (
        left(labels, &applied.labels),
        left(annotations, &applied.annotations),
    );
    if labels.is_empty() && annotations.is_empty() {
        return Ok(());
    }
    context
        .writers
        .kubernetes
        .merge::<ServiceAccount>(
            applied.key(),
            ServiceAccount::removal(&labels, &annotations),
            Precondition::version(&applied.resource_version),
        )
        .await?;
    Ok(())
}

async fn remove_annotation(
    (namespace, name): (&str, &str),
    uid: &str,
    resource_version: String,
    role_arn: &str,
    context: &RunContext,
) -> Result<StepDone, StepError> {
    let mut version = resource_version;
    let annotations = [ROLE_ANNOTATION.to_owned()];
    for _ in 0..ATTEMPTS {
        let removed = context
            .writers
            .kubernetes
            .merge::<ServiceAccount>(
                ObjectKey::namespaced(namespace, name),
                ServiceAccount::removal(&[], &annotations),
                Precondition::version(&version),
            )
            .await;
        match removed {
            Ok(_) => return Ok(StepDone::default()),
            Err(error) if error.kind == CallErrorKind::NotFound => return Ok(StepDone::default()),
            Err(error) if error.kind == CallErrorKind::Conflict => {
                let now = context
                    .readers
                    .kubernetes
                    .get::<ServiceAccount>(ObjectKey::namespaced(namespace, name))
                    .await?
                    .filter(|now| now.uid == uid);
                match now.as_ref().and_then(|now| now.annotations.get(ROLE_ANNOTATION)) {
                    Some(arn) if arn != role_arn => {
                        return Err(moved(namespace, name, "it names another role"));
                    }
                    Some(_) => version = now.map(|now| now.resource_version).unwrap_or_default(),
                    None => return Ok(StepDone::default()),
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(moved(namespace, name, "others keep changing it"))
}

/// Deletes the object that was planned. One that was changed meanwhile is deleted only while it still is what the plan
/// showed: ours alone, pointing at the same role, and not what another run of eksact has made of it since.
async fn delete(
    seen: ServiceAccount,
    role_arn: Option<&String>,
    context: &RunContext,
) -> Result<StepDone, StepError> {
    let (namespace, name) = (seen.namespace.as_str(), seen.name.as_str());
    let mut version = seen.resource_version.clone();
    for _ in 0..ATTEMPTS {
        match context
            .writers
            .kubernetes
            .delete::<ServiceAccount>(
                ObjectKey::namespaced(namespace, name),
                Precondition::exactly(&seen.uid, &version),
            )
            .await
        {
            Ok(()) => return Ok(StepDone::default()),
            Err(error) if error.kind == CallErrorKind::NotFound => return Ok(StepDone::default()),
            Err(error) if error.kind == CallErrorKind::Conflict => {
                let Some(now) = context
                    .readers
                    .kubernetes
                    .get::<ServiceAccount>(ObjectKey::namespaced(namespace, name))
                    .await?
                else {
                    return Ok(StepDone::default());
                };
                if now.uid != seen.uid {
                    return Err(moved(namespace, name, "it was recreated"));
                }
                if ownership(&now) != Ownership::Ours || other_owner(&now).is_some() {
                    return Err(moved(namespace, name, "it is no longer eksact's alone"));
                }
                if now.annotations.get(ROLE_ANNOTATION) != role_arn {
                    return Err(moved(namespace, name, "it names another role"));
                }
                unless_another_run_has_set(
                    &now,
                    |key| seen.labels.get(key) == now.labels.get(key),
                    |key| seen.annotations.get(key) == now.annotations.get(key),
                )?;
                version = now.resource_version;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(moved(namespace, name, "others keep changing it"))
}

/// The pods that still run with another role, and how to restart them. They are never restarted unasked.
async fn restart_notes(metadata: &ServiceAccount, context: &RunContext) -> Vec<String> {
    let Some(arn) = metadata.annotations.get(ROLE_ANNOTATION) else {
        return Vec::new();
    };
    let pods = match context
        .readers
        .kubernetes
        .list::<Pod>(Some(&metadata.namespace), Pod::under(&metadata.name))
        .await
    {
        Ok(pods) => pods,
        Err(error) => {
            return vec![format!(
                "Whether pods of {}/{} still run with another role could not be read: {error}.",
                metadata.namespace, metadata.name
            )];
        }
    };
    let stale = pods
        .iter()
        .filter(|pod| pod.is_alive())
        .filter(|pod| pod.role_arns.is_empty() || pod.role_arns.values().any(|live| live != arn));
    Pod::restarts(stale)
        .into_iter()
        .map(|(pods, restart)| {
            format!(
                "Pods of {}/{} run without the new role until they are restarted ({}): {restart}",
                metadata.namespace,
                metadata.name,
                pods.join(", ")
            )
        })
        .collect()
}
