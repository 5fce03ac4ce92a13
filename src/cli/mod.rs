//! The command line: arguments, settings resolved to plain values, and the wiring of adapters. What a plan is and how it looks
//! is decided elsewhere.
//!
//! Where a command is:
//! * `nouns`: what is created, shown, updated, deleted or associated by name, a file or folder per noun, and the table of them;
//! * `plans`: `plan`, `apply`, `show` and what else is about a whole file or cluster; `fleet`: the same for many;
//! * `access`: `can-i`, `who-can` and other questions; `check` and `explain`: a file per word behind them;
//! * `tokens`: `token`, `decode`, `verify` and `whoami`; `kubeconfig`: what edits one; `program`: what it says of itself;
//! * `utils`: what has another name at eksctl.
//!
//! What they share: `flags`; `run`, which makes the request of whole files, saves plans and carries a command out; `texts`, as they
//! come in and go out; and `words`, which looks at a line before clap does.
//!
//! A module uses those after it only:
//! `utils` → `program` → `check` → `explain` → `access` → `plans` → `fleet` → `nouns` → `tokens` → `kubeconfig` → `words` → `run` →
//! `flags` → `texts` → `failure` → `exit_code`

mod access;
mod check;
pub mod exit_code;
mod explain;
mod failure;
mod flags;
mod fleet;
mod kubeconfig;
mod nouns;
mod plans;
mod program;
mod run;
mod texts;
mod tokens;
mod utils;
mod words;

use std::{ffi::OsString, pin::Pin, process::ExitCode as ProcessExitCode};

use clap::{
    CommandFactory as _, FromArgMatches as _, Parser, Subcommand,
    error::{ContextKind, ErrorKind},
};

pub use exit_code::ExitCode;
pub use failure::Failure;

use eksact_core::view::{Printer, Style, errors};
use flags::global::{self, GlobalFlags};

/// Manages who may do what on Amazon EKS from one file: shows a plan first, and applies exactly that plan.
#[derive(Debug, Parser)]
#[command(
    name = "eksact",
    version,
    arg_required_else_help = true,
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
    Plan(Box<plans::plan::PlanCommand>),
    Apply(Box<plans::apply::ApplyCommand>),
    Show(plans::show::ShowCommand),
    Create(nouns::CreateCommand),
    Get(nouns::GetCommand),
    Update(nouns::UpdateCommand),
    UpdateKubeconfig(Box<kubeconfig::update::UpdateKubeconfig>),
    Delete(nouns::DeleteCommand),
    Check(check::CheckCommand),
    CanI(Box<access::can_i::CanI>),
    WhoCan(Box<access::who_can::WhoCanCommand>),
    DiffAccess(Box<access::diff_access::DiffAccess>),
    Map(Box<access::map::MapCommand>),
    Explain(explain::ExplainCommand),
    Fleet(fleet::FleetCommand),
    Snapshot(access::snapshot::SnapshotCommand),
    Export(plans::export::ExportCommand),
    Permissions(Box<plans::permissions::PermissionsCommand>),
    Restore(plans::restore::RestoreCommand),
    Migrate(plans::migrate::MigrateCommand),
    Associate(nouns::AssociateCommand),
    Disassociate(nouns::DisassociateCommand),
    Utils(utils::UtilsCommand),
    Token(tokens::token::TokenCommand),
    Decode(tokens::decode::DecodeCommand),
    Verify(tokens::verify::VerifyCommand),
    Whoami(Box<tokens::whoami::WhoamiCommand>),
    Schema(program::schema::SchemaCommand),
    Completion(program::completion::CompletionCommand),
    Man(program::man::ManCommand),
    Version(program::version::VersionCommand),
}

/// Runs the program with these arguments and gives its exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ProcessExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let (printer, outcome) = match parse(&arguments) {
        Ok(cli) => {
            let printer = cli.global.printer();
            cli.global.tell_idle(&printer);
            let outcome = start(cli, &printer);
            (printer, outcome)
        }
        Err(refused) => {
            let printer = global::printer_before_parsing(&arguments);
            let outcome = match refused {
                Refused::Words(failure) => Err(failure),
                Refused::Clap(error) => usage(&error, &printer),
                Refused::NoCommand(help) => {
                    printer.always(&clap_text(&help, printer.stderr_style()));
                    Ok(ExitCode::Usage)
                }
            };
            (printer, outcome)
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

/// Why a command line is not run: what its words are, what clap has to say, which may be the help, or that it ends before the
/// command, with the help of that place.
#[derive(Debug)]
pub(crate) enum Refused {
    Words(Failure),
    Clap(clap::Error),
    NoCommand(clap::Error),
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Words(failure)
    }
}

impl From<clap::Error> for Refused {
    fn from(error: clap::Error) -> Self {
        Self::Clap(error)
    }
}

fn parse(arguments: &[OsString]) -> Result<Cli, Refused> {
    let is_set = |variable: &str| std::env::var_os(variable).is_some();
    match tokens::plain::read(arguments, is_set) {
        Some((global, token)) => Ok(Cli {
            global,
            command: Command::Token(token),
        }),
        None => parse_by_clap(arguments),
    }
}

