//! `eksact show`: a saved plan, as people or machines read it.

use std::path::PathBuf;

use clap::Args;

use super::{ExitCode, Failure, flow, plan_flags::Output, saved_plan};
use eksact_core::view::Printer;

/// Show a plan that `eksact plan --out` saved
#[derive(Debug, Args)]
pub(super) struct ShowCommand {
    /// The plan, or `-` for standard input
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
    /// How the plan is shown
    #[arg(
        short,
        long,
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        help_heading = "Plan"
    )]
    output: Output,
}

impl ShowCommand {
    pub(super) fn run(self, printer: &Printer) -> Result<ExitCode, Failure> {
        let saved = saved_plan::load(&self.plan)?;
        if self.output == Output::Json {
            flow::deliver(saved.document(), printer)?;
        } else {
            flow::show(&saved.plan, &saved.request, self.output, printer)?;
        }
        printer.status(&format!("\n{}\n", saved.digest()));
        Ok(ExitCode::Success)
    }
}
