//! The editor: a text, and changes of it that are proven by reading it again.

use super::check::Data;
use super::lines::{Splice, splice};
use super::place::Place;
use super::read::resolve::Resolved;
use super::read::{Content, NodeId, SyntaxError, Tree};
use super::value::Value;
use super::{Step, path_text};

/// How deep a text may be nested to be edited.
const MAXIMUM_DEPTH: usize = 100;

/// Why a text was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// It is not YAML.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// There is nothing at the path.
    #[error("{path} is not in the text")]
    Missing {
        /// The path.
        path: String,
    },
    /// Items can be added to lists only.
    #[error("{path} is not a list")]
    NotAList {
        /// The path.
        path: String,
    },
    /// Keys can be added to mappings only.
    #[error("{path} does not stand in a mapping")]
    NotAMapping {
        /// The path.
        path: String,
    },
    /// An anchor or alias is on the way.
    #[error("{path} is shared through an anchor or alias on line {line}; write it out to have it changed")]
    Shared {
        /// The path.
        path: String,
        /// The line of the anchor or alias, from 1.
        line: usize,
    },
    /// Nested deeper than is read here.
    #[error("values are nested more than {MAXIMUM_DEPTH} levels deep on line {line}")]
    TooDeep {
        /// The line, from 1.
        line: usize,
    },
    /// The new text would mean something else, too.
    #[error("{path} cannot be changed in this text without changing something else; edit it by hand")]
    NotExact {
        /// The path.
        path: String,
    },
}

/// A text that is changed value by value.
#[derive(Debug, Clone)]
pub struct Editor {
    text: String,
    tree: Tree,
}

impl Editor {
    /// Takes a text, of which the first document is edited.
    ///
    /// # Errors
    /// When it is not YAML, or nested too deep.
    pub fn new(text: impl Into<String>) -> Result<Self, EditError> {
        let text = text.into();
        let tree = read(&text)?;
        Ok(Self { text, tree })
    }

    /// The text as it is now.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text as it is now.
    pub fn into_text(self) -> String {
        self.text
    }

