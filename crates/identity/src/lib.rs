//! Who may do what, without a client: IAM's ARNs and policies, how EKS authenticates (tokens, aws-auth, the webhook), how
//! Kubernetes authorizes (RBAC), and CloudFormation templates. Pure.

#[macro_use]
extern crate eksact_message;

pub mod authn;
pub mod cloudformation;
pub mod iam;
pub mod rbac;
pub mod service_account;
