//! What plans over a whole file or cluster, and what becomes of a plan: shown, saved, applied.

pub(crate) mod apply;
pub(crate) mod apply_saved;
pub(crate) mod drift;
pub(crate) mod export;
pub(crate) mod migrate;
pub(crate) mod permissions;
pub(crate) mod plan;
pub(crate) mod restore;
pub(crate) mod saved_plan;
pub(crate) mod show;
pub(crate) mod views;
