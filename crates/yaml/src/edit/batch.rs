//! Several changes of one text: their splices together, and the values that must be there afterwards.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::check::Data;
use super::editor::{Change, EditError, Editor};
use super::lines::Splice;
use super::value::Value;
use super::{Step, path_text};
use crate::syntax::Resolved;
use crate::syntax::{Content, NodeId, Tree};

/// What changes of a text come to.
pub(super) struct Batch {
    pub(super) splices: Vec<Splice>,
    pub(super) expected: Data,
}

/// A path, owned by whom the changes are.
type Path<'c> = &'c [Step<'c>];

/// The splices as they come together, each with how deep it stands: of two at one place, as at the end of a list that ends
/// its mapping, the deeper comes first.
struct Collected<'c> {
    editor: &'c Editor,
    splices: Vec<(usize, Vec<Splice>)>,
    /// New keys, by the mapping that gets them.
    keys: BTreeMap<Path<'c>, Vec<(&'c str, Value)>>,
    /// What goes, by the list or mapping that it goes from.
    gone: BTreeMap<Path<'c>, BTreeSet<Step<'c>>>,
}

impl Batch {
    pub(super) fn new(editor: &Editor, changes: &[&Change<'_>]) -> Result<Self, EditError> {
        let mut collected = Collected {
            editor,
            splices: Vec::new(),
            keys: BTreeMap::new(),
            gone: BTreeMap::new(),
        };
        let mut expected = Data::of(editor.tree(), editor.text());
        for change in changes {
            match change {
                Change::Set(path, value) => {
                    collected.set(path, value)?;
                    expected.set(path, value);
                }
                Change::Append(path, values) if !values.is_empty() => {
                    collected.append(path, values)?;
                    expected.append(path, values);
                }
                Change::Append(..) => {}
                Change::Remove(path) => collected.remove(path)?,
            }
        }
        for (path, keys) in &collected.keys {
            let place = editor.place(path);
            if let Some(parent) = place.find(path.len())? {
                collected
                    .splices
                    .push((path.len(), place.add_keys(parent, keys)?));
            }
        }
        // The deeper first: their paths say where they are before anything above them goes.
        let mut gone: Vec<_> = collected.gone.iter().collect();
        gone.sort_by_key(|(path, _)| Reverse(path.len()));
        for (path, steps) in gone {
            let place = editor.place(path);
            if let Some(parent) = place.find(path.len())? {
                collected.splices.push((path.len(), place.remove(parent, steps)?));
                expected.remove(path, steps);
            }
        }
        collected.splices.sort_by_key(|(depth, _)| Reverse(*depth));
        Ok(Self {
            splices: collected
                .splices
                .into_iter()
                .flat_map(|(_, splices)| splices)
                .collect(),
            expected,
        })
    }
}

impl<'c> Collected<'c> {
    fn set(&mut self, path: Path<'c>, value: &Value) -> Result<(), EditError> {
        let (tree, text) = (self.editor.tree(), self.editor.text());
        let place = self.editor.place(path);
        if let Some(id) = place.find(path.len())? {
            if Data::of_node(tree, text, id) != Data::from(value) {
                self.splices.push((path.len(), place.replace(path.len(), value)?));
            }
            return Ok(());
        }
        if path.is_empty() {
            self.splices.push((0, place.replace(0, value)?));
            return Ok(());
        }
        // The deepest that there is gets one key, with all the rest below it.
        let mut steps = path.len() - 1;
        let mut value = value.clone();
        while steps > 0 && place.find(steps)?.is_none() {
            let Some(Step::Key(key)) = path.get(steps) else {
                break;
            };
            value = Value::mapping([(*key, value)]);
            steps -= 1;
        }
        let Some(Step::Key(key)) = path.get(steps) else {
            return Err(EditError::Missing {
                path: path_text(path),
            });
        };
        match place.find(steps)? {
            Some(parent) if !is_empty(tree, parent) => {
                let above = path.get(..steps).unwrap_or_default();
                self.keys.entry(above).or_default().push((key, value));
            }
            _ => {
                let whole = Value::mapping([(*key, value)]);
                self.splices.push((steps, place.replace(steps, &whole)?));
            }
        }
        Ok(())
    }

    fn append(&mut self, path: Path<'c>, values: &[Value]) -> Result<(), EditError> {
        let place = self.editor.place(path);
        let splices = match place.find(path.len())? {
            Some(list) if !is_empty(self.editor.tree(), list) => place.append(list, values)?,
            Some(_) => place.replace(path.len(), &Value::Sequence(values.to_vec()))?,
            None => return self.set(path, &Value::Sequence(values.to_vec())),
        };
        self.splices.push((path.len(), splices));
        Ok(())
    }

    fn remove(&mut self, path: Path<'c>) -> Result<(), EditError> {
        let Some((last, above)) = path.split_last() else {
            return Err(EditError::Missing {
                path: path_text(path),
            });
        };
        if self.editor.place(path).find(above.len())?.is_some() && self.editor.find(path).is_some() {
            self.gone.entry(above).or_default().insert(*last);
        }
        Ok(())
    }
}

/// Whether a node is null, or a list or mapping with nothing in it.
fn is_empty(tree: &Tree, id: NodeId) -> bool {
    match tree.node(id).map(|node| &node.content) {
        Some(Content::Sequence { items, .. }) => items.is_empty(),
        Some(Content::Mapping { entries, .. }) => entries.is_empty(),
        _ => tree.resolved(id) == Some(Ok(Resolved::Null)),
    }
}
