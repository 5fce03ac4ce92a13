//! The answer to who may as a Mermaid flowchart, as GitHub renders it: who → binding → role → what. Subjects with the same path
//! are one node, and beyond Mermaid's limits the rest is counted and not drawn.

use std::{collections::BTreeMap, fmt::Write as _};

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
    let mut text = "flowchart LR\n".to_owned();
    let mut nodes: BTreeMap<String, usize> = BTreeMap::new();
    let left_out = paths.len().saturating_sub(MAX_PATHS);
    let mut edges = std::collections::BTreeSet::new();
    let goal = node(&answer.request.to_string(), &mut nodes, &mut text);
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
        let mut from = node(&label, &mut nodes, &mut text);
        for step in steps {
            let to = node(&step, &mut nodes, &mut text);
            edges.insert((from, to));
            from = to;
        }
        edges.insert((from, goal));
    }
    for (from, to) in edges {
        let _ = writeln!(text, "  n{from} --> n{to}");
    }
    if left_out > 0 {
        let rest = node(
            &format!("{left_out} more paths are not drawn"),
            &mut nodes,
            &mut text,
        );
        let _ = writeln!(text, "  n{rest} -.-> n{goal}");
    }
    text
}

/// The number of the node with this label, which is written when it is new.
fn node(label: &str, nodes: &mut BTreeMap<String, usize>, text: &mut String) -> usize {
    if let Some(number) = nodes.get(label) {
        return *number;
    }
    let number = nodes.len();
    nodes.insert(label.to_owned(), number);
    let _ = writeln!(text, "  n{number}[\"{}\"]", quoted(label));
    number
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
