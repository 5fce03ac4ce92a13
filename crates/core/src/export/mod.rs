//! A cluster as a file: everything that is there and that eksact can manage, as a person would write it.
//!
//! What is written is planned over the same reading before anybody sees it. What the plan would change or cannot plan is no
//! part of the file: a comment says what it is and why. So the first plan over an exported file is empty.

mod access;
mod assumable_roles;
mod document;
mod identity_providers;
mod pod_identity;
mod read;
mod role;
mod service_accounts;
mod shared_roles;
mod words;

pub use document::LeftOut;

use document::{Document, Place, Written};
use read::Part;
use words::words;

use crate::{
    config::{self, Diagnostic, Severity as ConfigSeverity},
    engine::{Change, Finding, Plan, Severity},
    kinds::{self, PlanError, Request, identity_provider::ClusterIdentityProviders, request::Settings},
    live::{AccessEntries, AwsAuth, ClusterOidcProvider, Live, LiveReader},
    ports::CallError,
};

/// The name of the file in messages.
const FILE: &str = "the exported file";

/// A file, and what it does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The file.
    pub text: String,
    /// What is there and not in the file; the file has it in comments.
    pub left_out: Vec<LeftOut>,
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Something could not be read, and a file without it would look as if it were not there.
    #[error(transparent)]
    Unread(#[from] CallError),
    /// The parts of the plan over the file do not fit together: a mistake of eksact.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// What was written is no file, or a plan over it is not empty: a mistake of eksact.
    #[error("internal error: the file that was made for the cluster is not right: {0}")]
    Wrong(String),
}

/// Reads everything and writes the file.
///
/// # Errors
/// When something could not be read; no part of a cluster is passed off as the whole.
pub async fn export(reader: &LiveReader, settings: &Settings) -> Result<Exported, ExportError> {
    read::everything(reader, CONFIG.iter().chain(ACCESS)).await?;
    let live = reader.snapshot();
    let mut document = written_of(&live);
    loop {
        let written = document.written();
        let blamed = blame(&document, &written, reader, settings).await?;
        if blamed.is_empty() {
            return Ok(Exported {
                left_out: document.left_out(),
                text: written.text,
            });
        }
        document.leave_out(&blamed);
    }
}

/// The keys of the ClusterConfig, in the order in which they are written.
const CONFIG: &[Part] = &[
    Part::written(access::mode),
    Part::written(access::bootstrap),
    Part::of::<AccessEntries>(access::entries),
    Part::of::<ClusterOidcProvider>(service_accounts::with_oidc),
    Part::written(service_accounts::service_accounts),
    Part::written(pod_identity::associations),
    Part::of::<AwsAuth>(access::mappings),
    Part::of::<ClusterIdentityProviders>(identity_providers::identity_providers),
];

/// Those of the ClusterAccess.
const ACCESS: &[Part] = &[
    Part::written(assumable_roles::policies),
    Part::written(assumable_roles::roles),
    Part::written(access::groups),
    Part::written(shared_roles::shared_roles),
];

/// The whole document, as if every object were as a file would make it.
fn written_of(live: &Live) -> Document {
    let sections = |parts: &[Part]| parts.iter().map(|part| (part.section)(live)).collect();
    Document {
        cluster: live.cluster.name.clone(),
        region: live.region.clone(),
        version: live.cluster.version.clone(),
        config: sections(CONFIG),
        access: sections(ACCESS),
    }
}

/// The items for which the file would not be accepted, or the plan over it not be empty, each with why.
async fn blame(
    document: &Document,
    written: &Written,
    reader: &LiveReader,
    settings: &Settings,
) -> Result<Vec<(Place, String)>, ExportError> {
    let loaded = match config::load(FILE, written.text.as_bytes()) {
        Ok(loaded) => loaded,
        Err(diagnostics) => return of_diagnostics(document, written, &diagnostics),
    };
    let request = Request::ensure(loaded.config, settings.clone());
    let live = kinds::read(&request, reader).await;
    let plan = kinds::plan(&request, &live)?;
    of_plan(document, written, &plan)
}

fn of_diagnostics(
    document: &Document,
    written: &Written,
    diagnostics: &[Diagnostic],
) -> Result<Vec<(Place, String)>, ExportError> {
    let errors = diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity == ConfigSeverity::Error);
    let mut blamed = Vec::new();
    for error in errors {
        let places = error
            .location
            .as_ref()
            .map(|location| document.at(written, location))
            .unwrap_or_default();
        let why = format!("a file cannot say it: {}", words(&error.message));
        blamed.extend(places.into_iter().map(|place| (place, why.clone())));
    }
    if blamed.is_empty() {
        let messages: Vec<&str> = diagnostics.iter().map(|error| error.message.as_str()).collect();
        return Err(ExportError::Wrong(messages.join("; ")));
    }
    Ok(blamed)
}

fn of_plan(document: &Document, written: &Written, plan: &Plan) -> Result<Vec<(Place, String)>, ExportError> {
    let mut blamed = Vec::new();
    let mut unexplained = Vec::new();
    let is_weighty = |finding: &&Finding| matches!(finding.severity, Severity::Error | Severity::Refusal);
    for finding in plan.findings.iter().filter(is_weighty) {
        let mut places = finding
            .address
            .as_ref()
            .map(|address| document.about(address))
            .unwrap_or_default();
        if let (true, Some(source)) = (places.is_empty(), &finding.source) {
            places = document.at(written, source);
        }
        let why = words(&finding.message);
        if places.is_empty() {
            unexplained.push(why);
        } else {
            blamed.extend(places.into_iter().map(|place| (place, why.clone())));
        }
    }
    for change in &plan.changes {
        let mut places = document.about(&change.address);
        if let (true, Some(source)) = (places.is_empty(), &change.source) {
            places = document.at(written, source);
        }
        let why = why_changed(change);
        if places.is_empty() {
            unexplained.push(format!("{}: {why}", change.address));
        } else {
            blamed.extend(places.into_iter().map(|place| (place, why.clone())));
        }
    }
    match unexplained.first() {
        // What another item brings about goes with that one, and is looked at again.
        Some(first) if blamed.is_empty() => Err(ExportError::Wrong(first.clone())),
        _ => Ok(blamed),
    }
}

/// Why a plan would change an object.
fn why_changed(change: &Change) -> String {
    let reason = change.reasons.first().map_or_else(
        || "it is not as a file would make it".to_owned(),
        |reason| words(&reason.text),
    );
    let attributes: Vec<&str> = change
        .attributes
        .iter()
        .map(|attribute| attribute.name.as_str())
        .collect();
    let attributes = if attributes.is_empty() {
        String::new()
    } else {
        format!(" ({})", attributes.join(", "))
    };
    format!(
        "a plan would {} {}, because {reason}{attributes}",
        action(change),
        change.address
    )
}

fn action(change: &Change) -> &'static str {
    use crate::engine::Action;
    match change.action {
        Action::Create => "create",
        Action::Update => "update",
        Action::Replace => "replace",
        Action::Delete => "delete",
        Action::Adopt => "adopt",
        Action::Forget => "forget",
    }
}
