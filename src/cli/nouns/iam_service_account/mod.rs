//! Service accounts with an IAM role, in the files of the verbs.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod update;
