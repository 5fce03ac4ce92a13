//! From the bytes of a file to text with lines, for diagnostics that show them.

use eksact_message::code::Code;
use eksact_message::remedy::Remedy;
use std::ops::Range;
use std::sync::Arc;

use super::diagnostic::{Diagnostic, Severity};
use super::location::SourceLocation;
use eksact_yaml::{Mark, text};

/// The largest file that is read: 2 MiB. An account holds at most ten thousand roles, and an entry is seldom longer than
/// two hundred bytes; a hostile file makes the parser keep about a hundred bytes for each of its own.
pub const MAXIMUM_BYTES: usize = 2 * 1024 * 1024;

/// A place in the text: line and column in characters, both from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Position {
    pub(super) line: u32,
    pub(super) column: u32,
}

impl Position {
    /// The place of this line and column, from 1.
    pub(super) fn new(line: usize, column: usize) -> Self {
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self {
            line: number(line),
            column: number(column),
        }
    }
}

impl From<&SourceLocation> for Position {
    fn from(place: &SourceLocation) -> Self {
        Self {
            line: place.line,
            column: place.column,
        }
    }
}

impl From<Mark> for Position {
    fn from(mark: Mark) -> Self {
        Self::new(mark.line + 1, mark.column + 1)
    }
}

/// The text of a file, and where its lines begin.
#[derive(Debug)]
pub(super) struct Source {
    file: Arc<str>,
    text: String,
    /// The bytes of each line, without its line break.
    lines: Vec<Range<usize>>,
}

impl Source {
    /// Decodes `bytes`. The one diagnostic of a failure says what the file is instead of UTF-8 text.
    pub(super) fn decode(file: &str, bytes: &[u8]) -> Result<Self, Box<Diagnostic>> {
        let file: Arc<str> = file.into();
        let fail = |at: Option<Position>, code, message: String, help: Remedy| {
            Box::new(Diagnostic {
                severity: Severity::Error,
                code,
                path: String::new(),
                message,
                location: at.map(|at| SourceLocation {
                    file: Arc::clone(&file),
                    line: at.line,
                    column: at.column,
                }),
                source_line: None,
                caret_cell: 0,
                help: Some(help),
            })
        };
        if bytes.len() > MAXIMUM_BYTES {
            // No more was read of it than shows that it is too large.
            let message = format!(
                "the file has more than {} MiB, the most that eksact reads",
                MAXIMUM_BYTES / (1024 * 1024)
            );
            return Err(fail(
                Some(Position { line: 1, column: 1 }),
                Code::FileTooLarge,
                message,
                remedy!("is this really a ClusterConfig?"),
            ));
        }
        let (text, _) = text::decode(bytes).map_err(|error| {
            fail(
                Some(Position::new(error.line, error.column)),
                Code::NotUtf8,
                error.problem.to_owned(),
                remedy!(
                    "{}; a compressed or binary file is not a ClusterConfig",
                    text::not_text_help()
                ),
            )
        })?;
        let lines = text::lines(&text)
            .into_iter()
            .map(|(start, line)| start..start + line.len())
            .collect();
        Ok(Self { file, text, lines })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn location(&self, at: impl Into<Position>) -> SourceLocation {
        let at = at.into();
        SourceLocation {
            file: Arc::clone(&self.file),
            line: at.line,
            column: at.column,
        }
    }

    /// The line (from 1) without its line break; `None` behind the end of the file.
    pub(super) fn line(&self, line: u32) -> Option<&str> {
        let index = usize::try_from(line).ok()?.checked_sub(1)?;
        let line = self.text.get(self.lines.get(index)?.clone())?;
        Some(
            line.strip_prefix('\u{feff}')
                .filter(|_| index == 0)
                .unwrap_or(line),
        )
    }

    /// Adds location, source line and caret to a diagnostic.
    pub(super) fn place(&self, diagnostic: Diagnostic, at: Position) -> Diagnostic {
        diagnostic.at(self.location(at), self.line(at.line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(bytes: &[u8]) -> String {
        Source::decode("c.yaml", bytes)
            .unwrap_err()
            .to_string()
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned()
    }

    #[test]
    fn source_that_is_no_text_is_named_with_its_place() {
        assert_eq!(
            error(b"a: b\nc: \xff"),
            "c.yaml:2:4: error: the file is not UTF-8 text"
        );
        assert_eq!(
            error(b"\xff\xfea"),
            "c.yaml:1:1: error: the file begins as UTF-16 text and is not valid UTF-16 here"
        );
        assert_eq!(
            error(&vec![b'['; 10_000_000]),
            "c.yaml:1:1: error: the file has more than 2 MiB, the most that eksact reads"
        );
    }

    #[test]
    fn lines_are_found_by_number() {
        let source = Source::decode("c.yaml", b"\xef\xbb\xbfa\r\n\rb").unwrap();
        assert_eq!(
            [0, 1, 2, 3, 4].map(|line| source.line(line)),
            [None, Some("a"), Some(""), Some("b"), None]
        );
    }
}
