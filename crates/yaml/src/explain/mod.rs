//! What is wrong with a text, in words that help: the cause where it can be found, its place, and what to do.
//!
//! A cause is believed when the text reads further without it. go-yaml's own words stay where none is found.

mod misleading;
pub mod template;

#[cfg(test)]
mod tests;

pub use misleading::Misleading;
use misleading::plain;

use eksact_message::remedy::Remedy;

use super::shown::quoted;
use super::syntax::{ErrorKind, SyntaxError, Tree};
use super::text::{lines, not_text_help};

/// What is wrong, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub help: Option<Remedy>,
}

/// How many lines above the one that is refused may be the cause.
const LINES_ABOVE: usize = 20;

/// Explains why `text` was refused.
pub fn explain(text: &str, error: &SyntaxError) -> Explanation {
    let says = |problem: String, help: Option<Remedy>| Explanation {
        line: error.line,
        column: error.column,
        problem,
        help,
    };
    match error.kind {
        ErrorKind::Syntax => syntax(text, error),
        ErrorKind::Character => control_character(text, error),
        ErrorKind::Tag => says(
            "this value is not what its tag says".to_owned(),
            Some(remedy!("write the value without the tag, or as the tag requires")),
        ),
        ErrorKind::Alias if error.problem.contains("contains itself") => says(
            "this alias is inside the value of its own anchor".to_owned(),
            Some(remedy!("write the value itself instead of the alias")),
        ),
        ErrorKind::Alias => says(
            "there is no anchor for this alias in the document above it".to_owned(),
            Some(remedy!(
                "define the anchor with `&name` before the alias `*name`; a string that begins with `*` \
                 needs quotes"
            )),
        ),
        ErrorKind::Key => key(text, error),
        ErrorKind::Merge => says(
            "`<<` merges a mapping or a list of mappings, and this is something else".to_owned(),
            Some(remedy!(
                "write an alias of a mapping, as in `<<: *defaults`; put `<<` in quotes if it is meant as a key"
            )),
        ),
        ErrorKind::Duplicate => {
            let place = error.context.map(|mark| (mark.line + 1, mark.column + 1));
            let problem = match place.filter(|place| *place != (error.line, error.column)) {
                Some((line, column)) => format!(
                    "{}; {} is on line {line}, column {column}",
                    error.problem,
                    if line <= error.line {
                        "the first"
                    } else {
                        "that one"
                    }
                ),
                None => error.problem.clone(),
            };
            let help = if problem.contains("`<<` below") {
                remedy!("put `<<` first: readers of YAML do not agree on which of them counts")
            } else {
                remedy!("keep one of them")
            };
            says(problem, Some(help))
        }
        ErrorKind::NotJson => says(
            "JSON cannot represent this number, so that it cannot be passed on".to_owned(),
            Some(remedy!("put it in quotes if it is a string")),
        ),
        ErrorKind::Depth => says(error.problem.clone(), None),
        ErrorKind::Size => says(
            match error.problem.as_str() {
                "document contains excessive aliasing" => {
                    "with its aliases written out this is mostly copies, and go-yaml refuses it".to_owned()
                }
                problem => problem.to_owned(),
            },
            Some(remedy!("write the file with fewer aliases, or split it")),
        ),
    }
}

fn at(
    line: usize,
    column: usize,
    problem: impl Into<String>,
    help: impl Into<Option<Remedy>>,
) -> Explanation {
    Explanation {
        line,
        column,
        problem: problem.into(),
        help: help.into(),
    }
}

fn control_character(text: &str, error: &SyntaxError) -> Explanation {
    let lines = lines(text);
    let line = line_at(&lines, error.line);
    let character = line.chars().nth(error.column - 1).unwrap_or_default();
    if character == '\0' && text.len() > 3 && text.matches('\0').count() > text.chars().count() / 4 {
        return at(
            error.line,
            error.column,
            "every second byte is zero: this is UTF-16 text without a byte order mark",
            not_text_help(),
        );
    }
    at(
        error.line,
        error.column,
        format!(
            "the control character U+{:04X} is not allowed in YAML",
            u32::from(character)
        ),
        remedy!("remove it; in double quotes it can be written as an escape such as \"\\x1b\""),
    )
}

