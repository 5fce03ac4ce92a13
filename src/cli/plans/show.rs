//! `eksact show`: a saved plan, or a folder of them, as people or machines read it.

use std::path::PathBuf;

use clap::Args;

use crate::cli::{
    ExitCode, Failure,
    flags::{global::GlobalFlags, plan::Output, views::ViewFlags},
    fleet,
    run::{flow, saved_plan},
};
use eksact_core::view::Printer;

/// Show a plan that `eksact plan --out` saved, or those in a folder
#[derive(Debug, Args)]
pub(crate) struct ShowCommand {
    /// The plan, or `-` for standard input; or a folder of plans
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
    #[command(flatten)]
    views: ViewFlags,
}

impl ShowCommand {
    pub(crate) fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        self.views.check(self.output)?;
        let place = global.words_of_place();
        if self.plan.is_dir() {
            return fleet::show(&self.plan, self.output, &self.views, &place, printer);
        }
        let saved = saved_plan::load(&self.plan, &place)?;
        let (digest, file) = (saved.digest(), flow::file_of(&saved.request));
        self.views
            .write(&saved.plan, digest, file, Some(saved.document()))?;
        if self.output == Output::Json {
            flow::deliver(saved.document(), printer)?;
        } else {
            let text = self
                .output
                .of(&saved.plan, digest, file, self.views.max_bytes, printer)?;
            flow::deliver(&text, printer)?;
        }
        printer.status(&format!("\n{}\n", saved.digest()));
        Ok(ExitCode::Success)
    }
}
