//! The tree: nodes that are shared between an anchor and its aliases, each with its place. No parsing here.

use std::sync::Arc;

use super::scalar::{self, Resolved};
use crate::config::source::Position;

/// A value in the file. Cloning is cheap: an alias shares the content of its anchor and has its own place.
#[derive(Clone, Debug)]
pub(in crate::config) struct Node {
    /// Where it stands; for an alias, where the alias stands.
    pub(in crate::config) at: Position,
    content: Arc<Tagged>,
}

#[derive(Debug)]
struct Tagged {
    /// A tag such as `!Sub`, or `tag:yaml.org,2002:str` for `!!str`.
    tag: Option<Box<str>>,
    content: Content,
    size: Size,
}

/// What a node is.
#[derive(Debug)]
pub(in crate::config) enum Content {
    /// Text; `plain` when it is written without quotes and may mean a number, a boolean or null.
    Scalar { text: Box<str>, plain: bool },
    /// A list.
    Sequence(Vec<Node>),
    /// Keys with values, merge keys resolved, in the order of the file; each key once.
    Mapping(Vec<Entry>),
}

/// One key of a mapping. Keys are text as written: `012`, `yes` and `1.30` stay what they are.
#[derive(Clone, Debug)]
pub(in crate::config) struct Entry {
    pub(in crate::config) key: Arc<str>,
    pub(in crate::config) key_at: Position,
    pub(in crate::config) value: Node,
}

/// How much a node is when every alias in it is written out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Size {
    pub(super) nodes: usize,
    pub(super) bytes: usize,
    pub(super) depth: usize,
}

impl Size {
    pub(super) fn with_child(self, child: Self) -> Self {
        Self {
            nodes: self.nodes.saturating_add(child.nodes),
            bytes: self.bytes.saturating_add(child.bytes),
            depth: self.depth.max(child.depth.saturating_add(1)),
        }
    }
}

impl Node {
    pub(super) fn new(at: Position, tag: Option<Box<str>>, content: Content) -> Self {
        let leaf = Size {
            nodes: 1,
            bytes: 0,
            depth: 1,
        };
        let size = match &content {
            Content::Scalar { text, .. } => Size {
                bytes: text.len(),
                ..leaf
            },
            Content::Sequence(items) => items.iter().fold(leaf, |size, item| size.with_child(item.size())),
            Content::Mapping(entries) => entries.iter().fold(leaf, |size, entry| {
                let keyed = size.with_child(entry.value.size());
                Size {
                    bytes: keyed.bytes.saturating_add(entry.key.len()),
                    ..keyed
                }
            }),
        };
        Self {
            at,
            content: Arc::new(Tagged { tag, content, size }),
        }
    }

    /// The same content at another place: what an alias is.
    pub(super) fn aliased(&self, at: Position) -> Self {
        Self {
            at,
            content: Arc::clone(&self.content),
        }
    }

    pub(super) fn size(&self) -> Size {
        self.content.size
    }

    /// The same number for an anchor and its aliases, and for nothing else of the document.
    pub(in crate::config) fn content_id(&self) -> usize {
        Arc::as_ptr(&self.content).addr()
    }

    pub(in crate::config) fn content(&self) -> &Content {
        &self.content.content
    }

    /// A tag that YAML itself does not define, such as `!Sub`.
    pub(in crate::config) fn custom_tag(&self) -> Option<&str> {
        self.content
            .tag
            .as_deref()
            .filter(|tag| !tag.starts_with(scalar::CORE_TAG) && *tag != "!")
    }

    /// What a scalar means under YAML 1.1; `None` for lists and mappings.
    pub(in crate::config) fn resolved(&self) -> Option<Resolved> {
        match self.content() {
            Content::Scalar { text, plain } => {
                Some(scalar::resolve(text, *plain, self.content.tag.as_deref()))
            }
            _ => None,
        }
    }

    /// The text of a scalar as written; `None` for lists, mappings and null.
    pub(in crate::config) fn text(&self) -> Option<&str> {
        match self.content() {
            Content::Scalar { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }

    /// Whether it is `null`, `~` or nothing at all: an absent value.
    pub(in crate::config) fn is_null(&self) -> bool {
        matches!(self.resolved(), Some(Resolved::Null))
    }

    /// Whether it says nothing: null, or an empty list, mapping or text.
    pub(in crate::config) fn is_empty(&self) -> bool {
        match self.content() {
            Content::Scalar { text, .. } => text.is_empty() || self.is_null(),
            Content::Sequence(items) => items.is_empty(),
            Content::Mapping(entries) => entries.is_empty(),
        }
    }

    /// The items of a list; nothing for anything else.
    pub(in crate::config) fn items(&self) -> &[Node] {
        match self.content() {
            Content::Sequence(items) => items,
            _ => &[],
        }
    }

    /// The entries of a mapping; nothing for anything else.
    pub(in crate::config) fn entries(&self) -> &[Entry] {
        match self.content() {
            Content::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The entry with this key.
    pub(in crate::config) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| &*entry.key == key)
    }

    /// The value at this key, unless it is null.
    pub(in crate::config) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key)
            .map(|entry| &entry.value)
            .filter(|value| !value.is_null())
    }

    /// What it is, for a message: `a list`, `the number 3`.
    pub(in crate::config) fn describe(&self) -> String {
        let written = |kind: &str| match self.content() {
            Content::Scalar { text, .. } => format!("{kind} {}", crate::config::diagnostic::quoted(text)),
            _ => kind.to_owned(),
        };
        match (self.content(), self.resolved()) {
            (Content::Sequence(_), _) => "a list".to_owned(),
            (Content::Mapping(_), _) => "a mapping".to_owned(),
            (_, Some(Resolved::Null)) => "nothing".to_owned(),
            (_, Some(Resolved::Boolean(_))) => written("the boolean"),
            (_, Some(Resolved::Integer(_) | Resolved::Float(_))) => written("the number"),
            _ => written("the text"),
        }
    }
}
