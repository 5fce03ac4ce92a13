//! How far an item of a list or a key of a mapping reaches, with the comments that are about it: what goes when it goes.
//!
//! A comment belongs to what stands below it. So there go along: the comments inside; the lines of comment directly above,
//! in the same column; and those behind it that stand deeper and are set off from what follows. Where it may be about
//! something else, it stays: a comment between blank lines, one directly above what follows, and one at the head of the
//! whole list or mapping.

use std::ops::Range;

use super::lines::{begins_line, comment_column, line_before, line_start, next_line};
use super::read::{Content, Node, NodeId, Tree};

/// The bytes of an item of the list `list` and of the comments about it: whole lines, unless the item shares its first
/// line with something else or stands in brackets. Nothing when there is no such item.
pub fn extent_of_item(text: &str, tree: &Tree, list: NodeId, index: usize) -> Option<Range<usize>> {
    let node = tree.node(list)?;
    let Content::Sequence { flow, items } = &node.content else {
        return None;
    };
    let item = tree.node(*items.get(index)?)?;
    let start = item.indicator.unwrap_or(item.start);
    if *flow {
        return Some(start.byte..item.end.max(start.byte));
    }
    let before = index
        .checked_sub(1)
        .and_then(|before| tree.node(*items.get(before)?));
    Some(Member::new(text, node, before, start.byte, start.column, item).extent())
}

/// An item or an entry of a block list or mapping.
pub(super) struct Member<'t> {
    text: &'t str,
    /// Where comments about it can begin at the earliest, and whether something of the same list or mapping is before it.
    floor: usize,
    is_first: bool,
    start: usize,
    column: usize,
    last: &'t Node,
}

impl<'t> Member<'t> {
    /// What begins at `start` in `column` and ends with `last`, below or behind `parent`, after the sibling `before`.
    pub(super) fn new(
        text: &'t str,
        parent: &Node,
        before: Option<&Node>,
        start: usize,
        column: usize,
        last: &'t Node,
    ) -> Self {
        let floor = match before {
            Some(before) => before.reach.max(before.end),
            None => parent.indicator.map_or(0, |indicator| indicator.byte),
        };
        Self {
            text,
            floor,
            is_first: before.is_none(),
            start,
            column,
            last,
        }
    }

    /// Whether nothing stands before it on its line.
    pub(super) fn begins_line(&self) -> bool {
        begins_line(self.text, self.start)
    }

    /// Its bytes with the comments about it.
    pub(super) fn extent(&self) -> Range<usize> {
        if self.begins_line() {
            self.with_comments_above()..self.end_with_comments()
        } else {
            self.start..self.last.end.max(self.start)
        }
    }

    fn with_comments_above(&self) -> usize {
        let own = line_start(self.text, self.start);
        let mut at = own;
        while let Some(above) = line_before(self.text, at).filter(|above| *above >= self.floor) {
            if comment_column(self.text, above) != Some(self.column) {
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
        let own = behind(self.text, self.last);
        let mut at = own;
        while comment_column(self.text, at).is_some_and(|column| column > self.column) {
            at = next_line(self.text, at);
        }
        let next = self.text.get(at..next_line(self.text, at)).unwrap_or_default();
        if next.trim().is_empty() || comment_column(self.text, at).is_some() {
            at
        } else {
            own
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
