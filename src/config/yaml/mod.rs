//! YAML as a tree whose every node knows its place, within budgets. Nothing here knows a field of the configuration.
//!
//! `saphyr-parser` reads the syntax; this room composes its events: anchors, merge keys, duplicate keys, YAML 1.1 scalars.
//! The meaning of scalars and of `<<` is that of `go.yaml.in/yaml/v2` 2.4, which eksctl uses through `sigs.k8s.io/yaml` 1.6.

mod compose;
mod scalar;
mod tree;

pub(super) use compose::compose;
pub(super) use scalar::Resolved;
pub(super) use tree::{Content, Node};
