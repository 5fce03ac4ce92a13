//! Who gets into a cluster and as whom, and why not: from what AWS, the cluster, a token and a kubeconfig say, findings with
//! what to do. Pure: who asks them is decided in `cli`.

pub(crate) mod caller;
pub(crate) mod context;
pub(crate) mod effect;
pub(crate) mod mapping;
mod near_entry;
mod remedy;
pub(crate) mod token_facts;
pub(crate) mod token_verdict;
