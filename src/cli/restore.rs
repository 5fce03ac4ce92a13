//! `eksact restore aws-auth`: lists the backups, and takes the ConfigMap back to one.

use std::{collections::BTreeMap, path::Path};

use clap::{Args, Subcommand};
use serde::Deserialize;

use super::{
    ExitCode, Failure,
    flow::{self, ApprovalFlags},
    global::GlobalFlags,
    identity_mapping::MappingClusterFlags,
    plan_flags::PlanFlags,
    wiring::Connection,
};
use crate::{
    config::cluster_access::ClusterAccess,
    resources::{
        identity_mapping::{Backup, backups},
        request::Restore,
    },
    view::{Printer, table::Table},
};

/// Take something back to a backup
#[derive(Debug, Args)]
pub(super) struct RestoreCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    AwsAuth(Box<RestoreAwsAuth>),
}

/// Take the ConfigMap aws-auth back to a backup: the newest, unless --to names another
#[derive(Debug, Args)]
struct RestoreAwsAuth {
    #[command(flatten)]
    cluster: MappingClusterFlags,
    /// List the backups that the cluster has
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

/// What counts of a backup's file: a ConfigMap as kubectl prints it.
#[derive(Debug, Deserialize)]
struct BackupFile {
    #[serde(default)]
    metadata: BackupMetadata,
    #[serde(default)]
    data: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
struct BackupMetadata {
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

impl RestoreCommand {
    pub(super) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        match self.what {
            What::AwsAuth(command) => command.run(global, printer).await,
        }
    }
}

impl RestoreAwsAuth {
    async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let mut request = self.cluster.request(&self.plan, global, printer)?;
        request.config.access = ClusterAccess::default();
        let connection = Connection::open(global, &request.config, printer).await?;
        if self.list {
            let found = backups(connection.readers.kubernetes.as_ref()).await?;
            return list(&found, printer);
        }
        request.access.restore = Some(match &self.to {
            Some(path) if path.contains(['/', '\\']) || Path::new(path).is_file() => from_file(path)?,
            name => {
                let found = backups(connection.readers.kubernetes.as_ref()).await?;
                chosen(&found, name.as_deref())?
            }
        });
        flow::apply(&request, &connection, &self.plan, self.approval, printer).await
    }
}

fn list(backups: &[Backup], printer: &Printer) -> Result<ExitCode, Failure> {
    if backups.is_empty() {
        printer.status("There is no backup of aws-auth in the cluster.\n");
        return Ok(ExitCode::Success);
    }
    let mut table = Table::new(["NAME", "TIME", "BYTES"]);
    for backup in backups {
        let bytes: usize = backup.config_map.data.values().map(String::len).sum();
        table.row([backup.name.clone(), backup.time.clone(), bytes.to_string()]);
    }
    printer.data(&table.render())?;
    Ok(ExitCode::Success)
}

/// The backup of this name, or the newest.
fn chosen(backups: &[Backup], name: Option<&str>) -> Result<Restore, Failure> {
    let backup = match name {
        Some(name) => backups.iter().find(|backup| backup.name == name),
        None => backups.first(),
    };
    let Some(backup) = backup else {
        return Err(Failure::error(match name {
            Some(name) => format!("there is no backup {name} of aws-auth in the cluster"),
            None => "there is no backup of aws-auth in the cluster".to_owned(),
        })
        .with_help("`--list` shows those that are there; `--to` takes the file of one as well."));
    };
    Ok(Restore {
        name: backup.name.clone(),
        data: backup.config_map.data.clone(),
        ownership: backup.ownership().cloned(),
    })
}

fn from_file(path: &str) -> Result<Restore, Failure> {
    let text = fs_err::read_to_string(path)
        .map_err(|error| Failure::usage(format!("the backup could not be read: {error}")))?;
    let file: BackupFile = serde_saphyr::from_str(&text)
        .map_err(|error| Failure::usage(format!("{path} is not a ConfigMap in YAML or JSON: {error}")))?;
    if file.data.is_empty() {
        return Err(Failure::usage(format!(
            "{path} has no `data`: it is no backup of aws-auth"
        )));
    }
    Ok(Restore {
        name: path.to_owned(),
        ownership: Backup::ownership_in(&file.metadata.annotations).cloned(),
        data: file.data,
    })
}
