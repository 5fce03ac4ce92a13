//! What a document means without how it is written: to know that an edit changed nothing else.

use std::collections::BTreeSet;

use super::Step;
use super::value::Value;
use crate::syntax::Resolved;
use crate::syntax::{Content, NodeId, Tree};

/// A document's values.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Data {
    /// What it is, its text and its tag.
    Scalar(Option<Resolved>, String, String),
    Sequence(Vec<Data>),
    Mapping(Vec<(Data, Data)>),
    /// The anchor's name and the text that it stands for.
    Alias(String, String),
}

impl Data {
    /// The values of a whole text.
    pub(super) fn of(tree: &Tree, text: &str) -> Self {
        tree.root().map_or_else(
            || Self::from(&Value::Null),
            |root| Self::of_node(tree, text, root),
        )
    }

    /// The values of a node.
    pub(super) fn of_node(tree: &Tree, text: &str, id: NodeId) -> Self {
        let Some(node) = tree.node(id) else {
            return Self::from(&Value::Null);
        };
        match &node.content {
            Content::Scalar { text, .. } => {
                let resolved = tree.resolved(id).and_then(Result::ok);
                let text = if resolved == Some(Resolved::Null) {
                    ""
                } else {
                    text
                };
                Self::Scalar(resolved, text.to_owned(), node.tag.clone())
            }
            Content::Sequence { items, .. } => Self::Sequence(
                items
                    .iter()
                    .map(|item| Self::of_node(tree, text, *item))
                    .collect(),
            ),
            Content::Mapping { entries, .. } => Self::Mapping(
                entries
                    .iter()
                    .map(|entry| {
                        let key = Self::of_node(tree, text, entry.key);
                        (key, Self::of_node(tree, text, entry.value))
                    })
                    .collect(),
            ),
            Content::Alias { name, target } => {
                let span = tree.node(*target).and_then(|target| text.get(target.span()));
                Self::Alias(name.clone(), span.unwrap_or_default().to_owned())
            }
        }
    }

    fn is_null(&self) -> bool {
        matches!(self, Self::Scalar(Some(Resolved::Null), ..))
    }

    /// The value of the last entry with this key.
    fn value_mut(&mut self, key: &str) -> Option<&mut Self> {
        let Self::Mapping(entries) = self else { return None };
        entries
            .iter_mut()
            .rev()
            .find(|(known, _)| matches!(known, Self::Scalar(_, text, _) if text == key))
            .map(|(_, value)| value)
    }

    fn at_mut(&mut self, path: &[Step<'_>]) -> Option<&mut Self> {
        path.iter().try_fold(self, |data, step| match (step, data) {
            (Step::Key(key), data) => data.value_mut(key),
            (Step::Index(index), Self::Sequence(items)) => items.get_mut(*index),
            _ => None,
        })
    }

    /// Does what [`super::Editor::set`] does.
    pub(super) fn set(&mut self, path: &[Step<'_>], value: &Value) {
        if let Some(data) = self.at_mut(path) {
            *data = Self::from(value);
        } else if let Some((Step::Key(key), above)) = path.split_last() {
            if let Some(parent) = self.at_mut(above) {
                let entry = (Self::from(&Value::text(*key)), Self::from(value));
                if let Self::Mapping(entries) = parent {
                    entries.push(entry);
                } else {
                    *parent = Self::Mapping(vec![entry]);
                }
            } else {
                self.set(above, &Value::mapping([(*key, value.clone())]));
            }
        }
    }

    /// Does what [`super::Editor::append`] does.
    pub(super) fn append(&mut self, path: &[Step<'_>], values: &[Value]) {
        match self.at_mut(path) {
            Some(Self::Sequence(items)) => items.extend(values.iter().map(Self::from)),
            Some(data) if data.is_null() => *data = Self::from(&Value::Sequence(values.to_vec())),
            _ => self.set(path, &Value::Sequence(values.to_vec())),
        }
    }

    /// Does what [`super::Editor::remove`] does, for several of one list or mapping.
    pub(super) fn remove(&mut self, above: &[Step<'_>], gone: &BTreeSet<Step<'_>>) {
        match self.at_mut(above) {
            Some(Self::Mapping(entries)) => {
                for step in gone {
                    let place = entries.iter().rposition(|(known, _)| {
                        matches!((step, known), (Step::Key(key), Self::Scalar(_, text, _)) if text == key)
                    });
                    if let Some(place) = place {
                        entries.remove(place);
                    }
                }
            }
            Some(Self::Sequence(items)) => {
                let mut index = 0;
                items.retain(|_| {
                    index += 1;
                    !gone.contains(&Step::Index(index - 1))
                });
            }
            _ => {}
        }
    }
}

impl From<&Value> for Data {
    fn from(value: &Value) -> Self {
        let scalar = |resolved, text: &str| Self::Scalar(Some(resolved), text.to_owned(), String::new());
        match value {
            Value::Null => scalar(Resolved::Null, ""),
            Value::Bool(value) => scalar(Resolved::Bool(*value), &value.to_string()),
            Value::Integer(value) => scalar(Resolved::Integer(*value), &value.to_string()),
            Value::Text(text) => scalar(Resolved::Text(text.clone()), text),
            Value::Sequence(items) => Self::Sequence(items.iter().map(Self::from).collect()),
            Value::Mapping(entries) => Self::Mapping(
                entries
                    .iter()
                    .map(|(key, value)| (Self::from(&Value::text(key)), Self::from(value)))
                    .collect(),
            ),
        }
    }
}
