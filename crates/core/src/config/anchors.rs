//! Keys at the root of a file that hold YAML anchors for the rest of it: `x-…` as in Compose files, or any key that no kind
//! of document has, as long as something elsewhere is an alias of what it holds. eksctl refuses such keys.

use std::collections::HashSet;

use super::document::DocumentKind;
use super::fields::{places, types};
use super::suggest;
use eksact_yaml::Node;

/// What an unknown key at the root is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// It holds what aliases elsewhere stand for.
    Used,
    /// It is named as one, but nothing is an alias of what it holds.
    Unused,
}

/// What the unknown `key` of the document `root` is; none where it is a mistake.
pub(super) fn holder(kind: DocumentKind, root: &Node, key: &str) -> Option<Holder> {
    let is_named_so = key.starts_with("x-");
    if !is_named_so && (is_misspelt(kind, key) || is_known_elsewhere(key)) {
        return None;
    }
    let mut held = HashSet::new();
    collect(&root.entry(key)?.value, &mut held);
    let others = root.entries().iter().filter(|other| &*other.key != key);
    let mut seen = HashSet::new();
    let is_used = others
        .into_iter()
        .any(|other| has_any(&other.value, &held, &mut seen));
    match (is_used, is_named_so) {
        (true, _) => Some(Holder::Used),
        (false, true) => Some(Holder::Unused),
        (false, false) => None,
    }
}

/// Whether the key is nearly one that belongs here: what it holds would be passed over in silence.
fn is_misspelt(kind: DocumentKind, key: &str) -> bool {
    types(kind).get(kind.name()).is_some_and(|object| {
        suggest::nearest(key, object.fields.iter().map(|field| field.name.as_str())).is_some()
    })
}

fn is_known_elsewhere(key: &str) -> bool {
    DocumentKind::ALL
        .into_iter()
        .any(|kind| places(kind).contains_key(key))
}

/// The contents at and below `node`; an alias shares that of its anchor.
fn collect(node: &Node, contents: &mut HashSet<usize>) {
    if contents.insert(node.content_id()) {
        children(node).for_each(|child| collect(child, contents));
    }
}

/// Whether `node`, or anything below it, has one of these contents.
fn has_any(node: &Node, contents: &HashSet<usize>, seen: &mut HashSet<usize>) -> bool {
    let id = node.content_id();
    // What a merge key brings is used, even where every key of it is written beside it.
    let mut below = children(node).chain(node.merged());
    contents.contains(&id) || (seen.insert(id) && below.any(|child| has_any(child, contents, seen)))
}

fn children(node: &Node) -> impl Iterator<Item = &Node> {
    node.items()
        .iter()
        .chain(node.entries().iter().map(|entry| &entry.value))
}
