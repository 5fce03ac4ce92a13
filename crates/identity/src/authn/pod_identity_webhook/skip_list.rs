//! The list of containers to skip: one record of CSV, as Go's `encoding/csv` reads it.

use std::collections::BTreeSet;

/// The names in the list; none where Go finds a fault in it. Blanks belong to the names.
pub(super) fn names(text: &str) -> BTreeSet<String> {
    record(text).unwrap_or_default().into_iter().collect()
}

/// The first record: it may go over several lines where a field is quoted, and empty lines before it do not count.
fn record(text: &str) -> Option<Vec<String>> {
    let mut lines = text.split_inclusive('\n').map(line);
    let mut rest = lines.find(|line| !line.is_empty() && line != "\n")?;
    let mut fields = Vec::new();
    loop {
        let Some(quoted) = rest.strip_prefix('"') else {
            let (field, more) = match rest.split_once(',') {
                Some((field, more)) => (field.to_owned(), Some(more.to_owned())),
                None => (rest.trim_end_matches('\n').to_owned(), None),
            };
            if field.contains('"') {
                return None;
            }
            fields.push(field);
            match more {
                Some(more) => rest = more,
                None => return Some(fields),
            }
            continue;
        };
        let mut field = String::new();
        let mut within = quoted.to_owned();
        let more = loop {
            let Some((before, after)) = within.split_once('"') else {
                field.push_str(&within);
                // No line is left to end the quotes.
                within = lines.next()?;
                continue;
            };
            field.push_str(before);
            if let Some(after) = after.strip_prefix('"') {
                field.push('"');
                within = after.to_owned();
            } else if let Some(more) = after.strip_prefix(',') {
                break Some(more.to_owned());
            } else if after.is_empty() || after == "\n" {
                break None;
            } else {
                return None;
            }
        };
        fields.push(field);
        match more {
            Some(more) => rest = more,
            None => return Some(fields),
        }
    }
}

/// A line as Go's reader hands it on: `\r\n` is `\n`, and a `\r` at the very end is nothing.
fn line(text: &str) -> String {
    match text.strip_suffix("\r\n") {
        Some(text) => format!("{text}\n"),
        None => text.strip_suffix('\r').unwrap_or(text).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_go_reads() {
        for (text, expected) in [
            ("a,b", &["a", "b"][..]),
            ("a, b", &["a", " b"]),
            ("\"a,b\",c", &["a,b", "c"]),
            ("\"a\"\"b\"", &["a\"b"]),
            ("\n\r\na\r\nb", &["a"]),
            ("\"a\nb\",c", &["a\nb", "c"]),
            ("a,", &["", "a"]),
            ("", &[]),
            ("\r", &[]),
            ("a\"b", &[]),
            ("\"a\"b", &[]),
            ("\"a", &[]),
        ] {
            let expected: BTreeSet<String> = expected.iter().map(ToString::to_string).collect();
            assert_eq!(names(text), expected, "{text:?}");
        }
    }
}
