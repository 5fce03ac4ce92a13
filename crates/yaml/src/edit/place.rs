//! Where in the text a change goes: the splices for putting a value in place of another, and for adding one.

use std::ops::Range;

use super::Step;
use super::editor::EditError;
use super::extent::behind;
use super::flow;
use super::lines::{Splice, line_break, line_start, skip_deeper_comments};
use super::path_text;
use super::value::{Value, entry_lines, inline_entry, item_lines};
use crate::syntax::{Content, Entry, Node, NodeId, Style, Tree};

/// The text, what it holds, and the path that is being worked on.
pub(super) struct Place<'e> {
    pub(super) text: &'e str,
    pub(super) tree: &'e Tree,
    pub(super) path: &'e [Step<'e>],
    /// How much deeper than their keys lists stand in this text.
    pub(super) offset: usize,
}

impl<'e> Place<'e> {
    /// The node at the first steps of the path; nothing if there is none.
    ///
    /// # Errors
    /// When an alias or an anchor is on the way: a change would be seen elsewhere, too.
    pub(super) fn find(&self, steps: usize) -> Result<Option<NodeId>, EditError> {
        let mut at = self.tree.root();
        for step in self.path.get(..steps).unwrap_or_default() {
            let Some(id) = at else { return Ok(None) };
            self.refuse_shared(id)?;
            at = match step {
                Step::Key(key) => self.tree.entry(id, key).map(|entry| entry.value),
                Step::Index(index) => self.tree.items(id).get(*index).copied(),
            };
        }
        if let Some(id) = at {
            self.refuse_shared(id)?;
        }
        Ok(at)
    }

    fn refuse_shared(&self, id: NodeId) -> Result<(), EditError> {
        let node = self.node(id)?;
        if node.anchor.is_some() || matches!(node.content, Content::Alias { .. }) {
            return Err(EditError::Shared {
                path: path_text(self.path),
                line: node.line(),
            });
        }
        Ok(())
    }

