//! Adapters of the ports: who really answers when eksact reads or writes.
//!
//! Nothing is decided in here; an adapter does what it is asked and reports how it went.

pub mod aws;
pub mod cluster_api;
pub mod credentials;
pub mod kubernetes;
pub mod sandbox;
pub mod trust;
pub mod web_identity;
