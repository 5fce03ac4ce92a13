//! A text and its lines: where they begin and end, and pieces put into it.

use std::ops::Range;

/// A piece of the text and what stands there instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Splice {
    pub(super) range: Range<usize>,
    pub(super) text: String,
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
        }
    }
}

/// Puts all pieces in, which must not overlap; nothing if one does not fit.
pub(super) fn splice(text: &str, mut splices: Vec<Splice>) -> Option<String> {
    splices.sort_by_key(|splice| (splice.range.start, splice.range.end));
    let mut result = String::with_capacity(text.len() + 256);
    let mut done = 0;
    for splice in splices {
        result.push_str(text.get(done..splice.range.start)?);
        result.push_str(&splice.text);
        done = splice.range.end;
    }
    result.push_str(text.get(done..)?);
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
    text.get(line_start(text, at)..at)
        .is_some_and(|before| before.chars().all(|c| c == ' '))
}

/// Goes on from `at` over the lines that hold only a comment which stands deeper than `column`.
pub(super) fn skip_deeper_comments(text: &str, mut at: usize, column: usize) -> usize {
    while let Some(line) = text.get(at..next_line(text, at)).filter(|line| !line.is_empty()) {
        let indent = line.len() - line.trim_start_matches(' ').len();
        if indent <= column || !line.trim_start_matches(' ').starts_with('#') {
            break;
        }
        at = next_line(text, at);
    }
    at
}

/// Puts whole lines in at `at`, where a line begins or the text ends.
pub(super) fn insert_lines(text: &str, at: usize, lines: &[String]) -> Splice {
    let newline = line_break(text);
    let joined = lines.join(newline);
    let unfinished = at == text.len() && !text.is_empty() && !text.ends_with('\n');
    Splice::insert(
        at,
        if unfinished {
            format!("{newline}{joined}")
        } else {
            format!("{joined}{newline}")
        },
    )
}

/// Takes whole lines away; a text without a line break at its end stays one.
pub(super) fn delete_lines(text: &str, range: Range<usize>) -> Splice {
    let unfinished = range.end == text.len() && !text.ends_with('\n');
    if !unfinished {
        return Splice::delete(range);
    }
    let before = text.get(..range.start).unwrap_or_default();
    let before = before.strip_suffix('\n').unwrap_or(before);
    Splice::delete(before.strip_suffix('\r').unwrap_or(before).len()..range.end)
}
