//! What every message is made of: stable codes, remedies that a test executes, durations in words, and what may be quoted of others.

pub mod code;
pub mod duration;
pub mod harmful;
pub mod quoted;
pub mod remedy;
