//! From parser events to a tree: anchors, merge keys, duplicate keys, and the budgets that keep hostile files small.
//!
//! All documents of a file are read, under one budget. Sharing makes an alias cheap here; the budgets count what it would
//! be if written out, because everything that walks the tree later pays that price.

use crate::remedy::Remedy;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag};

use super::tree::{Content, Entry, Node, Size};
use crate::config::diagnostic::quoted;
use crate::config::source::Position;

/// The deepest nesting. The schema itself has about ten levels; kubelet settings and policy documents some more.
pub(super) const MAXIMUM_DEPTH: usize = 64;
/// The most values, with every alias and merge written out.
pub(super) const MAXIMUM_NODES: usize = 500_000;
/// The most text, with every alias written out.
pub(super) const MAXIMUM_TEXT: usize = 32 * 1024 * 1024;
/// The most documents that say something.
const MAXIMUM_DOCUMENTS: usize = 64;
/// The most problems that are collected; who has more than these reads no further.
const MAXIMUM_PROBLEMS: usize = 100;

/// Something wrong with the YAML itself.
#[derive(Debug)]
pub(in crate::config) struct Problem {
    pub(in crate::config) code: &'static str,
    pub(in crate::config) at: Position,
    pub(in crate::config) message: String,
    pub(in crate::config) help: Option<Remedy>,
}

/// The documents of a file, as far as they could be read.
#[derive(Debug, Default)]
pub(in crate::config) struct Composed {
    /// The roots, in their order; documents that say nothing are left out.
    pub(in crate::config) documents: Vec<Node>,
    /// What makes the file unusable.
    pub(in crate::config) problems: Vec<Problem>,
}

/// Reads the documents of `text`, which must be free of control characters.
pub(in crate::config) fn compose(text: &str) -> Composed {
    let mut composer = Composer::default();
    if let Err(problem) = composer.run(text) {
        composer.problems.push(*problem.0);
    }
    Composed {
        documents: composer.documents,
        problems: composer.problems,
    }
}

/// A problem after which nothing more can be read. Boxed, or every `Result` of the composer would carry its size.
#[derive(Debug)]
struct Fatal(Box<Problem>);

/// A list or mapping that is still open.
struct Frame {
    at: Position,
    anchor: usize,
    tag: Option<Box<str>>,
    /// Without the children: what they add is in `size`.
    parts: Parts,
    size: Size,
}

enum Parts {
    Sequence(Vec<Node>),
    Mapping(OpenMapping),
}

#[derive(Default)]
struct OpenMapping {
    entries: Vec<Entry>,
    positions: HashMap<Arc<str>, Position>,
    merges: Vec<Node>,
    pending: Option<Key>,
}

enum Key {
    Named(Arc<str>, Position),
    Merge,
    /// Already reported; its value is dropped.
    Refused,
}

#[derive(Default)]
struct Composer {
    documents: Vec<Node>,
    /// What the documents before the one being read add up to.
    spent: Size,
    open: Vec<Frame>,
    anchors: BTreeMap<usize, Node>,
    problems: Vec<Problem>,
    merged_entries: usize,
}

fn position(marker: Marker) -> Position {
    Position {
        line: u32::try_from(marker.line()).unwrap_or(u32::MAX),
        column: u32::try_from(marker.col().saturating_add(1)).unwrap_or(u32::MAX),
    }
}

fn fatal(code: &'static str, at: Position, message: String, help: Option<Remedy>) -> Fatal {
    Fatal(Box::new(Problem {
        code,
        at,
        message,
        help,
    }))
}

fn tag_text(tag: Option<&Tag>) -> Option<Box<str>> {
    tag.map(|tag| format!("{}{}", tag.handle, tag.suffix).into())
}

impl Composer {
    fn run(&mut self, text: &str) -> Result<(), Fatal> {
        let mut parser = Parser::new_from_str(text);
        while let Some(next) = parser.next_event() {
            let (event, span) = next.map_err(|error| {
                let message = format!("this is not valid YAML: {}", error.info());
                fatal(
                    "yaml-syntax",
                    position(*error.marker()),
                    message,
                    syntax_help(error.info()),
                )
            })?;
            if let Some(root) = self.event(event, span)?.filter(|root| !root.is_null()) {
                self.document(root)?;
            }
        }
        Ok(())
    }

