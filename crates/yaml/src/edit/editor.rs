//! The editor: a text, and changes of it that are proven by reading it again.

use super::batch::Batch;
use super::check::Data;
use super::lines::splice;
use super::place::{Place, list_offset};
use super::value::Value;
use super::{Step, path_text};
use crate::syntax::Resolved;
use crate::syntax::{NodeId, SyntaxError, Tree};

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
    #[error("{path} is not in a mapping")]
    NotAMapping {
        /// The path.
        path: String,
    },
    /// An anchor or alias is on the way.
    #[error(
        "{path} is shared through an anchor or alias on line {line}; write it out so that it can be \
         changed"
    )]
    Shared {
        /// The path.
        path: String,
        /// The line of the anchor or alias, from 1.
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
    offset: usize,
}

/// One change of several that are made at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change<'a> {
    /// As [`Editor::set`].
    Set(Vec<Step<'a>>, Value),
    /// As [`Editor::append`]; once for a list.
    Append(Vec<Step<'a>>, Vec<Value>),
    /// As [`Editor::remove`]; what is not there is passed over.
    Remove(Vec<Step<'a>>),
}

impl<'a> Change<'a> {
    fn path(&self) -> &[Step<'a>] {
        match self {
            Self::Set(path, _) | Self::Append(path, _) | Self::Remove(path) => path,
        }
    }
}

impl Editor {
    /// Takes a text, of which the first document is edited.
    ///
    /// # Errors
    /// When it is not YAML, or nested too deep.
    pub fn new(text: impl Into<String>) -> Result<Self, EditError> {
        let text = text.into();
        let tree = Tree::read(&text)?;
        let offset = list_offset(&tree);
        Ok(Self { text, tree, offset })
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
    /// are missing or null.
    ///
    /// # Errors
    /// When that cannot be done without changing something else.
    pub fn set(&mut self, path: &[Step<'_>], value: &Value) -> Result<(), EditError> {
        *self = self.with(&[Change::Set(path.to_vec(), value.clone())])?;
        Ok(())
    }

    /// Adds items at the end of the list at `path`.
    ///
    /// # Errors
    /// When something other than a list is there, or when that cannot be done without changing something else.
    pub fn append(&mut self, path: &[Step<'_>], values: &[Value]) -> Result<(), EditError> {
        *self = self.with(&[Change::Append(path.to_vec(), values.to_vec())])?;
        Ok(())
    }

    /// Takes away what is at `path`, with the comments about it ([`super::extent_of_item`]); the last item or key leaves
    /// `[]` or `{}`. Gives whether there was anything.
    ///
    /// # Errors
    /// When that cannot be done without changing something else.
    pub fn remove(&mut self, path: &[Step<'_>]) -> Result<bool, EditError> {
        let changed = self.with(&[Change::Remove(path.to_vec())])?;
        let there = self.find(path).is_some();
        *self = changed;
        Ok(there)
    }

    /// The text with all of these changes, whose paths name what is there before all of them. However many they are, the
    /// new text is read once, unless two of them meet in one place.
    ///
    /// # Errors
    /// When one of them cannot be done without changing something else.
    pub fn with(&self, changes: &[Change<'_>]) -> Result<Self, EditError> {
        let mut changes: Vec<_> = changes.iter().collect();
        match self.at_once(&changes) {
            Err(EditError::NotExact { .. }) if changes.len() > 1 => {
                changes.sort_by(|one, other| one.path().cmp(other.path()));
                self.by_halves(&changes)
            }
            done => done,
        }
    }

    /// Where two meet, such as the key on the line of a dash and the key below it: what stands later is done first, and
    /// then the earlier are still where their paths say.
    fn by_halves(&self, changes: &[&Change<'_>]) -> Result<Self, EditError> {
        let (earlier, later) = changes.split_at(changes.len() / 2);
        let half = |editor: &Self, changes: &[&Change<'_>]| match editor.at_once(changes) {
            Err(EditError::NotExact { .. }) if changes.len() > 1 => editor.by_halves(changes),
            done => done,
        };
        half(&half(self, later)?, earlier)
    }

    fn at_once(&self, changes: &[&Change<'_>]) -> Result<Self, EditError> {
        let batch = Batch::new(self, changes)?;
        self.proven(batch, changes)
    }

    /// What a batch makes of the text, if that is what it was to make of the values.
    fn proven(&self, batch: Batch, changes: &[&Change<'_>]) -> Result<Self, EditError> {
        let not_exact = || EditError::NotExact {
            path: path_text(changes.first().map_or(&[], |change| change.path())),
        };
        let text = splice(&self.text, batch.splices).ok_or_else(not_exact)?;
        let edited = if text == self.text {
            self.clone()
        } else {
            Self::new(text).map_err(|_| not_exact())?
        };
        if Data::of(&edited.tree, &edited.text) == batch.expected {
            Ok(edited)
        } else {
            Err(not_exact())
        }
    }

    pub(super) fn place<'e>(&'e self, path: &'e [Step<'e>]) -> Place<'e> {
        Place {
            text: &self.text,
            tree: &self.tree,
            path,
            offset: self.offset,
        }
    }
}
