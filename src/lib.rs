//! eksact ("EKS, exactly"): reads an eksctl `ClusterConfig`, shows what would change in AWS and Kubernetes,
//! and applies exactly that.
//!
//! The rooms stand in one order; a module may use what stands below it, never above:
//! `cli` → `diagnosis` → `view` → `cloud` → `resources` → `guard` → `kubeconfig` → `ports` → `engine` → `config` → `authn` → `cloudformation` → `iam` → `yaml` →
//! `duration`.

// Its macro is known to all that follow.
#[macro_use]
pub mod remedy;

pub mod authn;
pub mod cli;
pub mod cloud;
pub mod cloudformation;
pub mod config;
pub mod diagnosis;
pub mod duration;
pub mod engine;
pub mod guard;
pub mod iam;
pub mod kubeconfig;
pub mod ports;
pub mod resources;
pub mod view;
pub mod yaml;
