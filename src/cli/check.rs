//! `eksact check …`: what is wrong with something, for people and for CI. Changes nothing.

use clap::{Args, Subcommand};

use super::{
    ExitCode, Failure, check_access::CheckAccess, check_aws_auth::CheckAwsAuth, check_irsa::CheckIrsa,
    global::GlobalFlags,
};
use eksact_core::view::Printer;

/// Look for what is wrong, and change nothing
#[derive(Debug, Args)]
pub(super) struct CheckCommand {
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
    pub(super) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        match self.what {
            What::Access(command) => command.run(global, printer).await,
            What::AwsAuth(command) => command.run(global, printer).await,
            What::Irsa(command) => command.run(global, printer).await,
        }
    }
}
