//! Simulated ConfigMaps.

use std::collections::BTreeMap;

use super::checks::{check_metadata, is_config_key};
use super::id::Id;
use super::object::SimulatedObject;
use crate::refusal::Refusal;
use crate::state::SimulatedCluster;
use eksact_core::ports::kubernetes::ConfigMap;

/// Sum of the values of a ConfigMap (`k8s.io/kubernetes` `pkg/apis/core/validation`, `MaxSecretSize`), in bytes.
const MAX_DATA: usize = 1024 * 1024;

impl SimulatedObject for ConfigMap {
    fn kept(cluster: &mut SimulatedCluster) -> &mut BTreeMap<String, Self> {
        &mut cluster.config_maps
    }

    fn check(&self, id: &Id<'_>) -> Result<(), Refusal> {
        check_metadata(id, &self.labels, &self.annotations)?;
        check_data(id, &self.data)
    }

    fn check_change(&self, before: &Self, id: &Id<'_>) -> Result<(), Refusal> {
        if before.immutable && self.data != before.data {
            return Err(id.invalid("data", "Forbidden: field is immutable when `immutable` is set"));
        }
        Ok(())
    }
}

fn check_data(id: &Id<'_>, data: &BTreeMap<String, String>) -> Result<(), Refusal> {
    if let Some(key) = data.keys().find(|key| !is_config_key(key)) {
        return Err(id.invalid(
            &format!("data[{key}]"),
            &format!(
                "Invalid value: \"{key}\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' \
                 (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
            ),
        ));
    }
    if data.values().map(String::len).sum::<usize>() > MAX_DATA {
        return Err(id.invalid("[]", &format!("Too long: may not be more than {MAX_DATA} bytes")));
    }
    Ok(())
}
