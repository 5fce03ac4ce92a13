//! What checks report before it has a place in a file: a rule, a field path, a message.
//!
//! Checks speak of paths. `load` finds the places in the tree; for objects from flags there are none.

use super::diagnostic::{Diagnostic, Severity, harmless_text};
use super::location::SourceLocation;
use super::path::FieldPath;
use super::source::Position;
use eksact_message::code::Code;
use eksact_message::remedy::Remedy;

/// More findings of a weight than this help nobody, and a hostile file could ask for millions.
const MAXIMUM_FINDINGS: usize = 100;

/// What a check found so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    all: Vec<Finding>,
    errors: usize,
}

impl Findings {
    /// Adds one, unless there are too many of its weight already: warnings must never crowd out an error.
    pub(super) fn push(&mut self, finding: Finding) {
        let is_error = finding.severity == Severity::Error;
        let of_weight = if is_error {
            self.errors
        } else {
            self.all.len() - self.errors
        };
        if of_weight < MAXIMUM_FINDINGS {
            self.errors += usize::from(is_error);
            self.all.push(finding);
        }
    }

    /// Whether looking further is of no use.
    pub(super) fn is_full(&self) -> bool {
        self.errors >= MAXIMUM_FINDINGS
    }

    pub(super) fn into_vec(self) -> Vec<Finding> {
        self.all
    }
}

/// One thing that a check found.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) severity: Severity,
    pub(super) code: Code,
    pub(super) path: FieldPath,
    pub(super) message: String,
    pub(super) help: Option<Remedy>,
    /// Whether it is about the key at `path` rather than its value.
    pub(super) at_key: bool,
    /// The path of what was meant, where this is about something that is not known.
    pub(super) meant: Option<FieldPath>,
    /// Whether an error below `path` explains it: it is about something that is not there, or not as it should be.
    pub(super) explained_from_below: bool,
    /// The place, where the check knows it better than the path does.
    pub(super) position: Option<Position>,
    /// The place that the value carries itself, for configurations that are no longer near their file.
    pub(super) location: Option<SourceLocation>,
}

impl Finding {
    pub(super) fn error(code: Code, path: FieldPath, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            path,
            message: message.into(),
            help: None,
            at_key: false,
            meant: None,
            explained_from_below: false,
            position: None,
            location: None,
        }
    }

    pub(super) fn warning(code: Code, path: FieldPath, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, path, message)
        }
    }

    pub(super) fn help(mut self, help: impl Into<Remedy>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(super) fn at_key(mut self) -> Self {
        self.at_key = true;
        self
    }

    pub(super) fn explained_from_below(mut self) -> Self {
        self.explained_from_below = true;
        self
    }

    pub(super) fn at(mut self, position: Position) -> Self {
        self.position = Some(position);
        self
    }

    pub(super) fn located(mut self, location: Option<&SourceLocation>) -> Self {
        self.location = location.cloned();
        self
    }

    /// The diagnostic without its source line.
    pub(super) fn into_diagnostic(self) -> Diagnostic {
        Diagnostic {
            severity: self.severity,
            code: self.code,
            path: self.path.to_string(),
            // Other rooms word some messages; whatever they quote from the file is made harmless here.
            message: harmless_text(&self.message),
            location: self.location,
            source_line: None,
            caret_cell: 0,
            help: self.help.map(|help| help.worded(harmless_text)),
        }
    }
}
