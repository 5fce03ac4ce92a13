//! How far an item of a list or a key of a mapping reaches, with the comments that are about it: what goes when it goes.
//!
//! A comment belongs to what stands below it. So there go along: the comments inside, also those behind that stand deeper
//! than its content; the lines of comment directly above, in the same column; and those behind an item that stand deeper
//! than its dash and are set off from what follows. Where it may be about
//! something else, it stays: a comment between blank lines, one directly above what follows, and one at the head of the
//! whole list or mapping.

use std::ops::Range;

use super::lines::{begins_line, comment_column, line_before, line_start, next_line, skip_deeper_comments};
use crate::syntax::{Content, Node, NodeId, Tree};

/// The bytes of an item of the list `list` and of the comments about it: whole lines, unless the item shares its first
/// line with something else or stands in brackets. Nothing when there is no such item.
pub fn extent_of_item(text: &str, tree: &Tree, list: NodeId, index: usize) -> Option<Range<usize>> {
    let node = tree.node(list)?;
    let Content::Sequence { flow, items } = &node.content else {
        return None;
    };
    let part = Part::item(tree.node(*items.get(index)?)?);
    if *flow {
        return Some(part.start..part.last.end.max(part.start));
    }
    let before = index
        .checked_sub(1)
        .and_then(|before| tree.node(*items.get(before)?));
    Some(Member::new(text, node, before, &part).extent())
}

/// An item or an entry: where it begins, where what is in it stands, and its last node.
pub(super) struct Part<'t> {
    pub(super) start: usize,
    column: usize,
    inner: usize,
    pub(super) last: &'t Node,
}

impl<'t> Part<'t> {
    /// An item of a list.
    pub(super) fn item(item: &'t Node) -> Self {
        let start = item.indicator.unwrap_or(item.start);
        Self {
            start: start.byte,
            column: start.column,
            inner: item.start.column.max(start.column),
            last: item,
        }
    }

    /// A key of a mapping and its value.
    pub(super) fn entry(key: &Node, value: &'t Node) -> Self {
        Self {
            start: key.start.byte,
            column: key.start.column,
            inner: key.start.column,
            last: value,
        }
    }
}

/// An item or an entry of a block list or mapping, in its text.
pub(super) struct Member<'p> {
    text: &'p str,
    /// Where comments about it can begin at the earliest.
    floor: usize,
    /// Whether nothing of the same list or mapping is before it.
    is_first: bool,
    part: &'p Part<'p>,
}

impl<'p> Member<'p> {
    /// A part of `parent` that comes after the sibling `before`.
    pub(super) fn new(text: &'p str, parent: &Node, before: Option<&Node>, part: &'p Part<'p>) -> Self {
        let floor = match before {
            Some(before) => before.reach.max(before.end),
            None => parent.indicator.map_or(0, |indicator| indicator.byte),
        };
        Self {
            text,
            floor,
            is_first: before.is_none(),
            part,
        }
    }

    /// Whether nothing stands before it on its line.
    pub(super) fn begins_line(&self) -> bool {
        begins_line(self.text, self.part.start)
    }

    /// Its bytes with the comments about it.
    pub(super) fn extent(&self) -> Range<usize> {
        if self.begins_line() {
            self.with_comments_above()..self.end_with_comments()
        } else {
            self.part.start..self.part.last.end.max(self.part.start)
        }
    }

    fn with_comments_above(&self) -> usize {
        let own = line_start(self.text, self.part.start);
        let mut at = own;
        while let Some(above) = line_before(self.text, at).filter(|above| *above >= self.floor) {
            if comment_column(self.text, above) != Some(self.part.column) {
                break;
            }
            at = above;
        }
        if self.is_first && !self.is_set_off_above(at) {
            own
        } else {
            at
        }
    }

    /// Whether a blank line stands above `at`, and something else above that: else this is the head.
    fn is_set_off_above(&self, at: usize) -> bool {
        let above = self.text.get(self.floor.min(at)..at).unwrap_or_default();
        let blank = line_before(self.text, at).and_then(|line| self.text.get(line..at));
        blank.is_some_and(|line| line.trim().is_empty()) && !matches!(above.trim(), "" | "---")
    }

    fn end_with_comments(&self) -> usize {
        let inside = skip_deeper_comments(self.text, behind(self.text, self.part.last), self.part.inner);
        let at = skip_deeper_comments(self.text, inside, self.part.column);
        let next = self.text.get(at..next_line(self.text, at)).unwrap_or_default();
        if next.trim().is_empty() || comment_column(self.text, at).is_some() {
            at
        } else {
            inside
        }
    }
}

/// Where the line after a node begins.
pub(super) fn behind(text: &str, node: &Node) -> usize {
    let ends_line = text
        .get(..node.reach)
        .is_some_and(|before| before.ends_with('\n'));
    if node.reach > node.end && ends_line {
        node.reach
    } else {
        next_line(text, node.reach.max(node.end))
    }
}
