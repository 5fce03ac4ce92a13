//! What stands in a kubeconfig, without its layout: a small tree, and the edits that lead from one text to the next.
//! How a text is read and written is the matter of [`super::document`].

use std::fmt;

use eksact_yaml::syntax::resolve;
use eksact_yaml::{Content, Node, Resolved, Style};

/// A value, aliases and merge keys written out. Its debug form has the keys, and no texts: some are credentials.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing: `null`, `~`, or no text at all.
    Null,
    /// A text.
    Text(String),
    /// A number or boolean, as written: kept apart from the text that looks the same.
    Other(String),
    /// A list.
    List(Vec<Value>),
    /// A mapping, in the order of the file.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A list of texts.
    pub fn texts(texts: &[String]) -> Self {
        Self::List(texts.iter().cloned().map(Self::Text).collect())
    }

    /// A mapping of these entries.
    pub fn map<Key: Into<String>>(entries: impl IntoIterator<Item = (Key, Value)>) -> Self {
        Self::Map(
            entries
                .into_iter()
                .map(|(key, value)| (key.into(), value))
                .collect(),
        )
    }

    /// The value at a key; none where there is no such key, no mapping, or nothing at the key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => entries
                .iter()
                .find(|(name, value)| name == key && *value != Self::Null)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The value at the end of these keys.
    pub fn at(&self, keys: &[&str]) -> Option<&Self> {
        keys.iter().try_fold(self, |value, key| value.get(key))
    }

    /// The text of a scalar as written, whatever its type: kubectl's types are text where these are asked for.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Other(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is true as kubectl reads it: YAML 1.1 has `yes`, `on` and more for it, without quotes.
    pub fn is_true(&self) -> bool {
        matches!(self, Self::Other(text) if resolve("", text) == Ok(Resolved::Bool(true)))
    }

    /// The text at the end of these keys.
    pub fn text_at(&self, keys: &[&str]) -> Option<&str> {
        self.at(keys)?.as_text()
    }

    /// Puts `value` at the end of these keys; mappings on the way are there, or the value at the start becomes one.
    pub(super) fn put(&mut self, path: &[&str], value: Value) {
        let Some((key, rest)) = path.split_first() else {
            *self = value;
            return;
        };
        if !matches!(self, Self::Map(_)) {
            *self = Self::Map(Vec::new());
        }
        let Self::Map(entries) = self else { return };
        if let Some((_, there)) = entries.iter_mut().find(|(name, _)| name == key) {
            there.put(rest, value);
        } else {
            let mut there = Self::Null;
            there.put(rest, value);
            entries.push(((*key).to_owned(), there));
        }
    }

    /// Takes away what is at the end of these keys.
    pub(super) fn cut(&mut self, path: &[&str]) {
        let (Self::Map(entries), Some((key, rest))) = (self, path.split_first()) else {
            return;
        };
        if rest.is_empty() {
            entries.retain(|(name, _)| name != key);
        } else if let Some((_, there)) = entries.iter_mut().find(|(name, _)| name == key) {
            there.cut(rest);
        }
    }

    /// Whether both hold the same, in whichever order their keys are. Nothing at a key is as no key.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Map(entries), Self::Map(others)) => {
                let keys = || entries.iter().chain(others).map(|(key, _)| key.as_str());
                keys().all(|key| match (self.get(key), other.get(key)) {
                    (Some(one), Some(other)) => one.is_same(other),
                    (one, other) => one == other,
                })
            }
            (Self::List(items), Self::List(others)) => {
                items.len() == others.len() && items.iter().zip(others).all(|(one, other)| one.is_same(other))
            }
            _ => self == other,
        }
    }

    /// The items of a list; none of anything else.
    pub fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }
}

