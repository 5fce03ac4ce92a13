//! Backups of `aws-auth` as files of the user who runs eksact, for clusters that refuse to keep them. One folder, a bounded
//! history for each cluster; a file can be given to `kubectl create` as it is.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::json;

use super::backup::{Backup, HISTORY, Kept, newest_first};
use crate::{
    engine::StepError,
    ports::{
        CallError,
        access::{ConfigMap, NewConfigMap},
    },
    resources::{RunContext, live_access::AWS_AUTH},
};

/// Length of the digest at the end of a file's name.
const DIGEST: usize = 10;

/// A backup's file, as far as it is read.
#[derive(Debug, Deserialize)]
struct File {
    metadata: Metadata,
    #[serde(default)]
    data: std::collections::BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    #[serde(default)]
    annotations: std::collections::BTreeMap<String, String>,
}

fn folder(state: &Path) -> PathBuf {
    state.join("aws-auth-backups")
}

/// Keeps `backup`, which the cluster refused.
pub(super) fn keep(
    backup: &NewConfigMap,
    cluster: &str,
    digest: &str,
    refused: CallError,
    context: &RunContext,
) -> Result<Kept, StepError> {
    let Some(state) = &context.state_folder else {
        return Err(StepError::new(format!(
            "no backup of aws-auth could be made, and without one it is not written: {refused}"
        ))
        .with_help("Set HOME or XDG_STATE_HOME, so that the backup can be a file."));
    };
    let folder = folder(state);
    let path = folder.join(format!("{cluster}-{digest}.json"));
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

/// The backups of a cluster that are files, the newest first. What cannot be read as one is none.
pub(super) fn backups(state: Option<&Path>, cluster: &str) -> Vec<Backup> {
    let Some(files) = state.and_then(|state| fs_err::read_dir(folder(state)).ok()) else {
        return Vec::new();
    };
    let mut found: Vec<Backup> = files
        .filter_map(Result::ok)
        .map(|file| file.path())
        .filter(|path| is_of(path, cluster))
        .filter_map(|path| {
            let text = fs_err::read_to_string(&path).ok()?;
            let file: File = serde_json::from_str(&text).ok()?;
            let config_map = ConfigMap {
                name: AWS_AUTH.to_owned(),
                annotations: file.metadata.annotations,
                data: file.data,
                ..ConfigMap::default()
            };
            Some(Backup::new(path.to_string_lossy().into_owned(), config_map))
        })
        .collect();
    newest_first(&mut found);
    found
}

/// Whether a file is a backup of this cluster: `prod-eu` is another one than `prod`.
fn is_of(path: &Path, cluster: &str) -> bool {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    name.strip_prefix(cluster)
        .and_then(|rest| rest.strip_prefix('-'))
        .and_then(|rest| rest.strip_suffix(".json"))
        .is_some_and(|digest| digest.len() == DIGEST && digest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Deletes the oldest files beyond the history. One that cannot be deleted stays: it harms nobody.
pub(super) fn forget_oldest(cluster: &str, context: &RunContext) {
    for backup in backups(context.state_folder.as_deref(), cluster)
        .iter()
        .skip(HISTORY)
    {
        let _ = fs_err::remove_file(&backup.name);
    }
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
