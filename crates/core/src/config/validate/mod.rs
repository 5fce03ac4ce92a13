//! Whether a configuration can be meant: the door for objects from flags, and the rules that several sections share. Each section has its
//! own beside its values: eksctl's and the ones that eksctl misses, against AWS's and Kubernetes' grammars and limits.

pub(super) mod iam;
pub(super) mod kubernetes_names;
pub(super) mod place;
pub(super) mod tags;

#[cfg(test)]
mod access_tests;
#[cfg(test)]
pub(super) mod tests;

pub(crate) use kubernetes_names::is_label;

use super::cluster_access::{identity_mapping, unknown_names};
use super::cluster_config::{ClusterConfig, check};
use super::diagnostic::Diagnostic;
use super::finding::Finding;

/// Checks a configuration that was built from flags. Gives errors and warnings; locations are those that the values carry.
///
/// `load` has called this already for what comes from a file.
pub fn validate(config: &ClusterConfig) -> Vec<Diagnostic> {
    check(config)
        .into_vec()
        .into_iter()
        .chain(unknown_names(config))
        .chain(identity_mapping::of_flags(&config.access.identity_mappings))
        .map(Finding::into_diagnostic)
        .collect()
}