fn parse_by_clap(arguments: &[OsString]) -> Result<Cli, Refused> {
    let mut command = words::without_empty_variables(Cli::command())?;
    let words = words::read(&command, arguments)?;
    let mut matches = match command.try_get_matches_from_mut(words.clone()) {
        Ok(matches) => matches,
        Err(error) => {
            return Err(match help_of_words(&error, &words) {
                Some(help) => Refused::NoCommand(help),
                None => {
                    let error = with_usage_of_words(error, words);
                    words::habits::refused(error, &command, arguments)
                }
            });
        }
    };
    plans::apart::check_apart(&matches)?;
    Ok(Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut Cli::command()))?)
}

/// The usage line of an error has what the words of this command line are and lack. clap takes what variables of the environment say
/// for such words, and `--sandbox` looks as if it had to be there where `EKSACT_SANDBOX` is set.
fn with_usage_of_words(mut error: clap::Error, words: Vec<OsString>) -> clap::Error {
    if let Err(by_words) = words::without_variables(Cli::command()).try_get_matches_from(words)
        && by_words.kind() == error.kind()
        && let Some(usage) = by_words.get(ContextKind::Usage)
    {
        error.insert(ContextKind::Usage, usage.clone());
    }
    error
}

/// The help that stands for a line without a command. clap gives it where nothing at all is said, and takes a variable of the
/// environment for something that is said.
fn help_of_words(error: &clap::Error, words: &[OsString]) -> Option<clap::Error> {
    if error.kind() != ErrorKind::MissingSubcommand {
        return None;
    }
    let by_words = words::without_variables(Cli::command())
        .try_get_matches_from(words)
        .err()?;
    if by_words.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return None;
    }
    // The help of `by_words` does not name the variables.
    let asked = words.iter().cloned().chain(["-h".into()]);
    let help = Cli::command().try_get_matches_from(asked).err()?;
    (help.kind() == ErrorKind::DisplayHelp).then_some(help)
}

fn start(cli: Cli, printer: &Printer) -> Result<ExitCode, Failure> {
    let global = &cli.global;
    global.check()?;
    match cli.command {
        // kubectl waits for a token at every call: no log and no runtime, unless it comes to need them.
        Command::Token(command) => command.run(global, printer),
        Command::Decode(command) => command.run(printer),
        Command::Verify(command) => command.run(global, printer),
        Command::Whoami(command) => command.run(global, printer),
        Command::Schema(command) => command.run(printer),
        Command::Show(command) => command.run(global, printer),
        Command::Fleet(command) => command.run(printer),
        Command::Completion(command) => command.run(printer),
        Command::Man(command) => command.run(printer),
        Command::Version(command) => command.run(printer),
        Command::Check(command) => in_runtime(global, command.run(global, printer)),
        Command::CanI(command) => in_runtime(global, command.run(global, printer)),
        Command::WhoCan(command) => in_runtime(global, command.run(global, printer)),
        Command::DiffAccess(command) => in_runtime(global, command.run(global, printer)),
        Command::Map(command) => in_runtime(global, command.run(global, printer)),
        Command::Explain(command) => in_runtime(global, command.run(global, printer)),
        Command::Snapshot(command) => in_runtime(global, command.run(global, printer)),
        Command::Export(command) => in_runtime(global, command.run(global, printer)),
        Command::Permissions(command) => in_runtime(global, command.run(global, printer)),
        Command::Plan(command) => in_runtime(global, command.run(global, printer)),
        Command::Apply(command) => in_runtime(global, command.run(global, printer)),
        Command::Create(command) => in_runtime(global, command.run(global, printer)),
        Command::Get(command) => in_runtime(global, command.run(global, printer)),
        Command::Update(command) => in_runtime(global, command.run(global, printer)),
        Command::UpdateKubeconfig(command) => in_runtime(global, command.run(global, printer)),
        Command::Delete(command) => in_runtime(global, command.run(global, printer)),
        Command::Restore(command) => in_runtime(global, command.run(global, printer)),
        Command::Migrate(command) => in_runtime(global, command.run(global, printer)),
        Command::Associate(command) => in_runtime(global, command.run(global, printer)),
        Command::Disassociate(command) => in_runtime(global, command.run(global, printer)),
        Command::Utils(command) => in_runtime(global, command.run(global, printer)),
    }
}

/// Runs a command that waits for others: with the log and the runtime that it needs.
fn in_runtime<T>(
    global: &GlobalFlags,
    command: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    wait_for(global, Box::pin(command))
}

/// The same, compiled once for all commands.
fn wait_for<T>(
    global: &GlobalFlags,
    command: Pin<Box<dyn Future<Output = Result<T, Failure>> + '_>>,
) -> Result<T, Failure> {
    global.start_log();
    // This thread plans, the worker reads, writes and hears signals meanwhile.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(1)
        .build()
        .map_err(|error| Failure::error(format!("the runtime could not be started: {error}")))?;
    let outcome = runtime.block_on(command);
    // A listener for Ctrl-C or a write that was given up must not hold the process.
    runtime.shutdown_background();
    outcome
}

/// Prints what clap has to say. Help and version are what was asked for, and so data; a usage error has an exit code of
/// its own, not 2, which means "there are changes".
fn usage(error: &clap::Error, printer: &Printer) -> Result<ExitCode, Failure> {
    if error.use_stderr() {
        let style = printer.stderr_style();
        printer.always(&match error.kind() {
            // It is wrapped already, with columns.
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => clap_text(error, style),
            _ => errors::usage(&error.render().to_string(), style),
        });
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

/// The whole command line as clap knows it: for completions and the reference.
pub fn command() -> clap::Command {
    Cli::command()
}
