//! What the EKS authenticator does and expects, as pure functions: nothing here connects to anything.
//!
//! The bearer token ([`token`]) and what the server checks of it ([`token_check`]), the form of a caller's ARN ([`arn`])
//! and the `aws-auth` ConfigMap ([`aws_auth`]). Clients and credential resolution live in `cloud`.

pub mod arn;
pub mod aws_auth;
pub mod aws_auth_manifest;
pub mod irsa;
pub mod token;
pub mod token_check;
mod token_host;
