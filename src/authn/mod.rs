//! What the EKS authenticator does and expects, as pure functions: nothing here connects to anything.
//!
//! The bearer token ([`token`]), the hosts that it may name ([`sts_endpoint`]), how kubectl is handed it
//! ([`exec_credential`]) and what one says ([`token_decode`]); the form of a caller's ARN ([`arn`]) and the `aws-auth`
//! ConfigMap ([`aws_auth`]). Clients and credential resolution live in `cloud`.

pub mod arn;
pub mod aws_auth;
pub mod exec_credential;
pub mod sts_endpoint;
pub mod token;
pub mod token_decode;
