//! YAML: one reader with go-yaml's semantics for every file, and an editor that leaves alone what it does not change.
//!
//! * [`syntax`]: text to a tree of nodes with positions, as Go's `yaml.v2` reads it.
//! * [`edit`]: changes values in a text and leaves every other byte as it was.

pub mod edit;
pub mod syntax;

pub use syntax::{Content, Mark, Node, NodeId, Style, SyntaxError, Tree};