    /// A document is whole. The budgets are those of the file, or many documents could each use them up.
    fn document(&mut self, root: Node) -> Result<(), Fatal> {
        self.spent = self.spent.with_child(root.size());
        self.anchors.clear();
        if self.spent.nodes > MAXIMUM_NODES || self.spent.bytes > MAXIMUM_TEXT {
            return Err(too_large(root.at));
        }
        if self.documents.len() >= MAXIMUM_DOCUMENTS {
            return Err(fatal(
                "too-many-documents",
                root.at,
                format!("the file has more than {MAXIMUM_DOCUMENTS} documents"),
                Some(remedy!("put the entries of several into one")),
            ));
        }
        self.documents.push(root);
        Ok(())
    }

    /// Takes one event; gives the root when it is complete.
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<Option<Node>, Fatal> {
        let at = position(span.start);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                let node = Node::new(
                    at,
                    tag_text(tag.as_deref()),
                    Content::Scalar {
                        text: text.into(),
                        plain,
                    },
                );
                self.complete(node, anchor)
            }
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).ok_or_else(|| {
                    fatal(
                        "yaml-alias",
                        at,
                        "the anchor of this alias is in another document, or the alias stands inside its value".to_owned(),
                        None,
                    )
                })?;
                let node = node.aliased(at);
                self.complete(node, 0)
            }
            Event::SequenceStart(anchor, tag) => {
                self.begin(at, anchor, tag_text(tag.as_deref()), Parts::Sequence(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => self.begin(
                at,
                anchor,
                tag_text(tag.as_deref()),
                Parts::Mapping(OpenMapping::default()),
            ),
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(frame) = self.open.pop() else {
                    return Ok(None);
                };
                let content = match frame.parts {
                    Parts::Sequence(items) => Content::Sequence(items),
                    Parts::Mapping(mapping) => Content::Mapping(self.close_mapping(mapping)?),
                };
                let node = Node::new(frame.at, frame.tag, content);
                self.complete(node, frame.anchor)
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(None),
        }
    }

    fn begin(
        &mut self,
        at: Position,
        anchor: usize,
        tag: Option<Box<str>>,
        parts: Parts,
    ) -> Result<Option<Node>, Fatal> {
        if self.open.len() >= MAXIMUM_DEPTH {
            return Err(too_deep(at));
        }
        self.open.push(Frame {
            at,
            anchor,
            tag,
            parts,
            size: Size::default(),
        });
        Ok(None)
    }

    /// A node is whole: it becomes an anchor's value, and a part of what is open or the root.
    fn complete(&mut self, node: Node, anchor: usize) -> Result<Option<Node>, Fatal> {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let enclosing = self.open.len();
        let Some(frame) = self.open.last_mut() else {
            return Ok(Some(node));
        };
        frame.size = frame.size.with_child(node.size());
        // The enclosing levels count too, or a chain of nested aliases could exceed the depth that begin() guards.
        if enclosing + node.size().depth > MAXIMUM_DEPTH + 1 {
            return Err(too_deep(node.at));
        }
        if frame.size.nodes > MAXIMUM_NODES || frame.size.bytes > MAXIMUM_TEXT {
            return Err(too_large(node.at));
        }
        match &mut frame.parts {
            Parts::Sequence(items) => items.push(node),
            Parts::Mapping(mapping) => match mapping.pending.take() {
                None => mapping.pending = Some(key(&node, &mut self.problems)),
                Some(Key::Merge) => mapping.merges.push(node),
                Some(Key::Refused) => {}
                Some(Key::Named(key, key_at)) => match mapping.positions.get(&key) {
                    None => {
                        mapping.positions.insert(Arc::clone(&key), key_at);
                        mapping.entries.push(Entry {
                            key,
                            key_at,
                            value: node,
                        });
                    }
                    Some(first) => self.problems.push(Problem {
                        code: "duplicate-key",
                        at: key_at,
                        message: format!(
                            "the key {} is written twice; the first is on line {}, column {}",
                            quoted(&key),
                            first.line,
                            first.column
                        ),
                        help: Some(remedy!("keep one of them")),
                    }),
                },
            },
        }
        if self.problems.len() >= MAXIMUM_PROBLEMS {
            let at = self
                .problems
                .last()
                .map_or(Position::default(), |problem| problem.at);
            return Err(fatal(
                "too-many-errors",
                at,
                "there are too many errors to go on".to_owned(),
                None,
            ));
        }
        Ok(None)
    }

    /// Adds what `<<` brings: a key written out wins over a merged one, an earlier map over a later one.
    fn close_mapping(&mut self, mut mapping: OpenMapping) -> Result<Vec<Entry>, Fatal> {
        for merge in std::mem::take(&mut mapping.merges) {
            match merge.content() {
                Content::Mapping(_) => self.merge(&mut mapping, &merge)?,
                Content::Sequence(items) => {
                    for item in items {
                        if matches!(item.content(), Content::Mapping(_)) {
                            self.merge(&mut mapping, item)?;
                        } else {
                            self.problems.push(bad_merge(item));
                        }
                    }
                }
                Content::Scalar { .. } => self.problems.push(bad_merge(&merge)),
            }
        }
        Ok(mapping.entries)
    }

    fn merge(&mut self, mapping: &mut OpenMapping, from: &Node) -> Result<(), Fatal> {
        for entry in from.entries() {
            self.merged_entries += 1;
            if self.merged_entries > MAXIMUM_NODES {
                return Err(fatal(
                    "yaml-too-large",
                    from.at,
                    format!("merge keys bring in more than {MAXIMUM_NODES} entries"),
                    None,
                ));
            }
            if !mapping.positions.contains_key(&entry.key) {
                mapping.positions.insert(Arc::clone(&entry.key), entry.key_at);
                mapping.entries.push(entry.clone());
            }
        }
        Ok(())
    }
}

