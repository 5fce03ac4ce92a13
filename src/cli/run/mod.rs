//! What carries a command out, from the adapters that answer to the last event: the request of whole files, the views and files of its
//! plan, and its apply.

pub(crate) mod apply_saved;
pub(crate) mod carry_out;
pub(crate) mod change;
pub(crate) mod config_files;
pub(crate) mod flow;
pub(crate) mod interrupt;
pub(crate) mod sandbox;
pub(crate) mod saved_plan;
pub(crate) mod views;
pub(crate) mod wiring;
