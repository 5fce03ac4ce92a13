//! Facts for people and for machines, and how a command that states them ends.

use clap::ValueEnum;
use serde_json::Value;

use crate::cli::{ExitCode, Failure};
use eksact_core::view::{Facts, Printer, plan_json::json};

/// How facts are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum FactsFormat {
    /// For people.
    #[default]
    Text,
    /// For machines.
    Json,
}

impl FactsFormat {
    /// Prints the facts, and says with which code to end: 1 when something is wrong.
    pub(crate) fn show(self, facts: &Facts, printer: &Printer) -> Result<ExitCode, Failure> {
        self.show_as(facts, Facts::json, printer)
    }

    /// The same, with a document of the command's own for machines.
    pub(crate) fn show_as(
        self,
        facts: &Facts,
        document: impl FnOnce(&Facts) -> Value,
        printer: &Printer,
    ) -> Result<ExitCode, Failure> {
        let text = match self {
            Self::Text => facts.human(printer.stdout_style()),
            Self::Json => json(&document(facts))?,
        };
        printer.data(&text)?;
        Ok(if facts.has_errors() {
            ExitCode::Error
        } else {
            ExitCode::Success
        })
    }
}
