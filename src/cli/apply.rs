//! `eksact apply`.

use clap::Args;

use super::{
    ExitCode, Failure,
    flow::{self, ApprovalFlags},
    global::GlobalFlags,
    kubeconfig::{Way, update_after_apply},
    plan::WholeFileFlags,
    plan_flags::Output,
};
use crate::view::Printer;

/// Show what would change, ask, and make it so
#[derive(Debug, Args)]
pub(super) struct ApplyCommand {
    #[command(flatten)]
    whole: WholeFileFlags,
    #[command(flatten)]
    approval: ApprovalFlags,
    /// Then write the cluster's context into this machine's kubeconfig, as update-kubeconfig does
    #[arg(long, help_heading = "File")]
    update_kubeconfig: bool,
}

impl ApplyCommand {
    pub(super) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let (request, connection) = self.whole.request(global, printer).await?;
        let code = flow::apply(&request, &connection, &self.whole.plan, self.approval, printer).await?;
        if !self.update_kubeconfig || code != ExitCode::Success {
            return Ok(code);
        }
        // Local to this machine, and no part of the plan: another machine may apply it.
        let way = Way {
            connection: &connection,
            global,
            printer,
        };
        let is_silent = self.whole.plan.output == Output::Json;
        update_after_apply(&request.config, is_silent, &way).await
    }
}
