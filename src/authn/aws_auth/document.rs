//! YAML to the values that JSON has, as `sigs.k8s.io/yaml` turns them: merge keys, key types, and what has no JSON.

use indexmap::IndexMap;

use crate::yaml::SyntaxError;
use crate::yaml::syntax::resolve::Resolved;
use crate::yaml::syntax::{Content, Entry, NodeId, Tree};

/// How deep values may be nested, aliases written out. The server takes more; no ConfigMap of aws-auth has ten.
const MAXIMUM_DEPTH: usize = 200;
/// What go-yaml counts before it looks at the share of aliases.
const FREE_ALIASES: usize = 100;
const FREE_STEPS: usize = 1000;
const FEW_STEPS: f64 = 400_000.0;
const MANY_STEPS: f64 = 4_000_000.0;

/// A value and the node that it was written as.
#[derive(Debug, Clone)]
pub(super) struct Json {
    pub(super) node: NodeId,
    pub(super) kind: Kind,
}

/// What JSON has.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Null,
    Bool,
    Number,
    Text(String),
    Array(Vec<Json>),
    /// By key, in the order of the bytes of the keys.
    Object(Vec<(String, Json)>),
}

impl Kind {
    /// With its article, for messages.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a truth value",
            Self::Number => "a number",
            Self::Text(_) => "a text",
            Self::Array(_) => "a list",
            Self::Object(_) => "a mapping",
        }
    }
}

/// What go-yaml has for a value, before it becomes JSON.
enum Value {
    Scalar(Resolved),
    Sequence(Vec<(NodeId, Value)>),
    Mapping(Map),
}

/// A map of go-yaml: what is written twice stands where it came first, with the last value.
type Map = IndexMap<Key, (NodeId, Value)>;

/// A key of such a map.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Null,
    Bool(bool),
    Integer(i64),
    Unsigned(String),
    Float(String),
    Text(String),
}

/// The whole document as JSON; null for an empty one.
///
/// # Errors
/// Where the server drops the whole text.
pub(super) fn json(tree: &Tree) -> Result<Option<Json>, SyntaxError> {
    let Some(root) = tree.root() else { return Ok(None) };
    json_without(tree, root, &[]).map(Some)
}

/// A node as JSON, as if the entries with these keys, and these items of lists, were not written.
///
/// # Errors
/// Where the server drops the whole text.
pub(super) fn json_without(tree: &Tree, node: NodeId, without: &[NodeId]) -> Result<Json, SyntaxError> {
    let mut reader = Reader {
        tree,
        without,
        steps: 0,
        alias_steps: 0,
        alias_depth: 0,
        open_aliases: Vec::new(),
    };
    let value = reader.value(node, 0)?;
    to_json(tree, node, value)
}

struct Reader<'t> {
    tree: &'t Tree,
    /// Keys and items that are passed over.
    without: &'t [NodeId],
    steps: usize,
    alias_steps: usize,
    alias_depth: usize,
    open_aliases: Vec<NodeId>,
}

fn wrong(tree: &Tree, id: NodeId, problem: impl Into<String>) -> SyntaxError {
    let at = tree.node(id).map(|node| node.start).unwrap_or_default();
    SyntaxError::value(problem, at)
}

