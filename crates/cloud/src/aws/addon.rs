//! Add-ons of EKS.

use async_trait::async_trait;

use super::client::AwsClient;
use super::error::{Action, incomplete};
use eksact_core::ports::aws::{Addon, AddonReader, AddonWriter};
use eksact_core::ports::{CallError, found};

const DESCRIBE_ADDON: Action = ("eks", "DescribeAddon");
const CREATE_ADDON: Action = ("eks", "CreateAddon");

#[async_trait]
impl AddonReader for AwsClient {
    async fn addon(&self, cluster: &str, name: &str) -> Result<Option<Addon>, CallError> {
        let object = format!("{cluster}, add-on {name}");
        let request = self
            .eks
            .describe_addon()
            .cluster_name(cluster)
            .addon_name(name)
            .send();
        let Some(answer) = found(self.call(DESCRIBE_ADDON, &object, request).await)? else {
            return Ok(None);
        };
        let addon = answer
            .addon
            .ok_or_else(|| incomplete(DESCRIBE_ADDON, &object, "add-on"))?;
        let issues = addon.health.and_then(|health| health.issues).unwrap_or_default();
        Ok(Some(Addon {
            name: addon.addon_name.unwrap_or_else(|| name.to_owned()),
            arn: addon.addon_arn.unwrap_or_default(),
            version: addon.addon_version.unwrap_or_default(),
            status: addon
                .status
                .map(|status| status.as_str().to_owned())
                .ok_or_else(|| incomplete(DESCRIBE_ADDON, &object, "status"))?,
            issues: issues.into_iter().filter_map(|issue| issue.message).collect(),
        }))
    }
}

#[async_trait]
impl AddonWriter for AwsClient {
    async fn create_addon(
        &self,
        cluster: &str,
        name: &str,
        client_request_token: &str,
    ) -> Result<(), CallError> {
        let request = self
            .eks
            .create_addon()
            .cluster_name(cluster)
            .addon_name(name)
            .client_request_token(client_request_token)
            .send();
        let object = format!("{cluster}, add-on {name}");
        self.call(CREATE_ADDON, &object, request).await.map(drop)
    }
}
