//! The end of every command that changes what its flags name: its plan is applied, or saved for `eksact apply PLAN`.

use std::path::PathBuf;

use clap::Args;

use super::{
    flow::{self, ApprovalFlags},
    saved_plan,
    wiring::Connection,
};
use crate::cli::{
    ExitCode, Failure,
    flags::{global::GlobalFlags, plan::PlanFlags},
};
use eksact_core::{kinds::Request, view::Printer};

/// Flags of commands that change what their flags name.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Approval")]
pub(crate) struct ChangeFlags {
    #[command(flatten)]
    pub plan: PlanFlags,
    #[command(flatten)]
    approval: ApprovalFlags,
    /// Save the plan in a file and change nothing: `eksact apply PLAN` then applies exactly that
    #[arg(long, value_name = "PLAN", conflicts_with_all = ["yes", "approve"])]
    out: Option<PathBuf>,
}

impl ChangeFlags {
    /// The whole road, or up to the plan where it is to be saved. `command` are the words of the command, for the one who needs a
    /// new plan, and `global` the flags that led to the cluster.
    pub(crate) async fn end(
        &self,
        command: &str,
        request: Request,
        global: &GlobalFlags,
        printer: &Printer,
    ) -> Result<ExitCode, Failure> {
        let connection = Connection::open(global, &request.config, printer).await?;
        self.end_over(&connection, command, request, global, printer)
            .await
    }

    /// The same over a connection that is open already.
    pub(crate) async fn end_over(
        &self,
        connection: &Connection,
        command: &str,
        mut request: Request,
        global: &GlobalFlags,
        printer: &Printer,
    ) -> Result<ExitCode, Failure> {
        command.clone_into(&mut request.settings.command);
        let Some(file) = &self.out else {
            return flow::apply(&request, connection, &self.plan, self.approval, printer).await;
        };
        saved_plan::check_target(file)?;
        // The same plan has the same digest wherever it is made; the run that applies it has its own.
        request.settings.nonce.clear();
        flow::plan_only(
            &request,
            connection,
            &self.plan,
            false,
            Some(file),
            global,
            printer,
        )
        .await
    }
}
