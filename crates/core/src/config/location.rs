//! Where a value stands in a file, and values that know it.
//!
//! A location is for people: lines and columns start at 1, columns count characters. Nothing here opens a file.

use std::fmt;
use std::sync::Arc;

use eksact_message::harmful::is_harmful;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A place in a configuration file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct SourceLocation {
    /// The file as the user named it; `-` stands for standard input.
    #[serde(serialize_with = "write_file", deserialize_with = "read_file")]
    #[schemars(with = "String")]
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

impl fmt::Display for SourceLocation {
    /// `file:line:column`, the form that editors and terminals make clickable.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: &str = if &*self.file == "-" { "<stdin>" } else { &self.file };
        for character in shown.chars() {
            // A file name is chosen by whoever made the file: it must not reach the terminal as an escape.
            fmt::Write::write_char(
                f,
                if is_harmful(character) {
                    '\u{fffd}'
                } else {
                    character
                },
            )?;
        }
        write!(f, ":{}:{}", self.line, self.column)
    }
}

// serde reads and writes `Arc<str>` only with its feature `rc`; two functions are cheaper than a feature for the whole tree.
fn write_file<S: Serializer>(file: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(file)
}

fn read_file<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
    String::deserialize(deserializer).map(Arc::from)
}

/// A value together with the place that it comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it is written; `None` when it came from a flag or is a default.
    pub location: Option<SourceLocation>,
}

impl<T> Located<T> {
    /// A value that stands in no file: a flag or a default.
    pub fn unlocated(value: T) -> Self {
        Self {
            value,
            location: None,
        }
    }

    /// Another value made from this one, at the same place.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Located<U> {
        Located {
            value: make(self.value),
            location: self.location,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_standard_input_by_name_and_no_escapes() {
        let at = |file: &str| SourceLocation {
            file: file.into(),
            line: 3,
            column: 7,
        };
        assert_eq!(at("-").to_string(), "<stdin>:3:7");
        assert_eq!(at("a\u{1b}[31m.yaml").to_string(), "a\u{fffd}[31m.yaml:3:7");
    }

    #[test]
    fn survives_json() {
        let located = Located {
            value: true,
            location: Some(SourceLocation {
                file: "c.yaml".into(),
                line: 1,
                column: 2,
            }),
        };
        let text = serde_json::to_string(&located).unwrap();
        assert_eq!(serde_json::from_str::<Located<bool>>(&text).unwrap(), located);
    }
}
