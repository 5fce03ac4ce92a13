//! Lists in brackets and mappings in braces: where commas go.

use std::collections::BTreeSet;
use std::ops::Range;

use super::lines::{Splice, begins_line, line_break, line_end, line_start};

/// Adds pieces behind the last of `pieces`; each new one is written already.
pub(super) fn append(text: &str, pieces: &[Range<usize>], new: &[String]) -> Vec<Splice> {
    let Some(last) = pieces.last() else {
        return Vec::new();
    };
    let comma = comma_after(text, last.end);
    if !begins_line(text, last.start) {
        let joined = new.join(", ");
        return vec![match comma {
            None => Splice::insert(last.end, format!(", {joined}")),
            Some(comma) => Splice::insert(comma + 1, format!(" {joined},")),
        }];
    }
    // One to a line: the new ones get lines of their own, behind a comment of the last.
    let newline = line_break(text);
    let indent = text
        .get(line_start(text, last.start)..last.start)
        .unwrap_or_default();
    let lines = new.join(&format!(",{newline}{indent}"));
    match comma {
        None => vec![
            Splice::insert(last.end, ","),
            Splice::insert(
                end_of_line_or_bracket(text, last.end),
                format!("{newline}{indent}{lines}"),
            ),
        ],
        Some(comma) => {
            let at = end_of_line_or_bracket(text, comma + 1);
            vec![Splice::insert(at, format!("{newline}{indent}{lines},"))]
        }
    }
}

/// Takes the pieces with these numbers away; some must stay.
pub(super) fn remove(pieces: &[Range<usize>], gone: &BTreeSet<usize>) -> Vec<Splice> {
    let mut splices = Vec::with_capacity(gone.len());
    // Each takes the comma behind it along; the last ones the comma before them.
    let mut end = pieces.len();
    while let Some(before) = end.checked_sub(1).filter(|last| gone.contains(last)) {
        end = before;
    }
    for index in gone.range(..end) {
        if let (Some(piece), Some(next)) = (pieces.get(*index), pieces.get(index + 1)) {
            splices.push(Splice::delete(piece.start..next.start));
        }
    }
    if let (Some(kept), Some(last)) = (
        end.checked_sub(1).and_then(|kept| pieces.get(kept)),
        pieces.last(),
    ) && end < pieces.len()
    {
        splices.push(Splice::delete(kept.end..last.end));
    }
    splices
}

/// The comma that follows, if one does before the bracket.
fn comma_after(text: &str, mut at: usize) -> Option<usize> {
    loop {
        let rest = text.get(at..)?;
        at += rest.len() - rest.trim_start().len();
        match text.as_bytes().get(at)? {
            b'#' => at = line_end(text, at),
            b',' => return Some(at),
            _ => return None,
        }
    }
}

/// The end of the line, unless something other than a comment follows on it.
fn end_of_line_or_bracket(text: &str, at: usize) -> usize {
    let end = line_end(text, at);
    let rest = text.get(at..end).unwrap_or_default().trim_start();
    if rest.is_empty() || rest.starts_with('#') {
        end
    } else {
        at
    }
}
