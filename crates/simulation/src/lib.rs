//! Random stories of runs, faults and hands on the simulated account and cluster, and what must hold in each of them.
//!
//! A story follows from one number, and so does everything in it: no clock of the machine, no order of threads and no real
//! waiting has a say. For developers only: no other crate of the program may use it, and it is not in what people install.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a story that cannot be told is a mistake of this crate, which is only run by its developers"
)]

pub mod between;
pub mod clock;
pub mod file;
pub mod hands;
pub mod history;
pub mod inhabitants;
pub mod laws;
pub mod normal_form;
pub mod objects;
pub mod people;
pub mod play;
pub mod request;
pub mod roles;
pub mod service_accounts;
pub mod shorter;
pub mod standing;
pub mod story;
pub mod tally;
pub mod world;
