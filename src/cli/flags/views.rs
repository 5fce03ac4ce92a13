//! Flags about the views of a plan beside the one on stdout. What is written is in `run::views`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::plan::Output;
use crate::cli::Failure;
use eksact_core::view::{markdown::LEAST_BYTES, older::View};

const HEADING: &str = "Views of the plan";

/// Flags about the views of a plan.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ViewFlags {
    /// Keep the Markdown within N bytes: what does not fit is left out whole, and counted
    #[arg(long, value_name = "N", value_parser = bytes, help_heading = HEADING)]
    pub max_bytes: Option<usize>,
    /// Also write the document of `-o json` into this file
    #[arg(
        long,
        value_name = "FILE",
        value_parser = |text: &str| file(text, View::Json),
        help_heading = HEADING
    )]
    pub json_into: Option<PathBuf>,
    /// Also write the plan as Markdown into this file
    #[arg(
        long,
        value_name = "FILE",
        value_parser = |text: &str| file(text, View::Markdown),
        help_heading = HEADING
    )]
    pub markdown_into: Option<PathBuf>,
    /// Also write the plan as a page into this file
    #[arg(
        long,
        value_name = "FILE",
        value_parser = |text: &str| file(text, View::Html),
        help_heading = HEADING
    )]
    pub html_into: Option<PathBuf>,
    /// Also write the plan as SARIF into this file
    #[arg(
        long,
        value_name = "FILE",
        value_parser = |text: &str| file(text, View::Sarif),
        help_heading = HEADING
    )]
    pub sarif_into: Option<PathBuf>,
}

impl ViewFlags {
    /// The files, each with its flag and what goes into it.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&'static str, &Path, Output)> {
        [
            ("--json-into", &self.json_into, Output::Json),
            ("--markdown-into", &self.markdown_into, Output::Markdown),
            ("--html-into", &self.html_into, Output::Html),
            ("--sarif-into", &self.sarif_into, Output::Sarif),
        ]
        .into_iter()
        .filter_map(|(flag, path, output)| Some((flag, path.as_deref()?, output)))
    }

    /// The files, each with its flag.
    pub(crate) fn paths(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        self.files().map(|(flag, path, _)| (flag, path))
    }

    /// Whether any file is asked for.
    pub(crate) fn write_anything(&self) -> bool {
        self.files().next().is_some()
    }

    /// Whether these flags go with what is on stdout.
    pub(crate) fn check(&self, output: Output) -> Result<(), Failure> {
        if self.max_bytes.is_some() && output != Output::Markdown && self.markdown_into.is_none() {
            return Err(Failure::usage(
                "--max-bytes limits the Markdown, and there is none: add -o markdown or --markdown-into FILE",
            ));
        }
        Ok(())
    }
}

/// A number of bytes in which what is always there fits.
fn bytes(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(count) if count >= LEAST_BYTES => Ok(count),
        Ok(_) => Err(format!(
            "a plan needs at least {LEAST_BYTES} bytes; GitHub takes 65536, so 60000 fits"
        )),
        Err(_) => Err("it is not a number of bytes such as 60000".to_owned()),
    }
}

/// A path to a file that may be written: it is not there, or it is an older one of the same view. All else is somebody's work:
/// `-f cluster.yaml --json-into cluster.yaml` would be the end of the configuration.
pub(crate) fn file(text: &str, view: View) -> Result<PathBuf, String> {
    if text == "-" {
        return Err("stdout has one document, which -o FORMAT chooses; name a file here".to_owned());
    }
    let path = PathBuf::from(text);
    // Reading a pipe would take from it, or wait; what is no file is refused when it is written.
    if !path.is_file() {
        return Ok(path);
    }
    match fs_err::read(&path) {
        Ok(bytes) if view.may_replace(&bytes) => Ok(path),
        Ok(_) => Err(format!(
            "it is there, and is not the {} of an earlier run; write it to another file, or remove that one first",
            view.name()
        )),
        Err(error) => Err(format!(
            "whether it may be replaced cannot be told: {error}; write it to another file, or remove that one first"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn view_takes_the_place_of_its_own_kind_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let taken = |text: &str| {
            fs_err::write(&path, text).unwrap();
            file(path.to_str().unwrap(), View::Markdown)
        };
        for text in ["apiVersion: eksctl.io/v1alpha5\n", "{}", "\n"] {
            let why = taken(text).unwrap_err();
            assert!(why.contains("is not the Markdown of an earlier run"), "{why}");
            assert!(
                why.ends_with("write it to another file, or remove that one first"),
                "{why}"
            );
        }
        for text in ["", "<!-- eksact:plan:prod:sha256:00 -->\n"] {
            assert_eq!(taken(text), Ok(path.clone()), "{text}");
        }
        fs_err::remove_file(&path).unwrap();
        assert!(file(path.to_str().unwrap(), View::Markdown).is_ok());
        assert!(file("-", View::Markdown).is_err());
    }
}
