//! `eksact explain access`: the path from a principal to a right, or its first broken link.

use clap::Args;

use crate::cli::{
    ExitCode, Failure,
    access::question::{AccessQuestion, exit_code},
    flags::global::GlobalFlags,
};
use eksact_core::view::Printer;

/// Show why somebody may do something in the cluster or in AWS, link by link, or which link is broken first
///
/// Ends with 0 for yes, 1 for no, and 5 where it depends on what could not be read or is decided elsewhere.
#[derive(Debug, Args)]
pub(crate) struct ExplainAccess {
    #[command(flatten)]
    asked: AccessQuestion,
}

impl ExplainAccess {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let explained = self.asked.explanation(global, printer).await?;
        let document = serde_json::to_value(&explained)?;
        self.asked
            .output
            .show_as(&explained.facts(), |_| document, printer)?;
        Ok(exit_code(explained.answer))
    }
}
