//! `eksact completion`.

use clap::Args;
use clap_complete::Shell;

use crate::cli::{self, ExitCode, Failure};
use eksact_core::view::Printer;

/// Print the completion script of a shell
#[derive(Debug, Args)]
pub(crate) struct CompletionCommand {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl CompletionCommand {
    pub(crate) fn run(self, printer: &Printer) -> Result<ExitCode, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut cli::command(), "eksact", &mut script);
        printer.data(&String::from_utf8_lossy(&script))?;
        Ok(ExitCode::Success)
    }
}
