//! Adapters of the ports: AWS by its SDK, Kubernetes by kube. The only crate that knows an SDK.

pub mod aws;
mod causes;
pub mod kubernetes;
pub mod trust;
pub mod web_identity;
