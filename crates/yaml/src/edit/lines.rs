//! A text and its lines: where they begin and end, and pieces put into it.

use std::ops::Range;

/// A piece of the text and what stands there instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Splice {
    pub(super) range: Range<usize>,
    pub(super) text: String,
    /// Whether these are whole lines, which never go on with the line before.
    whole_lines: bool,
}

impl Splice {
    pub(super) fn insert(at: usize, text: impl Into<String>) -> Self {
        Self::replace(at..at, text)
    }

    pub(super) fn delete(range: Range<usize>) -> Self {
        Self::replace(range, "")
    }

    pub(super) fn replace(range: Range<usize>, text: impl Into<String>) -> Self {
        Self {
            range,
            text: text.into(),
            whole_lines: false,
        }
    }

    /// Puts whole lines in at `at`, where a line begins or the text ends.
    pub(super) fn insert_lines(text: &str, at: usize, lines: &[String]) -> Self {
        let newline = line_break(text);
        Self {
            whole_lines: true,
            ..Self::insert(at, format!("{}{newline}", lines.join(newline)))
        }
    }
}

/// Puts all pieces in, which must not overlap; nothing if one does not fit. Of those at one place the first comes first.
/// A text without a line break at its end stays one.
pub(super) fn splice(text: &str, mut splices: Vec<Splice>) -> Option<String> {
    splices.sort_by_key(|splice| (splice.range.start, splice.range.end));
    let unfinished = !text.is_empty() && !text.ends_with('\n');
    let mut result = String::with_capacity(text.len() + 256);
    let mut done = 0;
    for splice in splices {
        result.push_str(text.get(done..splice.range.start)?);
        if splice.whole_lines && !result.is_empty() && !result.ends_with('\n') {
            result.push_str(line_break(text));
        }
        result.push_str(&splice.text);
        done = splice.range.end;
    }
    result.push_str(text.get(done..)?);
    if unfinished && result.ends_with('\n') {
        result.pop();
        if result.ends_with('\r') {
            result.pop();
        }
    }
    Some(result)
}

/// The line break that the text uses.
pub(super) fn line_break(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text.get(..at).is_some_and(|before| before.ends_with('\r')) => "\r\n",
        _ => "\n",
    }
}

/// Where the line of `at` begins.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text.get(..at)
        .and_then(|before| before.rfind('\n'))
        .map_or(0, |at| at + 1)
}

/// Where the line of `at` ends, before its line break.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let line = rest.split('\n').next().unwrap_or_default();
    let length = if line.len() < rest.len() {
        line.strip_suffix('\r').unwrap_or(line).len()
    } else {
        line.len()
    };
    at + length
}

/// Where the line after that of `at` begins; the end of the text if there is none.
pub(super) fn next_line(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    rest.find('\n').map_or(text.len(), |found| at + found + 1)
}

/// Whether only blanks stand before `at` on its line.
pub(super) fn begins_line(text: &str, at: usize) -> bool {
    let before = text.get(..at).map(|before| before.trim_end_matches(' '));
    before.is_some_and(|before| before.is_empty() || before.ends_with('\n'))
}

/// Where the line before that of `at` begins, if there is one.
pub(super) fn line_before(text: &str, at: usize) -> Option<usize> {
    Some(line_start(text, line_start(text, at).checked_sub(1)?))
}

/// The column of the comment that fills the line beginning at `at`; nothing if the line holds something else.
pub(super) fn comment_column(text: &str, at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let comment = rest.trim_start_matches(' ');
    comment.starts_with('#').then(|| rest.len() - comment.len())
}

/// Goes on from `at` over the lines that hold only a comment which stands deeper than `column`.
pub(super) fn skip_deeper_comments(text: &str, mut at: usize, column: usize) -> usize {
    while comment_column(text, at).is_some_and(|comment| comment > column) {
        at = next_line(text, at);
    }
    at
}
