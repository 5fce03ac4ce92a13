//! Lists of objects, as every `get` shows them: a table for people, eksctl's JSON for machines.

use clap::ValueEnum;
use serde::Serialize;

use crate::cli::{Failure, texts::yaml::yaml};
use eksact_core::view::{Printer, plan_json::json_indented, table::Table};

/// How a list is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    #[default]
    Table,
    Json,
    Yaml,
}

/// Prints a list: `nothing` or a table for people, else the list itself.
pub(crate) fn show_list<T: Serialize>(
    list: &[T],
    format: Format,
    nothing: &str,
    printer: &Printer,
    table: impl FnOnce() -> Table,
) -> Result<(), Failure> {
    let text = match format {
        Format::Table if list.is_empty() => format!("{nothing}\n"),
        Format::Table => table().render(),
        // With four spaces, as eksctl indents it.
        Format::Json => json_indented(&list, b"    ")?,
        Format::Yaml => yaml(&list)?,
    };
    Ok(printer.data(&text)?)
}
