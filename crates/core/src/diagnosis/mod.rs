//! Who gets into a cluster and as whom, and why not: from what AWS, the cluster, a token and a kubeconfig say, findings with
//! what to do. Pure: who asks them is decided in `cli`.

pub mod access;
pub mod access_map;
pub mod authorization;
pub mod aws_authorization;
pub mod caller;
pub mod context;
pub mod effect;
pub mod mapping;
mod near_entry;
pub mod planned_access;
pub mod pod_credentials;
pub mod remedy;
pub mod token_facts;
pub mod token_verdict;
