//! Scenarios over the simulated account and cluster, in memory, with the time stopped: what is planned for every state
//! that eksact can meet, that applying it leads where the plan says, and that no interruption leads anywhere else.

mod access;
mod access_entries;
mod access_migration;
mod authentication_mode;
mod drift;
mod export;
mod guards;
mod identity_providers;
mod interruption;
mod laws;
mod left_change_sets;
mod meanwhile;
mod ownership;
mod permissions;
mod pod_identity;
mod pod_identity_migration;
mod reading;
mod recorded;
mod recorded_roles;
mod recorded_world;
mod roles_and_policies;
mod saved_plans;
mod shared_roles;
mod stack_states;
mod stack_wait;
mod stage;
mod targets;
mod updates;
mod waiting;
