//! Configuration files: reading them with errors that name file, line and column, validating them, their JSON Schemas.
//!
//! The format of a ClusterConfig is eksctl's `eksctl.io/v1alpha5`, whole; a ClusterAccess is eksact's own, for what that
//! has no word for. What eksact acts on becomes plain values ([`ClusterConfig`]); what it does not manage is checked and
//! named ([`ClusterConfig::unmanaged_sections`]). Nothing here reads a file or asks AWS or Kubernetes; how a diagnostic
//! looks on a terminal is the view's.

mod anchors;
mod blank;
pub mod cluster_access;
mod cluster_config;
pub mod clusters;
mod diagnostic;
mod document;
mod documents;
mod fields;
mod finding;
mod load;
pub mod location;
mod named;
mod path;
mod placeholder;
mod reader;
mod schema;
mod shape;
mod source;
mod suggest;
mod template;
mod validate;

#[cfg(test)]
pub(super) mod tests;

pub use blank::{is_blank, is_blank_character};
pub use cluster_access::{assumable_role, managed_policy};
// All of it, so that a new section needs no line here.
pub use cluster_config::*;
pub use diagnostic::{Diagnostic, Excerpt, Severity};
pub use document::DocumentKind;
pub use load::{Beside, InputFile, Loaded, load, load_all, load_all_with};
pub use location::{Located, SourceLocation};
pub use schema::json_schema;
pub use source::MAXIMUM_BYTES;
pub(crate) use validate::is_label as is_namespace;
pub use validate::place::{Misplaced, named_otherwise, not_a_cluster_name, not_a_region};
pub use validate::validate;
