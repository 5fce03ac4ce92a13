//! Events to a tree of nodes with their places in the text.
//!
//! The nodes stand in one list and name each other by number, so that neither depth nor aliases cost call stack.

use std::collections::HashMap;
use std::ops::Range;

use super::cursor::Mark;
use super::error::{ErrorKind, SyntaxError};
use super::events::{Event, EventKind, Events};
use super::resolve::{Resolved, resolve};
use crate::budget::{MAXIMUM_DEPTH, MAXIMUM_NODES, too_deep, too_large};

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// In `'…'`.
    SingleQuoted,
    /// In `"…"`.
    DoubleQuoted,
    /// Below `|`.
    Literal,
    /// Below `>`.
    Folded,
}

/// Which node of its [`Tree`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(usize);

/// A key and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The key, which may be any node.
    pub key: NodeId,
    /// The value.
    pub value: NodeId,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A single value.
    Scalar {
        /// Its text, without quotes, escapes and folding.
        text: String,
        /// How it is written.
        style: Style,
        /// Whether what it is follows from its text.
        implicit: bool,
    },
    /// A list.
    Sequence {
        /// In brackets.
        flow: bool,
        /// What is in it.
        items: Vec<NodeId>,
    },
    /// A mapping; keys may come twice.
    Mapping {
        /// In braces.
        flow: bool,
        /// What is in it.
        entries: Vec<Entry>,
    },
    /// Another node once more.
    Alias {
        /// Its anchor's name.
        name: String,
        /// The node.
        target: NodeId,
    },
}

/// A node and its place in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it holds.
    pub content: Content,
    /// Its whole tag, or nothing.
    pub tag: String,
    /// The name that aliases call it by.
    pub anchor: Option<String>,
    /// Where it begins, with anchor and tag.
    pub start: Mark,
    /// Where it begins, without them.
    pub content_start: Mark,
    /// The byte behind its last one: without the line break behind a block scalar or a block collection.
    pub end: usize,
    /// The byte where its text really ends: behind the line break of a block scalar.
    pub reach: usize,
    /// The `-` or `:` that it stands behind.
    pub indicator: Option<Mark>,
}

impl Node {
    /// Its bytes in the text, with anchor and tag.
    pub fn span(&self) -> Range<usize> {
        self.start.byte..self.end.max(self.start.byte)
    }

    /// Its line in the text, from 1.
    pub fn line(&self) -> usize {
        self.start.line + 1
    }
}

/// The first document of a text.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    nodes: Vec<Node>,
    root: Option<NodeId>,
}

#[cfg(any(test, feature = "testing"))]
thread_local! {
    /// How many texts were read, for tests that count what an edit costs.
    pub static READS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// The documents of a text, up to the first that is not YAML.
#[derive(Debug)]
pub struct Trees<'t> {
    text: &'t str,
    events: Option<Events<'t>>,
    is_done: bool,
}

impl Iterator for Trees<'_> {
    type Item = Result<Tree, SyntaxError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let next = match &mut self.events {
            Some(events) => Tree::document(events, self.text),
            None => Events::new(self.text)
                .and_then(|events| Tree::document(self.events.insert(events), self.text)),
        };
        match next {
            Ok((tree, true)) => Some(Ok(tree)),
            Ok((_, false)) => {
                self.is_done = true;
                None
            }
            Err(error) => {
                self.is_done = true;
                Some(Err(error))
            }
        }
    }
}

/// A list or mapping that is still open.
struct Open {
    id: NodeId,
    /// The key that waits for its value.
    key: Option<NodeId>,
    end: usize,
    reach: usize,
}

impl Tree {
    /// Reads the first document of `text`. What follows it is neither read nor checked.
    ///
    /// # Errors
    /// Where go-yaml would say that this is not YAML.
    pub fn read(text: &str) -> Result<Self, SyntaxError> {
        #[cfg(any(test, feature = "testing"))]
        READS.set(READS.get() + 1);
        Self::document(&mut Events::new(text)?, text).map(|(tree, _)| tree)
    }

    /// Reads every document of `text`, also the empty ones between two `---`.
    ///
    /// # Errors
    /// Where go-yaml would say of one of them that it is not YAML.
    pub fn read_all(text: &str) -> Result<Vec<Self>, SyntaxError> {
        Self::documents(text).collect()
    }

