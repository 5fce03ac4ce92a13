//! `eksact version`.

use clap::Args;

use super::{ExitCode, Failure, decode::FactsFormat};
use eksact_core::view::Printer;

/// Print the version of eksact
#[derive(Debug, Args)]
pub(super) struct VersionCommand {
    /// How to show it
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: FactsFormat,
}

impl VersionCommand {
    /// The bare version, as eksctl prints its own: scripts compare it.
    pub(super) fn run(self, printer: &Printer) -> Result<ExitCode, Failure> {
        let version = env!("CARGO_PKG_VERSION");
        printer.data(&match self.output {
            FactsFormat::Text => format!("{version}\n"),
            FactsFormat::Json => format!("{:#}\n", serde_json::json!({ "version": version })),
        })?;
        Ok(ExitCode::Success)
    }
}
