//! From the bytes of a file to text with lines: size, encoding, characters. Nothing here knows YAML.
//!
//! The rules are those of the parser that eksctl uses (libyaml's reader, as ported in `go.yaml.in/yaml/v2` 2.4, `readerc.go`):
//! UTF-8, or UTF-16 with a byte order mark; tab, line feed and carriage return are the only control characters.

use std::sync::Arc;

use super::diagnostic::{Diagnostic, Severity};
use super::location::SourceLocation;
use crate::remedy::Remedy;

/// The largest file that is read: 2 MiB. An account holds at most ten thousand roles, and an entry is seldom longer than
/// two hundred bytes; a hostile file makes the parser keep about a hundred bytes for each of its own.
pub const MAXIMUM_BYTES: usize = 2 * 1024 * 1024;

/// A place in the text: line and column in characters, both from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Position {
    pub(super) line: u32,
    pub(super) column: u32,
}

/// The text of a file, and where its lines begin.
#[derive(Debug)]
pub(super) struct Source {
    file: Arc<str>,
    /// Line breaks are all `\n`; a byte order mark is gone.
    text: String,
    line_starts: Vec<usize>,
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
            let message = format!(
                "the file has {} bytes; at most {MAXIMUM_BYTES} are read",
                bytes.len()
            );
            return Err(fail(
                Some(Position { line: 1, column: 1 }),
                "file-too-large",
                message,
                remedy!("is this really a ClusterConfig?"),
            ));
        }
        let text = match bytes {
            [0xff, 0xfe, rest @ ..] => from_utf16(rest, u16::from_le_bytes),
            [0xfe, 0xff, rest @ ..] => from_utf16(rest, u16::from_be_bytes),
            [0xef, 0xbb, 0xbf, rest @ ..] => from_utf8(rest),
            _ => from_utf8(bytes),
        };
        let text = text.map_err(|at| {
            fail(
                Some(at),
                "not-utf8",
                "the file is not UTF-8 text".to_owned(),
                remedy!("save it as UTF-8; a compressed or binary file is no ClusterConfig"),
            )
        })?;
        let text = if text.contains('\r') {
            text.replace("\r\n", "\n").replace('\r', "\n")
        } else {
            text
        };
        if let Some((offset, character)) = text.char_indices().find(|(_, c)| !is_allowed(*c)) {
            let at = position_after(&text[..offset]);
            let message = format!(
                "the control character U+{:04X} is not allowed in YAML",
                u32::from(character)
            );
            return Err(fail(
                Some(at),
                "control-character",
                message,
                remedy!("remove it; in a quoted value it can be written as an escape such as \"\\x1b\""),
            ));
        }
        let line_starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(offset, _)| offset + 1))
            .collect();
        Ok(Self {
            file,
            text,
            line_starts,
        })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn location(&self, at: Position) -> SourceLocation {
        SourceLocation {
            file: Arc::clone(&self.file),
            line: at.line,
            column: at.column,
        }
    }

    /// The line (from 1) without its line break; `None` behind the end of the file.
    pub(super) fn line(&self, line: u32) -> Option<&str> {
        let index = usize::try_from(line).ok()?.checked_sub(1)?;
        self.text.get(*self.line_starts.get(index)?..)?.split('\n').next()
    }

    /// Adds location, source line and caret to a diagnostic.
    pub(super) fn place(&self, diagnostic: Diagnostic, at: Position) -> Diagnostic {
        diagnostic.at(self.location(at), self.line(at.line))
    }
}

fn from_utf8(bytes: &[u8]) -> Result<String, Position> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|error| {
        let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
        position_after(&String::from_utf8_lossy(valid))
    })
}

fn from_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, Position> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(bytes.len());
    for character in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        match character {
            Ok(character) => text.push(character),
            Err(_) => return Err(position_after(&text)),
        }
    }
    if rest.is_empty() {
        Ok(text)
    } else {
        Err(position_after(&text))
    }
}

/// The position of what follows `text`.
fn position_after(text: &str) -> Position {
    let line = text.matches('\n').count() + 1;
    let column = text.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    Position {
        line: u32::try_from(line).unwrap_or(u32::MAX),
        column: u32::try_from(column).unwrap_or(u32::MAX),
    }
}

fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> String {
        Source::decode("c.yaml", bytes).unwrap().text().to_owned()
    }

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
    fn line_breaks_and_byte_order_marks_of_every_system() {
        assert_eq!(text(b"a\r\nb\rc\n"), "a\nb\nc\n");
        assert_eq!(text(b"\xef\xbb\xbfa"), "a");
        assert_eq!(text(b"\xff\xfea\0\xe9\0"), "aé");
        assert_eq!(text(b"\xfe\xff\0a\0\xe9"), "aé");
    }

    #[test]
    fn what_is_no_text_is_named_with_its_place() {
        assert_eq!(
            error(b"a: b\nc: \xff"),
            "c.yaml:2:4: error: the file is not UTF-8 text"
        );
        assert_eq!(
            error(b"\xff\xfea"),
            "c.yaml:1:1: error: the file is not UTF-8 text"
        );
        assert_eq!(
            error(b"a: \0"),
            "c.yaml:1:4: error: the control character U+0000 is not allowed in YAML"
        );
        assert_eq!(
            error(b"a:\n - \x1b[31m"),
            "c.yaml:2:4: error: the control character U+001B is not allowed in YAML"
        );
        assert_eq!(
            error(&vec![b'['; 10_000_000]),
            "c.yaml:1:1: error: the file has 10000000 bytes; at most 2097152 are read"
        );
    }

    #[test]
    fn lines_are_found_by_number() {
        let source = Source::decode("c.yaml", b"a\n\nb").unwrap();
        assert_eq!(
            [0, 1, 2, 3, 4].map(|line| source.line(line)),
            [None, Some("a"), Some(""), Some("b"), None]
        );
    }
}
