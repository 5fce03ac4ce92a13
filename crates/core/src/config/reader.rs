//! From the tree to plain values: what the decoding of every section needs. Shape and meaning are checked elsewhere; what has the wrong
//! shape is left out here.

use std::collections::BTreeMap;

use serde_json::Value;

use super::location::{Located, SourceLocation};
use super::source::Source;
use eksact_yaml::{Content, Node, Resolved};

/// Reads values with their places.
pub(super) struct Reader<'a> {
    source: &'a Source,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a Source) -> Self {
        Self { source }
    }

    /// Where a value begins.
    pub(super) fn location(&self, node: &Node) -> SourceLocation {
        self.source.location(node.at)
    }

    pub(super) fn located<T>(&self, node: &Node, value: T) -> Located<T> {
        Located {
            value,
            location: Some(self.location(node)),
        }
    }

    /// The text at `key`; empty text is absence, as in eksctl.
    pub(super) fn text(&self, parent: &Node, key: &str) -> Option<Located<String>> {
        let node = parent.get(key)?;
        let text = node.text().filter(|text| !text.is_empty())?;
        Some(self.located(node, text.to_owned()))
    }

    /// The same; an empty one, at the place of its parent, where there is none.
    pub(super) fn text_or_place(&self, parent: &Node, key: &str) -> Located<String> {
        self.text(parent, key)
            .unwrap_or_else(|| self.located(parent, String::new()))
    }

    /// The texts of the list at `key`, null as the empty text.
    pub(super) fn texts(&self, parent: &Node, key: &str) -> Vec<Located<String>> {
        let items = items(parent, key).iter();
        items
            .map(|item| self.located(item, item.text().unwrap_or_default().to_owned()))
            .collect()
    }

    /// The truth value at `key`.
    pub(super) fn boolean(&self, parent: &Node, key: &str) -> Option<Located<bool>> {
        let node = parent.get(key)?;
        boolean(node).map(|value| self.located(node, value))
    }

    /// The document at `key`.
    pub(super) fn document(&self, parent: &Node, key: &str) -> Option<Located<Value>> {
        let node = parent.get(key)?;
        matches!(node.content(), Content::Mapping(_)).then(|| self.located(node, json(node)))
    }
}

/// The items of the list at `key`; none where there is none.
pub(super) fn items<'n>(parent: &'n Node, key: &str) -> &'n [Node] {
    parent.get(key).map(Node::items).unwrap_or_default()
}

/// The texts of the list at `key` without their places.
pub(super) fn plain_texts(parent: &Node, key: &str) -> Vec<String> {
    let items = items(parent, key).iter();
    items
        .map(|item| item.text().unwrap_or_default().to_owned())
        .collect()
}

/// The text at `key` without its place; empty when absent.
pub(super) fn text<'n>(parent: &'n Node, key: &str) -> &'n str {
    parent.get(key).and_then(Node::text).unwrap_or_default()
}

/// Whether there is something at `key`.
pub(super) fn is_set(parent: &Node, key: &str) -> bool {
    parent.get(key).is_some_and(|value| !value.is_empty())
}

/// Whether there is `true` at `key`.
pub(super) fn is_true(parent: &Node, key: &str) -> bool {
    parent.get(key).and_then(boolean) == Some(true)
}

pub(super) fn boolean(node: &Node) -> Option<bool> {
    match node.resolved() {
        Some(Resolved::Bool(value)) => Some(*value),
        _ => None,
    }
}

/// Names and texts as written; null is the empty text.
pub(super) fn text_map(parent: &Node, key: &str) -> BTreeMap<String, String> {
    let entries = parent.get(key).map(Node::entries).unwrap_or_default();
    let scalars = entries
        .iter()
        .filter(|entry| matches!(entry.value.content(), Content::Scalar { .. }));
    scalars
        .map(|entry| {
            (
                entry.key.to_string(),
                entry.value.text().unwrap_or_default().to_owned(),
            )
        })
        .collect()
}

/// A document as JSON. Dates are text. A number that JSON would write otherwise stays as written: eksctl drops the
/// leading zero of an account id and the trailing one of `1.30`.
pub(super) fn json(node: &Node) -> serde_json::Value {
    match node.content() {
        Content::Sequence(items) => Value::Array(items.iter().map(json).collect()),
        Content::Mapping(entries) => Value::Object(
            entries
                .iter()
                .map(|entry| (entry.key.to_string(), json(&entry.value)))
                .collect(),
        ),
        Content::Scalar { text, .. } => match node.resolved() {
            Some(Resolved::Null) => Value::Null,
            Some(Resolved::Bool(value)) => Value::Bool(*value),
            Some(Resolved::Integer(_) | Resolved::Unsigned(_) | Resolved::Float(_)) => {
                match serde_json::from_str(text) {
                    Ok(number @ Value::Number(_)) if number.to_string().as_str() == text => number,
                    _ => Value::String(text.clone()),
                }
            }
            _ => Value::String(text.clone()),
        },
    }
}
