//! `eksact explain ADDRESS`: why an object is in the plan of a file, or is not. Plans, and changes nothing.

use clap::Args;

use crate::cli::{
    ExitCode, Failure,
    flags::{broadening::BroadeningFlags, global::GlobalFlags},
    run::{flow, wiring::Connection},
    texts::{facts_format::FactsFormat, file},
};
use eksact_core::{
    config::{Excerpt, SourceLocation},
    engine::explanation::explain,
    kinds::{Request, request::Settings},
    view::{
        Printer,
        explain_change::{explain_human, explain_json},
    },
};
use eksact_yaml::text;

/// What is explained, and where it is asked for.
#[derive(Debug, Args)]
pub(crate) struct ExplainChange {
    /// The address of an object, as a plan shows it: iam-role/app/reader
    #[arg(value_name = "ADDRESS", required = true)]
    address: Option<String>,
    /// The ClusterConfig file, or `-` for standard input; and ClusterAccess files beside it (repeatable)
    #[arg(
        short = 'f',
        long = "config-file",
        alias = "file",
        value_name = "PATH",
        required = true,
        help_heading = "File"
    )]
    config_files: Vec<String>,
    /// As if the plan were made with --prune
    #[arg(long, help_heading = "File")]
    prune: bool,
    #[command(flatten)]
    broadening: BroadeningFlags,
    /// How to show it
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: FactsFormat,
}

impl ExplainChange {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let Some(address) = self.address else {
            // clap asks for it.
            return Err(Failure::usage("name the address of an object"));
        };
        if !address.contains('/') {
            return Err(Failure::usage(format!(
                "`{address}` is not an address, which is a kind and a name: iam-role/app/reader. `eksact plan -f FILE` shows them"
            )));
        }
        let config = file::load_all(&self.config_files, global.region.as_deref(), printer)?;
        let connection = Connection::open(global, &config, printer).await?;
        let settings = Settings {
            prune: self.prune,
            allow_broadening: self.broadening.rule()?,
            ..Settings::default()
        };
        let request = Request::ensure(config, settings);
        let plan = flow::plan_for(&request, &connection, printer).await?;
        let explanation = explain(&plan, &address).map_err(|near| {
            let near: Vec<String> = near.iter().map(ToString::to_string).collect();
            let near = match near.as_slice() {
                [] => String::new(),
                near => format!("; near ones: {}", near.join(", ")),
            };
            Failure::usage(format!("{address} is no object of the plan{near}"))
        })?;
        let source = explanation.change.and_then(|change| change.source.as_ref());
        let excerpt = source.and_then(excerpt);
        let text = match self.output {
            FactsFormat::Text => explain_human(&explanation, &plan, excerpt.as_ref(), printer.stdout_style()),
            FactsFormat::Json => explain_json(&explanation, &plan, excerpt.as_ref())?,
        };
        flow::deliver(&text, printer)?;
        Ok(ExitCode::Success)
    }
}

/// The line of the file; none of standard input, which is read once, and of a file that changed meanwhile.
fn excerpt(source: &SourceLocation) -> Option<Excerpt> {
    if &*source.file == "-" {
        return None;
    }
    let bytes = file::read(&source.file).ok()?;
    let (text, _) = text::decode(&bytes).ok()?;
    let line = text
        .lines()
        .nth(usize::try_from(source.line).ok()?.checked_sub(1)?)?;
    Some(Excerpt::of(line, source.column))
}
