//! `eksact diff-access`: who gains and who loses what in a cluster between two days.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{
    ExitCode, Failure, access_question::read_now, account_flags::ClusterFlags, decode::FactsFormat,
    global::GlobalFlags,
};
use eksact_core::{
    diagnosis::authorization::{Extent, Picture, access_delta, read_snapshot},
    view::Printer,
};

/// Show who gains and who loses what in the cluster between two snapshots, or from a snapshot until now
///
/// People, groups and service accounts, with the access policies and roles that they are given and the rules of those. Ends with 5
/// where something could not be compared.
#[derive(Debug, Args)]
pub(super) struct DiffAccess {
    /// The file of `eksact snapshot` with what was before
    #[arg(long, value_name = "FILE", help_heading = None::<&str>)]
    from: PathBuf,
    /// The one with what is after; the cluster as it is now, if not given
    #[arg(long, value_name = "FILE", conflicts_with_all = ["cluster", "config_file"], help_heading = None::<&str>)]
    to: Option<PathBuf>,
    #[command(flatten)]
    cluster: ClusterFlags,
    /// How to show it
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT", help_heading = None::<&str>)]
    output: FactsFormat,
}

impl DiffAccess {
    pub(super) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let before = snapshot("--from", &self.from, printer)?;
        let after = match &self.to {
            Some(path) => snapshot("--to", path, printer)?,
            None => {
                read_now(&self.cluster, Extent::Cluster, global, printer)
                    .await?
                    .picture
            }
        };
        let delta = access_delta(&before, &after);
        for what in &delta.unread {
            printer.warning(&format!("not compared: {what}"));
        }
        let document = serde_json::to_value(&delta)?;
        self.output.show_as(&delta.facts(), |_| document, printer)?;
        Ok(if delta.complete {
            ExitCode::Success
        } else {
            ExitCode::Partial
        })
    }
}

fn snapshot(flag: &str, path: &Path, printer: &Printer) -> Result<Picture, Failure> {
    let text = fs_err::read_to_string(path)
        .map_err(|error| Failure::error(format!("{flag}: the snapshot could not be read: {error}")))?;
    let (picture, taken_at) = read_snapshot(&text)
        .map_err(|error| Failure::error(format!("{flag} {}: {error}", path.display())))?;
    printer.note(&format!(
        "{flag} is a snapshot of cluster {} in {}, taken at {taken_at}",
        picture.cluster, picture.region
    ));
    Ok(picture)
}
