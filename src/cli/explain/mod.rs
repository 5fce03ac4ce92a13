//! `eksact explain …`: why something is as it is. Changes nothing.

mod access;
mod change;
mod pod;

use clap::{Args, Subcommand};

use self::{access::ExplainAccess, change::ExplainChange, pod::ExplainPod};
use crate::cli::{ExitCode, Failure, flags::global::GlobalFlags};
use eksact_core::view::Printer;

/// Explain why something is as it is
///
/// With an address: why an object is in the plan of a file, or is not. The line of the file, what was read, what the change means for
/// access, the guards about it, and what it has to do with.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct ExplainCommand {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    change: ExplainChange,
}

#[derive(Debug, Subcommand)]
enum What {
    Access(Box<ExplainAccess>),
    Pod(Box<ExplainPod>),
}

impl ExplainCommand {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        match self.what {
            Some(What::Access(command)) => command.run(global, printer).await,
            Some(What::Pod(command)) => command.run(global, printer).await,
            None => self.change.run(global, printer).await,
        }
    }
}
