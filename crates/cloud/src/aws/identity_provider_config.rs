//! OIDC identity providers of clusters of EKS.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use aws_sdk_eks::types;
use futures::future::try_join_all;

use super::client::{AwsClient, Pages};
use super::cluster_update::update_of;
use super::error::{Action, incomplete};
use eksact_core::ports::aws::{
    ClusterUpdate, IdentityProviderConfig, IdentityProviderConfigReader, IdentityProviderConfigWriter,
};
use eksact_core::ports::{CallError, CallErrorKind, found};

const LIST: Action = ("eks", "ListIdentityProviderConfigs");
const DESCRIBE: Action = ("eks", "DescribeIdentityProviderConfig");
const ASSOCIATE: Action = ("eks", "AssociateIdentityProviderConfig");
const DISASSOCIATE: Action = ("eks", "DisassociateIdentityProviderConfig");
const TAG_RESOURCE: Action = ("eks", "TagResource");

/// The only type that EKS has.
const OIDC: &str = "oidc";

#[async_trait]
impl IdentityProviderConfigReader for AwsClient {
    /// One that vanishes between the calls is none.
    async fn identity_provider_configs(
        &self,
        cluster: &str,
    ) -> Result<Vec<IdentityProviderConfig>, CallError> {
        let mut names = Vec::new();
        let mut pages = Pages::default();
        loop {
            let request = self
                .eks
                .list_identity_provider_configs()
                .cluster_name(cluster)
                .set_next_token(pages.marker())
                .send();
            let page = self.call(LIST, cluster, request).await?;
            let configs = page.identity_provider_configs.unwrap_or_default().into_iter();
            names.extend(
                configs
                    .filter(|config| config.r#type == OIDC)
                    .map(|config| config.name),
            );
            if !pages.advance(LIST, cluster, page.next_token)? {
                break;
            }
        }
        let configs = names
            .iter()
            .map(|name| self.identity_provider_config(cluster, name));
        Ok(try_join_all(configs).await?.into_iter().flatten().collect())
    }

    async fn identity_provider_config(
        &self,
        cluster: &str,
        name: &str,
    ) -> Result<Option<IdentityProviderConfig>, CallError> {
        let object = format!("{cluster}, identity provider {name}");
        let request = self
            .eks
            .describe_identity_provider_config()
            .cluster_name(cluster)
            .identity_provider_config(reference(DESCRIBE, &object, name)?)
            .send();
        let Some(answer) = found(self.call(DESCRIBE, &object, request).await)? else {
            return Ok(None);
        };
        let missing = |what| move || incomplete(DESCRIBE, &object, what);
        let config = answer
            .identity_provider_config
            .and_then(|config| config.oidc)
            .ok_or_else(missing("identity provider"))?;
        let (Some(arn), Some(issuer_url), Some(client_id), Some(status)) = (
            config.identity_provider_config_arn,
            config.issuer_url,
            config.client_id,
            config.status,
        ) else {
            return Err(incomplete(DESCRIBE, name, "ARN, issuer URL, client id or status"));
        };
        Ok(Some(IdentityProviderConfig {
            name: config
                .identity_provider_config_name
                .unwrap_or_else(|| name.to_owned()),
            arn,
            issuer_url,
            client_id,
            username_claim: config.username_claim,
            username_prefix: config.username_prefix,
            groups_claim: config.groups_claim,
            groups_prefix: config.groups_prefix,
            required_claims: sorted(config.required_claims),
            tags: sorted(config.tags),
            status: status.as_str().to_owned(),
        }))
    }
}

#[async_trait]
impl IdentityProviderConfigWriter for AwsClient {
    async fn associate_identity_provider_config(
        &self,
        cluster: &str,
        config: &IdentityProviderConfig,
    ) -> Result<ClusterUpdate, CallError> {
        let object = format!("{cluster}, identity provider {}", config.name);
        let oidc = types::OidcIdentityProviderConfigRequest::builder()
            .identity_provider_config_name(&config.name)
            .issuer_url(&config.issuer_url)
            .client_id(&config.client_id)
            .set_username_claim(config.username_claim.clone())
            .set_username_prefix(config.username_prefix.clone())
            .set_groups_claim(config.groups_claim.clone())
            .set_groups_prefix(config.groups_prefix.clone())
            .set_required_claims(to_send(&config.required_claims))
            .build()
            .map_err(|error| unsendable(ASSOCIATE, &object, &error))?;
        let request = self
            .eks
            .associate_identity_provider_config()
            .cluster_name(cluster)
            .oidc(oidc)
            .set_tags(to_send(&config.tags))
            .send();
        let answer = self.call(ASSOCIATE, &object, request).await?;
        update_of(ASSOCIATE, &object, answer.update)
    }

    async fn disassociate_identity_provider_config(
        &self,
        cluster: &str,
        name: &str,
    ) -> Result<ClusterUpdate, CallError> {
        let object = format!("{cluster}, identity provider {name}");
        let request = self
            .eks
            .disassociate_identity_provider_config()
            .cluster_name(cluster)
            .identity_provider_config(reference(DISASSOCIATE, &object, name)?)
            .send();
        let answer = self.call(DISASSOCIATE, &object, request).await?;
        update_of(DISASSOCIATE, &object, answer.update)
    }

    async fn tag_identity_provider_config(
        &self,
        arn: &str,
        tags: &BTreeMap<String, String>,
    ) -> Result<(), CallError> {
        let request = self
            .eks
            .tag_resource()
            .resource_arn(arn)
            .set_tags(to_send(tags))
            .send();
        self.call(TAG_RESOURCE, arn, request).await.map(drop)
    }
}

fn reference(action: Action, object: &str, name: &str) -> Result<types::IdentityProviderConfig, CallError> {
    types::IdentityProviderConfig::builder()
        .r#type(OIDC)
        .name(name)
        .build()
        .map_err(|error| unsendable(action, object, &error))
}

fn unsendable(
    (service, action): Action,
    object: &str,
    error: &aws_smithy_types::error::operation::BuildError,
) -> CallError {
    CallError::new(service, action, object, CallErrorKind::Invalid, error.to_string())
}

/// EKS refuses an empty map: nothing is sent in its place.
fn to_send(map: &BTreeMap<String, String>) -> Option<HashMap<String, String>> {
    (!map.is_empty()).then(|| map.clone().into_iter().collect())
}

fn sorted(map: Option<HashMap<String, String>>) -> BTreeMap<String, String> {
    map.unwrap_or_default().into_iter().collect()
}