fn key(text: &str, error: &SyntaxError) -> Explanation {
    let lines = lines(text);
    let line = line_at(&lines, error.line);
    let rest = from_column(line, error.column);
    let what = match rest.chars().next() {
        Some('{') => "a mapping",
        Some('[' | '-') => "a list",
        Some('0'..='9') => "a number that is too large",
        _ if error.problem.starts_with("invalid") => "a mapping",
        _ => "nothing",
    };
    // `name: {{NAME}}` reads as a mapping whose key is a mapping: the error is at either brace.
    let is_second = rest.starts_with('{') && before_column(line, error.column).ends_with('{');
    let from = from_column(line, error.column - usize::from(is_second));
    let help = match template::first(from) {
        Some((0, template)) if from.contains("}}") => template::help(template),
        _ => remedy!("put it in quotes if it is meant as a key"),
    };
    at(
        error.line,
        error.column,
        format!("a key must be text, and this is {what}"),
        help,
    )
}

fn syntax(text: &str, error: &SyntaxError) -> Explanation {
    let lines = lines(text);
    let context = error
        .context
        .map_or(error.line, |mark| mark.line + 1)
        .min(error.line);
    // Of a construct that began far above, its own line is looked at as well.
    let from = error.line.saturating_sub(LINES_ABOVE).max(1).min(context.max(1));
    let near = from.max(error.line.saturating_sub(LINES_ABOVE * 5))..=error.line.min(lines.len());
    let search = Search {
        text,
        lines: &lines,
        near,
        error,
    };
    search
        .misleading_character()
        .or_else(|| search.tab())
        .or_else(|| search.missing_space())
        .or_else(|| search.template())
        .unwrap_or_else(|| search.words())
}

struct Search<'t> {
    text: &'t str,
    lines: &'t [(usize, &'t str)],
    /// The lines, from 1, in which the cause may stand.
    near: std::ops::RangeInclusive<usize>,
    error: &'t SyntaxError,
}

