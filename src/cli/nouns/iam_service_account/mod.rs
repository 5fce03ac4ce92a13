//! `eksact create|get|update|delete iamserviceaccount`: service accounts with an IAM role, with eksctl's flags.

mod create;
mod delete;
mod get;
mod update;

pub(crate) use create::CreateServiceAccount;
pub(crate) use delete::DeleteServiceAccount;
pub(crate) use get::{GetServiceAccounts, Row};
pub(crate) use update::UpdateServiceAccount;
