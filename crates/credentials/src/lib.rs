//! Whose credentials a token is signed with: what environment and files say, and what was kept from earlier runs.
//!
//! Nothing here opens a connection or starts a runtime: `eksact token` is run by kubectl for every call, and most runs end
//! here. What must be asked for over the network is asked in `cloud::aws`.

pub mod cache;
pub mod cache_folder;
#[cfg(test)]
#[cfg(unix)]
mod cache_tests;
mod environment;
mod fingerprint;
pub mod profile;
mod shared_config;
pub mod source;
#[cfg(test)]
mod source_tests;

pub use cache::{Cache, CachedToken, KeptCredentials};
pub use cache_folder::{CacheFault, CacheFolder, CacheLock};
pub use environment::Environment;
pub use fingerprint::Fingerprint;
pub use shared_config::{SharedConfig, SharedConfigError};
pub use source::{Asked, CredentialSource, Keeps, SourceError};
