//! Questions about access: who may do what in a cluster, now, in a snapshot, or between two days.

pub(crate) mod can_i;
pub(crate) mod diff_access;
pub(crate) mod map;
pub(crate) mod question;
pub(crate) mod snapshot;
pub(crate) mod who_can;
