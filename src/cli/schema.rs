//! `eksact schema`.

use clap::Args;

use super::{ExitCode, Failure};
use crate::{config, view::Printer};

/// Print the JSON Schema of ClusterConfig files
#[derive(Debug, Args)]
pub(super) struct SchemaCommand {}

impl SchemaCommand {
    pub(super) fn run(printer: &Printer) -> Result<ExitCode, Failure> {
        printer.data(&format!("{:#}\n", config::json_schema()))?;
        Ok(ExitCode::Success)
    }
}
