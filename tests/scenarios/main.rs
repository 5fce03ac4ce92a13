//! Scenarios over the simulated account and cluster, in memory, with the time stopped: what is planned for every state
//! that eksact can meet, that applying it leads where the plan says, and that no interruption leads anywhere else.

#[cfg(test)]
#[path = "../support/recorded_world.rs"]
mod recorded_world;

#[cfg(test)]
mod access;
#[cfg(test)]
mod drift;
#[cfg(test)]
mod guards;
#[cfg(test)]
mod interruption;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod meanwhile;
#[cfg(test)]
mod normal_form;
#[cfg(test)]
mod ownership;
#[cfg(test)]
mod random_world;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod shared_roles;
#[cfg(test)]
mod stack_states;
#[cfg(test)]
mod stack_wait;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod updates;
#[cfg(test)]
mod waiting;
