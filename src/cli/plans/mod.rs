//! What plans over a whole file or cluster, and what becomes of a plan: shown, saved, applied.

pub(crate) mod apart;
pub(crate) mod apply;
pub(crate) mod drift;
pub(crate) mod export;
pub(crate) mod migrate;
pub(crate) mod permissions;
pub(crate) mod plan;
pub(crate) mod restore;
pub(crate) mod show;