    /// What the text holds, with places.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The node at a path, also through aliases.
    pub fn find(&self, path: &[Step<'_>]) -> Option<NodeId> {
        path.iter().try_fold(self.tree.root()?, |id, step| match step {
            Step::Key(key) => self.tree.entry(id, key).map(|entry| entry.value),
            Step::Index(index) => self.tree.items(id).get(*index).copied(),
        })
    }

    /// The text of the scalar at a path, if it is a text and no number, truth value or null.
    pub fn text_at(&self, path: &[Step<'_>]) -> Option<String> {
        match self.tree.resolved(self.find(path)?)? {
            Ok(Resolved::Text(text) | Resolved::Timestamp(text)) => Some(text),
            _ => None,
        }
    }

    /// Puts `value` at `path`: in place of what is there, else as a new last key, with the mappings above it where they
    /// lack or are null.
    ///
    /// # Errors
    /// When that cannot be done without changing something else.
    pub fn set(&mut self, path: &[Step<'_>], value: &Value) -> Result<(), EditError> {
        let mut expected = Data::of(&self.tree, &self.text);
        let before = expected.clone();
        expected.set(path, value);
        if expected == before && self.find(path).is_some() {
            return Ok(());
        }
        let place = self.place(path);
        let splices = if place.find(path.len())?.is_some() || path.is_empty() {
            place.replace(path.len(), value)?
        } else {
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
                Some(parent) if !self.is_empty(parent) => place.add_key(parent, key, &value)?,
                _ => place.replace(steps, &Value::mapping([(*key, value)]))?,
            }
        };
        self.change(path, splices, &expected)
    }

    /// Adds items at the end of the list at `path`.
    ///
    /// # Errors
    /// When something other than a list is there, or when that cannot be done without changing something else.
    pub fn append(&mut self, path: &[Step<'_>], values: &[Value]) -> Result<(), EditError> {
        if values.is_empty() {
            return Ok(());
        }
        let place = self.place(path);
        let splices = match place.find(path.len())? {
            Some(list) if !self.is_empty(list) => place.append(list, values)?,
            Some(_) => place.replace(path.len(), &Value::Sequence(values.to_vec()))?,
            None => return self.set(path, &Value::Sequence(values.to_vec())),
        };
        let mut expected = Data::of(&self.tree, &self.text);
        expected.append(path, values);
        self.change(path, splices, &expected)
    }

    /// Takes away what is at `path`; the last item or key leaves `[]` or `{}`. Comments above it stay, those within it and
    /// deeper ones below it go. Gives whether there was anything.
    ///
    /// # Errors
    /// When that cannot be done without changing something else.
    pub fn remove(&mut self, path: &[Step<'_>]) -> Result<bool, EditError> {
        let place = self.place(path);
        let Some(above) = path.len().checked_sub(1) else {
            return Err(EditError::Missing {
                path: path_text(path),
            });
        };
        let Some(parent) = place.find(above)? else {
            return Ok(false);
        };
        if self.find(path).is_none() {
            return Ok(false);
        }
        let splices = match self.tree.node(parent).map(|node| &node.content) {
            Some(Content::Sequence { items, flow })
                if items.len() < 2 && !(*flow && place.has_comments(parent)) =>
            {
                place.replace(above, &Value::Sequence(Vec::new()))?
            }
            Some(Content::Mapping { entries, .. }) if entries.len() < 2 => {
                place.replace(above, &Value::Mapping(Vec::new()))?
            }
            _ => place.remove(parent)?,
        };
        let mut expected = Data::of(&self.tree, &self.text);
        expected.remove(path);
        self.change(path, splices, &expected)?;
        Ok(true)
    }

    fn place<'e>(&'e self, path: &'e [Step<'e>]) -> Place<'e> {
        Place {
            text: &self.text,
            tree: &self.tree,
            path,
        }
    }

    /// Whether a node is null, or a list or mapping with nothing in it.
    fn is_empty(&self, id: NodeId) -> bool {
        match self.tree.node(id).map(|node| &node.content) {
            Some(Content::Sequence { items, .. }) => items.is_empty(),
            Some(Content::Mapping { entries, .. }) => entries.is_empty(),
            _ => self.tree.resolved(id) == Some(Ok(Resolved::Null)),
        }
    }

    fn change(&mut self, path: &[Step<'_>], splices: Vec<Splice>, expected: &Data) -> Result<(), EditError> {
        let not_exact = || EditError::NotExact {
            path: path_text(path),
        };
        let text = splice(&self.text, splices).ok_or_else(not_exact)?;
        let tree = read(&text).map_err(|_| not_exact())?;
        if Data::of(&tree, &text) != *expected {
            return Err(not_exact());
        }
        (self.text, self.tree) = (text, tree);
        Ok(())
    }
}

/// Reads a text and refuses what is nested so deep that walking it would cost too much stack.
fn read(text: &str) -> Result<Tree, EditError> {
    let tree = Tree::read(text)?;
    let mut open: Vec<(NodeId, usize)> = tree.root().map(|root| (root, 0)).into_iter().collect();
    while let Some((id, depth)) = open.pop() {
        let Some(node) = tree.node(id) else { continue };
        if depth > MAXIMUM_DEPTH {
            return Err(EditError::TooDeep { line: node.line() });
        }
        match &node.content {
            Content::Sequence { items, .. } => open.extend(items.iter().map(|item| (*item, depth + 1))),
            Content::Mapping { entries, .. } => {
                open.extend(
                    entries
                        .iter()
                        .flat_map(|entry| [(entry.key, depth + 1), (entry.value, depth + 1)]),
                );
            }
            _ => {}
        }
    }
    Ok(tree)
}
