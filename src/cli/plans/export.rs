//! `eksact export`: what is there as a file. Changes nothing but that file.

use std::path::Path;

use clap::Args;

use crate::cli::{
    ExitCode, Failure,
    flags::{account::AnyClusterFlags, global::GlobalFlags},
    run::{flow, wiring::Connection},
    texts::whole_file,
};
use eksact_core::{
    export::{ExportError, export},
    kinds::request::Settings,
    view::Printer,
};

/// Write what is there as a file: entries, mappings, roles of service accounts, associations, providers
///
/// A plan over the file has nothing to do. What a file cannot say is named in its comments.
#[derive(Debug, Args)]
pub(crate) struct ExportCommand {
    /// The EKS cluster
    #[command(flatten)]
    cluster: AnyClusterFlags,
    /// Where to write it; standard output by default, and for `-`
    #[arg(short, long, value_name = "FILE", help_heading = "Output", value_parser = file_to_write)]
    output: Option<String>,
    /// Replace a file that says something else
    #[arg(long, requires = "output", help_heading = "Output")]
    force: bool,
}

impl ExportCommand {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let config = self.cluster.config(global, printer)?.cluster_only();
        let connection = Connection::open(global, &config, printer).await?;
        let reader = flow::reader(&connection, &config, printer).await?;
        let exported = Box::pin(export(&reader, &Settings::default())).await?;
        match self.output.as_deref().filter(|path| *path != "-") {
            None => printer.data(&exported.text)?,
            Some(path) => {
                let said = write(Path::new(path), &exported.text, self.force)?;
                printer.status(&format!("{said}\n"));
            }
        }
        if !exported.left_out.is_empty() {
            printer.note(&format!(
                "{} not in the file; its comments say what and why",
                match exported.left_out.len() {
                    1 => "1 thing is".to_owned(),
                    count => format!("{count} things are"),
                }
            ));
        }
        Ok(ExitCode::Success)
    }
}

/// A file to write. Everywhere else `-o` takes a format, and a file of that name is an accident.
pub(crate) fn file_to_write(text: &str) -> Result<String, String> {
    const FORMATS: [&str; 15] = [
        "json",
        "yaml",
        "yml",
        "table",
        "text",
        "human",
        "markdown",
        "md",
        "html",
        "csv",
        "ndjson",
        "sarif",
        "mermaid",
        "github",
        "openmetrics",
    ];
    if FORMATS.contains(&text) {
        return Err(format!(
            "it is the file to write, and there is one format only; for a file of this name write ./{text}"
        ));
    }
    Ok(text.to_owned())
}

/// Writes the file, all of it or nothing. One that says something else is somebody's work.
pub(crate) fn write(path: &Path, text: &str, force: bool) -> Result<String, Failure> {
    let shown = path.display();
    let unwritten = |error: std::io::Error| Failure::error(format!("{shown} could not be written: {error}"));
    match fs_err::read(path) {
        Ok(bytes) if bytes == text.as_bytes() => return Ok(format!("{shown} says this already.")),
        Ok(_) if !force => {
            return Err(Failure::error(format!(
                "{shown} is there and says something else; it was not replaced"
            ))
            .with_help(remedy!("Pass --force to replace it.")));
        }
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(unwritten(error)),
    }
    whole_file::write(path, text, force).map_err(unwritten)?;
    Ok(format!("Wrote {shown}."))
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Unread(error) => error.into(),
            ExportError::Plan(error) => error.into(),
            ExportError::Wrong(_) => {
                Self::error(format!("{error}. This is a bug in eksact: please report it"))
            }
        }
    }
}
