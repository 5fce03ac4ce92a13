//! From what is written to what it says: scalars, anchors, merge keys, keys that come twice, and the budget.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use indexmap::IndexMap;
use indexmap::map::Entry as Slot;

use super::key::{Key, json_key};
use super::node::{Content, Entry, Node, PassedOver, Repeated};
use crate::budget::{Budget, MAXIMUM_DEPTH, Size, too_deep};
use crate::shown::quoted;
use crate::syntax::{self, ErrorKind, Mark, NodeId, Resolved, SyntaxError, Tree, lossy};

/// The most problems that are collected of a text; who has more than these reads no further.
const MAXIMUM_PROBLEMS: usize = 100;
const MERGE_TAG: &str = "tag:yaml.org,2002:merge";

/// What becomes of a key that is set twice in one mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DuplicateKeys {
    /// The last one counts, also where a merge key brings it, as for kubectl and the authenticator.
    KeepLast,
    /// It is an error, as for eksctl. But a key that is written below the merge key that brings it as well counts, as YAML
    /// says; eksctl refuses that, too.
    Refuse,
}

/// The documents of a text, as far as they could be read.
#[derive(Debug, Default)]
pub struct Reading {
    /// What each says, in their order.
    pub documents: Vec<Node>,
    /// What makes the text unusable.
    pub problems: Vec<SyntaxError>,
}

/// Reads the first document of `text`; what follows is neither read nor checked. An empty one is null.
///
/// # Errors
/// Where go-yaml would refuse it, and where it is larger than the budget.
pub fn read(text: &str, duplicates: DuplicateKeys) -> Result<Node, SyntaxError> {
    let tree = Tree::read(text)?;
    match tree.root() {
        None => Ok(Node::null()),
        Some(root) => compose(&tree, root, &[], duplicates),
    }
}

/// What a node of a document says, as if the entries with these keys, and these items of lists, were not written.
///
/// # Errors
/// Where go-yaml would refuse it, and where it is larger than the budget.
pub fn compose(
    tree: &Tree,
    node: NodeId,
    without: &[NodeId],
    duplicates: DuplicateKeys,
) -> Result<Node, SyntaxError> {
    let mut budget = Budget::default();
    let mut composer = Composer::new(tree, duplicates, &mut budget);
    composer.without = without;
    let node = composer.whole(node)?;
    match composer.problems.into_iter().next() {
        None => Ok(node),
        Some(problem) => Err(problem),
    }
}

/// Reads every document of `text`, under one budget.
pub fn read_all(text: &str, duplicates: DuplicateKeys) -> Reading {
    let mut reading = Reading::default();
    let mut budget = Budget::default();
    for tree in Tree::documents(text) {
        let next = tree.and_then(|tree| {
            let mut composer = Composer::new(&tree, duplicates, &mut budget);
            let node = match tree.root() {
                None => Ok(Node::null()),
                Some(root) => composer.whole(root),
            };
            reading.problems.append(&mut composer.problems);
            node
        });
        match next {
            Ok(node) => {
                budget.spend(node.size());
                reading.documents.push(node);
            }
            Err(problem) => {
                reading.problems.push(problem);
                break;
            }
        }
    }
    reading
}

/// A key's value while its mapping is being read.
struct Value {
    entry: Entry,
    /// Which merge key brought it.
    merge: Option<usize>,
}

/// What makes a mapping: what is written twice stands where it came first, with the last value.
#[derive(Default)]
struct Map {
    entries: IndexMap<Key, Value>,
    passed_over: PassedOver,
    merges: usize,
}

struct Composer<'t, 'b> {
    tree: &'t Tree,
    /// Keys and items that are passed over.
    without: &'b [NodeId],
    duplicates: DuplicateKeys,
    budget: &'b mut Budget,
    /// The nodes with an anchor that are being read.
    open: Vec<NodeId>,
    /// What the anchors stand for, once it is whole.
    anchored: HashMap<NodeId, Node>,
    problems: Vec<SyntaxError>,
}

impl<'t, 'b> Composer<'t, 'b> {
    fn new(tree: &'t Tree, duplicates: DuplicateKeys, budget: &'b mut Budget) -> Self {
        Self {
            tree,
            without: &[],
            duplicates,
            budget,
            open: Vec::new(),
            anchored: HashMap::new(),
            problems: Vec::new(),
        }
    }

    fn whole(&mut self, root: NodeId) -> Result<Node, SyntaxError> {
        let node = self.node(root, 0)?;
        match node.not_json() {
            Some(problem) => Err(SyntaxError::clone(problem)),
            None => Ok(node),
        }
    }

