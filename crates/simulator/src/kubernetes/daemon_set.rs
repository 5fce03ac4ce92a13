//! Simulated `DaemonSets`, which are read only.

use std::collections::BTreeMap;

use super::id::Id;
use super::object::SimulatedObject;
use crate::refusal::Refusal;
use crate::state::SimulatedCluster;
use eksact_core::ports::kubernetes::DaemonSet;

impl SimulatedObject for DaemonSet {
    fn kept(cluster: &mut SimulatedCluster) -> &mut BTreeMap<String, Self> {
        &mut cluster.daemon_sets
    }

    fn check(&self, _id: &Id<'_>) -> Result<(), Refusal> {
        Ok(())
    }
}
