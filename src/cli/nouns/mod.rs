//! Objects that are created, shown, updated, deleted or associated by name: a file or a folder per noun.

pub(crate) mod access_entry;
pub(crate) mod authentication_mode;
pub(crate) mod cluster;
pub(crate) mod iam_service_account;
pub(crate) mod identity_mapping;
pub(crate) mod identity_provider;
pub(crate) mod oidc_provider;
pub(crate) mod pod_identity_association;
