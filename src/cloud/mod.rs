//! Adapters of the [`ports`](crate::ports): the only rooms that connect to anything.

pub mod aws;
