//! `eksact check access`: access entries, the lines of aws-auth beside them, and pod identity associations, as they are.
//! Changes nothing.

use clap::Args;

use super::aws_auth::Output;
use crate::cli::{
    ExitCode, Failure,
    flags::{account::AnyClusterFlags, global::GlobalFlags},
    run::{flow, wiring::Connection},
};
use eksact_core::{
    config::{self, Diagnostic},
    diagnosis::access::{as_it_is, counted_lines, findings},
    engine::{Finding, Severity},
    kinds::{self, to_access_entries},
    live::{Bindings, Live, Observed, PodIdentityAssociationById, PodIdentityAssociations},
    view::{Printer, access_check::AccessCheck},
};

/// Check who gets in and who does not: access entries, the lines of aws-auth beside them, pod identity associations
///
/// Ends with 1 when somebody does not get in, or with less than is written; warnings alone end with 0.
#[derive(Debug, Args)]
pub(crate) struct CheckAccess {
    #[command(flatten)]
    cluster: AnyClusterFlags,
    /// How the findings are shown
    #[arg(short, long, help_heading = None::<&str>, value_enum, default_value_t, value_name = "FORMAT")]
    output: Output,
}

impl CheckAccess {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let config = self.cluster.config(global, printer)?.cluster_only();
        let connection = Connection::open(global, &config, printer).await?;
        let reader = flow::reader(&connection, &config, printer).await?;
        let (aws_auth, associations, _) = tokio::join!(
            to_access_entries::read(&reader),
            reader.ask(PodIdentityAssociations),
            reader.ask(Bindings)
        );
        let aws_auth = aws_auth?;
        let associations = associations.as_ref().as_ref().map_err(Clone::clone)?;
        let ids = associations
            .values()
            .map(|summary| PodIdentityAssociationById(summary.id.clone()));
        reader.read(ids).await;
        let request = as_it_is(&reader.snapshot());
        let live = Box::pin(kinds::read(&request, &reader)).await;
        let plan = kinds::plan(&request, &live)?;
        tell_unread(&live, printer);
        let found = findings(&live, &aws_auth, &plan);
        let check = AccessCheck {
            cluster: live.cluster.name.clone(),
            entries: request.config.access_entries.entries.len(),
            lines: counted_lines(&live, &aws_auth),
            associations: associations.len(),
            findings: found.iter().map(diagnostic).collect(),
        };
        match self.output {
            Output::Human => printer.data(&check.human(printer.stdout_style()))?,
            Output::Json => printer.data(&check.json()?)?,
            Output::Github => printer.data(&check.github())?,
        }
        Ok(if check.has_errors() {
            ExitCode::Error
        } else {
            ExitCode::Success
        })
    }
}

/// Says what is not checked, because it could not be read.
fn tell_unread(live: &Live, printer: &Printer) {
    fn tell<T>(answer: Option<&Observed<T>>, what: &str, printer: &Printer) {
        if let Some(Err(error)) = answer {
            printer.note(&format!("not checked: {what}, because {error}"));
        }
    }
    tell(live.bindings(), "which groups are bound", printer);
    tell(live.all_namespaces(), "which namespaces exist", printer);
    for (id, answer) in live.each::<PodIdentityAssociationById>() {
        tell(
            Some(answer),
            &format!("the pod identity association {}", id.0),
            printer,
        );
    }
}

fn diagnostic(finding: &Finding) -> Diagnostic {
    let severity = match finding.severity {
        Severity::Error | Severity::Refusal => config::Severity::Error,
        Severity::Warning | Severity::Note => config::Severity::Warning,
    };
    let path = finding.address.as_ref().map(ToString::to_string);
    let diagnostic = Diagnostic::new(severity, finding.code, path.unwrap_or_default(), &finding.message);
    let diagnostic = match &finding.help {
        Some(help) => diagnostic.with_help(help.clone()),
        None => diagnostic,
    };
    match &finding.source {
        Some(source) => diagnostic.at(source.clone(), None),
        None => diagnostic,
    }
}
