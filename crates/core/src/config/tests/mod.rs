//! The road from a file to a configuration or to diagnostics, as a whole.

mod access;
mod cluster;
mod diagnostics;
mod empty;
mod examples;
mod hostile;
mod managed;
mod misleading;
mod shared_roles;
mod values;

use super::{InputFile, Loaded, load, load_all};

/// Loads a file that must be usable.
fn loaded(yaml: &str) -> Loaded {
    load("c.yaml", yaml.as_bytes()).unwrap_or_else(|errors| panic!("{}", shown(&errors)))
}

/// All diagnostics of a file as text, usable or not.
pub(super) fn report(yaml: &str) -> String {
    match load("c.yaml", yaml.as_bytes()) {
        Ok(loaded) => shown(&loaded.warnings),
        Err(errors) => shown(&errors),
    }
}

/// The messages about a file, without places and source lines: `error: …` with the help behind it.
pub(super) fn said(yaml: &str) -> String {
    let text = report(yaml);
    let lines = text
        .lines()
        .filter(|line| !line.starts_with("    ") || line.starts_with("    help: "));
    lines
        .map(|line| line.strip_prefix("c.yaml:").map_or(line, |rest| rest))
        .collect::<Vec<_>>()
        .join("\n")
}

/// All diagnostics of several files, named `a.yaml`, `b.yaml` and so on.
pub(super) fn report_all(files: &[&str]) -> String {
    match load_files(files) {
        Ok(loaded) => shown(&loaded.warnings),
        Err(errors) => shown(&errors),
    }
}

fn load_files(files: &[&str]) -> Result<Loaded, Vec<super::Diagnostic>> {
    const NAMES: [&str; 4] = ["a.yaml", "b.yaml", "c.yaml", "d.yaml"];
    let files: Vec<InputFile<'_>> = NAMES
        .iter()
        .zip(files)
        .map(|(name, text)| InputFile {
            name,
            bytes: text.as_bytes(),
        })
        .collect();
    load_all(&files)
}

fn shown(diagnostics: &[super::Diagnostic]) -> String {
    diagnostics
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

/// The beginning of every file that is about something else.
pub(super) const HEAD: &str =
    "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {name: prod, region: eu-west-1}\n";
