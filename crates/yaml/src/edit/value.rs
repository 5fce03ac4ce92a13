//! Values to write, and how they are written: plain where that is safe for readers of YAML 1.1 and 1.2, else quoted.

use eksact_message::harmful::is_harmful;

use crate::syntax::Style;
use crate::syntax::{Resolved, resolve};

/// A value to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A text.
    Text(String),
    /// A list.
    Sequence(Vec<Value>),
    /// A mapping, in this order.
    Mapping(Vec<(String, Value)>),
}

impl Value {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A list of texts.
    pub fn texts<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::Sequence(texts.into_iter().map(Self::text).collect())
    }

    /// A mapping, in this order.
    pub fn mapping<K: Into<String>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Mapping(
            entries
                .into_iter()
                .map(|(key, value)| (key.into(), value))
                .collect(),
        )
    }

    /// Its lines in block style, each indented by `indent`, lists two deeper than their keys: for a text that is written anew.
    pub fn block(&self, indent: usize) -> Vec<String> {
        self.lines(indent, 2)
    }

    /// Its lines in block style, lists right below their keys, as kubectl writes them.
    pub fn compact(&self) -> Vec<String> {
        self.lines(0, 0)
    }

    /// Whether it is written on one line even in block style: everything but a list or mapping with something in it.
    pub(super) fn is_inline(&self) -> bool {
        match self {
            Self::Sequence(items) => items.is_empty(),
            Self::Mapping(entries) => entries.is_empty(),
            _ => true,
        }
    }

    /// On one line, in brackets and braces. Within them all is quoted where `style` is the double quotes, and so is JSON.
    pub(super) fn inline(&self, style: Option<Style>, flow: bool) -> String {
        let within = style.filter(|style| *style == Style::DoubleQuoted);
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Text(text) => written(text, style, flow),
            Self::Sequence(items) => {
                let items: Vec<_> = items.iter().map(|item| item.inline(within, true)).collect();
                format!("[{}]", items.join(", "))
            }
            Self::Mapping(entries) => {
                let entries: Vec<_> = entries
                    .iter()
                    .map(|(key, value)| inline_entry(key, value, within))
                    .collect();
                format!("{{{}}}", entries.join(", "))
            }
        }
    }

    /// Its lines in block style, each indented by `indent`; `offset` is how much deeper lists stand below their keys.
    pub(super) fn lines(&self, indent: usize, offset: usize) -> Vec<String> {
        match self {
            Self::Sequence(items) if !items.is_empty() => items
                .iter()
                .flat_map(|item| item_lines(item, indent, offset))
                .collect(),
            Self::Mapping(entries) if !entries.is_empty() => entries
                .iter()
                .flat_map(|(key, value)| entry_lines(key, value, indent, offset))
                .collect(),
            _ => vec![format!("{:indent$}{}", "", self.inline(None, false))],
        }
    }
}

/// `key: value` within braces.
pub(super) fn inline_entry(key: &str, value: &Value, style: Option<Style>) -> String {
    format!("{}: {}", written(key, style, true), value.inline(style, true))
}

/// The lines of one item of a list whose dashes stand at `indent`.
pub(super) fn item_lines(item: &Value, indent: usize, offset: usize) -> Vec<String> {
    let mut lines = item.lines(indent + 2, offset);
    if let Some(first) = lines.first_mut() {
        *first = format!("{:indent$}- {}", "", first.trim_start_matches(' '));
    }
    lines
}

/// The lines of one entry of a mapping whose keys stand at `indent`.
pub(super) fn entry_lines(key: &str, value: &Value, indent: usize, offset: usize) -> Vec<String> {
    let key = written(key, None, false);
    if value.is_inline() {
        return vec![format!("{:indent$}{key}: {}", "", value.inline(None, false))];
    }
    let deeper = if matches!(value, Value::Sequence(_)) {
        offset
    } else {
        2
    };
    let mut lines = vec![format!("{:indent$}{key}:", "")];
    lines.extend(value.lines(indent + deeper, offset));
    lines
}

/// A text as a scalar, in `style` where that can hold it.
fn written(text: &str, style: Option<Style>, flow: bool) -> String {
    let single = || format!("'{}'", text.replace('\'', "''"));
    if text.contains(is_special) {
        return double_quoted(text);
    }
    match style {
        Some(Style::SingleQuoted) => single(),
        Some(Style::DoubleQuoted) => double_quoted(text),
        _ if is_plain(text, flow) => text.to_owned(),
        _ if text.contains('\'') || !text.contains(['"', '\\']) => double_quoted(text),
        _ => single(),
    }
}

/// Whatever a reader could fold, lose or refuse, and a terminal could obey or hide.
fn is_special(character: char) -> bool {
    is_harmful(character) || matches!(character, '\u{fffe}' | '\u{ffff}')
}

fn double_quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if is_special(c) => {
                let code = u32::from(c);
                let (escape, digits) = if code > 0xffff { ("\\U", 8) } else { ("\\u", 4) };
                quoted.push_str(escape);
                quoted.extend(
                    (0..digits)
                        .rev()
                        .filter_map(|digit| char::from_digit((code >> (4 * digit)) & 0xf, 16)),
                );
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether every reader takes the text without quotes for this very text.
///
/// Narrower than YAML: digits, signs and points begin numbers and times of YAML 1.1 that some reader knows.
fn is_plain(text: &str, flow: bool) -> bool {
    let begins = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '/' | '$');
    let goes_on = |c: char| {
        c.is_ascii_alphanumeric()
            || "_-./@+=$~%()*;^|".contains(c)
            || (!flow && " :,{}[]\"'#&!?<>\\`".contains(c))
    };
    // The flags of a command line: what begins so is no number.
    let is_flag = text
        .strip_prefix("--")
        .or_else(|| text.strip_prefix('-'))
        .is_some_and(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()));
    (is_flag || text.starts_with(begins))
        && text.chars().all(goes_on)
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with([':', ' '])
        && !text.contains("  ")
        && resolve("", text) == Ok(Resolved::Text(text.to_owned()))
}
