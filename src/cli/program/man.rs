//! `eksact man`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::{self, ExitCode, Failure};
use eksact_core::view::Printer;

/// Write the man pages into a folder, one for each command
#[derive(Debug, Args)]
pub(crate) struct ManCommand {
    /// The folder; it is made where it is missing
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

impl ManCommand {
    pub(crate) fn run(self, printer: &Printer) -> Result<ExitCode, Failure> {
        let failed =
            |error: std::io::Error| Failure::error(format!("the man pages could not be written: {error}"));
        fs_err::create_dir_all(&self.folder).map_err(failed)?;
        clap_mangen::generate_to(cli::command(), &self.folder).map_err(failed)?;
        printer.status(&format!("wrote the man pages into {}", self.folder.display()));
        Ok(ExitCode::Success)
    }
}
