//! What is written in an entry and makes no difference: one rule for everything that the server passes over.
//!
//! A key or an item of a list is unread when the entry lets in the same without it. That is tried, on the reading that the
//! server makes, and not looked up: a key that the server's type does not have, one that another overrides, null, an empty
//! text, a value of the wrong type, a group twice and whatever else there is come out by the same rule. Only why it is so is
//! looked up afterwards, for the message.

use std::collections::BTreeSet;
use std::ops::Range;

use super::decode::{Decoder, SSO_FIELDS, field, fields_of};
use super::document::{Kind, json_without};
use super::parse::{Fault, SectionKey, SsoRole};
use eksact_yaml::Tree;
use eksact_yaml::syntax::{Content, NodeId};

/// Something in an entry that makes no difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The item of the section's list, from 0.
    pub item: usize,
    /// The line of the section's text, from 1.
    pub line: usize,
    /// The key as it is written; of an item, that of its list.
    pub key: String,
    /// Whether it is an item of the key's list, and not the whole key.
    pub is_item: bool,
    /// The field of the server's that the key is for; nothing where it is for none.
    pub field: Option<&'static str>,
    /// The value, if it is a single one.
    pub value: Option<String>,
    /// Why it makes no difference.
    pub why: WhyUnread,
}

/// Why something makes no difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhyUnread {
    /// The server knows no such key.
    UnknownKey {
        /// The other keys of the same mapping.
        beside: Vec<String>,
    },
    /// The server knows the key and does not use it: `userid`.
    Unused,
    /// Its value is null.
    Null,
    /// Its value has the wrong type.
    WrongType(Box<Fault>),
    /// Its value is empty.
    Empty,
    /// Another key for the same field counts instead.
    Overridden {
        /// That key.
        by: String,
    },
    /// The list has it already.
    Repeated,
    /// What `<<` brings in is all overridden, or nothing that the server reads.
    Merge,
    /// It says what holds without it.
    NoDifference,
}

/// What an entry comes to: whom it is for and as whom that one gets in. Groups are a set to Kubernetes, and a group without a
/// name cannot be bound.
#[derive(Debug, PartialEq, Eq)]
struct Meaning {
    arn: String,
    username: String,
    groups: BTreeSet<String>,
    sso: Option<SsoRole>,
}

/// A part of an entry that may be left out.
#[derive(Clone, Copy)]
struct Token {
    /// The key, or the item of a list.
    node: NodeId,
    value: NodeId,
    /// The mapping or list that it is in.
    parent: NodeId,
    /// Of an item, the key that the list is the value of.
    list: Option<NodeId>,
    /// The fields that keys stand for here.
    fields: &'static [&'static str],
}

struct Search<'t> {
    tree: &'t Tree,
    section: SectionKey,
    items: &'t [NodeId],
    /// Each alias with the bytes of what it stands for.
    aliases: Vec<(NodeId, Range<usize>)>,
    /// What is left out.
    without: Vec<NodeId>,
}

/// What makes no difference in the entries of a section, in the order of the text.
pub(super) fn of_mappings(
    tree: &Tree,
    section: SectionKey,
    items: &[NodeId],
    faults: &[Fault],
) -> Vec<Unread> {
    let mut search = Search {
        tree,
        section,
        items,
        aliases: aliases(tree),
        without: Vec::new(),
    };
    let mut found = Vec::new();
    for (item, node) in items.iter().enumerate() {
        search.without.clear();
        let tokens = search.unread_tokens(*node);
        for token in &tokens {
            let unread = search.explain(item, token, &tokens, faults);
            let inner = match unread.why {
                WhyUnread::NoDifference => search.tokens_below(token),
                _ => Vec::new(),
            };
            // Of a list that makes no difference each item says why.
            if inner.is_empty() {
                found.push(unread);
            }
            found.extend(
                inner
                    .iter()
                    .map(|token| search.explain(item, token, &tokens, faults)),
            );
        }
    }
    found.sort_by_key(|unread: &Unread| (unread.item, unread.line));
    found
}

/// The aliases of a document, each with what it stands for.
fn aliases(tree: &Tree) -> Vec<(NodeId, Range<usize>)> {
    let mut found = Vec::new();
    let mut open: Vec<NodeId> = tree.root().into_iter().collect();
    while let Some(id) = open.pop() {
        match tree.node(id).map(|node| &node.content) {
            Some(Content::Alias { target, .. }) => {
                let span = tree.node(*target).map_or(0..0, eksact_yaml::syntax::Node::span);
                found.push((id, span));
            }
            Some(Content::Sequence { items, .. }) => open.extend(items),
            Some(Content::Mapping { entries, .. }) => {
                open.extend(entries.iter().flat_map(|entry| [entry.key, entry.value]));
            }
            Some(Content::Scalar { .. }) | None => {}
        }
    }
    found
}

