//! Adapters: what really answers the questions that `ports` defines. No decision about a plan is made here.

pub mod kubernetes;