/// What a completed node is as a key.
fn key(node: &Node, problems: &mut Vec<Problem>) -> Key {
    match node.content() {
        Content::Scalar { text, plain: true } if &**text == "<<" => Key::Merge,
        Content::Scalar { text, .. } if !node.is_null() => Key::Named(Arc::from(&**text), node.at),
        content => {
            // `username: {{SessionName}}` reads as a mapping whose key is a mapping.
            let help = match content {
                Content::Mapping(entries) if entries.iter().all(|entry| entry.value.is_null()) => {
                    remedy!("a template such as {{{{SessionName}}}} needs quotes: '{{{{SessionName}}}}'")
                }
                _ => remedy!("put it in quotes if it is meant as a key"),
            };
            problems.push(Problem {
                code: "bad-key",
                at: node.at,
                message: format!("a key must be text, and this is {}", node.describe()),
                help: Some(help),
            });
            Key::Refused
        }
    }
}

fn bad_merge(node: &Node) -> Problem {
    Problem {
        code: "bad-merge",
        at: node.at,
        message: format!(
            "`<<` merges a mapping or a list of mappings, and this is {}",
            node.describe()
        ),
        help: None,
    }
}

fn too_large(at: Position) -> Fatal {
    let message = format!(
        "with its aliases written out this is more than {MAXIMUM_NODES} values or {} MiB of text",
        MAXIMUM_TEXT / (1024 * 1024)
    );
    fatal(
        "yaml-too-large",
        at,
        message,
        Some(remedy!("write the file with fewer aliases, or split it")),
    )
}

fn too_deep(at: Position) -> Fatal {
    fatal(
        "yaml-too-deep",
        at,
        format!("values are nested more than {MAXIMUM_DEPTH} levels deep here"),
        None,
    )
}

/// What to do about the syntax errors that people really make.
fn syntax_help(info: &str) -> Option<Remedy> {
    if info.contains("tab") {
        Some(remedy!("indent with spaces; YAML does not allow tabs there"))
    } else if info.contains("unknown anchor") {
        Some(remedy!(
            "define the anchor with `&name` before the alias `*name`; a text that begins with `*` needs quotes"
        ))
    } else if info.contains("mapping values are not allowed") || info.contains("simple key") {
        Some(remedy!(
            "a text with `: ` in it needs quotes; check the indentation of this line and the one above"
        ))
    } else {
        None
    }
}
