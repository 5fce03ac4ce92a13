//! Backups of `aws-auth`: before each write one ConfigMap beside it, a bounded history; where the cluster refuses that, a
//! file of the user's (`backup_file`).

use std::{collections::BTreeMap, path::PathBuf};

use sha2::{Digest as _, Sha256};

use super::{backup_file, delta::content_digest, ownership::ANNOTATION};
use crate::{
    engine::StepError,
    kinds::RunContext,
    live::{AWS_AUTH, AWS_AUTH_NAMESPACE},
    ports::{
        CallError, CallErrorKind,
        kubernetes::{ConfigMap, KubernetesReader, Object as _, Precondition, Selector},
    },
};

/// The label of a backup; its value is the name of the ConfigMap that it is of.
pub const BACKUP_OF_LABEL: &str = "eksact.dev/backup-of";
/// The annotation that tells when it was made, as RFC 3339.
pub const BACKUP_TIME_ANNOTATION: &str = "eksact.dev/backup-time";
/// The annotation of a backup that was made by taking `aws-auth` back to another.
pub(super) const BEFORE_RESTORE_ANNOTATION: &str = "eksact.dev/backup-before-restore";
/// How many are kept.
pub(super) const HISTORY: usize = 10;

/// A backup, in the cluster or in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Name of its ConfigMap, or the path of its file.
    pub name: String,
    /// When it was made, as it says.
    pub time: String,
    /// Whether it has what a restore wrote over. Such a one is not what the next restore goes back to by itself: that
    /// would undo the first.
    pub before_restore: bool,
    /// The ConfigMap.
    pub config_map: ConfigMap,
}

impl Backup {
    pub(super) fn new(name: String, config_map: ConfigMap) -> Self {
        let annotations = &config_map.annotations;
        Self {
            name,
            time: annotations
                .get(BACKUP_TIME_ANNOTATION)
                .cloned()
                .unwrap_or_default(),
            before_restore: annotations.contains_key(BEFORE_RESTORE_ANNOTATION),
            config_map,
        }
    }

    /// What the ConfigMap recorded of the mappings that eksact wrote.
    pub fn ownership(&self) -> Option<&String> {
        Self::ownership_in(&self.config_map.annotations)
    }

    /// The same in the annotations of a backup's file.
    pub fn ownership_in(annotations: &BTreeMap<String, String>) -> Option<&String> {
        annotations.get(ANNOTATION)
    }
}

/// The backups in the cluster, the newest first.
pub(super) async fn backups(kubernetes: &dyn KubernetesReader) -> Result<Vec<Backup>, CallError> {
    let mut backups: Vec<Backup> = kubernetes
        .list::<ConfigMap>(
            Some(AWS_AUTH_NAMESPACE),
            Selector::Label(BACKUP_OF_LABEL, AWS_AUTH),
        )
        .await?
        .into_iter()
        .map(|config_map| Backup::new(config_map.name.clone(), config_map))
        .collect();
    newest_first(&mut backups);
    Ok(backups)
}

/// The backups of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllBackups {
    /// Those that were read, the newest first.
    pub found: Vec<Backup>,
    /// Why others may be missing, each a sentence.
    pub unread: Vec<String>,
}

/// The backups of a cluster, in it and in files below the user's folder `state`.
///
/// # Errors
/// When those in the cluster cannot be listed. Where the caller may not list them and there are files, that is one of
/// the reasons why some may be missing.
pub async fn all_backups(
    kubernetes: &dyn KubernetesReader,
    state: Option<&std::path::Path>,
    cluster_arn: &str,
) -> Result<AllBackups, CallError> {
    let (mut found, unread) = backup_file::backups(state, cluster_arn);
    let mut unread: Vec<String> = unread
        .into_iter()
        .map(|error| format!("a backup in a file may be missing: {error}"))
        .collect();
    match backups(kubernetes).await {
        Ok(in_cluster) => found.extend(in_cluster),
        Err(error) if error.kind == CallErrorKind::AccessDenied && !found.is_empty() => unread.push(format!(
            "only backups in your files were read: those in the cluster could not be listed: {error}"
        )),
        Err(error) => return Err(error),
    }
    newest_first(&mut found);
    Ok(AllBackups { found, unread })
}

