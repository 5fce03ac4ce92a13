//! The tree: values that an anchor and its aliases share, each with its place. No reading here.

use std::sync::Arc;

use super::key::Key;
use crate::budget::Size;
use crate::syntax::{Mark, NodeId, Resolved, Style, SyntaxError, TAG_PREFIX};

/// A value in a text. Cloning is cheap: an alias shares the content of its anchor and has its own place.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it stands, with anchor and tag; for an alias, where the alias stands.
    pub at: Mark,
    /// The node of the [`Tree`](crate::Tree) that it was written as; for an alias, the alias.
    pub id: NodeId,
    content: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// A whole tag such as `!Sub`, or nothing.
    tag: String,
    /// Where the value itself begins, without anchor and tag.
    begins: Mark,
    content: Content,
    passed_over: PassedOver,
    size: Size,
    /// Why JSON cannot hold it.
    not_json: Option<Arc<SyntaxError>>,
}

/// What a node is.
#[derive(Debug)]
pub enum Content {
    /// A single value.
    Scalar {
        /// Its text, without quotes, escapes and folding; of `!!binary`, decoded.
        text: String,
        /// How it is written.
        style: Style,
        /// What it is.
        value: Resolved,
    },
    /// A list.
    Sequence(Vec<Node>),
    /// Keys with values, merge keys written out, in the order of the text; each key once.
    Mapping(Vec<Entry>),
}

/// One key of a mapping.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key as written: `012`, `yes` and `1.30` stay what they are.
    pub key: Arc<str>,
    /// The key as the JSON has it that go-yaml's users go on with: `10`, `true` and `1.3`. Only where that is another.
    pub(super) json_key: Option<Arc<str>>,
    /// What Go tells it by.
    pub(super) go_key: Key,
    /// Where the key stands.
    pub key_at: Mark,
    /// The value.
    pub value: Node,
    /// Whether a merge key brought it.
    pub is_merged: bool,
}

/// What the entries of a mapping do not show.
#[derive(Debug, Default)]
pub(super) struct PassedOver {
    pub(super) repeated: Vec<Repeated>,
    /// What merge keys brought, with what others won over.
    pub(super) merged: Vec<Node>,
}

/// A key that is written once more in its mapping.
#[derive(Clone, Debug)]
pub struct Repeated {
    /// The key as written.
    pub key: Arc<str>,
    /// Where it stands before.
    pub before: Mark,
    /// Where it stands again.
    pub at: Mark,
}

impl Entry {
    /// The key as the JSON has it that go-yaml's users go on with.
    pub fn json_key(&self) -> &str {
        self.json_key.as_ref().unwrap_or(&self.key)
    }

    pub(super) fn has_json_key(&self) -> bool {
        !matches!(self.go_key, Key::Null | Key::Unsigned(_))
    }
}

impl Node {
    pub(super) fn new(
        (id, at, begins): (NodeId, Mark, Mark),
        tag: &str,
        content: Content,
        (size, not_json): (Size, Option<Arc<SyntaxError>>),
        passed_over: PassedOver,
    ) -> Self {
        Self {
            at,
            id,
            content: Arc::new(Inner {
                tag: tag.to_owned(),
                begins,
                content,
                passed_over,
                size,
                not_json,
            }),
        }
    }

    /// Nothing, as an empty document has it.
    pub(super) fn null() -> Self {
        let content = Content::Scalar {
            text: String::new(),
            style: Style::Plain,
            value: Resolved::Null,
        };
        Self::new(
            Default::default(),
            "",
            content,
            (Size::leaf(0), None),
            PassedOver::default(),
        )
    }

    /// The same content at another place: what an alias is.
    pub(super) fn aliased(&self, id: NodeId, at: Mark) -> Self {
        Self {
            at,
            id,
            content: Arc::clone(&self.content),
        }
    }

    pub(super) fn size(&self) -> Size {
        self.content.size
    }

    pub(super) fn not_json(&self) -> Option<&Arc<SyntaxError>> {
        self.content.not_json.as_ref()
    }

    /// The same number for an anchor and its aliases, and for nothing else of the document.
    pub fn content_id(&self) -> usize {
        Arc::as_ptr(&self.content).addr()
    }

    /// What it is.
    pub fn content(&self) -> &Content {
        &self.content.content
    }

    /// Where the value itself begins, without anchor and tag; of an alias, that of its anchor.
    pub fn begins(&self) -> Mark {
        self.content.begins
    }

    /// A tag that YAML itself does not define, such as `!Sub`.
    pub fn custom_tag(&self) -> Option<&str> {
        let tag = self.content.tag.as_str();
        (!tag.is_empty() && !tag.starts_with(TAG_PREFIX) && tag != "!").then_some(tag)
    }

    /// What a scalar is under YAML 1.1; none for lists and mappings.
    pub fn resolved(&self) -> Option<&Resolved> {
        match self.content() {
            Content::Scalar { value, .. } => Some(value),
            _ => None,
        }
    }

    /// The text of a scalar as written; none for lists, mappings and null.
    pub fn text(&self) -> Option<&str> {
        match self.content() {
            Content::Scalar { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }

    /// Whether it is `null`, `~` or nothing at all: an absent value.
    pub fn is_null(&self) -> bool {
        self.resolved() == Some(&Resolved::Null)
    }

    /// Whether it says nothing: null, or an empty list, mapping or text.
    pub fn is_empty(&self) -> bool {
        match self.content() {
            Content::Scalar { text, .. } => text.is_empty() || self.is_null(),
            Content::Sequence(items) => items.is_empty(),
            Content::Mapping(entries) => entries.is_empty(),
        }
    }

    /// The items of a list; nothing for anything else.
    pub fn items(&self) -> &[Node] {
        match self.content() {
            Content::Sequence(items) => items,
            _ => &[],
        }
    }

    /// The entries of a mapping; nothing for anything else.
    pub fn entries(&self) -> &[Entry] {
        match self.content() {
            Content::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The keys of a mapping that are written more than once, each time but the first.
    pub fn repeated(&self) -> &[Repeated] {
        &self.content.passed_over.repeated
    }

    /// What the merge keys of a mapping stand for, whole: of its keys, those count that are not written beside it.
    pub fn merged(&self) -> &[Node] {
        &self.content.passed_over.merged
    }

    /// The entry with this key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| &*entry.key == key)
    }

    /// The value at this key, unless it is null.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key)
            .map(|entry| &entry.value)
            .filter(|value| !value.is_null())
    }
}
