//! eksact ("EKS, exactly"): reads an eksctl `ClusterConfig`, shows what would change in AWS and Kubernetes,
//! and applies exactly that.
//!
//! This is the program: the command line, settings resolved to plain values, and which adapters answer. What it is made of
//! stands in `crates/`; a crate uses those below it, never above:
//! `eksact` → `cloud`, `simulator`, `credentials` → `core` → `identity` → `yaml` → `message`.

#[macro_use]
extern crate eksact_message;

pub mod cli;
pub mod crash;
