//! ClusterConfig files.

pub mod location;
