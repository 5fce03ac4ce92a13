//! IAM without a client: partitions, ARNs, policy documents and what differs between them, and the trust policies
//! of IAM roles for service accounts.
//!
//! Everything here is a pure function of its arguments. What reads or writes a role lives with the resources.

pub mod arn;
pub mod assumed_role;
pub mod partition;
pub mod permission_set;
pub mod pod_identity;
pub mod pod_trust;
pub mod policy;
pub mod shared_trust;
pub mod trust;
pub mod web_identity;
pub mod well_known_policy;

pub use arn::{Arn, ArnError};
pub use partition::Partition;
pub use well_known_policy::WellKnownPolicy;

/// The path of a role or policy that names none.
pub const DEFAULT_PATH: &str = "/";
