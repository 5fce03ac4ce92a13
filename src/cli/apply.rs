//! `eksact apply`.

use clap::Args;

use super::{
    ExitCode, Failure,
    flow::{self, ApprovalFlags},
    global::GlobalFlags,
    plan::WholeFileFlags,
};
use crate::view::Printer;

/// Show what would change, ask, and make it so
#[derive(Debug, Args)]
pub struct ApplyCommand {
    #[command(flatten)]
    whole: WholeFileFlags,
    #[command(flatten)]
    approval: ApprovalFlags,
}

impl ApplyCommand {
    pub(super) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let (request, connection) = self.whole.request(global, printer).await?;
        flow::apply(&request, &connection, &self.whole.plan, self.approval, printer).await
    }
}
