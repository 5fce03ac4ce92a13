//! Backups of `aws-auth` as files of the user who runs eksact, for clusters that refuse to keep them. One folder, a bounded
//! history for each cluster; a file can be given to `kubectl create` as it is. Each says by its ARN which cluster it is of:
//! clusters of other accounts and regions may have the same name.

use std::{
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::json;

use super::backup::{Backup, HISTORY, Kept, newest_first};
use crate::{
    engine::StepError,
    kinds::RunContext,
    live::AWS_AUTH,
    ports::{CallError, kubernetes::ConfigMap},
};

/// The annotation that tells the cluster, by its ARN.
const CLUSTER_ANNOTATION: &str = "eksact.dev/cluster-arn";

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

/// Keeps `backup`, which the cluster of this ARN refused.
pub(super) fn keep(
    backup: &ConfigMap,
    cluster_arn: &str,
    digest: &str,
    refused: CallError,
    context: &RunContext,
) -> Result<Kept, StepError> {
    let Some(state) = &context.state_folder else {
        return Err(StepError::new(format!(
            "no backup of aws-auth could be made, and without one it is not written: {refused}"
        ))
        .with_help(remedy!(
            "Set HOME or XDG_STATE_HOME, so that the backup can be a file."
        )));
    };
    let folder = folder(state);
    let path = folder.join(file_name(cluster_arn, digest));
    write_private(&folder, &path, &manifest(backup, cluster_arn)).map_err(|error| {
        StepError::new(format!(
            "no backup of aws-auth could be made, and without one it is not written: {refused}; and as a file: {error}"
        ))
    })?;
    Ok(Kept::File {
        path,
        why: refused.message,
    })
}

/// `prod-eu-west-1-111122223333-DIGEST.json`.
fn file_name(cluster_arn: &str, digest: &str) -> String {
    let parts: Vec<&str> = cluster_arn.split(':').collect();
    let part = |index: usize| parts.get(index).copied().unwrap_or_default();
    let name = part(5).trim_start_matches("cluster/");
    let place = format!("{name}-{}-{}-{digest}", part(3), part(4));
    format!("{}.json", place.replace(['/', '\\'], "-"))
}

/// The backups of a cluster that are files, the newest first, and what could not be read: a file that cannot be read may
/// be the backup that is looked for.
pub(super) fn backups(state: Option<&Path>, cluster_arn: &str) -> (Vec<Backup>, Vec<String>) {
    let (mut found, mut unread) = (Vec::new(), Vec::new());
    let files = match state.map(|state| fs_err::read_dir(folder(state))) {
        Some(Ok(files)) => files,
        Some(Err(error)) if error.kind() != ErrorKind::NotFound => {
            unread.push(error.to_string());
            return (found, unread);
        }
        _ => return (found, unread),
    };
    for file in files {
        let path = match file {
            Ok(file) => file.path(),
            Err(error) => {
                unread.push(error.to_string());
                continue;
            }
        };
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        match read(&path) {
            Ok(file)
                if file
                    .metadata
                    .annotations
                    .get(CLUSTER_ANNOTATION)
                    .is_some_and(|arn| arn == cluster_arn) =>
            {
                let config_map = ConfigMap {
                    name: AWS_AUTH.to_owned(),
                    annotations: file.metadata.annotations,
                    data: file.data,
                    ..ConfigMap::default()
                };
                found.push(Backup::new(path.to_string_lossy().into_owned(), config_map));
            }
            Ok(_) => {}
            Err(error) => unread.push(error),
        }
    }
    newest_first(&mut found);
    (found, unread)
}

fn read(path: &Path) -> Result<File, String> {
    let text = fs_err::read_to_string(path).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| format!("{} is not a backup: {error}", path.display()))
}

/// Deletes the oldest files beyond the history. One that cannot be deleted stays: it harms nobody.
pub(super) fn forget_oldest(cluster_arn: &str, context: &RunContext) {
    forget(context.state_folder.as_deref(), cluster_arn);
}

fn forget(state: Option<&Path>, cluster_arn: &str) {
    for backup in backups(state, cluster_arn).0.iter().skip(HISTORY) {
        let _ = fs_err::remove_file(&backup.name);
    }
}

/// The backup as `kubectl create -f` takes it.
fn manifest(backup: &ConfigMap, cluster_arn: &str) -> String {
    let mut annotations = backup.annotations.clone();
    annotations.insert(CLUSTER_ANNOTATION.to_owned(), cluster_arn.to_owned());
    let manifest = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": AWS_AUTH,
            "namespace": backup.namespace,
            "annotations": annotations,
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::kinds::identity_mapping::backup::BACKUP_TIME_ANNOTATION;

    const ARN: &str = "arn:aws:eks:eu-west-1:111122223333:cluster/prod";

    #[test]
    fn backups_of_two_hundred_writers_leave_the_newest_whole_and_nothing_else() {
        let state = tempfile::tempdir().unwrap();
        let folder = folder(state.path());
        std::thread::scope(|scope| {
            for number in 0..200 {
                let (state, folder) = (state.path(), &folder);
                scope.spawn(move || {
                    let time = format!("2026-11-29T12:00:00.{number:03}Z");
                    let backup = ConfigMap {
                        name: AWS_AUTH.to_owned(),
                        annotations: BTreeMap::from([(BACKUP_TIME_ANNOTATION.to_owned(), time)]),
                        data: BTreeMap::from([("mapRoles".to_owned(), "- rolearn: x\n".repeat(1000))]),
                        ..ConfigMap::default()
                    };
                    let path = folder.join(file_name(ARN, &number.to_string()));
                    write_private(folder, &path, &manifest(&backup, ARN)).unwrap();
                    forget(Some(state), ARN);
                });
            }
        });
        let (found, unread) = backups(Some(state.path()), ARN);
        assert_eq!(unread, Vec::<String>::new());
        let times: Vec<&str> = found.iter().map(|backup| backup.time.as_str()).collect();
        let newest: Vec<String> = (190..200)
            .rev()
            .map(|number| format!("2026-11-29T12:00:00.{number:03}Z"))
            .collect();
        assert_eq!(times, newest);
        assert_eq!(fs_err::read_dir(&folder).unwrap().count(), HISTORY);
    }
}
