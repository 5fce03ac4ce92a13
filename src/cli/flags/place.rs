//! Parsers of the flags that say where the cluster is. What they refuse is told as a file is told it.

use eksact_core::config::{Misplaced, named_otherwise, not_a_cluster_name, not_a_region};

/// The name of an EKS cluster.
pub(crate) fn cluster_name(text: &str) -> Result<String, String> {
    taken(text, not_a_cluster_name(text))
}

/// The name of a cluster in a token; other clusters than those of EKS have other names.
pub(crate) fn cluster_in_token(text: &str) -> Result<String, String> {
    taken(text, named_otherwise(text))
}

/// An AWS region.
pub(crate) fn region(text: &str) -> Result<String, String> {
    taken(text, not_a_region(text))
}

fn taken(text: &str, misplaced: Option<Misplaced>) -> Result<String, String> {
    match misplaced {
        None => Ok(text.to_owned()),
        Some(Misplaced { is, help }) => Err(format!("it {is}; {help}")),
    }
}
