//! From the bytes of a file to a configuration, or to everything that is wrong with it at once.

use super::cluster_config::ClusterConfig;
use super::diagnostic::{Diagnostic, Severity};
use super::finding::Finding;
use super::path::FieldPath;
use super::source::{Position, Source};
use super::yaml::{self, Node};
use super::{decode, placeholder, shape, validate};

/// A configuration that can be used, and what someone should look at all the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The configuration.
    pub config: ClusterConfig,
    /// Warnings, in the order of the file.
    pub warnings: Vec<Diagnostic>,
}

/// Reads a ClusterConfig. `file_name` is how the user named it (`-` for standard input) and only shown.
///
/// Errors come all at once, with the warnings, in the order of the file. Hostile input gets an error within
/// bounded time and memory; nothing here panics.
pub fn load(file_name: &str, bytes: &[u8]) -> Result<Loaded, Vec<Diagnostic>> {
    let source = Source::decode(file_name, bytes).map_err(|diagnostic| vec![*diagnostic])?;
    let composed = yaml::compose(source.text());
    let mut findings: Vec<(Position, Finding)> = Vec::new();
    for problem in composed.problems {
        let mut finding = Finding::error(problem.code, FieldPath::default(), problem.message).at(problem.at);
        finding.help = problem.help;
        findings.push((problem.at, finding));
    }
    if let Some(at) = composed.rest {
        let finding = Finding::warning(
            "second-document",
            FieldPath::default(),
            "only the first document of the file is read; what follows is ignored",
        )
        .help("as in eksctl; put further clusters into files of their own");
        findings.push((at, finding));
    }
    let root = composed.root.filter(|root| !root.is_null());
    let config = if let Some(root) = &root {
        let (config, found) = examine(root, &source);
        findings.extend(found.into_iter().map(|finding| (place(&finding, root), finding)));
        config
    } else {
        if findings
            .iter()
            .all(|(_, finding)| finding.severity == Severity::Warning)
        {
            let finding = Finding::error(
                "empty",
                FieldPath::default(),
                "there is no ClusterConfig in this file",
            )
            .help("begin with `apiVersion: eksctl.io/v1alpha5` and `kind: ClusterConfig`");
            findings.push((Position { line: 1, column: 1 }, finding));
        }
        ClusterConfig::default()
    };
    findings.sort_by_key(|(at, finding)| (*at, finding.severity));
    let diagnostics: Vec<Diagnostic> = findings
        .into_iter()
        .map(|(at, finding)| {
            let mut diagnostic = finding.into_diagnostic();
            source.place(&mut diagnostic, at);
            diagnostic
        })
        .collect();
    if diagnostics
        .iter()
        .any(|diagnostic| diagnostic.severity == Severity::Error)
    {
        Err(diagnostics)
    } else {
        Ok(Loaded {
            config,
            warnings: diagnostics,
        })
    }
}

/// Runs every check on the tree and on what it decodes to.
fn examine(root: &Node, source: &Source) -> (ClusterConfig, Vec<Finding>) {
    let mut findings = shape::check(root).into_vec();
    findings.extend(placeholder::check(root).into_vec());
    let config = decode::cluster_config(root, source);
    let meaning: Vec<Finding> = [validate::check(&config), validate::sections::check(root)]
        .into_iter()
        .flat_map(super::finding::Findings::into_vec)
        .filter(|finding| !is_explained(finding, &findings))
        .collect();
    findings.extend(meaning);
    (config, findings)
}

/// Whether an earlier finding already says why this one had to come: the same value has the wrong shape or is not
/// filled in, what is missing stands there under another spelling, or the mistake is below.
fn is_explained(finding: &Finding, earlier: &[Finding]) -> bool {
    earlier
        .iter()
        .filter(|other| other.severity == Severity::Error)
        .any(|other| {
            finding.path.starts_with(&other.path)
                || (finding.explained_from_below
                    && (other.path.starts_with(&finding.path) || other.path.is_spelling_of(&finding.path)))
        })
}

fn place(finding: &Finding, root: &Node) -> Position {
    finding
        .position
        .unwrap_or_else(|| finding.path.locate(root, finding.at_key))
}
