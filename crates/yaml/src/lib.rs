//! YAML: one reader with go-yaml's meaning for every file, and an editor that leaves alone what it does not change.
//!
//! * [`text`]: the bytes of a file to text: UTF-8 and UTF-16, with or without a byte order mark.
//! * [`syntax`]: text to what is written, as Go's `yaml.v2` reads it, with the place of everything.
//! * [`value`]: what is written to what it says: one tree, aliases and merge keys written out.
//! * [`explain`]: what is wrong with a text, in words that help.
//! * [`edit`]: changes values in a text and leaves every other byte as it was.

#[macro_use]
extern crate eksact_message;

mod budget;
pub mod edit;
pub mod explain;
pub mod shown;
pub mod syntax;
pub mod text;
pub mod value;

pub use budget::{MAXIMUM_DEPTH, MAXIMUM_NODES, MAXIMUM_TEXT};
pub use syntax::{ErrorKind, Mark, Resolved, Style, SyntaxError, Tree};
pub use value::{Content, DuplicateKeys, Entry, Node, Reading, compose, read, read_all};
