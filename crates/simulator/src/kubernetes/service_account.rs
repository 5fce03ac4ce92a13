//! Simulated service accounts, with the book of who set which label and annotation.

use std::collections::BTreeMap;

use super::checks::check_metadata;
use super::field_managers::{self, Wanted};
use super::id::Id;
use super::object::SimulatedObject;
use crate::refusal::Refusal;
use crate::state::SimulatedCluster;
use eksact_core::ports::kubernetes::{FIELD_MANAGER, ServiceAccount};

impl SimulatedObject for ServiceAccount {
    fn kept(cluster: &mut SimulatedCluster) -> &mut BTreeMap<String, Self> {
        &mut cluster.service_accounts
    }

    fn check(&self, id: &Id<'_>) -> Result<(), Refusal> {
        check_metadata(id, &self.labels, &self.annotations)
    }

    fn track(&mut self, before: Option<&Self>) {
        let bare = || Self {
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            ..Self::default()
        };
        let mut object = before.cloned().unwrap_or_else(bare);
        let gone = |before: &BTreeMap<String, String>, now: &BTreeMap<String, String>| -> Vec<String> {
            before
                .keys()
                .filter(|key| !now.contains_key(*key))
                .cloned()
                .collect()
        };
        let labels = gone(&object.labels, &self.labels);
        let annotations = gone(&object.annotations, &self.annotations);
        field_managers::remove(&mut object, &labels, &annotations);
        field_managers::update(&mut object, FIELD_MANAGER, &wanted(self));
        *self = object;
    }

    fn apply(&mut self, new: &Self, _id: &Id<'_>) -> Result<(), Refusal> {
        field_managers::apply(self, FIELD_MANAGER, &wanted(new));
        Ok(())
    }
}

fn wanted(account: &ServiceAccount) -> Wanted<'_> {
    Wanted {
        labels: &account.labels,
        annotations: &account.annotations,
    }
}
