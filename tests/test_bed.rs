//! The tests that need the test bed (`tests/bed`): its servers for the whole commands and for the contract of the ports, its
//! Go programs for what we must read as they do, a browser for pages. Cargo runs this program after `sandbox.rs`, whose kubeconfigs the real
//! kubectl is shown here.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::assigning_clones,
    reason = "a test says what went wrong by ending there, and may be slow"
)]

mod aws_auth_agreement;
mod browser;
#[macro_use]
mod contract;
mod contract_on {
    mod bed;
}
mod end_to_end;
mod iam_agreement;
mod kubectl_loads;
mod policy_agreement;
mod support {
    pub(crate) mod at_once;
    pub(crate) mod bed;
    pub(crate) mod kept_kubeconfigs;
    pub(crate) mod program;
    pub(crate) mod schemas;
}
mod webhook_agreement;
mod yaml_agreement;