    fn node(&mut self, id: NodeId, depth: usize) -> Result<Node, SyntaxError> {
        let tree = self.tree;
        let Some(written) = tree.node(id) else {
            return Ok(Node::null());
        };
        let at = written.start;
        if depth > MAXIMUM_DEPTH {
            return Err(too_deep(at));
        }
        if written.anchor.is_some() {
            self.open.push(id);
        }
        let (content, size, not_json, passed_over) = match &written.content {
            syntax::Content::Alias { name, target } => {
                if self.open.contains(target) {
                    let problem = format!("anchor '{name}' value contains itself");
                    return Err(SyntaxError::value(ErrorKind::Alias, problem, at));
                }
                // An anchor stands before its aliases, but not in the part of a document that is read alone.
                let node = match self.anchored.get(target) {
                    Some(node) => node.aliased(id, at),
                    None => self.node(*target, depth)?.aliased(id, at),
                };
                self.budget.alias(node.size(), at)?;
                self.budget.check(node.size(), depth, at)?;
                return Ok(node);
            }
            syntax::Content::Scalar { text, style, .. } => {
                self.budget.step();
                let value = match tree.resolved(id) {
                    Some(resolved) => resolved?,
                    None => Resolved::Null,
                };
                let text = match &value {
                    Resolved::Binary(octets) => lossy(octets),
                    _ => text.clone(),
                };
                let not_json = not_json(&value, at);
                let size = Size::leaf(text.len());
                let style = *style;
                (
                    Content::Scalar { text, style, value },
                    size,
                    not_json,
                    PassedOver::default(),
                )
            }
            syntax::Content::Sequence { items, .. } => {
                self.budget.step();
                let mut size = Size::leaf(0);
                let mut not_json = None;
                let mut values = Vec::with_capacity(items.len());
                for item in items.iter().filter(|item| !self.without.contains(item)) {
                    let value = self.node(*item, depth + 1)?;
                    size = size.with_child(value.size());
                    size.steps += value.size().steps + self.alias_step(*item);
                    self.budget.check(size, depth, value.at)?;
                    not_json = not_json.or_else(|| value.not_json().cloned());
                    values.push(value);
                }
                (Content::Sequence(values), size, not_json, PassedOver::default())
            }
            syntax::Content::Mapping { entries, .. } => {
                self.budget.step();
                let mut map = Map::default();
                let steps = self.fill(entries, &mut map, depth)?;
                let mut size = Size::leaf(0);
                size.steps = size.steps.saturating_add(steps);
                let mut not_json = None;
                let mut values = Vec::with_capacity(map.entries.len());
                for value in map.entries.into_values() {
                    let entry = value.entry;
                    size = size.with_child(entry.value.size());
                    size.bytes = size.bytes.saturating_add(entry.key.len());
                    self.budget.check(size, depth, entry.value.at)?;
                    if !entry.has_json_key() {
                        let problem = SyntaxError::value(ErrorKind::Key, "unsupported map key", entry.key_at);
                        not_json.get_or_insert_with(|| Arc::new(problem));
                    }
                    not_json = not_json.or_else(|| entry.value.not_json().cloned());
                    values.push(entry);
                }
                self.refuse_same_text(&values)?;
                (Content::Mapping(values), size, not_json, map.passed_over)
            }
        };
        self.budget.check(size, depth, at)?;
        let places = (id, at, written.content_start);
        let node = Node::new(places, &written.tag, content, (size, not_json), passed_over);
        if written.anchor.is_some() {
            self.open.pop();
            self.anchored.insert(id, node.clone());
        }
        Ok(node)
    }

    /// The step that an alias is for go-yaml besides those of its value.
    fn alias_step(&self, id: NodeId) -> usize {
        usize::from(self.tree.target(id) != id)
    }

    /// Reads the entries of a mapping one by one: what comes later wins, also over what `<<` brought, and the other way
    /// round. Gives the steps that go-yaml takes for them.
    fn fill(&mut self, entries: &[syntax::Entry], map: &mut Map, depth: usize) -> Result<usize, SyntaxError> {
        let mut steps: usize = 0;
        for entry in entries.iter().filter(|entry| !self.without.contains(&entry.key)) {
            if self.is_merge(entry.key) {
                steps = steps.saturating_add(self.merge(entry.value, map, depth)?);
                continue;
            }
            let key = self.node(entry.key, depth + 1)?;
            let value = self.node(entry.value, depth + 1)?;
            steps = [&key, &value]
                .iter()
                .fold(steps, |steps, node| steps.saturating_add(node.size().steps))
                + self.alias_step(entry.key)
                + self.alias_step(entry.value);
            self.set(&key, value, map)?;
        }
        Ok(steps)
    }

    /// Puts a key that is written into its mapping.
    fn set(&mut self, key: &Node, value: Node, map: &mut Map) -> Result<(), SyntaxError> {
        let Content::Scalar {
            text,
            value: resolved,
            ..
        } = key.content()
        else {
            return self.note(SyntaxError::value(ErrorKind::Key, "invalid map key", key.at));
        };
        let go_key = Key::of(resolved, text);
        let json = json_key(resolved, text);
        if json.is_none() && self.duplicates == DuplicateKeys::Refuse {
            return self.note(SyntaxError::value(ErrorKind::Key, "unsupported map key", key.at));
        }
        let value = Value {
            entry: Entry {
                key: Arc::from(text.as_str()),
                go_key: go_key.clone(),
                json_key: json.filter(|json| json != text).map(Arc::from),
                key_at: key.at,
                value,
                is_merged: false,
            },
            merge: None,
        };
        self.insert(go_key, value, map)
    }

