//! Flags that commands share, and what they make. Those of whole files and of saved plans are in `run`, which works on them.

pub(crate) mod account;
pub(crate) mod broadening;
pub(crate) mod filter;
pub(crate) mod global;
pub(crate) mod place;
pub(crate) mod plan;
pub(crate) mod signing;
pub(crate) mod target;
pub(crate) mod views;
