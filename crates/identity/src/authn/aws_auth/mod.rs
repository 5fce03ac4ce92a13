//! The `aws-auth` ConfigMap as the EKS authenticator reads it: parsed, mapped, looked through, edited.
//!
//! The measure is aws-iam-authenticator 0.7.18 (`pkg/mapper/configmap`, `pkg/server`), which a test of the bed compares
//! with this, text by text. All of it is pure: who reads and writes the ConfigMap is not known here.

mod decode;
mod document;
pub mod edit;
mod identity;
pub mod lint;
mod lint_names;
mod mapping;
mod miss;
mod near_miss;
mod parse;
mod unread;

#[cfg(test)]
mod tests;

pub use identity::{Identity, IdentityError};
pub use lint::Weight;
pub use lint_names::{
    NameFault, NameFinding, NameOf, NamedCaller, PLACEHOLDERS, SYSTEM_GROUPS, is_system_group, of_name,
};
pub use mapping::{Denied, Mapped, MappedBy, MappingRules, Principal, Principals, map, map_with, principals};
pub use miss::{Miss, Nearness, misses};
pub use near_miss::{NearMiss, near_misses};
pub use parse::{AwsAuth, Entry, Fault, Mapping, Refused, Section, SectionKey, SsoRole, parse};
pub use unread::{Unread, WhyUnread};
