//! Views of a plan beside the one on stdout: into files, in the same run.

use std::path::{Path, PathBuf};

use crate::cli::{
    Failure,
    flags::{
        plan::{Output, PlanFlags},
        views::ViewFlags,
    },
    texts::whole_file,
};
use eksact_core::{
    engine::{Event, Plan, Report},
    view::{
        Printer, apply_events, apply_json::apply_json, markdown::plan_markdown, plan_html, plan_human,
        plan_json::plan_json, plan_sarif,
    },
};

impl ViewFlags {
    /// Writes the plan into the files. In an apply before anything is changed: where that fails nothing is. `saved` is the
    /// document of a plan that is saved, which is its JSON.
    pub(crate) fn write(
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
    pub(crate) fn write_apply(&self, plan: &Plan, report: &Report, events: &[Event]) -> Result<(), Failure> {
        match &self.json_into {
            Some(path) => write("--json-into", path, &apply_json(plan, report, events)?),
            None => Ok(()),
        }
    }
}

/// Writes a document into the file that a flag names.
pub(crate) fn write(flag: &str, path: &Path, text: &str) -> Result<(), Failure> {
    whole_file::write(path, text, true).map_err(|error| {
        Failure::error(format!(
            "{flag}: {} could not be written: {error}",
            path.display()
        ))
    })
}

impl Output {
    /// The plan as it is shown on stdout.
    pub(crate) fn of(
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
pub(crate) fn no_page(error: &impl std::fmt::Display) -> Failure {
    Failure::error(format!(
        "the page could not be made: {error}. This is a bug in eksact: please report it"
    ))
}

impl PlanFlags {
    /// The plan as these flags have it on stdout.
    pub(crate) fn shown(
        &self,
        plan: &Plan,
        digest: &str,
        file: Option<&str>,
        printer: &Printer,
    ) -> Result<String, Failure> {
        self.output.of(plan, digest, file, self.views.max_bytes, printer)
    }
}

/// Refuses a view in the place of one of the files that are read.
pub(crate) fn apart<'flag, 'path>(
    views: impl Iterator<Item = (&'flag str, &'path Path)>,
    read: &[PathBuf],
) -> Result<(), Failure> {
    for (flag, path) in views {
        // What is not there yet is no file that is read.
        let Ok(place) = fs_err::canonicalize(path) else {
            continue;
        };
        // `-` is the standard input, and not a file of that name.
        let is_it = |file: &PathBuf| {
            file != Path::new("-") && fs_err::canonicalize(file).is_ok_and(|file| file == place)
        };
        if read.iter().any(is_it) {
            return Err(Failure::usage(format!(
                "{flag} {} is a file that this command reads, which is never written over; write it to another file",
                path.display()
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By whatever name it goes.
    #[test]
    fn view_never_takes_the_place_of_what_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs_err::write(at("a"), "").unwrap();
        fs_err::write(at("b"), "").unwrap();
        let refused = |path: &str, read: &str| {
            let path = at(path);
            apart([("--json-into", path.as_path())].into_iter(), &[at(read)]).is_err()
        };
        assert!(refused("a", "a") && refused("./a", "a"));
        assert!(!refused("a", "b") && !refused("new", "a") && !refused("new", "new"));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(at("a"), at("link")).unwrap();
            assert!(refused("link", "a") && refused("a", "link"));
        }
    }
}
