//! A kubeconfig's text as [`Entries`], read as kubectl reads it; what is wrong with it, by file, line and column; and the
//! text with [`Edit`]s, every other byte as it was.
//!
//! kubectl's rules (client-go 0.36, `tools/clientcmd/api/v1`): the first document counts, three lists of named entries,
//! unknown fields are left alone, and a name that stands twice makes the whole file unreadable.

use eksact_message::remedy::Remedy;
use std::{fmt, sync::Arc};

use super::{
    entries::{Entries, Entry},
    loadable, usable,
    value::{Edit, Section, Value},
};
use crate::config::SourceLocation;
use eksact_yaml::{
    self as yaml, DuplicateKeys, ErrorKind, Mark, SyntaxError, Tree,
    edit::{self, EditError, Editor, Step},
    explain::explain,
    syntax::{Node, NodeId},
    text::Encoding,
};

/// A file that cannot be used, and is left as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{location}: {problem}")]
pub struct Malformed {
    /// Where.
    pub location: SourceLocation,
    /// What is wrong.
    pub problem: String,
    /// What to do about it, where that can be told.
    pub help: Option<Remedy>,
}

/// An entry that kubectl does not use, in a file that it loads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// Where the entry is.
    pub section: Section,
    /// Its name; empty for none.
    pub name: String,
    /// Where what is wrong is.
    pub location: SourceLocation,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub help: Remedy,
}

/// A text, and what it holds.
#[derive(Clone)]
pub struct Document {
    file: Arc<str>,
    text: String,
    encoding: Encoding,
    entries: Entries,
    /// Whether it holds nothing but comments.
    is_empty: bool,
    /// Whether anything in it says that it is a kubeconfig.
    has_known_key: bool,
}

impl fmt::Debug for Document {
    /// Without the text: it may hold credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

impl Document {
    /// Reads `content`; `file` is its name in messages. Nothing at all is a kubeconfig too, an empty one.
    pub fn read(file: &str, content: &[u8]) -> Result<Self, Malformed> {
        let file: Arc<str> = file.into();
        let (text, encoding) = yaml::text::decode(content).map_err(|error| Malformed {
            help: Some(yaml::text::not_text_help()),
            ..malformed(&file, error.line, error.column, error.problem)
        })?;
        let unreadable = |error: SyntaxError| {
            let explained = explain(&text, &error);
            let problem = match error.kind {
                ErrorKind::Syntax => format!("this is not YAML: {}", explained.problem),
                _ => explained.problem,
            };
            Malformed {
                help: explained.help,
                ..malformed(&file, explained.line, explained.column, problem)
            }
        };
        let tree = Tree::read(&text).map_err(unreadable)?;
        let value = match tree.root() {
            None => Value::Null,
            Some(root) => {
                Value::from(&yaml::compose(&tree, root, &[], DuplicateKeys::Refuse).map_err(unreadable)?)
            }
        };
        let reader = Reader {
            file: &file,
            tree: &tree,
        };
        let entries = reader.entries(&value)?;
        Ok(Self {
            entries,
            encoding,
            is_empty: value == Value::Null,
            has_known_key: loadable::has_known_key(&value),
            file,
            text,
        })
    }

