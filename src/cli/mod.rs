//! The command line: arguments, one file per family of commands, settings resolved to plain values, and the wiring of
//! adapters. What a plan is and how it looks is decided elsewhere.

mod account_flags;
mod apply;
mod check;
mod completion;
mod create;
mod delete;
pub mod exit_code;
mod failure;
mod file;
mod filter;
mod flow;
mod get;
mod get_identity_mapping;
mod global;
mod identity_mapping;
mod interrupt;
mod oidc_provider;
mod plan;
mod plan_flags;
mod restore;
mod schema;
mod update;
mod wiring;

use std::{ffi::OsString, process::ExitCode as ProcessExitCode};

use clap::{CommandFactory as _, Parser, Subcommand};

pub use exit_code::ExitCode;
pub use failure::Failure;

use crate::view::{Printer, Style, errors};
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
    Check(check::CheckCommand),
    Restore(restore::RestoreCommand),
    Associate(oidc_provider::AssociateCommand),
    Utils(oidc_provider::UtilsCommand),
    Schema(schema::SchemaCommand),
    Completion(completion::CompletionCommand),
}

/// Runs the program with these arguments and gives its exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ProcessExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let (printer, outcome) = match Cli::try_parse_from(&arguments) {
        Ok(cli) => {
            let printer = cli.global.printer();
            (printer, start(cli, &printer))
        }
        Err(error) => {
            let printer = global::printer_before_parsing(&arguments);
            (printer, usage(&error, &printer))
        }
    };
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

fn start(cli: Cli, printer: &Printer) -> Result<ExitCode, Failure> {
    cli.global.start_log();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(2)
        .build()
        .map_err(|error| Failure::error(format!("the runtime could not be started: {error}")))
        .and_then(|runtime| {
            let outcome = runtime.block_on(run(cli, printer));
            // A listener for Ctrl-C or a write that was given up must not hold the process.
            runtime.shutdown_background();
            outcome
        })
}

/// Prints what clap has to say. Help and version are what was asked for, and so data; a usage error has an exit code of
/// its own, not 2, which means "there are changes".
fn usage(error: &clap::Error, printer: &Printer) -> Result<ExitCode, Failure> {
    if error.use_stderr() {
        printer.always(&clap_text(error, printer.stderr_style()));
        return Ok(ExitCode::Usage);
    }
    printer.data(&clap_text(error, printer.stdout_style()))?;
    Ok(ExitCode::Success)
}

fn clap_text(error: &clap::Error, style: Style) -> String {
    let text = error.render();
    if style.colour {
        text.ansi().to_string()
    } else {
        text.to_string()
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
        Command::Check(command) => command.run(global, printer).await,
        Command::Restore(command) => command.run(global, printer).await,
        Command::Associate(command) => command.run(global, printer).await,
        Command::Utils(command) => command.run(global, printer).await,
        Command::Schema(command) => command.run(printer),
        Command::Completion(command) => command.run(printer),
    }
}

/// The whole command line as clap knows it: for completions and the reference.
pub fn command() -> clap::Command {
    Cli::command()
}
