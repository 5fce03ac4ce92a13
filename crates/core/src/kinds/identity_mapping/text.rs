//! The lines in which two texts differ, as a plan shows them.

use serde::{Deserialize, Serialize};
use similar::{ChangeTag, TextDiff};

use crate::engine::{Difference, DifferenceSign};

/// Lines that go and lines that come, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Lines(pub Vec<(DifferenceSign, String)>);

impl Lines {
    /// The same, wherever in the line the text begins: a list may be indented or not.
    pub(super) fn trimmed(&self) -> Vec<(DifferenceSign, &str)> {
        self.0.iter().map(|(sign, line)| (*sign, line.trim())).collect()
    }

    /// The same as lines of a plan.
    pub(super) fn differences(&self) -> Vec<Difference> {
        self.0
            .iter()
            .map(|(sign, line)| Difference {
                sign: *sign,
                indent: 0,
                text: line.clone(),
                effect: None,
            })
            .collect()
    }
}

/// The lines in which `after` differs from `before`.
pub(super) fn changed_lines(before: &str, after: &str) -> Lines {
    // A last line without its end is the same line.
    let whole = |text: &str| match text {
        "" => String::new(),
        text if text.ends_with('\n') => text.to_owned(),
        text => format!("{text}\n"),
    };
    let (before, after) = (whole(before), whole(after));
    let difference = TextDiff::from_lines(&before, &after);
    Lines(
        difference
            .iter_all_changes()
            .filter_map(|change| {
                let sign = match change.tag() {
                    ChangeTag::Delete => DifferenceSign::Removed,
                    ChangeTag::Insert => DifferenceSign::Added,
                    ChangeTag::Equal => return None,
                };
                let line = change.value().trim_end_matches(['\n', '\r']);
                Some((sign, line.to_owned()))
            })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapping_text_has_only_what_differs() {
        let lines = changed_lines("- a: 1\n  b: 2\n", "- a: 1\n  b: 3\n  c: 4");
        assert_eq!(
            lines.0,
            [
                (DifferenceSign::Removed, "  b: 2".to_owned()),
                (DifferenceSign::Added, "  b: 3".to_owned()),
                (DifferenceSign::Added, "  c: 4".to_owned()),
            ]
        );
        assert_eq!(changed_lines("", "").0, []);
        assert_eq!(changed_lines("a", "a\n").0, []);
    }
}
