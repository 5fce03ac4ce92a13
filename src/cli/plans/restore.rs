//! `eksact restore aws-auth`: lists the backups, and takes the ConfigMap back to one.

use std::path::Path;

use clap::{Args, Subcommand};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::cli::{
    ExitCode, Failure,
    flags::{
        account::AnyClusterFlags,
        global::GlobalFlags,
        plan::{Output, PlanFlags},
    },
    run::{
        carry_out,
        flow::{self, ApprovalFlags},
        wiring::Connection,
    },
    texts::file,
};
use eksact_core::{
    guard::recovery,
    kinds::identity_mapping::{AwsAuthScope, Backup, Restore, all_backups},
    ports::CallErrorKind,
    view::{
        Printer,
        plan_json::{json, schema_of},
        table::Table,
    },
};
use eksact_identity::authn::{
    aws_auth::SectionKey,
    aws_auth_manifest::{Manifest, NAME},
};

/// Take something back to a backup
#[derive(Debug, Args)]
pub(crate) struct RestoreCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    AwsAuth(Box<RestoreAwsAuth>),
}

/// Take the ConfigMap aws-auth back to a backup: the newest that no restore made, unless --to names another
#[derive(Debug, Args)]
struct RestoreAwsAuth {
    #[command(flatten)]
    cluster: AnyClusterFlags,
    /// List the backups, those of the cluster and those in files of yours
    #[arg(long, help_heading = "Backup")]
    list: bool,
    /// Name of the backup, or the file of one
    #[arg(long, value_name = "BACKUP", conflicts_with = "list", help_heading = "Backup")]
    to: Option<String>,
    #[command(flatten)]
    plan: PlanFlags,
    #[command(flatten)]
    approval: ApprovalFlags,
}

impl RestoreCommand {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        match self.what {
            What::AwsAuth(command) => command.run(global, printer).await,
        }
    }
}

impl RestoreAwsAuth {
    async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let mut request = self.cluster.request(&self.plan, global, printer)?;
        request.config.access = request.config.access.place_and_rule();
        let connection = Connection::open(global, &request.config, printer).await?;
        let reader = flow::reader(&connection, &request.config, printer).await?;
        let cluster = reader.cluster();
        let found = async || {
            let kubernetes = connection.readers.kubernetes.as_ref();
            match all_backups(kubernetes, carry_out::state_folder().as_deref(), &cluster.arn).await {
                Ok(all) => {
                    for reason in &all.unread {
                        printer.warning(reason);
                    }
                    Ok(all.found)
                }
                Err(error) if error.kind == CallErrorKind::Credentials => {
                    let caller = connection.readers.aws.caller_identity().await.ok();
                    let region = &request.config.metadata.region.value;
                    let entries = connection.readers.aws.access_entries(&cluster.name).await.ok();
                    Err(Failure::error(error.to_string()).with_help(remedy!(
                        "If no one gets in any more, create an access entry to recover: {}",
                        recovery::commands(cluster, region, caller.as_ref(), &[entries.as_deref()])
                    )))
                }
                Err(error) => Err(error.into()),
            }
        };
        if self.list {
            return list(&found().await?, &self.plan, printer);
        }
        let mut by_itself = Vec::new();
        let restore = match &self.to {
            Some(path) if path.contains(['/', '\\']) || Path::new(path).is_file() => from_file(path)?,
            Some(name) => of(named(&found().await?, name)?),
            None => {
                let found = found().await?;
                let backup = newest(&found)?;
                by_itself = vec!["--to".to_owned(), backup.name.clone()];
                of(backup)
            }
        };
        request.ask(AwsAuthScope::Restore(restore));
        flow::apply_choice_over(
            &reader,
            &request,
            &connection,
            &self.plan,
            self.approval,
            &by_itself,
            printer,
        )
        .await
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    /// Whether a restore made it, before it wrote.
    before_restore: bool,
    /// The size of its data.
    bytes: usize,
    name: &'a str,
    time: &'a str,
}

/// The JSON Schema of the list.
pub(crate) fn schema() -> Value {
    schema_of::<Vec<Row<'static>>>("What `eksact restore aws-auth --list -o json` writes")
}

fn list(backups: &[Backup], flags: &PlanFlags, printer: &Printer) -> Result<ExitCode, Failure> {
    let output = flags.output;
    if !matches!(output, Output::Human | Output::Json) || flags.views.write_anything() {
        return Err(Failure::usage(
            "--list prints a table, or JSON with `-o json`: there is no plan of which there could be another view",
        ));
    }
    let bytes = |backup: &Backup| -> usize { backup.config_map.data.values().map(String::len).sum() };
    if output == Output::Json {
        let rows: Vec<Row<'_>> = backups
            .iter()
            .map(|backup| Row {
                before_restore: backup.before_restore,
                bytes: bytes(backup),
                name: &backup.name,
                time: &backup.time,
            })
            .collect();
        printer.data(&json(&rows)?)?;
        return Ok(ExitCode::Success);
    }
    if backups.is_empty() {
        printer.status("There is no backup of aws-auth, neither in the cluster nor in your files.\n");
        return Ok(ExitCode::Success);
    }
    let mut table = Table::new(["NAME", "TIME", "BYTES", "BEFORE"]);
    for backup in backups {
        let before = if backup.before_restore {
            "restore"
        } else {
            "change"
        };
        table.row([
            backup.name.clone(),
            backup.time.clone(),
            bytes(backup).to_string(),
            before.to_owned(),
        ]);
    }
    printer.data(&table.render())?;
    Ok(ExitCode::Success)
}