    /// What it holds.
    pub fn entries(&self) -> &Entries {
        &self.entries
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The bytes of a text of this file, in its own encoding.
    pub fn bytes(&self, text: &str) -> Vec<u8> {
        self.encoding.bytes(text)
    }

    /// The entries that kubectl does not use, and that these edits leave so.
    pub fn unusable_after(&self, edits: &[Edit]) -> Vec<Unusable> {
        let after = usable::faults(&self.entries.with(edits));
        let stays = |fault: &usable::Fault| after.iter().any(|after| after.is_same(fault));
        let mut faults = usable::faults(&self.entries);
        faults.retain(stays);
        if faults.is_empty() {
            return Vec::new();
        }
        let tree = Tree::read(&self.text).ok();
        let located = |fault: usable::Fault| Unusable {
            location: self.place_of(tree.as_ref(), &fault),
            section: fault.section,
            name: fault.name,
            problem: fault.problem,
            help: fault.help,
        };
        faults.into_iter().map(located).collect()
    }

    /// Where what is wrong with an entry is, or the last thing on the way there.
    fn place_of(&self, tree: Option<&Tree>, fault: &usable::Fault) -> SourceLocation {
        let mut path = vec![Step::Key(fault.section.key()), Step::Index(fault.index)];
        path.extend(&fault.path);
        let mark = tree.and_then(|tree| Some(mark(tree, node_at(tree, tree.root()?, &path))));
        let mark = mark.unwrap_or_default();
        location(&self.file, mark.line + 1, mark.column + 1)
    }

    /// Whether kubectl would use what these edits write. What is wrong is looked for in the file as it is, where somebody
    /// can change it.
    fn is_usable(&self, edits: &[Edit]) -> Result<(), CannotEdit> {
        let after = self.entries.with(edits);
        let written = usable::written(&after, edits);
        let Some(fault) = usable::faults(&after)
            .into_iter()
            .find(|fault| written.contains(&(fault.section, fault.name.as_str())))
        else {
            return Ok(());
        };
        let there = self
            .unusable_after(edits)
            .into_iter()
            .find(|there| there.problem == fault.problem);
        Err(CannotEdit {
            place: there.map_or_else(|| self.file.to_string(), |there| there.location.to_string()),
            problem: fault.problem,
            help: Some(fault.help),
        })
    }

    /// The text with these edits; every other byte stays. The edits are those that were made for these entries. What comes
    /// out is read again, and holds exactly what the edits say.
    pub fn edited(&self, edits: &[Edit]) -> Result<String, CannotEdit> {
        if !edits.is_empty() && !self.is_empty && !self.has_known_key {
            return Err(CannotEdit {
                place: self.file.to_string(),
                problem: "this is not a kubeconfig: it has none of its keys".to_owned(),
                help: Some(loadable::other_file()),
            });
        }
        self.is_usable(edits)?;
        let mut editor = Editor::new(self.text.as_str()).map_err(|error| self.cannot(&error))?;
        if self.is_empty {
            editor
                .set(&[], &new_file(edits))
                .map_err(|error| self.cannot(&error))?;
        } else {
            for edit in edits {
                if !apply(&mut editor, edit).map_err(|error| self.cannot(&error))? {
                    return Err(self.fail(
                        "a value to remove comes from a merge key (`<<`); write it out so that it can be \
                         removed",
                    ));
                }
            }
        }
        let text = editor.into_text();
        let is_as_planned = Self::read(&self.file, text.as_bytes())
            .is_ok_and(|after| after.entries.is_same(&self.entries.with(edits)));
        if !is_as_planned {
            return Err(
                self.fail("this cannot be changed in this text without changing more; edit it by hand")
            );
        }
        Ok(text)
    }

    fn cannot(&self, error: &EditError) -> CannotEdit {
        if matches!(error, EditError::NotExact { .. }) && !self.text.ends_with('\n') {
            return self.fail(&format!(
                "{error}. The file ends without a line break: if it ends within a block scalar (`|`), add one"
            ));
        }
        self.fail(&error.to_string())
    }

    fn fail(&self, problem: &str) -> CannotEdit {
        CannotEdit {
            place: self.file.to_string(),
            problem: problem.to_owned(),
            help: None,
        }
    }
}

/// A file that cannot be changed without changing more than was asked for; it is left as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct CannotEdit {
    /// The file, with line and column where they can be told.
    place: String,
    problem: String,
    /// What to do about it, where that can be told.
    pub help: Option<Remedy>,
}

/// Makes one edit. Gives whether there was anything to take away, where that is what is asked for.
fn apply(editor: &mut Editor, edit: &Edit) -> Result<bool, EditError> {
    let within = |section: Section, index: usize, path: &[&'static str]| -> Vec<Step<'static>> {
        [Step::Key(section.key()), Step::Index(index)]
            .into_iter()
            .chain(path.iter().map(|key| Step::Key(key)))
            .collect()
    };
    match edit {
        Edit::Append { section, entry } => editor.append(&[Step::Key(section.key())], &[written(entry)])?,
        Edit::Set {
            section,
            index,
            path,
            value,
        } => editor.set(&within(*section, *index, path), &written(value))?,
        Edit::Unset { section, index, path } => {
            return editor.remove(&within(*section, *index, path));
        }
        Edit::RemoveItem {
            section,
            index,
            path,
            item,
        } => {
            let mut path = within(*section, *index, path);
            path.push(Step::Index(*item));
            return editor.remove(&path);
        }
        Edit::AppendItem {
            section,
            index,
            path,
            value,
        } => editor.append(&within(*section, *index, path), &[written(value)])?,
        Edit::Remove { section, index } => return editor.remove(&within(*section, *index, &[])),
        Edit::SetCurrentContext(name) => {
            editor.set(&[Step::Key("current-context")], &written(&Value::text(name)))?;
        }
    }
    Ok(true)
}

/// The whole of a new file, in the order of kubectl's and the AWS CLI's.
fn new_file(edits: &[Edit]) -> edit::Value {
    let list = |wanted: Section| {
        let entries = edits.iter().filter_map(|edit| match edit {
            Edit::Append { section, entry } if *section == wanted => Some(written(entry)),
            _ => None,
        });
        edit::Value::Sequence(entries.collect())
    };
    let current = edits.iter().find_map(|edit| match edit {
        Edit::SetCurrentContext(name) => Some(name.as_str()),
        _ => None,
    });
    edit::Value::mapping([
        ("apiVersion", edit::Value::text("v1")),
        (Section::Clusters.key(), list(Section::Clusters)),
        (Section::Contexts.key(), list(Section::Contexts)),
        ("current-context", edit::Value::text(current.unwrap_or_default())),
        ("kind", edit::Value::text("Config")),
        (Section::Users.key(), list(Section::Users)),
    ])
}

fn written(value: &Value) -> edit::Value {
    match value {
        Value::Null => edit::Value::Null,
        Value::Text(text) => edit::Value::text(text),
        // Only booleans of our own are written: what the file has is never written anew.
        Value::Other(text) => edit::Value::Bool(text == "true"),
        Value::List(items) => edit::Value::Sequence(items.iter().map(written).collect()),
        Value::Map(entries) => {
            edit::Value::mapping(entries.iter().map(|(key, value)| (key.as_str(), written(value))))
        }
    }
}

fn malformed(file: &Arc<str>, line: usize, column: usize, problem: impl Into<String>) -> Malformed {
    Malformed {
        location: location(file, line, column),
        problem: problem.into(),
        help: None,
    }
}

fn location(file: &Arc<str>, line: usize, column: usize) -> SourceLocation {
    SourceLocation {
        file: Arc::clone(file),
        line: u32::try_from(line).unwrap_or(u32::MAX),
        column: u32::try_from(column).unwrap_or(u32::MAX),
    }
}

/// The node at the end of a way down, or the last one on it: what comes by a merge key has no place of its own.
fn node_at(tree: &Tree, root: NodeId, path: &[Step<'_>]) -> NodeId {
    let mut last = root;
    for step in path {
        let inner = tree.target(last);
        let next = match step {
            Step::Key(key) => tree.entry(inner, key).map(|entry| entry.value),
            Step::Index(index) => tree.items(inner).get(*index).copied(),
        };
        let Some(next) = next else { break };
        last = next;
    }
    last
}

fn mark(tree: &Tree, id: NodeId) -> Mark {
    tree.node(id).map(|node: &Node| node.start).unwrap_or_default()
}

/// From values to entries with places.
struct Reader<'d> {
    file: &'d Arc<str>,
    tree: &'d Tree,
}

impl Reader<'_> {
    fn entries(&self, value: &Value) -> Result<Entries, Malformed> {
        let Some(root) = self.tree.root() else {
            return Ok(Entries::default());
        };
        if let Some(refusal) = loadable::refusal(value) {
            let mut malformed = self.fail(node_at(self.tree, root, &refusal.path), refusal.problem);
            malformed.help = Some(refusal.help);
            return Err(malformed);
        }
        let current = value.text_at(&["current-context"]);
        Ok(Entries {
            clusters: self.section(root, value, Section::Clusters),
            contexts: self.section(root, value, Section::Contexts),
            users: self.section(root, value, Section::Users),
            current_context: current.filter(|text| !text.is_empty()).map(str::to_owned),
        })
    }

    fn section(&self, root: NodeId, value: &Value, section: Section) -> Vec<Entry> {
        let key = section.key();
        let items = value.get(key).map(Value::items).unwrap_or_default();
        let nodes = self
            .tree
            .items(self.tree.target(node_at(self.tree, root, &[Step::Key(key)])));
        let entries = items.iter().zip(nodes).map(|(item, node)| {
            let at = mark(self.tree, *node);
            Entry {
                name: item.text_at(&["name"]).map(str::to_owned),
                body: item.get(section.entry_key()).cloned().unwrap_or(Value::Null),
                line: at.line + 1,
                column: at.column + 1,
            }
        });
        entries.collect()
    }

    fn fail(&self, id: NodeId, problem: impl Into<String>) -> Malformed {
        let at = mark(self.tree, id);
        malformed(self.file, at.line + 1, at.column + 1, problem)
    }
}

#[cfg(test)]
mod tests;
