//! `eksact schema`.

use clap::{Args, ValueEnum};

use super::{ExitCode, Failure};
use eksact_core::{
    config::{self, DocumentKind},
    view::Printer,
};

/// Print the JSON Schema of configuration files
#[derive(Debug, Args)]
pub(super) struct SchemaCommand {
    /// The kind of document
    #[arg(long, value_enum, default_value_t, value_name = "KIND", ignore_case = true)]
    kind: Kind,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Kind {
    /// eksctl's: one cluster and what belongs to it
    #[default]
    #[value(name = "ClusterConfig")]
    ClusterConfig,
    /// eksact's own: who gets into the cluster and what they may do there
    #[value(name = "ClusterAccess")]
    ClusterAccess,
}

impl SchemaCommand {
    pub(super) fn run(&self, printer: &Printer) -> Result<ExitCode, Failure> {
        let kind = match self.kind {
            Kind::ClusterConfig => DocumentKind::ClusterConfig,
            Kind::ClusterAccess => DocumentKind::ClusterAccess,
        };
        printer.data(&format!("{:#}\n", config::json_schema(kind)))?;
        Ok(ExitCode::Success)
    }
}
