//! Simulated Leases.

use std::collections::BTreeMap;

use super::checks::check_metadata;
use super::id::Id;
use super::object::SimulatedObject;
use crate::refusal::Refusal;
use crate::state::SimulatedCluster;
use eksact_core::ports::kubernetes::Lease;

impl SimulatedObject for Lease {
    fn kept(cluster: &mut SimulatedCluster) -> &mut BTreeMap<String, Self> {
        &mut cluster.leases
    }

    fn check(&self, id: &Id<'_>) -> Result<(), Refusal> {
        check_metadata(id, &self.labels, &self.annotations)?;
        if self
            .spec
            .lease_duration_seconds
            .is_some_and(|seconds| seconds <= 0)
        {
            return Err(id.invalid(
                "spec.leaseDurationSeconds",
                "Invalid value: must be greater than 0",
            ));
        }
        Ok(())
    }
}
