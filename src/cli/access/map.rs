//! `eksact map`: the whole picture of who may do what, for auditors.

use clap::{Args, ValueEnum};

use super::question::SourceFlags;
use crate::cli::{ExitCode, Failure, flags::global::GlobalFlags};
use eksact_core::{
    diagnosis::{
        access_map::{access_map, csv, html, mermaid},
        authorization::{Extent, Rights},
    },
    view::{Printer, plan_json::json},
};

/// Write the whole picture of who may do what: people, their rights in the cluster, and the roles of pods
///
/// As a page for a browser that needs no network (`eksact map -c prod > access.html`), a Mermaid chart, a table or JSON. Ends with 5
/// where something could not be read.
#[derive(Debug, Args)]
pub(crate) struct MapCommand {
    #[command(flatten)]
    source: SourceFlags,
    /// What to write
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT", help_heading = None::<&str>)]
    output: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Html,
    Mermaid,
    Json,
    Csv,
}

impl MapCommand {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let pictured = self
            .source
            .picture(Extent::ClusterAndAws, global, printer)
            .await?;
        let map = access_map(&Rights::of(&pictured.picture));
        let text = match self.output {
            Format::Html => html(&map).map_err(|error| {
                Failure::error(format!(
                    "the page could not be made: {error}. This is a bug in eksact: please report it"
                ))
            })?,
            Format::Mermaid => mermaid(&map),
            Format::Json => json(&map)?,
            Format::Csv => csv(&map),
        };
        printer.data(&text)?;
        Ok(if map.complete {
            ExitCode::Success
        } else {
            ExitCode::Partial
        })
    }
}
