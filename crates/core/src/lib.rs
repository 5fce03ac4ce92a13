//! The heart of eksact: from a configuration and what was read to a plan, its guards and how it looks. No client is in
//! reach: what is read and written goes through the traits in [`ports`].
//!
//! A room uses what comes after it here, never what comes before, and a test keeps it so:
//! `diagnosis` → `saved` → `view` → `export` → `kinds` → `migration` → `guard` → `live` → `kubeconfig` → `fleet` → `engine` → `config` → `ports`.

#[macro_use]
extern crate eksact_message;

pub mod config;
pub mod diagnosis;
pub mod engine;
pub mod export;
pub mod fleet;
pub mod guard;
pub mod kinds;
pub mod kubeconfig;
pub mod live;
pub mod migration;

pub mod ports;
pub mod saved;
pub mod view;