impl From<&Node> for Value {
    fn from(node: &Node) -> Self {
        match node.content() {
            Content::Scalar { text, style, value } => match value {
                Resolved::Null => Self::Null,
                Resolved::Bool(_) | Resolved::Integer(_) | Resolved::Unsigned(_) | Resolved::Float(_)
                    if *style == Style::Plain =>
                {
                    Self::Other(text.clone())
                }
                _ => Self::Text(text.clone()),
            },
            Content::Sequence(items) => Self::List(items.iter().map(Self::from).collect()),
            Content::Mapping(entries) => Self::Map(
                entries
                    .iter()
                    .map(|entry| (entry.key.to_string(), Self::from(&entry.value)))
                    .collect(),
            ),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Text(_) => f.write_str("Text"),
            Self::Other(_) => f.write_str("Other"),
            Self::List(items) => f.debug_list().entries(items).finish(),
            Self::Map(entries) => f
                .debug_map()
                .entries(entries.iter().map(|(key, value)| (key, value)))
                .finish(),
        }
    }
}

/// One of the three lists of named entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// `clusters`.
    Clusters,
    /// `contexts`.
    Contexts,
    /// `users`.
    Users,
}

impl Section {
    /// Every section, in the order of a new file.
    pub const ALL: [Self; 3] = [Self::Clusters, Self::Contexts, Self::Users];

    /// Its key in the file.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Clusters => "clusters",
            Self::Contexts => "contexts",
            Self::Users => "users",
        }
    }

    /// The key beside `name` in each of its entries; also what people call one entry.
    pub const fn entry_key(self) -> &'static str {
        match self {
            Self::Clusters => "cluster",
            Self::Contexts => "context",
            Self::Users => "user",
        }
    }
}

/// One change to the text. None of them moves an entry that another names, so they hold in any order but for `Remove`:
/// entries are removed from the end on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Adds an entry at the end of a section.
    Append {
        /// Where.
        section: Section,
        /// `name`, and the rest under [`Section::entry_key`].
        entry: Value,
    },
    /// Sets a key within an entry, in a mapping that is there.
    Set {
        /// Where.
        section: Section,
        /// Which entry of it.
        index: usize,
        /// The way to the key, beginning below the entry; never empty.
        path: Vec<&'static str>,
        /// The new value.
        value: Value,
    },
    /// Removes a key within an entry.
    Unset {
        /// Where.
        section: Section,
        /// Which entry of it.
        index: usize,
        /// The way to the key, beginning below the entry; never empty.
        path: Vec<&'static str>,
    },
    /// Removes an item of a list within an entry; of several, the last first.
    RemoveItem {
        /// Where.
        section: Section,
        /// Which entry of it.
        index: usize,
        /// The way to the list, beginning below the entry.
        path: Vec<&'static str>,
        /// Which item of the list.
        item: usize,
    },
    /// Adds an item to a list within an entry.
    AppendItem {
        /// Where.
        section: Section,
        /// Which entry of it.
        index: usize,
        /// The way to the list, beginning below the entry.
        path: Vec<&'static str>,
        /// The new item.
        value: Value,
    },
    /// Removes a whole entry.
    Remove {
        /// Where.
        section: Section,
        /// Which entry of it.
        index: usize,
    },
    /// Sets `current-context`; empty for none, as kubectl has it.
    SetCurrentContext(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_not_in_the_debug_form() {
        let value = Value::map([
            ("token", Value::text("secret")),
            ("list", Value::List(vec![Value::Other("007".to_owned())])),
        ]);
        assert_eq!(format!("{value:?}"), "{\"token\": Text, \"list\": [Other]}");
    }

    #[test]
    fn key_with_nothing_is_as_no_key() {
        let value = Value::map([
            ("a", Value::Null),
            ("b", Value::map([("c", Value::Other("3".to_owned()))])),
        ]);
        assert_eq!(value.get("a"), None);
        assert_eq!(value.text_at(&["b", "c"]), Some("3"));
        assert_eq!(value.text_at(&["b", "c", "d"]), None);
    }
}
