//! The built program against the test bed: a real kube-apiserver with the real authenticator, and AWS simulated behind
//! its own host names. One binary, because linking takes longer than a bed does to start; a bed for each test, because
//! faults, times and the log of calls belong to the whole bed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what went wrong by ending there"
)]

#[allow(dead_code, reason = "shared with other test binaries, which use other parts")]
#[path = "../support/bed.rs"]
mod bed;
mod check_irsa;
mod drift;
mod eksctl_world;
mod failing;
mod identity_mappings;
mod identity_mappings_interrupted;
mod interrupted;
mod kubeconfig;
mod live;
mod out_of_reach;
#[path = "../support/people.rs"]
mod people;
mod rough_weather;
mod shared_roles;
mod templates;
mod token;
mod token_kept;
mod whoami;
mod whole_road;
