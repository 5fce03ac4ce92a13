//! The built program against the test bed: a real kube-apiserver with the real authenticator, and AWS simulated behind
//! its own host names. Each test has a bed of its own, because faults, times and the log of calls belong to the whole bed.

mod access_migration;
mod access_tools;
mod accounts;
mod check_irsa;
mod deployers;
mod drift;
mod eksctl_world;
mod failing;
mod faults;
mod fleet_examples;
mod identity_mappings;
mod identity_mappings_interrupted;
mod interrupted;
mod kubeconfig;
mod live;
mod out_of_reach;
mod people;
mod pod_identity_migration;
mod relay;
mod rough_weather;
mod saved_plan;
mod shared_roles;
mod templates;
mod token;
mod token_kept;
mod two_hundred;

mod who_can;
mod whoami;
mod whole_road;

use crate::support::bed;
