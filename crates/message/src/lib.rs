//! What every message is made of: remedies that a test executes, and durations in words.

pub mod duration;
pub mod remedy;
