//! `eksact explain`.

use clap::Args;

use super::{
    ExitCode, Failure, file, flow,
    global::GlobalFlags,
    plan::WholeFileFlags,
    plan_flags::Output,
};
use eksact_core::{
    config::SourceLocation,
    engine::{
        Plan,
        explanation::{Explanation, SourceLine, excerpt},
    },
    kinds::compared::compared,
    view::{Printer, explain::explain_human, plan_json::json},
};

/// So many lines of the file are shown.
const MOST_LINES: usize = 16;

/// Show why one object of the plan changes, or why it does not, and change nothing
#[derive(Debug, Args)]
pub(super) struct ExplainCommand {
    /// The object's address, as the plan shows it: `iam-role/app/web`
    #[arg(value_name = "ADDRESS")]
    address: String,
    #[command(flatten)]
    whole: WholeFileFlags,
}

impl ExplainCommand {
    pub(super) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let (request, connection) = self.whole.request(global, printer).await?;
        let plan = flow::plan_for(&request, &connection, printer).await?;
        explain(&plan, &self.address, self.whole.plan.output, printer)?;
        Ok(ExitCode::Success)
    }
}

/// Explains an object of a plan, wherever the plan comes from.
fn explain(plan: &Plan, address: &str, output: Output, printer: &Printer) -> Result<(), Failure> {
    let mut explanation =
        Explanation::of(plan, address).map_err(|unknown| Failure::error(unknown.to_string()))?;
    explanation.compared = compared(explanation.address.kind());
    if let Some(source) = explanation.change.as_ref().and_then(|change| change.source.as_ref()) {
        explanation.excerpt = lines(source);
    }
    let text = match output {
        Output::Human => explain_human(&explanation, plan, printer.stdout_style()),
        Output::Json => json(&explanation)?,
    };
    flow::deliver(&text, printer)
}

/// The lines of the file; none of standard input, which can be read only once, and of a file that is gone.
fn lines(source: &SourceLocation) -> Vec<SourceLine> {
    let is_file = &*source.file != "-";
    let text = is_file.then(|| file::read_text(&source.file, "the configuration").ok()).flatten();
    let (line, column) = (source.line as usize, source.column as usize);
    text.map_or_else(Vec::new, |text| excerpt(&text, line, column, MOST_LINES))
}
