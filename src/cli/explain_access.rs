//! `eksact explain access`: the path from a principal to a right, or its first broken link.

use clap::Args;

use super::{
    ExitCode, Failure,
    access_question::{QuestionFlags, SourceFlags, WhoFlags, exit_code},
    decode::FactsFormat,
    global::GlobalFlags,
};
use eksact_core::view::Printer;

/// Show why somebody may do something in the cluster or in AWS, link by link, or which link is broken first
///
/// Ends with 0 for yes, 1 for no, and 5 where it depends on what could not be read or is decided elsewhere.
#[derive(Debug, Args)]
pub(super) struct ExplainAccess {
    #[command(flatten)]
    question: QuestionFlags,
    #[command(flatten)]
    who: WhoFlags,
    #[command(flatten)]
    source: SourceFlags,
    /// How to show it
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT", help_heading = None::<&str>)]
    output: FactsFormat,
}

impl ExplainAccess {
    pub(super) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let asking = self.question.asking(printer)?;
        let pictured = self.source.picture(asking.extent(), global, printer).await?;
        let explained = self.who.explanation(&pictured, &asking, printer)?;
        let document = serde_json::to_value(&explained)?;
        self.output.show_as(&explained.facts(), |_| document, printer)?;
        Ok(exit_code(explained.answer))
    }
}
