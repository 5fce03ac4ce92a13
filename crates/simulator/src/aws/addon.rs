//! Simulated add-ons of EKS: there or not.

use async_trait::async_trait;

use super::{reading, writing};
use crate::Sandbox;
use crate::refusal::Refusal;
use crate::state::World;
use eksact_core::ports::aws::{Addon, AddonReader, AddonWriter};
use eksact_core::ports::{CallError, found};

#[async_trait]
impl AddonReader for Sandbox {
    async fn addon(&self, cluster: &str, name: &str) -> Result<Option<Addon>, CallError> {
        let object = format!("{cluster}, add-on {name}");
        let answer = self.call(reading("eks", "DescribeAddon", &object), |world, _| {
            let addons = &world.simulated(cluster, &self.region)?.eks.addons;
            addons.get(name).cloned().ok_or_else(|| {
                let message = format!("No addon: {name} found in cluster: {cluster}");
                Refusal::new("ResourceNotFoundException", message)
            })
        });
        found(answer.await)
    }
}

#[async_trait]
impl AddonWriter for Sandbox {
    async fn create_addon(
        &self,
        cluster: &str,
        name: &str,
        _client_request_token: &str,
    ) -> Result<(), CallError> {
        let object = format!("{cluster}, add-on {name}");
        self.call(writing("eks", "CreateAddon", &object), |world, _| {
            world.create_addon(cluster, name, &self.region)
        })
        .await
    }
}

impl World {
    /// EKS `CreateAddon`; it is `ACTIVE` at once.
    pub(super) fn create_addon(&mut self, cluster: &str, name: &str, region: &str) -> Result<(), Refusal> {
        self.simulated(cluster, region)?;
        let uuid = self.next_uuid();
        let addon = Addon {
            name: name.to_owned(),
            arn: format!(
                "arn:{}:eks:{region}:{}:addon/{cluster}/{name}/{uuid}",
                self.partition, self.account
            ),
            version: "v1.3.4-eksbuild.1".to_owned(),
            status: "ACTIVE".to_owned(),
            issues: Vec::new(),
        };
        let addons = &mut self.simulated_mut(cluster, region)?.eks.addons;
        if addons.insert(name.to_owned(), addon).is_some() {
            return Err(Refusal::new("ResourceInUseException", "Addon already exists."));
        }
        Ok(())
    }
}
