//! Views of a plan beside the one on stdout: into files, in the same run.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{
    Failure,
    plan_flags::{Output, PlanFlags},
    saved_plan::is_configuration,
    whole_file,
};
use eksact_core::{
    engine::Plan,
    view::{
        Printer, apply_events,
        markdown::{LEAST_BYTES, plan_markdown},
        plan_html, plan_human,
        plan_json::plan_json,
        plan_sarif,
    },
};

const HEADING: &str = "Views of the plan";

/// Flags about the views of a plan.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct ViewFlags {
    /// Keep the Markdown within N bytes: what does not fit is left out whole, and counted
    #[arg(long, value_name = "N", value_parser = bytes, help_heading = HEADING)]
    pub max_bytes: Option<usize>,
    /// Also write the document of `-o json` into this file
    #[arg(long, value_name = "FILE", value_parser = file, help_heading = HEADING)]
    pub json_into: Option<PathBuf>,
    /// Also write the plan as Markdown into this file
    #[arg(long, value_name = "FILE", value_parser = file, help_heading = HEADING)]
    pub markdown_into: Option<PathBuf>,
    /// Also write the plan as a page into this file
    #[arg(long, value_name = "FILE", value_parser = file, help_heading = HEADING)]
    pub html_into: Option<PathBuf>,
    /// Also write the plan as SARIF into this file
    #[arg(long, value_name = "FILE", value_parser = file, help_heading = HEADING)]
    pub sarif_into: Option<PathBuf>,
}

impl ViewFlags {
    /// The files, each with its flag and what goes into it.
    pub(super) fn files(&self) -> impl Iterator<Item = (&'static str, &Path, Output)> {
        [
            ("--json-into", &self.json_into, Output::Json),
            ("--markdown-into", &self.markdown_into, Output::Markdown),
            ("--html-into", &self.html_into, Output::Html),
            ("--sarif-into", &self.sarif_into, Output::Sarif),
        ]
        .into_iter()
        .filter_map(|(flag, path, output)| Some((flag, path.as_deref()?, output)))
    }

    /// Whether any file is asked for.
    pub(super) fn write_anything(&self) -> bool {
        self.files().next().is_some()
    }

    /// Whether these flags go together, and with what is on stdout.
    pub(super) fn check(&self, output: Output) -> Result<(), Failure> {
        if self.max_bytes.is_some() && output != Output::Markdown && self.markdown_into.is_none() {
            return Err(Failure::usage(
                "--max-bytes limits the Markdown, and there is none: add -o markdown or --markdown-into FILE",
            ));
        }
        let mut seen: Vec<(&str, &Path)> = Vec::new();
        for (flag, path, _) in self.files() {
            if let Some((other, _)) = seen.iter().find(|(_, known)| *known == path) {
                return Err(Failure::usage(format!(
                    "{other} and {flag} name one file, {}",
                    path.display()
                )));
            }
            seen.push((flag, path));
        }
        Ok(())
    }

    /// Writes the plan into the files. In an apply before anything is changed: where that fails nothing is. `saved` is the
    /// document of a plan that is saved, which is its JSON.
    pub(super) fn write(
        &self,
        plan: &Plan,
        digest: &str,
        file: Option<&str>,
        saved: Option<&str>,
    ) -> Result<(), Failure> {
        for (flag, path, output) in self.files() {
            match saved.filter(|_| output == Output::Json) {
                Some(document) => write(flag, path, document)?,
                None => write(flag, path, &output.text(plan, digest, file, self.max_bytes)?)?,
            }
        }
        Ok(())
    }

    /// Writes the document of an apply that is over in place of the plan.
    pub(super) fn write_apply(&self, document: &str) -> Result<(), Failure> {
        match &self.json_into {
            Some(path) => write("--json-into", path, document),
            None => Ok(()),
        }
    }
}

/// Writes a document into the file that a flag names.
pub(super) fn write(flag: &str, path: &Path, text: &str) -> Result<(), Failure> {
    whole_file::write(path, text, true).map_err(|error| {
        Failure::error(format!(
            "{flag}: {} could not be written: {error}",
            path.display()
        ))
    })
}

impl Output {
    /// The plan as it is shown on stdout.
    pub(super) fn of(
        self,
        plan: &Plan,
        digest: &str,
        file: Option<&str>,
        max_bytes: Option<usize>,
        printer: &Printer,
    ) -> Result<String, Failure> {
        match self {
            Self::Human => Ok(plan_human(plan, file, printer.stdout_style())),
            other => other.text(plan, digest, file, max_bytes),
        }
    }

    /// The plan as text that no terminal has a say in.
    fn text(
        self,
        plan: &Plan,
        digest: &str,
        file: Option<&str>,
        max_bytes: Option<usize>,
    ) -> Result<String, Failure> {
        Ok(match self {
            Self::Human => plan_human(plan, file, eksact_core::view::Style::plain(80)),
            Self::Json => plan_json(plan)?,
            Self::Markdown => plan_markdown(plan, digest, file, max_bytes),
            Self::Html => plan_html(plan, digest, file).map_err(|error| no_page(&error))?,
            Self::Ndjson => apply_events::plan_lines(plan, file)?,
            Self::Sarif => plan_sarif(plan, digest, file)?,
        })
    }
}

/// A page that could not be made.
pub(super) fn no_page(error: &impl std::fmt::Display) -> Failure {
    Failure::error(format!(
        "the page could not be made: {error}. This is a bug in eksact: please report it"
    ))
}

impl PlanFlags {
    /// The plan as these flags have it on stdout.
    pub(super) fn shown(
        &self,
        plan: &Plan,
        digest: &str,
        file: Option<&str>,
        printer: &Printer,
    ) -> Result<String, Failure> {
        self.output.of(plan, digest, file, self.views.max_bytes, printer)
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

/// A path that is one, and not of what people wrote: `-f cluster.yaml --json-into cluster.yaml` would be the end of the
/// configuration.
pub(super) fn file(text: &str) -> Result<PathBuf, String> {
    match text {
        "-" => Err("stdout has one document, which -o FORMAT chooses; name a file here".to_owned()),
        path if is_written_by_people(Path::new(path)) => {
            Err("it is a configuration, which is never written over; name another file".to_owned())
        }
        path => Ok(PathBuf::from(path)),
    }
}

/// Whether the file is a configuration, a manifest or a kubeconfig. Documents of eksact's may hold parts of one.
fn is_written_by_people(path: &Path) -> bool {
    // Reading a pipe would take from it, or wait.
    if !path.is_file() {
        return false;
    }
    fs_err::read(path).is_ok_and(|bytes| {
        is_configuration(&bytes)
            && serde_json::from_slice::<serde_json::Value>(&bytes)
                .map_or(true, |document| document.get("format_version").is_none())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_view_is_written_over_a_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let is_taken = |text: &str| {
            fs_err::write(&path, text).unwrap();
            file(path.to_str().unwrap()).is_ok()
        };
        for text in [
            "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\n",
            "# access\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\n",
            "{\"apiVersion\": \"eksctl.io/v1alpha5\"}",
        ] {
            assert!(!is_taken(text), "{text}");
        }
        for text in [
            "",
            "<!-- eksact:plan:prod:sha256:00 -->\n",
            "{\"format_version\": \"1.0\",\n\"apiVersion\": \"v1\"}",
            "{\"$schema\": \"sarif\"}",
        ] {
            assert!(is_taken(text), "{text}");
        }
        fs_err::remove_file(&path).unwrap();
        assert!(file(path.to_str().unwrap()).is_ok());
        assert!(file("-").is_err());
    }
}
