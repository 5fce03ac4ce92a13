//! What the EKS authenticator and the pod identity webhook do and expect, as pure functions: nothing here connects to
//! anything.
//!
//! The bearer token ([`token`]), the hosts that it may name ([`sts_endpoint`]), how kubectl is handed it
//! ([`exec_credential`]), the simulated one ([`token_sandbox`]), what one says ([`token_decode`]) and what the server checks of it ([`token_check`]); the form of a
//! caller's ARN ([`arn`]), the `aws-auth` ConfigMap ([`aws_auth`]) and its manifest ([`aws_auth_manifest`]); the chain from
//! a service account to its role ([`irsa`]), what the webhook puts into pods ([`pod_identity_webhook`]) and which credentials SDKs
//! take there ([`sdk_credentials`]). Clients and credential resolution live in `cloud`.

pub mod access_entry;
pub mod access_policy;
pub mod arn;
pub mod aws_auth;
pub mod aws_auth_manifest;
pub mod exec_credential;
pub mod irsa;
pub mod pod_identity_webhook;
pub mod sdk_credentials;
pub mod sts_endpoint;
pub mod token;
pub mod token_check;
pub mod token_decode;
mod token_host;
pub mod token_sandbox;
