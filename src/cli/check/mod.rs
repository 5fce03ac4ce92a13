//! `eksact check …`: what is wrong with something, for people and for CI. Changes nothing.

mod access;
mod aws_auth;
pub(crate) mod irsa;

use clap::{Args, Subcommand};

use self::{access::CheckAccess, aws_auth::CheckAwsAuth, irsa::CheckIrsa};
use crate::cli::{ExitCode, Failure, flags::global::GlobalFlags};
use eksact_core::view::Printer;

/// Look for what is wrong, and change nothing
#[derive(Debug, Args)]
pub(crate) struct CheckCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Access(CheckAccess),
    AwsAuth(CheckAwsAuth),
    Irsa(Box<CheckIrsa>),
}

impl CheckCommand {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        match self.what {
            What::Access(command) => command.run(global, printer).await,
            What::AwsAuth(command) => command.run(global, printer).await,
            What::Irsa(command) => command.run(global, printer).await,
        }
    }
}
