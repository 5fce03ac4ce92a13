//! Where in the text something goes away: the splices for taking items out of a list and keys out of a mapping, several at
//! once. How far each reaches is [`super::extent`]'s.

use std::collections::BTreeSet;
use std::ops::Range;

use super::Step;
use super::editor::EditError;
use super::extent::{Member, Part};
use super::flow;
use super::lines::Splice;
use super::place::{Place, behind_indicator};
use super::value::Value;
use crate::syntax::{Content, Node, NodeId};

impl<'e> Place<'e> {
    /// Takes these away from the list or mapping at the path; the last of all leaves `[]` or `{}`. What there is none of
    /// is passed over.
    pub(super) fn remove(
        &self,
        parent: NodeId,
        steps: &BTreeSet<Step<'_>>,
    ) -> Result<Vec<Splice>, EditError> {
        let parts = self.parts(parent)?;
        let gone: BTreeSet<usize> = steps
            .iter()
            .filter_map(|step| self.index_of(parent, *step))
            .filter(|index| *index < parts.len())
            .collect();
        if gone.is_empty() {
            return Ok(Vec::new());
        }
        let node = self.node(parent)?;
        let (flow, empty) = match &node.content {
            Content::Sequence { flow, .. } => (*flow, Value::Sequence(Vec::new())),
            Content::Mapping { flow, .. } => (*flow, Value::Mapping(Vec::new())),
            _ => return Err(self.missing()),
        };
        // Comments in brackets must not go with the last item.
        let brackets_stay = flow
            && matches!(empty, Value::Sequence(_))
            && self.text.get(node.span()).is_some_and(|text| text.contains('#'));
        if gone.len() == parts.len() && !brackets_stay {
            return self.remove_all(node, &parts, flow, &empty);
        }
        if flow {
            return Ok(flow::remove(self.text, &self.spans(node)?, &gone));
        }
        let mut splices = Vec::with_capacity(gone.len());
        for index in gone {
            let member = self.member(node, &parts, index)?;
            splices.push(Splice::delete(if member.begins_line() {
                member.extent()
            } else {
                self.on_the_line_of_another(&parts, index)?
            }));
        }
        Ok(splices)
    }

    /// What shares the line of its parent's dash gives way to the next.
    fn on_the_line_of_another(&self, parts: &[Part<'_>], index: usize) -> Result<Range<usize>, EditError> {
        let part = parts.get(index).ok_or_else(|| self.missing())?;
        let end = part.last.end.max(part.start);
        let next = parts.get(index + 1).map(|next| next.start).filter(|next| {
            let between = self.text.get(end..*next);
            between.is_some_and(|between| !between.contains('#'))
        });
        Ok(part.start..next.unwrap_or(end))
    }

    /// What is set off from them, such as a comment between two, stays here too.
    fn remove_all(
        &self,
        node: &Node,
        parts: &[Part<'_>],
        flow: bool,
        empty: &Value,
    ) -> Result<Vec<Splice>, EditError> {
        let mut splices = Vec::with_capacity(parts.len() + 1);
        for index in 0..parts.len() {
            let member = self.member(node, parts, index)?;
            if flow || !member.begins_line() {
                return self.replace(self.path.len(), empty);
            }
            splices.push(Splice::delete(member.extent()));
        }
        let written = empty.inline(None, false);
        splices.insert(
            0,
            match (node.indicator, splices.first()) {
                (Some(_), _) => Splice::insert(behind_indicator(node).start, format!(" {written}")),
                (None, first) => {
                    let at = first.map_or(node.start.byte, |first| first.range.start);
                    Splice::insert_lines(self.text, at, &[written])
                }
            },
        );
        Ok(splices)
    }

    fn member<'p>(
        &'p self,
        parent: &Node,
        parts: &'p [Part<'p>],
        index: usize,
    ) -> Result<Member<'p>, EditError> {
        let part = parts.get(index).ok_or_else(|| self.missing())?;
        let before = index.checked_sub(1).and_then(|before| parts.get(before));
        Ok(Member::new(
            self.text,
            parent,
            before.map(|before| before.last),
            part,
        ))
    }

    /// What the list or mapping is made of.
    fn parts(&self, parent: NodeId) -> Result<Vec<Part<'e>>, EditError> {
        match &self.node(parent)?.content {
            Content::Sequence { items, .. } => items
                .iter()
                .map(|item| Ok(Part::item(self.node(*item)?)))
                .collect(),
            Content::Mapping { entries, .. } => entries
                .iter()
                .map(|entry| Ok(Part::entry(self.node(entry.key)?, self.node(entry.value)?)))
                .collect(),
            _ => Ok(Vec::new()),
        }
    }

    fn spans(&self, node: &Node) -> Result<Vec<Range<usize>>, EditError> {
        match &node.content {
            Content::Sequence { items, .. } => self.item_spans(items),
            Content::Mapping { entries, .. } => self.entry_spans(entries),
            _ => Ok(Vec::new()),
        }
    }

    fn index_of(&self, parent: NodeId, step: Step<'_>) -> Option<usize> {
        match (step, &self.tree.node(parent)?.content) {
            (Step::Index(index), Content::Sequence { .. }) => Some(index),
            (Step::Key(key), Content::Mapping { entries, .. }) => entries
                .iter()
                .rposition(|entry| self.tree.text(entry.key) == Some(key)),
            _ => None,
        }
    }
}