impl Reader<'_> {
    fn wrong(&self, id: NodeId, problem: impl Into<String>) -> SyntaxError {
        wrong(self.tree, id, problem)
    }

    /// Counts a step, as go-yaml does against documents that are mostly aliases.
    fn count(&mut self, id: NodeId, depth: usize) -> Result<(), SyntaxError> {
        self.steps += 1;
        if self.alias_depth > 0 {
            self.alias_steps += 1;
        }
        if self.alias_steps > FREE_ALIASES && self.steps > FREE_STEPS {
            let (steps, aliases) = (as_float(self.steps), as_float(self.alias_steps));
            let share = ((steps - FEW_STEPS) / (MANY_STEPS - FEW_STEPS)).clamp(0.0, 1.0);
            if aliases / steps > 0.99 - 0.89 * share {
                return Err(self.wrong(id, "document contains excessive aliasing"));
            }
        }
        if depth > MAXIMUM_DEPTH {
            return Err(self.wrong(id, "values are nested too deep"));
        }
        Ok(())
    }

    fn value(&mut self, id: NodeId, depth: usize) -> Result<Value, SyntaxError> {
        self.count(id, depth)?;
        let tree = self.tree;
        let Some(node) = tree.node(id) else {
            return Ok(Value::Scalar(Resolved::Null));
        };
        match &node.content {
            Content::Scalar { .. } => match tree.resolved(id) {
                Some(resolved) => resolved.map(Value::Scalar),
                None => Ok(Value::Scalar(Resolved::Null)),
            },
            Content::Alias { name, target } => {
                self.enter(id, name)?;
                let value = self.value(*target, depth + 1)?;
                self.leave();
                Ok(value)
            }
            Content::Sequence { items, .. } => {
                let mut values = Vec::with_capacity(items.len());
                for item in items.iter().filter(|item| !self.without.contains(item)) {
                    values.push((*item, self.value(*item, depth + 1)?));
                }
                Ok(Value::Sequence(values))
            }
            Content::Mapping { entries, .. } => {
                let mut map = Map::with_capacity(entries.len());
                self.fill(entries, &mut map, depth)?;
                Ok(Value::Mapping(map))
            }
        }
    }

    fn enter(&mut self, id: NodeId, name: &str) -> Result<(), SyntaxError> {
        if self.open_aliases.contains(&id) {
            return Err(self.wrong(id, format!("anchor '{name}' value contains itself")));
        }
        self.open_aliases.push(id);
        self.alias_depth += 1;
        Ok(())
    }

    fn leave(&mut self) {
        self.open_aliases.pop();
        self.alias_depth -= 1;
    }

    /// Reads entries one by one into a map: what comes later wins, also over what `<<` brought, and the other way round.
    fn fill(&mut self, entries: &[Entry], map: &mut Map, depth: usize) -> Result<(), SyntaxError> {
        for entry in entries.iter().filter(|entry| !self.without.contains(&entry.key)) {
            if self.is_merge(entry.key) {
                self.merge(entry.value, map, depth + 1)?;
                continue;
            }
            let key = match self.value(entry.key, depth + 1)? {
                Value::Scalar(resolved) => self.key(entry.key, resolved),
                Value::Sequence(_) | Value::Mapping(_) => {
                    return Err(self.wrong(entry.key, "invalid map key"));
                }
            };
            let value = self.value(entry.value, depth + 1)?;
            map.insert(key, (entry.value, value));
        }
        Ok(())
    }

    fn key(&self, id: NodeId, resolved: Resolved) -> Key {
        let text = || self.tree.text(id).unwrap_or_default().to_owned();
        match resolved {
            Resolved::Null => Key::Null,
            Resolved::Bool(value) => Key::Bool(value),
            Resolved::Integer(value) => Key::Integer(value),
            Resolved::Unsigned => Key::Unsigned(text()),
            Resolved::Float | Resolved::NotFinite => Key::Float(text()),
            Resolved::Timestamp(text) | Resolved::Text(text) => Key::Text(text),
            Resolved::Binary(octets) => Key::Text(lossy(&octets)),
        }
    }

    fn is_merge(&self, key: NodeId) -> bool {
        let merge_tag = "tag:yaml.org,2002:merge";
        self.tree.node(key).is_some_and(|node| match &node.content {
            Content::Scalar { text, implicit, .. } => text == "<<" && (*implicit || node.tag == merge_tag),
            _ => false,
        })
    }

    fn merge(&mut self, id: NodeId, map: &mut Map, depth: usize) -> Result<(), SyntaxError> {
        let tree = self.tree;
        match tree.node(id).map(|node| &node.content) {
            // The earlier of several wins, so they are read from the last to the first.
            Some(Content::Sequence { items, .. }) => {
                let items = items.iter().rev();
                for item in items.filter(|item| !self.without.contains(item)) {
                    self.merge_one(*item, map, depth)?;
                }
                Ok(())
            }
            _ => self.merge_one(id, map, depth),
        }
    }

    fn merge_one(&mut self, id: NodeId, map: &mut Map, depth: usize) -> Result<(), SyntaxError> {
        let tree = self.tree;
        let Some(Content::Mapping { entries, .. }) = tree.content(id) else {
            return Err(self.wrong(id, "map merge requires map or sequence of maps as the value"));
        };
        self.count(id, depth)?;
        if let Some(Content::Alias { name, target }) = tree.node(id).map(|node| &node.content) {
            self.enter(id, name)?;
            self.count(*target, depth)?;
            self.fill(entries, map, depth + 1)?;
            self.leave();
            return Ok(());
        }
        self.fill(entries, map, depth + 1)
    }
}

/// Counts are far below what a float holds exactly.
#[allow(clippy::cast_precision_loss)]
fn as_float(count: usize) -> f64 {
    count as f64
}

fn to_json(tree: &Tree, node: NodeId, value: Value) -> Result<Json, SyntaxError> {
    let kind = match value {
        Value::Scalar(resolved) => match resolved {
            Resolved::Null => Kind::Null,
            Resolved::Bool(_) => Kind::Bool,
            Resolved::Integer(_) | Resolved::Unsigned | Resolved::Float => Kind::Number,
            Resolved::NotFinite => {
                return Err(wrong(tree, node, "JSON has no word for this number"));
            }
            Resolved::Timestamp(text) | Resolved::Text(text) => Kind::Text(text),
            Resolved::Binary(octets) => Kind::Text(lossy(&octets)),
        },
        Value::Sequence(items) => {
            let items = items.into_iter().map(|(node, item)| to_json(tree, node, item));
            Kind::Array(items.collect::<Result<_, _>>()?)
        }
        Value::Mapping(map) => {
            let mut object = Vec::with_capacity(map.len());
            for (key, (node, value)) in map {
                let key = match key {
                    Key::Text(text) | Key::Float(text) => text,
                    Key::Bool(value) => value.to_string(),
                    Key::Integer(value) => value.to_string(),
                    Key::Null | Key::Unsigned(_) => {
                        return Err(wrong(tree, node, "unsupported map key"));
                    }
                };
                object.push((key, to_json(tree, node, value)?));
            }
            object.sort_by(|(one, _), (other, _)| one.cmp(other));
            Kind::Object(object)
        }
    };
    Ok(Json { node, kind })
}

/// A text of octets as Go writes it into JSON: each octet that is no UTF-8 becomes the replacement character.
pub(super) fn lossy(octets: &[u8]) -> String {
    let mut text = String::new();
    for chunk in octets.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '\u{fffd}'));
    }
    text
}
