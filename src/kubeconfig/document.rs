//! A kubeconfig's text as [`Entries`], read as kubectl reads it; what is wrong with it, by file, line and column; and the
//! text with [`Edit`]s, every other byte as it was.
//!
//! kubectl's rules (client-go 0.36, `tools/clientcmd/api/v1`): the first document counts, three lists of named entries,
//! unknown fields are left alone, and a name that stands twice makes the whole file unreadable.

use std::{collections::HashSet, fmt, sync::Arc};

use super::{
    entries::{Entries, Entry},
    value::{Edit, Section, Value},
};
use crate::{
    config::SourceLocation,
    yaml::{
        Content, Mark, Node, NodeId, Style, Tree,
        edit::{self, EditError, Editor, Step},
        syntax::resolve::Resolved,
    },
};

/// The most values of a file, aliases written out: a hostile one must not become large in memory.
const MAXIMUM_VALUES: usize = 500_000;
/// The deepest nesting. A kubeconfig has about six levels.
const MAXIMUM_DEPTH: usize = 64;

/// A file that cannot be used, and is left as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{location}: {problem}")]
pub struct Malformed {
    /// Where.
    pub location: SourceLocation,
    /// What is wrong.
    pub problem: String,
}

/// A text, and what it holds.
#[derive(Clone)]
pub struct Document {
    file: Arc<str>,
    text: String,
    entries: Entries,
    /// Whether it holds nothing but comments.
    is_empty: bool,
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
        let text = std::str::from_utf8(content).map_err(|error| {
            let before = content.get(..error.valid_up_to()).unwrap_or_default();
            let before = String::from_utf8_lossy(before);
            let line_start = before.rfind('\n').map_or(0, |at| at + 1);
            let column = before.get(line_start..).unwrap_or_default().chars().count();
            malformed(
                &file,
                before.matches('\n').count() + 1,
                column + 1,
                "this is not UTF-8 text",
            )
        })?;
        let tree = Tree::read(text).map_err(|error| {
            let problem = format!("this is not YAML: {}", error.problem);
            malformed(&file, error.line, error.column, problem)
        })?;
        let mut reader = Reader {
            file: &file,
            tree: &tree,
            left: MAXIMUM_VALUES,
        };
        let (root, entries) = reader.document()?;
        Ok(Self {
            text: text.to_owned(),
            entries,
            is_empty: root == Value::Null,
            file,
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

    /// The text with these edits; every other byte stays. The edits are those that were made for these entries. What comes
    /// out is read again, and holds exactly what the edits say.
    pub fn edited(&self, edits: &[Edit]) -> Result<String, CannotEdit> {
        let mut editor = Editor::new(self.text.as_str()).map_err(|error| self.cannot(&error))?;
        if self.is_empty {
            editor
                .set(&[], &new_file(edits))
                .map_err(|error| self.cannot(&error))?;
        } else {
            for edit in edits {
                if !apply(&mut editor, edit).map_err(|error| self.cannot(&error))? {
                    return Err(self.fail(
                        "a value that is to go comes through a merge key (`<<`); write it out to have it removed",
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
                "{error}. The file ends without a line break: if it ends within a text of several lines (`|`), add one"
            ));
        }
        self.fail(&error.to_string())
    }

    fn fail(&self, problem: &str) -> CannotEdit {
        CannotEdit {
            file: Arc::clone(&self.file),
            problem: problem.to_owned(),
        }
    }
}

/// A file that cannot be changed without changing more than was asked for; it is left as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct CannotEdit {
    file: Arc<str>,
    problem: String,
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
        location: SourceLocation {
            file: Arc::clone(file),
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
        },
        problem: problem.into(),
    }
}

/// From nodes to values.
struct Reader<'d> {
    file: &'d Arc<str>,
    tree: &'d Tree,
    left: usize,
}

impl Reader<'_> {
    fn document(&mut self) -> Result<(Value, Entries), Malformed> {
        let Some(root) = self.tree.root() else {
            return Ok((Value::Null, Entries::default()));
        };
        let value = self.value(root, 0)?;
        match &value {
            Value::Null => return Ok((value, Entries::default())),
            Value::Map(_) => {}
            _ => return Err(self.fail(root, "this is no kubeconfig: its top level is not a mapping")),
        }
        let mut entries = Entries {
            clusters: self.section(root, &value, Section::Clusters)?,
            contexts: self.section(root, &value, Section::Contexts)?,
            users: self.section(root, &value, Section::Users)?,
            current_context: None,
        };
        if let Some(current) = value.get("current-context") {
            let text = current.as_text().ok_or_else(|| {
                self.fail(
                    self.node_at(root, "current-context"),
                    "`current-context` is not a text",
                )
            })?;
            entries.current_context = Some(text.to_owned()).filter(|text| !text.is_empty());
        }
        Ok((value, entries))
    }

