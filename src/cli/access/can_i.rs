//! `eksact can-i`: yes or no, as `kubectl auth can-i`, for anybody and without the right to impersonate.

use clap::Args;

use super::question::{AccessQuestion, exit_code};
use crate::cli::{ExitCode, Failure, flags::global::GlobalFlags, texts::facts_format::FactsFormat};
use eksact_core::{
    diagnosis::authorization::{Explanation, LinkState, Reason, Verdict},
    view::{Printer, plan_json::json, wrapped},
};

/// Say whether somebody may do something in the cluster or in AWS: yes, no, or what it depends on
///
/// Ends with 0 for yes, 1 for no, and 5 where it depends on what could not be read or is decided elsewhere.
#[derive(Debug, Args)]
pub(crate) struct CanI {
    #[command(flatten)]
    asked: AccessQuestion,
}

impl CanI {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let explained = self.asked.explanation(global, printer).await?;
        let text = match self.asked.output {
            FactsFormat::Text => wrapped(&in_words(&explained), printer.stdout_style()),
            FactsFormat::Json => json(&explained)?,
        };
        printer.data(&text)?;
        Ok(exit_code(explained.answer))
    }
}

/// `yes - allowed by …`, as kubectl writes a reason.
fn in_words(explained: &Explanation) -> String {
    let why = match explained.answer {
        Verdict::Yes => explained.reasons.first().map(Reason::sentence),
        Verdict::Depends => explained.depends_on.first().map(|what| format!("on {what}")),
        Verdict::No => explained
            .links
            .iter()
            .find(|link| link.state == LinkState::Broken)
            .map(|link| link.says.clone()),
    };
    let answer = explained.answer.as_str();
    match why {
        Some(why) => format!("{answer} - {why}"),
        None => answer.to_owned(),
    }
}