impl<'t> Search<'t> {
    fn near(&self) -> impl DoubleEndedIterator<Item = (usize, &'t str)> + '_ {
        self.near.clone().map(|line| (line, line_at(self.lines, line)))
    }

    /// The text with the lines near the error changed.
    fn changed(&self, change: impl Fn(&str) -> String) -> String {
        let mut changed = String::with_capacity(self.text.len());
        let mut done = 0;
        for line in self.near.clone() {
            let Some((start, old)) = line.checked_sub(1).and_then(|index| self.lines.get(index)) else {
                continue;
            };
            changed.push_str(self.text.get(done..*start).unwrap_or_default());
            changed.push_str(&change(old));
            done = start + old.len();
        }
        changed.push_str(self.text.get(done..).unwrap_or_default());
        changed
    }

    /// Whether a changed text reads further than the one that was refused.
    fn helps(&self, changed: &str) -> bool {
        let refused = Tree::documents(changed).find_map(Result::err);
        refused.is_none_or(|error| error.line > self.error.line)
    }

    /// Spaces that are none, characters without width, and quotes of a text processor.
    fn misleading_character(&self) -> Option<Explanation> {
        let (line, column, found) = self.near().find_map(|(number, line)| {
            let mut characters = line.chars().enumerate();
            characters.find_map(|(column, character)| {
                let found = Misleading::of(character)?;
                (number, column)
                    .ne(&(1, 0))
                    .then_some((number, column + 1, found))
            })
        })?;
        let changed = self.changed(|line| line.chars().filter_map(plain).collect());
        self.helps(&changed)
            .then(|| at(line, column, found.problem(), found.help()))
    }

    fn tab(&self) -> Option<Explanation> {
        let is_indented = |line: &str| line.trim_start_matches(' ').starts_with('\t');
        let (line, text) = self.near().rfind(|(_, line)| is_indented(line))?;
        let spaces = |line: &str| {
            let rest = line.trim_start_matches([' ', '\t']);
            let indentation = line.get(..line.len() - rest.len()).unwrap_or_default();
            format!("{}{rest}", indentation.replace('\t', "  "))
        };
        let is_named = self.error.problem.contains("tab") || line == self.error.line;
        (is_named || self.helps(&self.changed(spaces))).then(|| {
            let column = text.find('\t').map_or(1, |at| at + 1);
            at(
                line,
                column,
                "a tab indents this line, and YAML allows only spaces there",
                remedy!("indent with spaces"),
            )
        })
    }

    /// `name:value`, which is a text.
    fn missing_space(&self) -> Option<Explanation> {
        for in_lists in [false, true] {
            let colon =
                |line: &str| missing_space(line).filter(|_| in_lists || !line.trim_start().starts_with('-'));
            let first = self
                .near()
                .find_map(|(number, line)| colon(line).map(|at| (number, line, at)));
            let Some((number, line, byte)) = first else {
                continue;
            };
            let changed = self.changed(|line| match colon(line) {
                Some(byte) => {
                    let (key, value) = line.split_at(byte + 1);
                    format!("{key} {value}")
                }
                None => line.to_owned(),
            });
            if self.helps(&changed) {
                let column = before_byte(line, byte).chars().count() + 1;
                return Some(at(
                    number,
                    column,
                    "a space is missing after this colon",
                    remedy!("write `key: value`"),
                ));
            }
        }
        None
    }

    fn template(&self) -> Option<Explanation> {
        let context = self.error.context.map_or(self.error.line, |mark| mark.line + 1);
        let (line, text, byte, template) = [self.error.line, context].into_iter().find_map(|number| {
            let text = line_at(self.lines, number);
            let (byte, template) = template::first(text)?;
            Some((number, text, byte, template))
        })?;
        let column = before_byte(text, byte).chars().count() + 1;
        let problem = if template.starts_with("{{") {
            "`{{` begins a mapping within a mapping, and this is not one"
        } else {
            "`{%` is not YAML"
        };
        Some(at(line, column, problem, template::help(template)))
    }

    /// Whether something stands before the error on its line: a value that ended too early, as in `'it's'`.
    fn is_behind_a_value(&self) -> bool {
        let before = before_column(line_at(self.lines, self.error.line), self.error.column);
        !before.trim_matches([' ', '-']).is_empty()
    }

    /// go-yaml's words, and what mostly leads to them.
    fn words(&self) -> Explanation {
        let error = self.error;
        let here = |problem: &str, help: Option<Remedy>| at(error.line, error.column, problem, help);
        let begins = |problem: &str, help: Option<Remedy>| match error.context {
            Some(mark) => at(mark.line + 1, mark.column + 1, problem, help),
            None => here(problem, help),
        };
        let problem = error.problem.as_str();
        let rest = from_column(line_at(self.lines, error.line), error.column);
        let next = rest.chars().next();
        match problem {
            "found character that cannot start any token" => match next {
                Some(character) => here(
                    &format!("a value cannot begin with {}", quoted(&character.to_string())),
                    Some(remedy!("put the value in quotes")),
                ),
                None => here(problem, None),
            },
            "mapping values are not allowed in this context" => here(
                problem,
                Some(remedy!(
                    "a string with `: ` in it needs quotes; check the indentation of this line and the one \
                     above"
                )),
            ),
            "could not find expected ':'" => begins(
                "this line has no `:` after its key",
                Some(remedy!(
                    "write `key: value`; a string that continues over several lines must be indented deeper \
                     than its key"
                )),
            ),
            "found unexpected end of stream" | "found unexpected document indicator" => begins(
                "the quote that begins here is not closed",
                Some(remedy!("close it; within single quotes a `'` is written twice")),
            ),
            "did not find expected ',' or ']'" => begins(
                &format!(
                    "the `[` that begins here is not closed, or a `,` is missing before line {}, column {}",
                    error.line, error.column
                ),
                Some(remedy!("write `[a, b]`")),
            ),
            "did not find expected ',' or '}'" => begins(
                &format!(
                    "the `{{` that begins here is not closed, or a `,` is missing before line {}, column {}",
                    error.line, error.column
                ),
                Some(remedy!(
                    "write `{{a: b, c: d}}`; a string with braces in it needs quotes"
                )),
            ),
            "did not find expected key" | "did not find expected '-' indicator"
                if self.is_behind_a_value() =>
            {
                here(
                    "the value before this has already ended",
                    Some(remedy!(
                        "put the whole value in quotes; within single quotes a `'` is written twice"
                    )),
                )
            }
            "did not find expected key" | "did not find expected '-' indicator" => here(
                problem,
                Some(remedy!(
                    "check the indentation: this line fits none of those above it"
                )),
            ),
            "block sequence entries are not allowed in this context" => here(
                problem,
                Some(remedy!("put each `- item` on a line of its own below its key")),
            ),
            "did not find expected alphabetic or numeric character" => begins(
                "this is neither an anchor nor an alias",
                Some(remedy!("a string that begins with `*` or `&` needs quotes")),
            ),
            "did not find expected node content" if rest.is_empty() || rest.starts_with("---") => here(
                "a `[` or `{` above is not closed",
                Some(remedy!("write `]` or `}}` where it ends")),
            ),
            "did not find expected node content" if next == Some('-') => here(
                "within `[` and `]` no item begins with `-`",
                Some(remedy!("write `[a, b]`")),
            ),
            "did not find expected node content" => here(
                "a value is missing here",
                Some(remedy!(
                    "write it, or delete the extra `,` or bracket; a string that begins with one needs quotes"
                )),
            ),
            "found unknown escape character" | "did not find expected hexdecimal number" => here(
                "this `\\` in double quotes does not begin an escape that YAML knows",
                Some(remedy!("write `\\\\`, or use single quotes")),
            ),
            _ => here(problem, None),
        }
    }
}

/// What to do about a text that is `name:value`, where a mapping is wanted.
pub fn missing_space_help(text: &str) -> Option<Remedy> {
    let key = before_byte(text, missing_space(text)?).trim_start_matches([' ', '-', '\t']);
    Some(remedy!(
        "put a space after the colon of {}",
        quoted(&format!("{key}:"))
    ))
}

/// The byte of a colon that ends a key at the start of a line, without a space after it.
fn missing_space(line: &str) -> Option<usize> {
    let start = line.len() - line.trim_start_matches([' ', '-', '\t']).len();
    let rest = line.get(start..)?;
    let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "_-./".contains(c)))?;
    let behind = rest.get(length..)?.strip_prefix(':')?;
    let is_key = length > 0 && rest.starts_with(|c: char| c.is_ascii_alphabetic());
    (is_key && !behind.is_empty() && !behind.starts_with([' ', '\t', '/', ':'])).then_some(start + length)
}

fn line_at<'t>(lines: &[(usize, &'t str)], number: usize) -> &'t str {
    let line = number.checked_sub(1).and_then(|index| lines.get(index));
    let text = line.map_or("", |(_, line)| *line);
    // Columns do not count the mark that a text begins with.
    if number == 1 {
        text.strip_prefix('\u{feff}').unwrap_or(text)
    } else {
        text
    }
}

fn before_byte(line: &str, byte: usize) -> &str {
    line.get(..byte).unwrap_or_default()
}

fn from_column(line: &str, column: usize) -> &str {
    let byte = line
        .char_indices()
        .nth(column.saturating_sub(1))
        .map_or(line.len(), |(byte, _)| byte);
    line.get(byte..).unwrap_or_default()
}

fn before_column(line: &str, column: usize) -> &str {
    let rest = from_column(line, column);
    before_byte(line, line.len() - rest.len())
}
