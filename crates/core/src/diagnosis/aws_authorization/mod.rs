//! Who may do what in AWS, both ways: which pods and people may, who can become them, and why somebody may or may not. Joins IAM,
//! the doors by which pods get roles, and the rights in the cluster. Over one reading or a snapshot of it. Pure.

mod chains;
mod escalation;
mod explain;
mod identities;
mod into_cluster;
mod listing;
mod picture;
mod pods;
mod question;
mod search;
mod who_can;
mod words;

#[cfg(test)]
mod tests;

pub use explain::{AwsWho, explain_aws};
pub(super) use into_cluster::becoming_in_iam;
pub(super) use listing::Assumers;
pub(super) use picture::read_aws;
pub use picture::{Association, AwsPicture, Details};
pub use question::{AwsQuestion, AwsRequest, AwsRequestError};
pub use who_can::who_can_in_aws;
