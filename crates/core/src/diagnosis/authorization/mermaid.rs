//! The answer to who may as a Mermaid flowchart, as GitHub renders it: who → binding → role → what. Subjects with the same path
//! are one node, and beyond Mermaid's limits the rest is counted and not drawn.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use super::who_can::WhoCan;

/// Mermaid refuses more (`maxEdges` is 500); each path has up to three edges.
const MAX_PATHS: usize = 150;
/// Names in one node.
const MAX_NAMES: usize = 12;

/// The chart.
pub fn mermaid(answer: &WhoCan) -> String {
    let mut paths: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
    for row in &answer.direct {
        let who = format!("{} {}", row.actor.kind(), row.actor.name());
        for path in &row.paths {
            let steps = [
                path.via.clone().unwrap_or_default(),
                path.reason.binding.clone(),
                path.reason.role.clone(),
            ];
            let steps = steps.into_iter().filter(|step| !step.is_empty()).collect();
            paths.entry(steps).or_default().push(who.clone());
        }
        if row.paths.is_empty() {
            let depends = format!("depends on {}", row.depends_on.join("; "));
            paths.entry(vec![depends]).or_default().push(who);
        }
    }
    for row in &answer.can_become {
        let steps = vec![format!("{} and becomes {}", row.by, row.becomes)];
        let who = format!("{} {}", row.actor.kind(), row.actor.name());
        paths.entry(steps).or_default().push(who);
    }
    let mut chart = Chart::default();
    let left_out = paths.len().saturating_sub(MAX_PATHS);
    let goal = answer.question();
    chart.node(&goal);
    for (steps, names) in paths.into_iter().take(MAX_PATHS) {
        let mut label = names
            .iter()
            .take(MAX_NAMES)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n");
        if names.len() > MAX_NAMES {
            let _ = write!(label, "\nand {} more", names.len() - MAX_NAMES);
        }
        let whole: Vec<String> = std::iter::once(label)
            .chain(steps)
            .chain([goal.clone()])
            .collect();
        chart.path(&whole);
    }
    if left_out > 0 {
        chart.note(&format!("{left_out} more paths are not drawn"), &goal);
    }
    chart.finish()
}

/// A flowchart in the making: each label is one node, each edge is drawn once.
#[derive(Debug, Default)]
pub(in crate::diagnosis) struct Chart {
    nodes: BTreeMap<String, usize>,
    labels: String,
    edges: BTreeSet<(usize, usize)>,
    notes: String,
}

impl Chart {
    /// The number of the node with this label.
    pub(in crate::diagnosis) fn node(&mut self, label: &str) -> usize {
        if let Some(number) = self.nodes.get(label) {
            return *number;
        }
        let number = self.nodes.len();
        self.nodes.insert(label.to_owned(), number);
        let _ = writeln!(self.labels, "  n{number}[\"{}\"]", quoted(label));
        number
    }

    /// Edges from each label to the next.
    pub(in crate::diagnosis) fn path(&mut self, labels: &[String]) {
        let numbers: Vec<usize> = labels.iter().map(|label| self.node(label)).collect();
        self.edges
            .extend(numbers.windows(2).map(|pair| (pair[0], pair[1])));
    }

    /// A remark beside a node.
    fn note(&mut self, text: &str, beside: &str) {
        let (from, to) = (self.node(text), self.node(beside));
        let _ = writeln!(self.notes, "  n{from} -.-> n{to}");
    }

    /// The text of the chart.
    pub(in crate::diagnosis) fn finish(self) -> String {
        let mut text = format!("flowchart LR\n{}", self.labels);
        for (from, to) in self.edges {
            let _ = writeln!(text, "  n{from} --> n{to}");
        }
        text + &self.notes
    }
}

/// A label in which nothing is Mermaid's or HTML's: by entities, which Mermaid writes with `#` in place of `&`.
fn quoted(label: &str) -> String {
    let mut text = String::new();
    for letter in label.chars() {
        match letter {
            '\n' => text.push_str("<br/>"),
            '"' | '#' | '<' | '>' | '&' | '`' | ';' | '\\' => {
                let _ = write!(text, "#{};", u32::from(letter));
            }
            other if crate::view::text::is_harmful(other) => text.push('\u{fffd}'),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_hold_no_marks_of_mermaid_or_html() {
        for (label, expected) in [
            ("group devs", "group devs"),
            ("a\"]-->b", "a#34;]--#62;b"),
            ("</script><img onerror>", "#60;/script#62;#60;img onerror#62;"),
            ("a#b;`c`", "a#35;b#59;#96;c#96;"),
            ("x\u{202e}y", "x\u{fffd}y"),
        ] {
            assert_eq!(quoted(label), expected, "{label}");
        }
    }
}
