//! `eksact plan`.

use std::path::PathBuf;

use clap::Args;

use super::drift;
use crate::cli::{
    ExitCode, Failure,
    flags::global::GlobalFlags,
    fleet::{self, FleetFlags, PlanMany},
    run::{config_files::WholeFileFlags, flow, saved_plan},
};
use eksact_core::view::Printer;

/// Show what would change, and change nothing
#[derive(Debug, Args)]
pub(crate) struct PlanCommand {
    #[command(flatten)]
    pub(crate) whole: WholeFileFlags,
    /// Exit with 2 when there are changes
    #[arg(long, help_heading = "Plan")]
    detailed_exitcode: bool,
    /// Show only what was changed since it was applied, or may have been; exit with 7 when there is any
    #[arg(long, help_heading = "Plan")]
    drift_only: bool,
    /// Save the plan in a file, for `eksact apply PLAN` to apply exactly that; over many clusters in a folder, a file for each
    #[arg(long, value_name = "PLAN", help_heading = "Plan")]
    out: Option<PathBuf>,
    #[command(flatten)]
    fleet: FleetFlags,
}

impl PlanCommand {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        if self.drift_only && (self.out.is_some() || self.detailed_exitcode) {
            return Err(Failure::usage(
                "--drift-only shows a part of the plan, which cannot be saved and has an exit code of its own: leave out \
                 --out and --detailed-exitcode, or use them in another run",
            ));
        }
        // A slip in a glob is told before anything is read.
        self.whole.targets.targets()?;
        if let Some(members) = fleet::members(
            &self.whole.config_files,
            self.fleet.metrics_into().is_some(),
            printer,
        )? {
            let asked = PlanMany {
                whole: &self.whole,
                fleet: &self.fleet,
                detailed: self.detailed_exitcode,
                drift_only: self.drift_only,
                out: self.out.as_deref(),
            };
            return Box::pin(fleet::plan(members, asked, global, printer)).await;
        }
        self.fleet.tell_idle(printer);
        if let Some(file) = &self.out {
            saved_plan::check_target(file)?;
        }
        let (mut request, connection) = self.whole.request(global, printer).await?;
        // The same plan has the same digest wherever it is made; the run that applies it has its own.
        request.settings.nonce.clear();
        if let Some(words) = self.whole.unusual_words(&self.whole.config_files) {
            request.settings.command = words;
        }
        if self.drift_only {
            return drift::show(&request, &connection, &self.whole.plan, printer).await;
        }
        flow::plan_only(
            &request,
            &connection,
            &self.whole.plan,
            self.detailed_exitcode,
            self.out.as_deref(),
            global,
            printer,
        )
        .await
    }
}