impl Search<'_> {
    /// What can be left out of an entry, all of it together, with nothing changed.
    fn unread_tokens(&mut self, item: NodeId) -> Vec<Token> {
        // What is no mapping, or another entry once more, has no keys of its own.
        if !matches!(
            self.tree.node(item).map(|node| &node.content),
            Some(Content::Mapping { .. })
        ) {
            return Vec::new();
        }
        let Some(full) = self.meaning(item) else {
            return Vec::new();
        };
        let first = self.tokens_in(item, None, fields_of(self.section));
        // Every name in the meaning needs a token of its own, so that as many tokens as names are all needed.
        if self.aliases.is_empty() && self.count(&first) == full.names() {
            return Vec::new();
        }
        let mut unread = Vec::new();
        loop {
            let before = unread.len();
            let mut waiting = first.clone();
            while let Some(token) = waiting.pop() {
                if self.without.contains(&token.node) {
                    continue;
                }
                self.without.push(token.node);
                if self.meaning(item).as_ref() == Some(&full) && self.concerns_only(item, &token) {
                    unread.push(token);
                } else {
                    self.without.pop();
                    waiting.extend(self.tokens_below(&token));
                }
            }
            // What took away something that is left out by now makes no difference any more.
            if unread.len() == before {
                return unread;
            }
        }
    }

    /// How many tokens these are, with those below them.
    fn count(&self, tokens: &[Token]) -> usize {
        tokens
            .iter()
            .map(|token| 1 + self.count(&self.tokens_below(token)))
            .sum()
    }

    fn tokens_below(&self, token: &Token) -> Vec<Token> {
        let key = token.list.unwrap_or(token.node);
        let name = self.tree.text(key).unwrap_or_default();
        // An item is a single value, or the whole of it is wrong.
        if token.list.is_some() && name != "<<" {
            return Vec::new();
        }
        let fields = match field(name, token.fields) {
            Some("sso") => &SSO_FIELDS,
            _ => token.fields,
        };
        self.tokens_in(token.value, Some(key), fields)
    }

    /// The tokens of a mapping or list that stands here itself, the first to be tried last in the list. Of a group that is
    /// written twice the first counts, of a key the last.
    fn tokens_in(&self, parent: NodeId, list: Option<NodeId>, fields: &'static [&'static str]) -> Vec<Token> {
        let token = |node: NodeId, value: NodeId, list: Option<NodeId>| Token {
            node,
            value,
            parent,
            list,
            fields,
        };
        match self.tree.node(parent).map(|node| &node.content) {
            Some(Content::Mapping { entries, .. }) => {
                let entries = entries.iter().rev();
                entries.map(|entry| token(entry.key, entry.value, None)).collect()
            }
            Some(Content::Sequence { items, .. }) => {
                items.iter().map(|item| token(*item, *item, list)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn meaning(&self, item: NodeId) -> Option<Meaning> {
        let json = json_without(self.tree, item, &self.without).ok()?;
        let mut decoder = Decoder {
            tree: self.tree,
            section: self.section,
            item: 0,
            faults: Vec::new(),
        };
        let mapping = decoder.mapping(&json);
        Some(Meaning {
            arn: mapping.arn,
            username: mapping.username,
            groups: mapping
                .groups
                .into_iter()
                .filter(|group| !group.is_empty())
                .collect(),
            sso: mapping.sso,
        })
    }

    /// Whether what a token holds is used nowhere else: by an alias of its anchor, or of one around it.
    fn concerns_only(&self, item: NodeId, token: &Token) -> bool {
        let Some(span) = self.span(token) else { return true };
        self.aliases.iter().all(|(alias, target)| {
            let at = self.tree.node(*alias).map_or(0, |node| node.start.byte);
            let is_inside = span.contains(&target.start);
            if is_inside {
                return span.contains(&at);
            }
            if !target.contains(&span.start) {
                return true;
            }
            // Another entry is made of this one.
            let others = self.items.iter().filter(|other| **other != item);
            let mut others = others.filter(|other| {
                self.tree
                    .node(**other)
                    .is_some_and(|node| node.span().contains(&at))
            });
            others.all(|other| {
                let now = self.meaning(*other);
                now.is_some()
                    && now
                        == Search {
                            without: Vec::new(),
                            aliases: Vec::new(),
                            ..*self
                        }
                        .meaning(*other)
            })
        })
    }

    fn span(&self, token: &Token) -> Option<Range<usize>> {
        let (first, last) = (self.tree.node(token.node)?, self.tree.node(token.value)?);
        Some(first.start.byte..last.span().end.max(first.span().end))
    }

    /// Why a token makes no difference.
    fn explain(&self, item: usize, token: &Token, unread: &[Token], faults: &[Fault]) -> Unread {
        let tree = self.tree;
        let key = token.list.unwrap_or(token.node);
        let text = |node: NodeId| tree.text(node).unwrap_or_default().to_owned();
        let field = field(&text(key), token.fields);
        Unread {
            item,
            line: tree
                .node(token.node)
                .map_or(1, |node| node.content_start.line + 1),
            key: text(key),
            is_item: token.list.is_some(),
            field,
            value: tree.text(token.value).map(str::to_owned),
            why: self.why(token, field, unread, faults),
        }
    }

    fn why(
        &self,
        token: &Token,
        of_key: Option<&'static str>,
        unread: &[Token],
        faults: &[Fault],
    ) -> WhyUnread {
        let tree = self.tree;
        let key = |node: NodeId| tree.text(node).unwrap_or_default();
        if token.list.is_none() {
            if key(token.node) == "<<" {
                return WhyUnread::Merge;
            }
            if of_key.is_none() {
                let others = tree
                    .entries(token.parent)
                    .iter()
                    .filter(|entry| entry.key != token.node);
                let beside = others.map(|entry| key(entry.key).to_owned()).collect();
                return WhyUnread::UnknownKey { beside };
            }
            if of_key == Some("userid") {
                return WhyUnread::Unused;
            }
        }
        let start = tree.node(token.value).map(|node| node.start);
        let fault = faults.iter().find(|fault| {
            (fault.line, fault.column) == (start.map(|mark| mark.line + 1), start.map(|mark| mark.column + 1))
        });
        if let Some(fault) = fault {
            return WhyUnread::WrongType(Box::new(fault.clone()));
        }
        match json_without(tree, token.value, &[]).map(|json| json.kind) {
            Ok(Kind::Null) => return WhyUnread::Null,
            Ok(Kind::Text(text)) if text.is_empty() => return WhyUnread::Empty,
            Ok(Kind::Array(items)) if items.is_empty() => return WhyUnread::Empty,
            Ok(Kind::Object(entries)) if entries.is_empty() => return WhyUnread::Empty,
            _ => {}
        }
        if token.list.is_some() {
            let mut others = tree
                .items(token.parent)
                .iter()
                .filter(|other| **other != token.node);
            let repeated = others.any(|other| tree.text(*other) == tree.text(token.node));
            return if repeated {
                WhyUnread::Repeated
            } else {
                WhyUnread::NoDifference
            };
        }
        let is_left = |node: NodeId| !unread.iter().any(|token| token.node == node);
        let same = || {
            let entries = tree.entries(token.parent).iter().rev();
            entries.filter(|entry| entry.key != token.node && field(key(entry.key), token.fields) == of_key)
        };
        let winner = same()
            .find(|entry| is_left(entry.key))
            // None is left where the last one of them takes away what the others say.
            .or_else(|| same().find(|entry| entry.key > token.node));
        let merge = || {
            tree.entries(token.parent)
                .iter()
                .find(|entry| key(entry.key) == "<<")
        };
        match winner.or_else(merge).filter(|winner| winner.key != token.node) {
            Some(winner) => WhyUnread::Overridden {
                by: key(winner.key).to_owned(),
            },
            None => WhyUnread::NoDifference,
        }
    }
}

impl Meaning {
    /// How many keys and items it takes at least to say this.
    fn names(&self) -> usize {
        let sso = self.sso.as_ref().map_or(0, |sso| {
            let fields = [&sso.permission_set_name, &sso.account_id, &sso.partition];
            1 + fields.iter().filter(|text| !text.is_empty()).count()
        });
        usize::from(!self.arn.is_empty())
            + usize::from(!self.username.is_empty())
            + usize::from(!self.groups.is_empty())
            + self.groups.len()
            + sso
    }
}

#[cfg(test)]
mod tests;
