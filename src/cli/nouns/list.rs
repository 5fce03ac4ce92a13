//! Lists of objects, as every `get` shows them: a table for people, eksctl's JSON for machines.

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::cli::{ExitCode, Failure, texts::yaml::yaml};
use eksact_core::view::{Printer, plan_json::json_indented, table::Table};

/// How a list is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Table,
    Json,
    Yaml,
}

/// Flags of every command that lists. In the help they stand under the heading of the flags before them.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct ListFlags {
    /// How to show them
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Format,
    /// Accepted for eksctl's sake
    #[arg(long, hide = true, value_name = "N")]
    chunk_size: Option<u32>,
}

impl ListFlags {
    /// Prints a list: `nothing` or a table for people, else the list itself.
    pub(crate) fn show<T: Serialize>(
        self,
        list: &[T],
        nothing: &str,
        printer: &Printer,
        table: impl FnOnce() -> Table,
    ) -> Result<ExitCode, Failure> {
        let text = match self.output {
            Format::Table if list.is_empty() => format!("{nothing}\n"),
            Format::Table => table().render(),
            // With four spaces, as eksctl indents it.
            Format::Json => json_indented(&list, b"    ")?,
            Format::Yaml => yaml(&list)?,
        };
        printer.data(&text)?;
        Ok(ExitCode::Success)
    }
}

/// Keeps of a list what somebody asked for by name; that there is none of it is an error.
pub(crate) fn keep_named<T>(
    list: &mut Vec<T>,
    is_named: impl FnMut(&T) -> bool,
    none: impl FnOnce() -> String,
) -> Result<(), Failure> {
    list.retain(is_named);
    if list.is_empty() {
        return Err(Failure::error(none()));
    }
    Ok(())
}
