//! The tests that need nothing but this machine: whole commands on the sandbox, scenarios over simulated worlds, and the
//! contract of the ports against the simulator. What needs the test bed is in `test_bed.rs`; there are no other programs,
//! because each would link the whole of eksact again.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::assigning_clones,
    reason = "a test says what went wrong by ending there, and may be slow"
)]

mod commands;
#[macro_use]
mod contract;
mod contract_on {
    mod sandbox;
}
mod scenarios;
mod support {
    pub(crate) mod at_once;
    pub(crate) mod kept_kubeconfigs;
    pub(crate) mod schemas;
}
