//! What the EKS authenticator does and expects, as pure functions: nothing here connects to anything.
//!
//! Now: the bearer token ([`token`]). Clients and credential resolution live in `cloud`.

pub mod irsa;
pub mod token;
