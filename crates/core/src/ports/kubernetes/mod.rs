//! Kubernetes as eksact sees it: one port of verbs for every kind of object, and a file for each kind.
//!
//! A new kind needs a type that implements [`Object`] here, and the simulator's rules for it; no adapter names a kind.

mod access_review;
mod api;
mod config_map;
mod daemon_set;
mod lease;
mod metadata;
mod namespace;
mod object;
mod pod;
mod rbac_binding;
mod rbac_role;
mod resource;
mod service_account;
mod user_info;

pub use access_review::AccessReview;
pub use api::{FIELD_MANAGER, KubernetesReader, KubernetesWriter, Precondition, Selector};
pub use config_map::{ConfigMap, ConfigMapPatch};
pub use daemon_set::DaemonSet;
pub use lease::{Lease, LeaseSpec, MicroTime};
pub use metadata::set_metadata;
pub use namespace::Namespace;
pub use object::{Fields, Object, WireError};
pub use pod::{Pod, PodPlace};
pub use rbac_binding::{RbacBinding, Subject};
pub use rbac_role::{PolicyRule, RbacRole};
pub use resource::{ApiResource, Names, ObjectKey, Resources};
pub use service_account::{FieldManager, ServiceAccount};
pub use user_info::UserInfo;
