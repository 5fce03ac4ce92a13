//! OIDC providers of IAM.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::client::AwsClient;
use super::error::{Action, incomplete};
use super::role::{tags_from, tags_to_send};
use eksact_core::ports::aws::{OidcProvider, OidcProviderReader, OidcProviderWriter};
use eksact_core::ports::{CallError, found};

const GET_OIDC_PROVIDER: Action = ("iam", "GetOpenIDConnectProvider");
const CREATE_OIDC_PROVIDER: Action = ("iam", "CreateOpenIDConnectProvider");
const ADD_CLIENT_ID: Action = ("iam", "AddClientIDToOpenIDConnectProvider");
const UPDATE_THUMBPRINT: Action = ("iam", "UpdateOpenIDConnectProviderThumbprint");
const TAG_OIDC_PROVIDER: Action = ("iam", "TagOpenIDConnectProvider");
const DELETE_OIDC_PROVIDER: Action = ("iam", "DeleteOpenIDConnectProvider");

#[async_trait]
impl OidcProviderReader for AwsClient {
    async fn oidc_provider(&self, arn: &str) -> Result<Option<OidcProvider>, CallError> {
        let request = self
            .iam
            .get_open_id_connect_provider()
            .open_id_connect_provider_arn(arn)
            .send();
        let Some(answer) = found(self.call(GET_OIDC_PROVIDER, arn, request).await)? else {
            return Ok(None);
        };
        let url = answer
            .url
            .ok_or_else(|| incomplete(GET_OIDC_PROVIDER, arn, "URL"))?;
        Ok(Some(OidcProvider {
            arn: arn.to_owned(),
            url: url.strip_prefix("https://").map(str::to_owned).unwrap_or(url),
            audiences: answer.client_id_list.unwrap_or_default(),
            thumbprints: answer
                .thumbprint_list
                .unwrap_or_default()
                .into_iter()
                .map(|thumbprint| thumbprint.to_ascii_lowercase())
                .collect(),
            tags: tags_from(answer.tags),
        }))
    }
}

#[async_trait]
impl OidcProviderWriter for AwsClient {
    async fn create_oidc_provider(
        &self,
        url: &str,
        audiences: &[String],
        thumbprint: Option<&str>,
        tags: &BTreeMap<String, String>,
    ) -> Result<String, CallError> {
        let send = self
            .iam
            .create_open_id_connect_provider()
            .url(url)
            .set_client_id_list(Some(audiences.to_vec()))
            .set_thumbprint_list(thumbprint.map(|thumbprint| vec![thumbprint.to_owned()]))
            .set_tags(Some(tags_to_send(CREATE_OIDC_PROVIDER, url, tags)?))
            .send();
        let answer = self.call(CREATE_OIDC_PROVIDER, url, send).await?;
        answer
            .open_id_connect_provider_arn
            .ok_or_else(|| incomplete(CREATE_OIDC_PROVIDER, url, "ARN"))
    }

    async fn add_oidc_audience(&self, arn: &str, audience: &str) -> Result<(), CallError> {
        let send = self
            .iam
            .add_client_id_to_open_id_connect_provider()
            .open_id_connect_provider_arn(arn)
            .client_id(audience)
            .send();
        self.call(ADD_CLIENT_ID, arn, send).await.map(drop)
    }

    async fn set_oidc_thumbprints(&self, arn: &str, thumbprints: &[String]) -> Result<(), CallError> {
        let send = self
            .iam
            .update_open_id_connect_provider_thumbprint()
            .open_id_connect_provider_arn(arn)
            .set_thumbprint_list(Some(thumbprints.to_vec()))
            .send();
        self.call(UPDATE_THUMBPRINT, arn, send).await.map(drop)
    }

    async fn tag_oidc_provider(&self, arn: &str, tags: &BTreeMap<String, String>) -> Result<(), CallError> {
        let send = self
            .iam
            .tag_open_id_connect_provider()
            .open_id_connect_provider_arn(arn)
            .set_tags(Some(tags_to_send(TAG_OIDC_PROVIDER, arn, tags)?))
            .send();
        self.call(TAG_OIDC_PROVIDER, arn, send).await.map(drop)
    }

    async fn delete_oidc_provider(&self, arn: &str) -> Result<(), CallError> {
        let send = self
            .iam
            .delete_open_id_connect_provider()
            .open_id_connect_provider_arn(arn)
            .send();
        self.call(DELETE_OIDC_PROVIDER, arn, send).await.map(drop)
    }
}
