//! What is wrong with a configuration file, in a form that any view can show.
//!
//! A diagnostic carries data; its plain `Display` is for logs and tests. Colours belong to the view.
//! Everything that comes from the file is made harmless here, so that a file cannot write to the terminal.

use eksact_message::code::Code;
use eksact_message::remedy::Remedy;
use std::fmt::{self, Write as _};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_width::UnicodeWidthChar;

use super::location::SourceLocation;
use eksact_identity::authn::aws_auth::Weight;
use eksact_yaml::shown::harmless;
pub(super) use eksact_yaml::shown::{harmless_text, quoted};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// The file can be used; someone should look.
    Warning,
}

impl From<Weight> for Severity {
    fn from(weight: Weight) -> Self {
        match weight {
            Weight::Error => Self::Error,
            Weight::Warning => Self::Warning,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// A stable, kebab-case name of the rule, such as `unknown-key`.
    pub code: Code,
    /// The field, such as `iam.serviceAccounts[0].roleName`; empty for the file as a whole.
    pub path: String,
    /// What is wrong, in one sentence.
    pub message: String,
    /// Where; `None` for objects that were built from flags.
    pub location: Option<SourceLocation>,
    /// The line at `location`, cut to a window around it and free of control characters.
    pub source_line: Option<String>,
    /// How many terminal cells of `source_line` come before the caret.
    pub caret_cell: usize,
    /// What to do about it.
    pub help: Option<Remedy>,
}

impl Diagnostic {
    /// One without a place. What comes from elsewhere in `message` and `help` is made harmless.
    pub fn new(severity: Severity, code: Code, path: impl Into<String>, message: &str) -> Self {
        Self {
            severity,
            code,
            path: path.into(),
            message: harmless_text(message),
            location: None,
            source_line: None,
            caret_cell: 0,
            help: None,
        }
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<Remedy>) -> Self {
        self.help = Some(help.into().worded(harmless_text));
        self
    }

    /// The same with its place, and the line that stands there.
    #[must_use]
    pub fn at(mut self, location: SourceLocation, line: Option<&str>) -> Self {
        if let Some(line) = line {
            let (text, caret) = excerpt(line, location.column);
            self.source_line = Some(text);
            self.caret_cell = caret;
        }
        self.location = Some(location);
        self
    }
}

impl Diagnostic {
    /// The same as its `Display`, with its code: `file:line:column: error[code]: message`.
    pub fn with_code(&self) -> String {
        self.text(&format!("{}[{}]", self.severity, self.code))
    }

    fn text(&self, word: &str) -> String {
        let mut text = String::new();
        if let Some(location) = &self.location {
            let _ = write!(text, "{location}: ");
        }
        let _ = write!(text, "{word}: {}", self.message);
        if let Some(line) = self.source_line.as_ref().filter(|line| !line.is_empty()) {
            let _ = write!(text, "\n    {line}\n    {:caret$}^", "", caret = self.caret_cell);
        }
        if let Some(help) = &self.help {
            let _ = write!(text, "\n    help: {help}");
        }
        text
    }
}

impl fmt::Display for Diagnostic {
    /// `file:line:column: error: message`, then the source line, a caret below it, and the help.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(&self.severity.to_string()))
    }
}

/// A line of a file with a mark in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Excerpt {
    /// The line, cut to a window around the mark and free of control characters.
    pub line: String,
    /// How many terminal cells of it come before the mark.
    pub caret_cell: usize,
}

impl Excerpt {
    /// The excerpt of `line` around `column`, in characters from 1.
    pub fn of(line: &str, column: u32) -> Self {
        let (line, caret_cell) = excerpt(line, column);
        Self { line, caret_cell }
    }
}

/// The widest excerpt of a source line, in terminal cells. Fits 80 columns with the indentation of a view.
const EXCERPT_CELLS: usize = 72;

