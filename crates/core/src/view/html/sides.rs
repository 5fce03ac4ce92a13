//! Documents before and after, side by side: line beside line, with an empty one where the other side has more.

use serde::Serialize;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::super::text::harmless;
use crate::engine::Change;

/// One document on both sides.
#[derive(Serialize)]
pub(super) struct Document {
    name: String,
    /// It is on both sides, so that there is something to compare.
    is_open: bool,
    before: Vec<SideLine>,
    after: Vec<SideLine>,
}

#[derive(Serialize)]
struct SideLine {
    class: &'static str,
    text: String,
}

/// The documents that `change` has before or after it: policies, and other values with fields.
pub(super) fn documents(change: &Change) -> Vec<Document> {
    let has_fields = |value: &Option<Value>| {
        value
            .as_ref()
            .is_some_and(|value| value.as_object().is_some_and(|fields| !fields.is_empty()))
    };
    change
        .attributes
        .iter()
        .filter(|attribute| has_fields(&attribute.before) || has_fields(&attribute.after))
        .map(|attribute| {
            let (before, after) = sides(attribute.before.as_ref(), attribute.after.as_ref());
            Document {
                name: harmless(&attribute.name).into_owned(),
                is_open: !before.is_empty() && !after.is_empty(),
                before,
                after,
            }
        })
        .collect()
}

fn sides(before: Option<&Value>, after: Option<&Value>) -> (Vec<SideLine>, Vec<SideLine>) {
    let text = |value: Option<&Value>| value.map_or_else(String::new, |value| format!("{value:#}\n"));
    let (old, new) = (text(before), text(after));
    let diff = TextDiff::from_lines(&old, &new);
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for part in diff.iter_all_changes() {
        let line = |class| SideLine {
            class,
            text: harmless(part.value().trim_end_matches('\n')).into_owned(),
        };
        match part.tag() {
            ChangeTag::Equal => {
                fill(&mut left, &mut right);
                left.push(line(""));
                right.push(line(""));
            }
            ChangeTag::Delete => left.push(line("removed")),
            ChangeTag::Insert => right.push(line("added")),
        }
    }
    if before.is_some() && after.is_some() {
        fill(&mut left, &mut right);
    }
    (left, right)
}

/// Makes both sides equally long.
fn fill(left: &mut Vec<SideLine>, right: &mut Vec<SideLine>) {
    let filler = || SideLine {
        class: "filler",
        text: String::new(),
    };
    let length = left.len().max(right.len());
    left.resize_with(length, filler);
    right.resize_with(length, filler);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equal_lines_are_beside_each_other() {
        let before = json!({"Action": ["a", "b"], "Effect": "Allow"});
        let after = json!({"Action": ["b", "c", "d"], "Effect": "Allow"});
        let (left, right) = sides(Some(&before), Some(&after));
        assert_eq!(left.len(), right.len());
        for (left, right) in left.iter().zip(&right) {
            assert_eq!(left.class.is_empty(), right.class.is_empty());
            if left.class.is_empty() {
                assert_eq!(left.text, right.text);
            }
        }
        assert!(left.iter().any(|line| line.class == "filler"));
        let (left, right) = sides(None, Some(&after));
        assert!(left.is_empty() && right.iter().all(|line| line.class == "added"));
    }
}