/// Times are RFC 3339 of one form, and so are in order as texts are.
pub(super) fn newest_first(backups: &mut [Backup]) {
    backups.sort_by(|a, b| (&b.time, &b.name).cmp(&(&a.time, &a.name)));
}

/// Where a backup is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    InCluster { name: String },
    File { path: PathBuf, why: String },
}

impl Kept {
    pub(super) fn place(&self) -> String {
        match self {
            Self::InCluster { name } => format!("the ConfigMap {AWS_AUTH_NAMESPACE}/{name}"),
            Self::File { path, .. } => format!("the file {}", path.display()),
        }
    }

    pub(super) fn note(&self) -> String {
        let kept = format!("The previous aws-auth is kept in {}", self.place());
        match self {
            Self::InCluster { .. } => format!("{kept}."),
            Self::File { why, .. } => format!("{kept}, because the cluster refused a ConfigMap: {why}."),
        }
    }
}

/// Keeps the ConfigMap as it is. The name comes from what is kept, so that writers who meet at one state keep one
/// backup of it.
pub(super) async fn keep(
    now: &ConfigMap,
    cluster_arn: &str,
    before_restore: bool,
    context: &RunContext,
) -> Result<Kept, StepError> {
    let time = (context.now)().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
    let state = format!(
        "{} {} {}",
        now.uid,
        now.resource_version,
        content_digest(&now.data)
    );
    let mut hash = hex::encode(Sha256::digest(state));
    hash.truncate(10);
    let name = format!("{AWS_AUTH}-backup-{hash}");
    let mut annotations = BTreeMap::from([(BACKUP_TIME_ANNOTATION.to_owned(), time.clone())]);
    if let Some(owned) = now.annotations.get(ANNOTATION) {
        annotations.insert(ANNOTATION.to_owned(), owned.clone());
    }
    if before_restore {
        annotations.insert(BEFORE_RESTORE_ANNOTATION.to_owned(), "true".to_owned());
    }
    let backup = ConfigMap {
        namespace: AWS_AUTH_NAMESPACE.to_owned(),
        name: name.clone(),
        labels: BTreeMap::from([(BACKUP_OF_LABEL.to_owned(), AWS_AUTH.to_owned())]),
        annotations,
        data: now.data.clone(),
        ..ConfigMap::default()
    };
    match context.writers.kubernetes.create(&backup).await {
        Ok(_) => Ok(Kept::InCluster { name }),
        Err(error) if error.kind == CallErrorKind::AlreadyExists => Ok(Kept::InCluster { name }),
        Err(error)
            if matches!(
                error.kind,
                CallErrorKind::AccessDenied | CallErrorKind::Invalid | CallErrorKind::LimitExceeded
            ) =>
        {
            backup_file::keep(&backup, cluster_arn, &hash, error, context)
        }
        Err(error) => Err(error.into()),
    }
}

/// Deletes the oldest backups beyond the history. That one cannot be deleted is worth a word, not a failure.
pub(super) async fn forget_oldest(context: &RunContext) -> Option<String> {
    let all = match backups(context.readers.kubernetes.as_ref()).await {
        Ok(all) => all,
        Err(error) => return Some(format!("Old backups could not be listed: {error}.")),
    };
    for backup in all.iter().skip(HISTORY) {
        let deleted = context
            .writers
            .kubernetes
            .delete::<ConfigMap>(
                backup.config_map.key(),
                Precondition::exactly(&backup.config_map.uid, &backup.config_map.resource_version),
            )
            .await;
        match deleted {
            Ok(()) => {}
            // Another run has done it.
            Err(error) if matches!(error.kind, CallErrorKind::NotFound | CallErrorKind::Conflict) => {}
            Err(error) => {
                return Some(format!(
                    "The old backup {} could not be deleted: {error}.",
                    backup.name
                ));
            }
        }
    }
    None
}
