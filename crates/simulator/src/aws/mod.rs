//! The simulated account: the AWS ports, answered by the sandbox, one file per object. Each call is recorded under the
//! name that AWS has for it.
//!
//! A read that takes several calls in AWS is recorded as several, so that counting calls tells something.

mod access_entry;
mod access_entry_rules;
mod account;
mod addon;
mod caller_identity;
mod change_set;
mod cluster;
mod cluster_update;
mod identity_provider_config;
mod import;
mod managed_policy;
mod oidc_provider;
mod pod_identity_association;
mod policy_document;
mod principal;
mod role;
mod role_policies;
mod stack;
mod stack_access_entry;
mod stack_engine;
mod stack_resources;
mod template;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::refusal::Refusal;
use super::state::World;
use super::{Call, Sandbox};
use eksact_core::ports::{
    CallError,
    aws::{AccessEntry, Addon, IdentityProviderConfig, PodIdentityAssociation},
};

/// What EKS keeps of a cluster, besides the cluster itself: a map per kind of object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EksObjects {
    /// Access entries by the ARN of their principal.
    #[serde(default)]
    pub access_entries: BTreeMap<String, AccessEntry>,
    /// Its updates, and what they lead to.
    #[serde(default, skip_serializing_if = "Updates::is_default")]
    pub updates: Updates,
    /// OIDC identity providers by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub identity_providers: BTreeMap<String, IdentityProviderConfig>,
    /// Add-ons by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub addons: BTreeMap<String, Addon>,
    /// Pod identity associations by id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pod_identity_associations: BTreeMap<String, PodIdentityAssociation>,
    /// The unique ids of the roles that the entries were made for, by the ARN of the principal. EKS keeps the id and not the
    /// name: a role that is made again under the same ARN has no access. One that is not here is whoever has the ARN.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub principal_ids: BTreeMap<String, String>,
}

pub(super) use access_entry::{CONFIG_MAP, authentication_mode};
pub use change_set::ChangeSetRecord;
pub use cluster_update::{UpdateRecord, UpdateWork, Updates};
pub use managed_policy::add_version as add_policy_version;
pub use stack::{StackRecord, StackResource, StackWork};

fn reading(service: &'static str, action: &str, object: &str) -> Call {
    Call {
        service,
        action: action.to_owned(),
        object: object.to_owned(),
        write: false,
    }
}

fn writing(service: &'static str, action: &str, object: &str) -> Call {
    Call {
        write: true,
        ..reading(service, action, object)
    }
}

impl Sandbox {
    /// Records the calls for the pages after the first.
    fn record_pages(&self, call: &Call, found: usize, per_page: usize) {
        for _ in 1..found.div_ceil(per_page) {
            self.faults.record(call.clone());
        }
    }

    /// Refuses when any of the further calls that a composed read takes is denied.
    async fn further(&self, service: &'static str, actions: &[&str], object: &str) -> Result<(), CallError> {
        for action in actions {
            self.call(reading(service, action, object), |_, _| Ok(())).await?;
        }
        Ok(())
    }

    async fn change_iam<T>(
        &self,
        action: &str,
        object: &str,
        run: impl FnOnce(&mut World) -> Result<T, Refusal> + Send,
    ) -> Result<T, CallError> {
        self.call(writing("iam", action, object), |world, _| run(world))
            .await
    }
}
