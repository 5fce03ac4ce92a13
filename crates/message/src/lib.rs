//! What every message is made of: stable codes, remedies that a test executes, and durations in words.

pub mod code;
pub mod duration;
pub mod remedy;