    fn insert(&mut self, key: Key, value: Value, map: &mut Map) -> Result<(), SyntaxError> {
        let there = match map.entries.entry(key) {
            Slot::Vacant(place) => {
                place.insert(value);
                return Ok(());
            }
            Slot::Occupied(place) => place.into_mut(),
        };
        let (key, at) = (Arc::clone(&value.entry.key), value.entry.key_at);
        let (before, earlier_merge) = (there.entry.key_at, there.merge);
        let later_merge = value.merge;
        *there = value;
        let problem = match (earlier_merge, later_merge) {
            (None, None) => {
                let problem =
                    SyntaxError::twice(format!("the key {} is written twice", quoted(&key)), before, at);
                map.passed_over.repeated.push(Repeated { key, before, at });
                problem
            }
            // What is written below a merge key wins over it, and of the mappings of one merge key the first.
            (_, None) => return Ok(()),
            (earlier, later) if earlier == later => return Ok(()),
            (None, _) => {
                let key = quoted(&key);
                let problem =
                    format!("the key {key} is written here, and the merge key `<<` below sets it again");
                SyntaxError::twice(problem, at, before)
            }
            _ => SyntaxError::twice(
                format!("two merge keys `<<` set the key {}", quoted(&key)),
                before,
                at,
            ),
        };
        match self.duplicates {
            DuplicateKeys::KeepLast => Ok(()),
            DuplicateKeys::Refuse => self.note(problem),
        }
    }

    /// Keys of different types that are the same text, as written or in JSON: Go takes either by chance.
    fn refuse_same_text(&mut self, entries: &[Entry]) -> Result<(), SyntaxError> {
        if self.duplicates == DuplicateKeys::KeepLast {
            return Ok(());
        }
        let (mut written, mut json) = (HashSet::new(), HashSet::new());
        for entry in entries {
            let is_new = (written.insert(&entry.key), json.insert(entry.json_key()));
            if is_new != (true, true) {
                let problem = format!("the key {} is the same text as another key", quoted(&entry.key));
                self.note(SyntaxError::twice(problem, entry.key_at, entry.key_at))?;
            }
        }
        Ok(())
    }

    /// Takes note of a problem after which more can be found.
    fn note(&mut self, problem: SyntaxError) -> Result<(), SyntaxError> {
        if self.problems.len() + 1 >= MAXIMUM_PROBLEMS {
            return Err(problem);
        }
        self.problems.push(problem);
        Ok(())
    }

    fn is_merge(&self, key: NodeId) -> bool {
        self.tree.node(key).is_some_and(|node| match &node.content {
            syntax::Content::Scalar { text, implicit, .. } => {
                text == "<<" && (*implicit || node.tag == MERGE_TAG)
            }
            _ => false,
        })
    }

    fn merge(&mut self, id: NodeId, map: &mut Map, depth: usize) -> Result<usize, SyntaxError> {
        map.merges += 1;
        let tree = self.tree;
        let single = [id];
        let parts = match tree.node(id).map(|node| &node.content) {
            Some(syntax::Content::Sequence { items, .. }) => items.as_slice(),
            _ => single.as_slice(),
        };
        let mut steps: usize = 0;
        let mut values = Vec::with_capacity(parts.len());
        for part in parts.iter().filter(|part| !self.without.contains(part)) {
            if !matches!(tree.content(*part), Some(syntax::Content::Mapping { .. })) {
                let at = tree.node(*part).map(|node| node.start).unwrap_or_default();
                let problem = "map merge requires map or sequence of maps as the value";
                self.note(SyntaxError::value(ErrorKind::Merge, problem, at))?;
                continue;
            }
            let value = self.node(*part, depth + 1)?;
            steps = steps
                .saturating_add(value.size().steps)
                .saturating_add(self.alias_step(*part));
            self.budget.merge(value.entries().len(), value.at)?;
            values.push(value);
        }
        // The earlier of several wins, so they are written from the last to the first.
        for value in values.iter().rev() {
            for entry in value.entries() {
                let merged = Value {
                    entry: Entry {
                        is_merged: true,
                        ..entry.clone()
                    },
                    merge: Some(map.merges),
                };
                self.insert(entry.go_key.clone(), merged, map)?;
            }
        }
        map.passed_over.merged.extend(values);
        Ok(steps)
    }
}

/// Why JSON cannot hold a scalar.
fn not_json(value: &Resolved, at: Mark) -> Option<Arc<SyntaxError>> {
    match value {
        Resolved::Float(number) if !number.is_finite() => {
            let problem = "JSON cannot represent this number";
            Some(Arc::new(SyntaxError::value(ErrorKind::NotJson, problem, at)))
        }
        _ => None,
    }
}
