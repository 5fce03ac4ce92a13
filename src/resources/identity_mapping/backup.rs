//! Backups of `aws-auth`: before each write one ConfigMap beside it, a bounded history; where the cluster refuses that, a
//! file of the user's.

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::{Path, PathBuf},
};

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{delta::content_digest, ownership::ANNOTATION};
use crate::{
    engine::StepError,
    ports::{
        CallError, CallErrorKind,
        access::{ConfigMap, NewConfigMap},
        kubernetes::KubernetesReader,
    },
    resources::{
        RunContext,
        live_access::{AWS_AUTH, NAMESPACE},
    },
};

/// The label of a backup; its value is the name of the ConfigMap that it is of.
pub const BACKUP_OF_LABEL: &str = "eksact.dev/backup-of";
/// The annotation that tells when it was made, as RFC 3339.
pub const BACKUP_TIME_ANNOTATION: &str = "eksact.dev/backup-time";
/// How many are kept.
const HISTORY: usize = 10;

/// A backup in the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Name of its ConfigMap.
    pub name: String,
    /// When it was made, as it says.
    pub time: String,
    /// The ConfigMap.
    pub config_map: ConfigMap,
}

impl Backup {
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
pub async fn backups(kubernetes: &dyn KubernetesReader) -> Result<Vec<Backup>, CallError> {
    let mut backups: Vec<Backup> = kubernetes
        .config_maps(NAMESPACE, BACKUP_OF_LABEL, AWS_AUTH)
        .await?
        .into_iter()
        .map(|config_map| Backup {
            name: config_map.name.clone(),
            time: config_map
                .annotations
                .get(BACKUP_TIME_ANNOTATION)
                .cloned()
                .unwrap_or_default(),
            config_map,
        })
        .collect();
    backups.sort_by(|a, b| (&b.time, &b.name).cmp(&(&a.time, &a.name)));
    Ok(backups)
}

/// Where a backup is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    InCluster { name: String },
    File { path: PathBuf, why: String },
}

impl Kept {
    pub(super) fn note(&self) -> String {
        match self {
            Self::InCluster { name } => {
                format!("What aws-auth was before is kept in the ConfigMap {NAMESPACE}/{name}.")
            }
            Self::File { path, why } => format!(
                "What aws-auth was before is kept in the file {}, because the cluster refused a ConfigMap: {why}.",
                path.display()
            ),
        }
    }
}

/// Keeps the ConfigMap as it is. The name comes from what is kept, so that writers who meet at one state keep one
/// backup of it.
pub(super) async fn keep(now: &ConfigMap, cluster: &str, context: &RunContext) -> Result<Kept, StepError> {
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
    let backup = NewConfigMap {
        namespace: NAMESPACE.to_owned(),
        name: name.clone(),
        labels: BTreeMap::from([(BACKUP_OF_LABEL.to_owned(), AWS_AUTH.to_owned())]),
        annotations,
        data: now.data.clone(),
    };
    match context.writers.kubernetes.create_config_map(&backup).await {
        Ok(_) => Ok(Kept::InCluster { name }),
        Err(error) if error.kind == CallErrorKind::AlreadyExists => Ok(Kept::InCluster { name }),
        Err(error)
            if matches!(
                error.kind,
                CallErrorKind::AccessDenied | CallErrorKind::Invalid | CallErrorKind::LimitExceeded
            ) =>
        {
            keep_in_file(&backup, &format!("{cluster}-{hash}"), error, context)
        }
        Err(error) => Err(error.into()),
    }
}

fn keep_in_file(
    backup: &NewConfigMap,
    name: &str,
    refused: CallError,
    context: &RunContext,
) -> Result<Kept, StepError> {
    let Some(folder) = &context.state_folder else {
        return Err(StepError::new(format!(
            "no backup of aws-auth could be made, and without one it is not written: {refused}"
        ))
        .with_help("Set HOME or XDG_STATE_HOME, so that the backup can be a file."));
    };
    let folder = folder.join("aws-auth-backups");
    let path = folder.join(format!("{name}.json"));
    write_private(&folder, &path, &manifest(backup)).map_err(|error| {
        StepError::new(format!(
            "no backup of aws-auth could be made, and without one it is not written: {refused}; and as a file: {error}"
        ))
    })?;
    Ok(Kept::File {
        path,
        why: refused.message,
    })
}

/// The backup as `kubectl create -f` takes it.
fn manifest(backup: &NewConfigMap) -> String {
    let manifest = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": AWS_AUTH,
            "namespace": backup.namespace,
            "annotations": backup.annotations,
        },
        "data": backup.data,
    });
    format!("{manifest:#}\n")
}

/// Writes a file that only the user may read: as a whole, or not at all.
fn write_private(folder: &Path, path: &Path, text: &str) -> std::io::Result<()> {
    fs_err::create_dir_all(folder)?;
    // A temporary file is made with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Deletes the oldest backups beyond the history. That one cannot be deleted is worth a word, not a failure.
pub(super) async fn forget_oldest(context: &RunContext) -> Option<String> {
    let all = match backups(context.readers.kubernetes.as_ref()).await {
        Ok(all) => all,
        Err(error) => return Some(format!("Old backups could not be looked for: {error}.")),
    };
    for backup in all.iter().skip(HISTORY) {
        let deleted = context
            .writers
            .kubernetes
            .delete_config_map(
                NAMESPACE,
                &backup.name,
                &backup.config_map.uid,
                &backup.config_map.resource_version,
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
