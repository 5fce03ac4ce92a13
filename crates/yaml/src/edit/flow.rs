//! Lists in brackets and mappings in braces: where commas go.

use std::collections::BTreeSet;
use std::ops::Range;

use super::lines::{Splice, begins_line, line_break, line_end, line_start, next_line};

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

/// Takes the pieces with these numbers away, each with its comma, and with its line if nothing but a comment of its own is
/// left there. What stands between them and others, such as comments about those, stays.
pub(super) fn remove(text: &str, pieces: &[Range<usize>], gone: &BTreeSet<usize>) -> Vec<Splice> {
    // Where the last ones go and have no comma, the last one that stays gives up its own.
    let mut tail = pieces.len();
    while let Some(before) = tail.checked_sub(1).filter(|last| gone.contains(last)) {
        tail = before;
    }
    let is_open = pieces
        .last()
        .is_some_and(|last| comma_after(text, last.end).is_none());
    let kept = tail.checked_sub(1).and_then(|kept| pieces.get(kept));
    let freed = kept
        .filter(|_| is_open)
        .and_then(|kept| comma_after(text, kept.end));
    let mut splices = Vec::with_capacity(gone.len());
    for (index, piece) in pieces
        .iter()
        .enumerate()
        .filter(|(index, _)| gone.contains(index))
    {
        let comma = comma_after(text, piece.end);
        let end = comma
            .filter(|comma| is_blank(text, piece.end..*comma))
            .map_or(piece.end, |comma| comma + 1);
        // A comma further off, behind a comment, goes alone.
        splices.extend(
            comma
                .filter(|comma| *comma >= end)
                .map(|comma| Splice::delete(comma..comma + 1)),
        );
        let freed = freed.filter(|_| index == tail);
        if begins_line(text, piece.start) && end_of_line_or_bracket(text, end) == line_end(text, end) {
            splices.extend(freed.map(|comma| Splice::delete(comma..comma + 1)));
            splices.push(Splice::delete(
                line_start(text, piece.start)..next_line(text, end),
            ));
            continue;
        }
        let next = pieces.get(index + 1).map(|next| next.start);
        let until = next.filter(|next| is_blank(text, end..*next)).unwrap_or(end);
        match freed {
            Some(comma) if is_blank(text, comma + 1..piece.start) => {
                splices.push(Splice::delete(comma..until));
            }
            freed => {
                splices.extend(freed.map(|comma| Splice::delete(comma..comma + 1)));
                splices.push(Splice::delete(piece.start..until));
            }
        }
    }
    splices
}

/// Whether there is nothing but blanks, on one line.
fn is_blank(text: &str, range: Range<usize>) -> bool {
    text.get(range)
        .is_some_and(|between| between.chars().all(|c| matches!(c, ' ' | '\t')))
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