fn named<'found>(backups: &'found [Backup], name: &str) -> Result<&'found Backup, Failure> {
    backups.iter().find(|backup| backup.name == name).ok_or_else(|| {
        Failure::error(format!("there is no backup {name} of aws-auth in the cluster")).with_help(remedy!(
            "`--list` shows those that are there; `--to` also accepts the file of one."
        ))
    })
}

/// The newest that no restore made: going back to one of those would undo the restore before.
fn newest(backups: &[Backup]) -> Result<&Backup, Failure> {
    backups
        .iter()
        .find(|backup| !backup.before_restore)
        .ok_or_else(|| {
            Failure::error(match backups.len() {
                0 => "there is no backup of aws-auth, neither in the cluster nor in your files",
                _ => "all backups of aws-auth were made by restores",
            })
            .with_help(remedy!(
                "`--to` takes the name of a backup that `--list` shows, or the file of one."
            ))
        })
}

fn of(backup: &Backup) -> Restore {
    Restore {
        name: backup.name.clone(),
        data: backup.config_map.data.clone(),
        ownership: backup.ownership().cloned(),
    }
}

/// What would be written over the mappings of a cluster must be mappings.
fn from_file(path: &str) -> Result<Restore, Failure> {
    let wrong = |why: String| Failure::usage(format!("{path} is not a backup of aws-auth: {why}"));
    let text = file::read_text(path, "the backup")?;
    let manifest = Manifest::read(&text).map_err(|error| wrong(error.to_string()))?;
    if !manifest.is_aws_auth() && !manifest.name.starts_with(&format!("{NAME}-backup-")) {
        return Err(wrong(format!(
            "it is the ConfigMap {}/{}",
            manifest.namespace, manifest.name
        )));
    }
    if let Some(value) = manifest.not_texts.first() {
        return Err(wrong(format!(
            "`{}` on line {} is not a string",
            value.key, value.line
        )));
    }
    let sections = [SectionKey::Roles, SectionKey::Users, SectionKey::Accounts];
    if !sections
        .iter()
        .any(|section| manifest.data.contains_key(section.as_str()))
    {
        return Err(wrong("it has no mapRoles, mapUsers or mapAccounts".to_owned()));
    }
    Ok(Restore {
        name: path.to_owned(),
        ownership: Backup::ownership_in(&manifest.annotations).cloned(),
        data: manifest.data,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKUP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: aws-auth\n  namespace: kube-system\n  annotations:\n    A: record\ndata:\n  mapRoles: |\n    - rolearn: arn:aws:iam::111122223333:role/dev\n      username: dev\n";

    /// The record of ownership is read with the mappings, by one reader: whatever that takes, it takes both.
    #[test]
    fn restore_keeps_the_record_of_a_file_in_every_form() {
        let backup = BACKUP.replace("    A:", "    eksact.dev/identity-mappings:");
        let in_a_list = format!(
            "kind: List\nitems:\n- {}",
            backup.trim_end().replace('\n', "\n  ")
        );
        let utf16 = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
            format!("\u{feff}{backup}")
                .encode_utf16()
                .flat_map(bytes)
                .collect()
        };
        for bytes in [
            backup.clone().into_bytes(),
            format!("\u{feff}{backup}").into_bytes(),
            utf16(u16::to_le_bytes),
            utf16(u16::to_be_bytes),
            backup.replace('\n', "\r\n").into_bytes(),
            // A key twice, and a second document: kubectl takes both.
            backup
                .replace("kind: ConfigMap\n", "kind: ConfigMap\nkind: ConfigMap\n")
                .into_bytes(),
            format!("kind: Namespace\n---\n{backup}").into_bytes(),
            backup
                .replace("  annotations:", "  labels: {x: y}\n  annotations: &a")
                .into_bytes(),
            in_a_list.into_bytes(),
        ] {
            let file = tempfile::NamedTempFile::new().unwrap();
            fs_err::write(file.path(), &bytes).unwrap();
            let restore = from_file(&file.path().to_string_lossy()).unwrap();
            let shown = String::from_utf8_lossy(&bytes);
            assert_eq!(restore.ownership.as_deref(), Some("record"), "{shown}");
            assert!(restore.data["mapRoles"].contains("role/dev"), "{shown}");
        }
    }
}
