//! Who may do what in a cluster, both ways: whether somebody may, by which path or by which link not; and who may, directly or
//! by becoming somebody else. Over one reading of the account and the cluster, or a snapshot of it. Pure.
//!
//! An answer is *yes*, *no* or *depends on …*: what could not be read, or is decided by what no object shows, is never a no.

mod actor;
mod admission;
mod csv;
mod delta;
mod edges;
mod escalation;
mod explain;
mod holders;
mod mermaid;
mod near;
mod person;
mod picture;
mod question;
mod reach;
mod rights;
mod snapshot;
mod ways;
mod who_can;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;

pub use actor::Actor;
pub use admission::{Admission, InvalidArn, admit, identity};
pub use csv::csv;
pub(super) use csv::line as csv_line;
pub use delta::access_delta;
pub(super) use delta::{Side, between};
pub use escalation::{Becomes, becoming_service_accounts};
pub use explain::{Explanation, Link, LinkState, Who, explain};
pub(super) use mermaid::Chart;
pub use mermaid::mermaid;
pub use person::Person;
pub(super) use person::{Fit, fit};
pub use picture::{Account, Extent, Picture, Read, read_picture};
pub use question::{Asked, Question, QuestionError};
pub(super) use reach::Reach;
pub use reach::{Every, Namespaces};
pub(super) use rights::account_of;
pub use rights::{Decision, Reason, Rights, Verdict};
pub use snapshot::{SnapshotError, read_snapshot, snapshot_schema, write_snapshot};
pub use who_can::{Inquiry, Path, Row, WhoCan, is_of_namespaces, who_can, who_can_in_any};
