//! What a text says: one tree of values, scalars resolved, aliases and merge keys written out, each value with its place.
//!
//! The meaning is that of go-yaml as `sigs.k8s.io/yaml` uses it to make JSON, which is how eksctl, kubectl and the
//! authenticator read their files.

mod compose;
mod key;
mod node;

pub use compose::{DuplicateKeys, Reading, compose, read, read_all};
pub use node::{Content, Entry, Node, Repeated};