    fn section(&self, root: NodeId, value: &Value, section: Section) -> Result<Vec<Entry>, Malformed> {
        let key = section.key();
        let items = match value.get(key) {
            None => return Ok(Vec::new()),
            Some(Value::List(items)) => items,
            Some(_) => return Err(self.fail(self.node_at(root, key), format!("`{key}` is not a list"))),
        };
        let nodes = self.tree.items(self.node_at(root, key));
        let mut names = HashSet::new();
        let mut entries = Vec::new();
        for (item, node) in items.iter().zip(nodes.iter().copied()) {
            let kind = section.entry_key();
            if !matches!(item, Value::Map(_) | Value::Null) {
                return Err(self.fail(node, format!("this {kind} of `{key}` is not a mapping")));
            }
            let name = match item.get("name") {
                None => None,
                Some(name) => Some(
                    name.as_text()
                        .ok_or_else(|| self.fail(node, format!("the name of this {kind} is not a text")))?,
                ),
            };
            if let Some(name) = name
                && !names.insert(name)
            {
                let problem = format!("the {kind} `{name}` is there twice; kubectl refuses such a file");
                return Err(self.fail(node, problem));
            }
            let body = item.get(kind).cloned().unwrap_or(Value::Null);
            if !matches!(body, Value::Map(_) | Value::Null) {
                return Err(self.fail(
                    node,
                    format!("`{kind}` of this entry of `{key}` is not a mapping"),
                ));
            }
            let at = self.mark(node);
            entries.push(Entry {
                name: name.map(str::to_owned),
                body,
                line: at.line + 1,
                column: at.column + 1,
            });
        }
        Ok(entries)
    }

    fn value(&mut self, id: NodeId, depth: usize) -> Result<Value, Malformed> {
        self.left = self
            .left
            .checked_sub(1)
            .ok_or_else(|| self.fail(id, format!("the file has more than {MAXIMUM_VALUES} values")))?;
        if depth > MAXIMUM_DEPTH {
            return Err(self.fail(id, format!("this is nested deeper than {MAXIMUM_DEPTH} levels")));
        }
        let tree = self.tree;
        match tree.content(id) {
            Some(Content::Scalar { text, style, .. }) => self.scalar(id, text, *style),
            Some(Content::Sequence { items, .. }) => items
                .iter()
                .map(|item| self.value(*item, depth + 1))
                .collect::<Result<_, _>>()
                .map(Value::List),
            Some(Content::Mapping { entries, .. }) => {
                let mut values: Vec<(String, Value)> = Vec::new();
                let mut merged: Vec<(String, Value)> = Vec::new();
                let mut seen = HashSet::new();
                for entry in entries {
                    let key = tree
                        .text(entry.key)
                        .ok_or_else(|| self.fail(entry.key, "this key is not a text"))?;
                    let value = self.value(entry.value, depth + 1)?;
                    if key == "<<" && self.is_plain(entry.key) {
                        merged.extend(self.merged(entry.value, value)?);
                    } else if seen.insert(key) {
                        values.push((key.to_owned(), value));
                    } else {
                        return Err(self.fail(entry.key, format!("the key `{key}` is written twice")));
                    }
                }
                // A key written out wins over a merged one, an earlier merge over a later.
                for (key, value) in merged {
                    if values.iter().all(|(there, _)| *there != key) {
                        values.push((key, value));
                    }
                }
                Ok(Value::Map(values))
            }
            Some(Content::Alias { .. }) | None => {
                Err(self.fail(id, "this alias stands inside the value of its own anchor"))
            }
        }
    }

    fn scalar(&self, id: NodeId, text: &str, style: Style) -> Result<Value, Malformed> {
        let resolved = match self.tree.resolved(id) {
            // The reader's own words would quote the value, which may be a credential.
            Some(resolved) => resolved.map_err(|_| self.fail(id, "this value is not what its tag says"))?,
            None => Resolved::Text(text.to_owned()),
        };
        Ok(match resolved {
            Resolved::Null => Value::Null,
            Resolved::Text(text) | Resolved::Timestamp(text) => Value::Text(text),
            _ if style == Style::Plain => Value::Other(text.to_owned()),
            _ => Value::Text(text.to_owned()),
        })
    }

    fn merged(&self, id: NodeId, value: Value) -> Result<Vec<(String, Value)>, Malformed> {
        match value {
            Value::Map(entries) => Ok(entries),
            Value::List(items) if items.iter().all(|item| matches!(item, Value::Map(_))) => Ok(items
                .into_iter()
                .flat_map(|item| match item {
                    Value::Map(entries) => entries,
                    _ => Vec::new(),
                })
                .collect()),
            _ => Err(self.fail(id, "what is merged here is not a mapping")),
        }
    }

    fn is_plain(&self, id: NodeId) -> bool {
        matches!(
            self.tree.content(id),
            Some(Content::Scalar {
                style: Style::Plain,
                ..
            })
        )
    }

    /// The value at a key of a mapping; the mapping itself where it comes by a merge.
    fn node_at(&self, mapping: NodeId, key: &str) -> NodeId {
        self.tree
            .entry(mapping, key)
            .map_or(mapping, |entry| self.tree.target(entry.value))
    }

    fn mark(&self, id: NodeId) -> Mark {
        self.tree
            .node(id)
            .map(|node: &Node| node.start)
            .unwrap_or_default()
    }

    fn fail(&self, id: NodeId, problem: impl Into<String>) -> Malformed {
        let at = self.mark(id);
        malformed(self.file, at.line + 1, at.column + 1, problem)
    }
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;
