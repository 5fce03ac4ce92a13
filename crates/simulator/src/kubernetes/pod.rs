//! Simulated pods, which are read only.

use std::collections::BTreeMap;

use super::id::Id;
use super::object::SimulatedObject;
use crate::refusal::Refusal;
use crate::state::SimulatedCluster;
use eksact_core::ports::kubernetes::Pod;

impl SimulatedObject for Pod {
    fn kept(cluster: &mut SimulatedCluster) -> &mut BTreeMap<String, Self> {
        &mut cluster.pods
    }

    fn check(&self, _id: &Id<'_>) -> Result<(), Refusal> {
        Ok(())
    }
}