    /// The documents of `text` one by one, also the empty ones between two `---`.
    pub fn documents(text: &str) -> Trees<'_> {
        Trees {
            text,
            events: None,
            is_done: false,
        }
    }

    /// The next document, and whether there was one.
    fn document(events: &mut Events<'_>, text: &str) -> Result<(Self, bool), SyntaxError> {
        let mut tree = Self::default();
        let mut open: Vec<Open> = Vec::new();
        let mut anchors: HashMap<String, NodeId> = HashMap::new();
        loop {
            let event = events.next()?;
            match event.kind {
                EventKind::StreamEnd => return Ok((tree, false)),
                EventKind::DocumentEnd => return Ok((tree, true)),
                EventKind::StreamStart | EventKind::DocumentStart => {}
                EventKind::CollectionEnd => {
                    let Some(closed) = open.pop() else { continue };
                    let flow = tree.close(&closed, event.end.byte);
                    if let Some(parent) = open.last_mut() {
                        parent.end = if flow {
                            event.end.byte
                        } else {
                            closed.end.max(parent.end)
                        };
                        parent.reach = if flow {
                            event.end.byte
                        } else {
                            closed.reach.max(parent.reach)
                        };
                    }
                }
                EventKind::SequenceStart { .. } | EventKind::MappingStart { .. } => {
                    if open.len() >= MAXIMUM_DEPTH {
                        return Err(too_deep(event.start));
                    }
                    let end = event.end.byte;
                    let id = tree.add(event, text, &mut anchors)?;
                    tree.attach(open.last_mut(), id);
                    open.push(Open {
                        id,
                        key: None,
                        end,
                        reach: end,
                    });
                }
                EventKind::Scalar { .. } | EventKind::Alias(_) => {
                    let id = tree.add(event, text, &mut anchors)?;
                    tree.attach(open.last_mut(), id);
                    let (end, reach) = tree.node(id).map_or((0, 0), |node| (node.end, node.reach));
                    if let Some(parent) = open.last_mut() {
                        parent.end = parent.end.max(end);
                        parent.reach = parent.reach.max(reach);
                    }
                }
            }
        }
    }

    /// The root, unless the document is empty.
    pub fn root(&self) -> Option<NodeId> {
        self.root
    }

    /// A node by its number.
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.0)
    }

    /// What a node holds, through an alias if it is one.
    pub fn content(&self, id: NodeId) -> Option<&Content> {
        self.node(self.target(id)).map(|node| &node.content)
    }

    /// The node that an alias stands for, or the node itself.
    pub fn target(&self, id: NodeId) -> NodeId {
        match self.node(id).map(|node| &node.content) {
            Some(Content::Alias { target, .. }) => *target,
            _ => id,
        }
    }

    /// The items of a list; none for anything else.
    pub fn items(&self, id: NodeId) -> &[NodeId] {
        match self.content(id) {
            Some(Content::Sequence { items, .. }) => items,
            _ => &[],
        }
    }

    /// The entries of a mapping; none for anything else.
    pub fn entries(&self, id: NodeId) -> &[Entry] {
        match self.content(id) {
            Some(Content::Mapping { entries, .. }) => entries,
            _ => &[],
        }
    }

    /// The last entry of a mapping with this key.
    pub fn entry(&self, id: NodeId, key: &str) -> Option<Entry> {
        let entries = self.entries(id).iter().rev().copied();
        entries
            .into_iter()
            .find(|entry| self.text(entry.key) == Some(key))
    }

    /// The text of a scalar, whatever its type.
    pub fn text(&self, id: NodeId) -> Option<&str> {
        match self.content(id) {
            Some(Content::Scalar { text, .. }) => Some(text),
            _ => None,
        }
    }

    /// What a scalar is by the rules of YAML 1.1; nothing for lists and mappings.
    ///
    /// # Errors
    /// When its text does not fit its tag.
    pub fn resolved(&self, id: NodeId) -> Option<Result<Resolved, SyntaxError>> {
        let node = self.node(self.target(id))?;
        let Content::Scalar { text, implicit, .. } = &node.content else {
            return None;
        };
        if node.tag.is_empty() && !implicit {
            return Some(Ok(Resolved::Text(text.clone())));
        }
        Some(
            resolve(&node.tag, text)
                .map_err(|problem| SyntaxError::value(ErrorKind::Tag, problem, node.start)),
        )
    }

    fn add(
        &mut self,
        event: Event,
        text: &str,
        anchors: &mut HashMap<String, NodeId>,
    ) -> Result<NodeId, SyntaxError> {
        let reach = event.end.byte;
        let mut end = reach;
        let content = match event.kind {
            EventKind::Alias(name) => {
                let Some(&target) = anchors.get(&name) else {
                    let problem = format!("unknown anchor '{name}' referenced");
                    return Err(SyntaxError::value(ErrorKind::Alias, problem, event.start));
                };
                Content::Alias { name, target }
            }
            EventKind::SequenceStart { flow } => Content::Sequence {
                flow,
                items: Vec::new(),
            },
            EventKind::MappingStart { flow } => Content::Mapping {
                flow,
                entries: Vec::new(),
            },
            EventKind::Scalar {
                text: value,
                style,
                implicit,
            } => {
                if matches!(style, Style::Literal | Style::Folded) {
                    let span = text.get(event.start.byte..reach).unwrap_or_default();
                    end = event.start.byte + span.trim_end_matches(['\n', '\r', ' ']).len();
                }
                Content::Scalar {
                    text: value,
                    style,
                    implicit,
                }
            }
            _ => {
                return Err(SyntaxError::value(
                    ErrorKind::Syntax,
                    "attempted to parse unknown event",
                    event.start,
                ));
            }
        };
        let id = NodeId(self.nodes.len());
        if id.0 >= MAXIMUM_NODES {
            return Err(too_large(event.start));
        }
        if let Some(anchor) = &event.anchor {
            anchors.insert(anchor.clone(), id);
        }
        self.nodes.push(Node {
            content,
            tag: event.tag,
            anchor: event.anchor,
            start: event.start,
            content_start: event.content,
            end,
            reach,
            indicator: event.indicator,
        });
        Ok(id)
    }

    fn attach(&mut self, parent: Option<&mut Open>, id: NodeId) {
        let Some(parent) = parent else {
            self.root = self.root.or(Some(id));
            return;
        };
        let key = parent.key.take();
        let Some(node) = self.nodes.get_mut(parent.id.0) else {
            return;
        };
        match &mut node.content {
            Content::Sequence { items, .. } => items.push(id),
            Content::Mapping { entries, .. } => match key {
                None => parent.key = Some(id),
                Some(key) => entries.push(Entry { key, value: id }),
            },
            _ => {}
        }
    }

    /// Sets where a collection ends; gives whether it is one in brackets.
    fn close(&mut self, closed: &Open, end: usize) -> bool {
        let Some(node) = self.nodes.get_mut(closed.id.0) else {
            return false;
        };
        let flow = matches!(
            node.content,
            Content::Sequence { flow: true, .. } | Content::Mapping { flow: true, .. }
        );
        (node.end, node.reach) = if flow {
            (end, end)
        } else {
            (closed.end, closed.reach)
        };
        flow
    }
}
