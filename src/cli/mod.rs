//! The command line: arguments, one file per family of commands, settings resolved to plain values, and the wiring of
//! adapters. What a plan is and how it looks is decided elsewhere.

mod account_flags;
mod apply;
mod completion;
mod create;
mod delete;
pub mod exit_code;
mod failure;
mod file;
mod filter;
mod flow;
mod get;
mod global;
mod interrupt;
mod oidc_provider;
mod plan;
mod plan_flags;
mod schema;
mod update;
mod wiring;

use std::process::ExitCode as ProcessExitCode;

use clap::{CommandFactory as _, Parser, Subcommand, error::ErrorKind};

pub use exit_code::ExitCode;
pub use failure::Failure;

use crate::view::{Printer, errors};
use global::GlobalFlags;

/// Manages who may do what on Amazon EKS from one file: shows a plan first, and applies exactly that plan.
#[derive(Debug, Parser)]
#[command(
    name = "eksact",
    version,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = exit_code::TABLE
)]
pub struct Cli {
    #[command(flatten)]
    global: GlobalFlags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Plan(plan::PlanCommand),
    Apply(apply::ApplyCommand),
    Create(create::CreateCommand),
    Get(get::GetCommand),
    Update(update::UpdateCommand),
    Delete(delete::DeleteCommand),
    Associate(oidc_provider::AssociateCommand),
    Utils(oidc_provider::UtilsCommand),
    Schema(schema::SchemaCommand),
    Completion(completion::CompletionCommand),
}

/// Runs the program with these arguments and gives its exit code.
pub fn main(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> ProcessExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return ProcessExitCode::from(usage(&error).code()),
    };
    let printer = cli.global.printer();
    cli.global.start_log();
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(2)
        .build()
        .map_err(|error| Failure::error(format!("the runtime could not be started: {error}")))
        .and_then(|runtime| {
            let outcome = runtime.block_on(run(cli, &printer));
            // A listener for Ctrl-C or a write that was given up must not hold the process.
            runtime.shutdown_background();
            outcome
        });
    let code = match outcome {
        Ok(code) => code,
        Err(failure) => {
            if !failure.message.is_empty() {
                printer.always(&errors::error_message(
                    &failure.message,
                    &failure.help,
                    printer.stderr_style(),
                ));
            }
            failure.code
        }
    };
    ProcessExitCode::from(code.code())
}

/// Prints what clap has to say. Help and version are no errors; a usage error has a code of its own, not 2, which means
/// "there are changes".
fn usage(error: &clap::Error) -> ExitCode {
    // Nothing better can be done when even this cannot be printed.
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::Success,
        _ => ExitCode::Usage,
    }
}

async fn run(cli: Cli, printer: &Printer) -> Result<ExitCode, Failure> {
    let global = &cli.global;
    match cli.command {
        Command::Plan(command) => command.run(global, printer).await,
        Command::Apply(command) => command.run(global, printer).await,
        Command::Create(command) => command.run(global, printer).await,
        Command::Get(command) => command.run(global, printer).await,
        Command::Update(command) => command.run(global, printer).await,
        Command::Delete(command) => command.run(global, printer).await,
        Command::Associate(command) => command.run(global, printer).await,
        Command::Utils(command) => command.run(global, printer).await,
        Command::Schema(_) => schema::SchemaCommand::run(printer),
        Command::Completion(command) => command.run(printer),
    }
}

/// The whole command line as clap knows it: for completions and the reference.
pub fn command() -> clap::Command {
    Cli::command()
}
