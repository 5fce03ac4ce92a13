//! `eksact snapshot`: what `who-can` and its kind read, as a file for those who may not read it.

use clap::Args;
use jiff::Timestamp;

use super::question::read_now;
use crate::cli::{
    ExitCode, Failure,
    flags::{account::ClusterFlags, global::GlobalFlags},
    plans::export,
};
use eksact_core::{
    diagnosis::authorization::{Extent, write_snapshot},
    view::Printer,
};

/// Write what decides who may do what as a file, for `who-can`, `can-i` and `explain access`
///
/// No Secret and no token is in it; account ids, ARNs, names and the policies of IAM are. Ends with 5 where something could not be read: the file
/// says what.
#[derive(Debug, Args)]
pub(crate) struct SnapshotCommand {
    #[command(flatten)]
    cluster: ClusterFlags,
    /// Where to write it; standard output for `-`
    #[arg(short, long, value_name = "FILE", help_heading = "Output", value_parser = export::file_to_write)]
    out: String,
    /// Replace a file that says something else
    #[arg(long, help_heading = "Output")]
    force: bool,
}

impl SnapshotCommand {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let pictured = read_now(&self.cluster, Extent::Everything, global, printer).await?;
        let taken_at = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let text = write_snapshot(&pictured.picture, &taken_at)?;
        if self.out == "-" {
            printer.data(&text)?;
        } else {
            let said = export::write(std::path::Path::new(&self.out), &text, self.force)?;
            printer.status(&format!("{said}\n"));
        }
        let picture = &pictured.picture;
        Ok(
            if picture.unread().is_empty() && picture.aws.unread().is_empty() {
                ExitCode::Success
            } else {
                ExitCode::Partial
            },
        )
    }
}
