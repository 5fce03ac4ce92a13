//! Simulated namespaces.

use std::collections::BTreeMap;

use super::id::Id;
use super::object::SimulatedObject;
use crate::refusal::Refusal;
use crate::state::SimulatedCluster;
use eksact_core::ports::kubernetes::{Namespace, ObjectKey};

impl SimulatedObject for Namespace {
    fn kept(cluster: &mut SimulatedCluster) -> &mut BTreeMap<String, Self> {
        &mut cluster.namespaces
    }

    fn place(id: &Id<'_>) -> String {
        id.key.name.to_owned()
    }

    fn check(&self, _id: &Id<'_>) -> Result<(), Refusal> {
        Ok(())
    }
}

impl SimulatedCluster {
    /// The namespace in which an object shall be created must be there and stay.
    pub(super) fn check_namespace(&self, id: &Id<'_>) -> Result<(), Refusal> {
        let Some(namespace) = id.key.namespace else {
            return Ok(());
        };
        match self.namespaces.get(namespace) {
            None => Err(Id::of::<Namespace>(ObjectKey::cluster(namespace)).not_found()),
            Some(found) if found.terminating => Err(id.terminating(namespace)),
            Some(_) => Ok(()),
        }
    }
}
