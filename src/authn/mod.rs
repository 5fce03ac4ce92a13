//! What the EKS authenticator does and expects, as pure functions: nothing here connects to anything.
//!
//! The bearer token ([`token`]), the hosts that it may name ([`sts_endpoint`]) and how kubectl is handed it
//! ([`exec_credential`]), and what one says ([`token_decode`]). Clients and credential resolution live in `cloud`.

pub mod exec_credential;
pub mod sts_endpoint;
pub mod token;
pub mod token_decode;
