//! From the bytes of files to a configuration, or to everything that is wrong with them at once.
//!
//! The files of one run say one thing together: one ClusterConfig, and any number of ClusterAccess documents behind it or
//! in files of their own. `documents` sorts them; here they are checked, and `cluster_access` joins them.

use super::cluster_access::{self, ClusterAccess};
use super::cluster_config::{self, ClusterConfig};
use super::diagnostic::{Diagnostic, Severity};
use super::document::DocumentKind;
use super::documents::{Document, Documents};
use super::finding::{Finding, Findings};
use super::path::FieldPath;
use super::reader::Reader;
use super::{blank, placeholder, shape};
use eksact_message::code::Code;
use eksact_yaml::Node;

/// A configuration that can be used, and what someone should look at all the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The configuration.
    pub config: ClusterConfig,
    /// Warnings, in the order of the files.
    pub warnings: Vec<Diagnostic>,
}

/// A file that was read, not yet looked at.
#[derive(Clone, Copy, Debug)]
pub struct InputFile<'a> {
    /// How the user named it, `-` for standard input. Only shown.
    pub name: &'a str,
    /// Its content.
    pub bytes: &'a [u8],
}

/// Reads one file. See [`load_all`].
pub fn load(name: &str, bytes: &[u8]) -> Result<Loaded, Vec<Diagnostic>> {
    load_all(&[InputFile { name, bytes }])
}

/// Gives the bytes of a file that a file names: first the one that names it, then the path in it. An error in people's words.
pub type Beside<'a> = dyn Fn(&str, &str) -> Result<Vec<u8>, String> + 'a;

/// Reads the files of one run where none of them may name another. See [`load_all_with`].
pub fn load_all(files: &[InputFile<'_>]) -> Result<Loaded, Vec<Diagnostic>> {
    load_all_with(files, &|_, _| Err("no other file can be read here".to_owned()))
}

/// Reads the files of one run: exactly one ClusterConfig, and the ClusterAccess documents that belong to it.
///
/// Errors come all at once, with the warnings, in the order of the files. Hostile input gets an error within
/// bounded time and memory; nothing here panics. `beside` gives the files that these name.
pub fn load_all_with(files: &[InputFile<'_>], beside: &Beside<'_>) -> Result<Loaded, Vec<Diagnostic>> {
    let beside = &cluster_access::managed_policy::bounded(beside);
    let mut documents = Documents::read(files);
    let mut config = ClusterConfig::default();
    let mut accesses: Vec<(Document, ClusterAccess)> = Vec::new();
    if let Some(document) = documents.cluster_config() {
        let root = &document.root;
        config = cluster_config::decode(root, &Reader::new(&document.source));
        let meaning = [cluster_config::check(&config), cluster_config::check_tree(root)];
        documents.report(&document, on_tree(document.kind, root, meaning));
        accesses.push((document, std::mem::take(&mut config.access)));
    }
    for document in documents.cluster_accesses() {
        let root = &document.root;
        let mut access = cluster_access::decode(root, &Reader::new(&document.source));
        let meaning = cluster_access::check(&mut access, root, &config.metadata, beside);
        documents.report(&document, on_tree(document.kind, root, meaning));
        accesses.push((document, access));
    }
    for policy in accesses.iter().flat_map(|(_, access)| &access.policies) {
        let name = policy.name.value.clone();
        config.names.policies.insert(name, policy.path().to_owned());
    }
    for role in accesses.iter().flat_map(|(_, access)| &access.roles) {
        let name = role.name.value.clone();
        config.names.roles.insert(name, role.path().to_owned());
    }
    for (document, access) in &mut accesses {
        // The references of one document at a time: what is said of them has its place there.
        let names_of_both = ClusterConfig {
            access: std::mem::take(access),
            ..match document.kind {
                DocumentKind::ClusterConfig => config.clone(),
                DocumentKind::ClusterAccess => config.cluster_only(),
            }
        };
        documents.report(document, cluster_access::unknown_names(&names_of_both));
        *access = names_of_both.access;
    }
    config.access = cluster_access::join(accesses, &config.iam.service_accounts, &mut documents);
    let diagnostics = documents.into_diagnostics();
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

/// What is wrong with the tree itself, and what of `meaning` is not explained by that.
fn on_tree<const LISTS: usize>(kind: DocumentKind, root: &Node, meaning: [Findings; LISTS]) -> Vec<Finding> {
    // What is said to be missing may be there under another name.
    let (missing, mut findings): (Vec<Finding>, Vec<Finding>) = shape::check(kind, root)
        .into_vec()
        .into_iter()
        .partition(|finding| finding.explained_from_below);
    let placeholders = placeholder::check(kind, root).into_vec();
    // A value that is not filled in yet is of no type, and such a key is not one that is unknown.
    findings.retain(|finding| {
        if finding.at_key {
            let is_its = |other: &Finding| other.at_key && other.path == finding.path;
            finding.code != Code::UnknownKey || !placeholders.iter().any(is_its)
        } else {
            !is_explained(finding, &placeholders)
        }
    });
    findings.extend(placeholders);
    findings.extend(cluster_access::check_options(kind, root));
    let mut blanks = blank::check(kind, root).into_vec();
    let meaning: Vec<Finding> = missing
        .into_iter()
        .chain(meaning.into_iter().flat_map(Findings::into_vec))
        .filter(|finding| !is_explained(finding, &findings))
        .filter(|finding| {
            blanks.iter().any(|blank| asks_for(finding, &blank.path)) || !is_explained(finding, &blanks)
        })
        .collect();
    findings.extend(meaning);
    // A key without a value has nothing below it, either.
    blanks.retain(|blank| {
        !findings.iter().any(|finding| {
            asks_for(finding, &blank.path)
                || (finding.explained_from_below && finding.path.starts_with(&blank.path))
        })
    });
    findings.extend(blanks);
    placeholder::once_each(findings)
}

/// Whether a finding says that there must be something at this path, or what there is to choose: more than that nothing is there.
fn asks_for(finding: &Finding, path: &FieldPath) -> bool {
    finding.severity == Severity::Error
        && !finding.at_key
        && (finding.explained_from_below || finding.code == Code::WrongValue)
        && finding.path == *path
}

/// Whether an earlier finding already says why this one had to come: the same value has the wrong shape or is not
/// filled in, what is missing stands there under another spelling, or the mistake is below.
fn is_explained(finding: &Finding, earlier: &[Finding]) -> bool {
    earlier
        .iter()
        .filter(|other| other.severity == Severity::Error)
        .any(|other| {
            let is_meant =
                |meant: &FieldPath| meant.starts_with(&finding.path) || finding.path.starts_with(meant);
            finding.path.starts_with(&other.path)
                || (finding.explained_from_below
                    && (other.path.starts_with(&finding.path) || other.meant.as_ref().is_some_and(is_meant)))
        })
}