    pub(super) fn node(&self, id: NodeId) -> Result<&'e Node, EditError> {
        self.tree.node(id).ok_or_else(|| self.missing())
    }

    pub(super) fn missing(&self) -> EditError {
        EditError::Missing {
            path: path_text(self.path),
        }
    }

    /// Whether any list or mapping on the way is in brackets or braces.
    fn in_flow(&self, steps: usize) -> Result<bool, EditError> {
        for above in 0..steps {
            if let Some(id) = self.find(above)? {
                let content = &self.node(id)?.content;
                if matches!(
                    content,
                    Content::Sequence { flow: true, .. } | Content::Mapping { flow: true, .. }
                ) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// How texts are written in brackets: as JSON has them, where the whole text is a JSON object.
    fn style_in_flow(&self) -> Option<Style> {
        let is_blank = |c: char| c == '\u{feff}' || c.is_ascii_whitespace();
        let within = self.text.trim_start_matches(is_blank).strip_prefix('{')?;
        within
            .trim_start_matches(is_blank)
            .starts_with('"')
            .then_some(Style::DoubleQuoted)
    }

    /// Puts `value` in place of the node at the first steps of the path.
    pub(super) fn replace(&self, steps: usize, value: &Value) -> Result<Vec<Splice>, EditError> {
        let Some(id) = self.find(steps)? else {
            let lines = value.lines(0, 0);
            return Ok(vec![Splice::insert_lines(self.text, self.text.len(), &lines)]);
        };
        let node = self.node(id)?;
        let style = match &node.content {
            Content::Scalar { style, .. } => Some(*style),
            _ => None,
        };
        if self.in_flow(steps)? {
            let written = value.inline(self.style_in_flow().or(style), true);
            let empty_value = node.span().is_empty() && node.indicator.is_some();
            let written = if empty_value {
                format!(" {written}")
            } else {
                written
            };
            let at = if empty_value {
                behind_indicator(node)
            } else {
                node.span()
            };
            return Ok(vec![Splice::replace(at, written)]);
        }
        let above = match steps.checked_sub(1) {
            Some(above) => self.find(above)?,
            None => None,
        };
        let in_mapping = match above {
            Some(above) => matches!(self.node(above)?.content, Content::Mapping { .. }),
            None => false,
        };
        let below = node
            .indicator
            .is_some_and(|indicator| indicator.line < node.start.line);
        let whole_lines = || self.whole_lines(node, node.indicator.map_or(0, |indicator| indicator.column));
        let newline = line_break(self.text);
        if value.is_inline() {
            let written = value.inline(style, false);
            return Ok(if below && in_mapping {
                vec![
                    Splice::insert(behind_indicator(node).start, format!(" {written}")),
                    Splice::delete(whole_lines()),
                ]
            } else if node.span().is_empty() && node.indicator.is_some() {
                vec![Splice::insert(
                    behind_indicator(node).start,
                    format!(" {written}"),
                )]
            } else if node.span().is_empty() {
                vec![Splice::insert_lines(self.text, self.text.len(), &[written])]
            } else {
                vec![Splice::replace(node.span(), written)]
            });
        }
        let Some(indicator) = node.indicator else {
            let lines = value.lines(0, 0);
            return Ok(vec![if node.span().is_empty() {
                Splice::insert_lines(self.text, self.text.len(), &lines)
            } else {
                Splice::replace(node.span(), lines.join(newline))
            }]);
        };
        if !in_mapping {
            let lines = value.lines(indicator.column + 2, self.offset);
            let written = lines.join(newline);
            return Ok(vec![if node.span().is_empty() {
                Splice::insert(
                    indicator.byte + 1,
                    format!(" {}", written.trim_start_matches(' ')),
                )
            } else {
                Splice::replace(node.span(), written.trim_start_matches(' '))
            }]);
        }
        let keys = above.and_then(|above| self.tree.entries(above).first().copied());
        let keys = keys.map_or(Ok(0), |entry| self.node(entry.key).map(|key| key.start.column))?;
        let deeper = if matches!(value, Value::Sequence(_)) {
            self.offset
        } else {
            2
        };
        let lines = value.lines(keys + deeper, self.offset);
        if below {
            let range = whole_lines();
            return Ok(vec![
                Splice::insert_lines(self.text, range.end, &lines),
                Splice::delete(range),
            ]);
        }
        let mut splices = vec![Splice::insert_lines(self.text, behind(self.text, node), &lines)];
        if !node.span().is_empty() {
            splices.push(Splice::delete(indicator.byte + 1..node.end));
        }
        Ok(splices)
    }

    /// The lines of a node that begins a line, with the comments behind it that stand deeper than `column`.
    fn whole_lines(&self, node: &Node, column: usize) -> Range<usize> {
        let start = line_start(self.text, node.start.byte);
        start..skip_deeper_comments(self.text, behind(self.text, node), column)
    }

    /// Adds items to the list at the path, which has some.
    pub(super) fn append(&self, id: NodeId, values: &[Value]) -> Result<Vec<Splice>, EditError> {
        let Content::Sequence { flow, items } = &self.node(id)?.content else {
            return Err(EditError::NotAList {
                path: path_text(self.path),
            });
        };
        if *flow {
            let style = self.style_in_flow();
            let new: Vec<_> = values.iter().map(|value| value.inline(style, true)).collect();
            return Ok(flow::append(self.text, &self.item_spans(items)?, &new));
        }
        let Some(last) = items.last() else {
            return Ok(Vec::new());
        };
        let last = self.node(*last)?;
        let column = last.indicator.map_or(0, |indicator| indicator.column);
        let at = skip_deeper_comments(self.text, behind(self.text, last), column);
        let lines: Vec<_> = values
            .iter()
            .flat_map(|value| item_lines(value, column, self.offset))
            .collect();
        Ok(vec![Splice::insert_lines(self.text, at, &lines)])
    }

    /// Adds keys to the mapping, which has some.
    pub(super) fn add_keys(&self, id: NodeId, new: &[(&str, Value)]) -> Result<Vec<Splice>, EditError> {
        let Content::Mapping { flow, entries } = &self.node(id)?.content else {
            return Err(EditError::NotAMapping {
                path: path_text(self.path),
            });
        };
        if *flow {
            let new: Vec<_> = new
                .iter()
                .map(|(key, value)| inline_entry(key, value, self.style_in_flow()))
                .collect();
            return Ok(flow::append(self.text, &self.entry_spans(entries)?, &new));
        }
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
            return Ok(Vec::new());
        };
        let column = self.node(first.key)?.start.column;
        let at = skip_deeper_comments(self.text, behind(self.text, self.node(last.value)?), column);
        let lines: Vec<_> = new
            .iter()
            .flat_map(|(key, value)| entry_lines(key, value, column, self.offset))
            .collect();
        Ok(vec![Splice::insert_lines(self.text, at, &lines)])
    }

    fn trimmed(&self, range: Range<usize>) -> Range<usize> {
        let length = self
            .text
            .get(range.clone())
            .map_or(0, |piece| piece.trim_end().len());
        range.start..range.start + length
    }

    pub(super) fn item_spans(&self, items: &[NodeId]) -> Result<Vec<Range<usize>>, EditError> {
        items
            .iter()
            .map(|item| self.node(*item).map(|node| self.trimmed(node.span())))
            .collect()
    }

    pub(super) fn entry_spans(&self, entries: &[Entry]) -> Result<Vec<Range<usize>>, EditError> {
        entries
            .iter()
            .map(|entry| {
                let (key, value) = (self.node(entry.key)?, self.node(entry.value)?);
                let behind_colon = value.indicator.map_or(key.end, |indicator| indicator.byte + 1);
                let end = if value.span().is_empty() {
                    behind_colon
                } else {
                    value.end
                };
                Ok(self.trimmed(key.start.byte..end.max(key.end)))
            })
            .collect()
    }
}

/// The place right behind the `-` or `:` of a node, as far as the node.
pub(super) fn behind_indicator(node: &Node) -> Range<usize> {
    let at = node
        .indicator
        .map_or(node.start.byte, |indicator| indicator.byte + 1);
    at..at
}

/// How much deeper than its key a list stands in a text: as its first one does, else not at all.
pub(super) fn list_offset(tree: &Tree) -> usize {
    let mut open: Vec<NodeId> = tree.root().into_iter().collect();
    while let Some(id) = open.pop() {
        let Some(node) = tree.node(id) else { continue };
        match &node.content {
            Content::Mapping { flow: false, entries } => {
                for entry in entries {
                    let (Some(key), Some(value)) = (tree.node(entry.key), tree.node(entry.value)) else {
                        continue;
                    };
                    if let Content::Sequence { flow: false, .. } = value.content {
                        return value.content_start.column.saturating_sub(key.start.column);
                    }
                }
                open.extend(entries.iter().rev().map(|entry| entry.value));
            }
            Content::Sequence { flow: false, items } => open.extend(items.iter().rev()),
            _ => {}
        }
    }
    0
}
