//! The commands that change a kubeconfig.

pub(crate) mod aws_profile;
pub(crate) mod delete;
pub(crate) mod file;
pub(crate) mod flags;
pub(crate) mod update;
