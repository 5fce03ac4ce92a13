//! `eksact version`.

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::cli::{ExitCode, Failure, texts::facts_format::FactsFormat};
use eksact_core::view::{Printer, plan_json::schema_of};

/// Print the version of eksact
#[derive(Debug, Args)]
pub(crate) struct VersionCommand {
    /// How to show it
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: FactsFormat,
}

#[derive(Serialize, JsonSchema)]
struct Document {
    version: &'static str,
}

/// The JSON Schema of the document.
pub(crate) fn schema() -> Value {
    schema_of::<Document>("What `eksact version -o json` writes")
}

impl VersionCommand {
    /// The bare version, as eksctl prints its own: scripts compare it.
    pub(crate) fn run(self, printer: &Printer) -> Result<ExitCode, Failure> {
        let version = env!("CARGO_PKG_VERSION");
        printer.data(&match self.output {
            FactsFormat::Text => format!("{version}\n"),
            FactsFormat::Json => format!("{:#}\n", serde_json::json!(Document { version })),
        })?;
        Ok(ExitCode::Success)
    }
}
