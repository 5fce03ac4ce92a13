//! `eksact explain …`: why something is as it is. Changes nothing.

use clap::{Args, Subcommand};

use super::{ExitCode, Failure, explain_access::ExplainAccess, explain_pod::ExplainPod, global::GlobalFlags};
use eksact_core::view::Printer;

/// Explain why something is as it is
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct ExplainCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Access(Box<ExplainAccess>),
    Pod(Box<ExplainPod>),
}

impl ExplainCommand {
    pub(super) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        match self.what {
            What::Access(command) => command.run(global, printer).await,
            What::Pod(command) => command.run(global, printer).await,
        }
    }
}