/// Cuts `line` to a window around `column` (characters, from 1) and makes it harmless.
/// Gives the excerpt and the number of cells before the character at `column`.
fn excerpt(line: &str, column: u32) -> (String, usize) {
    let column = usize::try_from(column).unwrap_or(usize::MAX).saturating_sub(1);
    // Most of the window goes to what follows the caret: that is the value.
    let start = if width_up_to(line, EXCERPT_CELLS) < EXCERPT_CELLS || column < EXCERPT_CELLS / 2 {
        0
    } else {
        column - EXCERPT_CELLS / 3
    };
    let mut text = String::new();
    let mut cells = 0;
    let mut caret = 0;
    if start > 0 {
        text.push('…');
        cells = 1;
    }
    let mut rest = line.chars().skip(start).enumerate();
    for (offset, character) in rest.by_ref() {
        if start + offset == column {
            caret = cells;
        }
        let shown = harmless(character);
        cells += shown.width().unwrap_or(0);
        if cells >= EXCERPT_CELLS {
            text.push('…');
            break;
        }
        text.push(shown);
    }
    // The caret may stand behind the last character: the end of the line.
    let shown_characters = line.chars().skip(start).take(EXCERPT_CELLS).count();
    if column >= start + shown_characters {
        caret = cells;
    }
    (text.trim_end().to_owned(), caret)
}

/// The width of `line` in cells, counted no further than `limit`.
fn width_up_to(line: &str, limit: usize) -> usize {
    let mut cells = 0;
    for character in line.chars() {
        cells += harmless(character).width().unwrap_or(0);
        if cells >= limit {
            return limit;
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_lines_stay_whole() {
        assert_eq!(excerpt("name: prod", 7), ("name: prod".to_owned(), 6));
        assert_eq!(excerpt("\tname: prod", 2), (" name: prod".to_owned(), 1));
        assert_eq!(excerpt("name:", 6), ("name:".to_owned(), 5));
    }

    #[test]
    fn long_lines_are_windowed_around_the_caret() {
        let line = format!("{}HERE{}", "a".repeat(5_000), "b".repeat(5_000));
        let (text, caret) = excerpt(&line, 5_001);
        assert!(text.chars().count() <= EXCERPT_CELLS, "{text}");
        assert!(
            text.chars().skip(caret).collect::<String>().starts_with("HERE"),
            "{text} {caret}"
        );
    }

    #[test]
    fn wide_characters_move_the_caret_by_their_cells() {
        assert_eq!(excerpt("日本: x", 5), ("日本: x".to_owned(), 6));
    }

    #[test]
    fn diagnostic_brings_nothing_of_the_file_to_the_terminal_as_a_control() {
        let (text, _) = excerpt("a: \u{1b}[31mred\u{7}\u{202e}x", 4);
        assert_eq!(text, "a: \u{fffd}[31mred\u{fffd}\u{fffd}x");
        assert_eq!(quoted("x\u{1b}]0;t\u{7}"), "`x<U+001B>]0;t<U+0007>`");
    }

    #[test]
    fn diagnostic_shows_what_cannot_be_seen() {
        for (value, shown) in [
            ("prod", "`prod`"),
            ("a b", "`a b`"),
            ("a\nb", "`a b`"),
            ("", "``"),
            ("prod ", "`\"prod \"` (blank at its end)"),
            (" prod", "`\" prod\"` (blank at its start)"),
            ("\tprod\n", "`\"\\tprod\\n\"` (blanks at both ends)"),
            ("prod\n", "`\"prod\\n\"` (blank at its end)"),
            ("  ", "`\"  \"` (nothing but blanks)"),
            ("prod\u{a0}", "`prod<U+00A0>`"),
            ("pr\u{200b}od", "`pr<U+200B>od`"),
            ("\u{feff}prod", "`<U+FEFF>prod`"),
            ("a\u{ad}b\u{2003}c\u{202e}", "`a<U+00AD>b<U+2003>c<U+202E>`"),
            ("日本", "`日本`"),
        ] {
            assert_eq!(quoted(value), shown, "{value:?}");
        }
    }
}
