//! What is written to IAM: the OIDC provider, and the direct repairs of a role whose stack is unchanged.

use std::collections::BTreeMap;

use aws_sdk_iam::types;
use serde_json::Value;

use super::client::AwsClient;
use super::error::Action;
use super::read_cloudformation::incomplete;
use eksact_core::ports::{CallError, CallErrorKind};

const CREATE_OIDC_PROVIDER: Action = ("iam", "CreateOpenIDConnectProvider");
const ADD_CLIENT_ID: Action = ("iam", "AddClientIDToOpenIDConnectProvider");
const UPDATE_THUMBPRINT: Action = ("iam", "UpdateOpenIDConnectProviderThumbprint");
const TAG_OIDC_PROVIDER: Action = ("iam", "TagOpenIDConnectProvider");
const DELETE_OIDC_PROVIDER: Action = ("iam", "DeleteOpenIDConnectProvider");
const UPDATE_TRUST_POLICY: Action = ("iam", "UpdateAssumeRolePolicy");
const ATTACH_ROLE_POLICY: Action = ("iam", "AttachRolePolicy");
const DETACH_ROLE_POLICY: Action = ("iam", "DetachRolePolicy");
const PUT_ROLE_POLICY: Action = ("iam", "PutRolePolicy");
const DELETE_ROLE_POLICY: Action = ("iam", "DeleteRolePolicy");
const PUT_BOUNDARY: Action = ("iam", "PutRolePermissionsBoundary");
const DELETE_BOUNDARY: Action = ("iam", "DeleteRolePermissionsBoundary");
const TAG_ROLE: Action = ("iam", "TagRole");

impl AwsClient {
    pub(super) async fn send_create_oidc_provider(
        &self,
        url: &str,
        audiences: &[String],
        thumbprint: Option<&str>,
        wanted_tags: &BTreeMap<String, String>,
    ) -> Result<String, CallError> {
        let send = self
            .iam
            .create_open_id_connect_provider()
            .url(url)
            .set_client_id_list(Some(audiences.to_vec()))
            .set_thumbprint_list(thumbprint.map(|thumbprint| vec![thumbprint.to_owned()]))
            .set_tags(Some(tags(CREATE_OIDC_PROVIDER, url, wanted_tags)?))
            .send();
        let answer = self.call(CREATE_OIDC_PROVIDER, url, send).await?;
        answer
            .open_id_connect_provider_arn
            .ok_or_else(|| incomplete(CREATE_OIDC_PROVIDER, url, "ARN"))
    }

    pub(super) async fn send_add_audience(&self, arn: &str, audience: &str) -> Result<(), CallError> {
        let send = self
            .iam
            .add_client_id_to_open_id_connect_provider()
            .open_id_connect_provider_arn(arn)
            .client_id(audience)
            .send();
        self.call(ADD_CLIENT_ID, arn, send).await.map(drop)
    }

    pub(super) async fn send_thumbprints(&self, arn: &str, thumbprints: &[String]) -> Result<(), CallError> {
        let send = self
            .iam
            .update_open_id_connect_provider_thumbprint()
            .open_id_connect_provider_arn(arn)
            .set_thumbprint_list(Some(thumbprints.to_vec()))
            .send();
        self.call(UPDATE_THUMBPRINT, arn, send).await.map(drop)
    }

    pub(super) async fn send_provider_tags(
        &self,
        arn: &str,
        wanted_tags: &BTreeMap<String, String>,
    ) -> Result<(), CallError> {
        let send = self
            .iam
            .tag_open_id_connect_provider()
            .open_id_connect_provider_arn(arn)
            .set_tags(Some(tags(TAG_OIDC_PROVIDER, arn, wanted_tags)?))
            .send();
        self.call(TAG_OIDC_PROVIDER, arn, send).await.map(drop)
    }

    pub(super) async fn send_delete_oidc_provider(&self, arn: &str) -> Result<(), CallError> {
        let send = self
            .iam
            .delete_open_id_connect_provider()
            .open_id_connect_provider_arn(arn)
            .send();
        self.call(DELETE_OIDC_PROVIDER, arn, send).await.map(drop)
    }

    pub(super) async fn send_trust_policy(&self, role: &str, document: &Value) -> Result<(), CallError> {
        let send = self
            .iam
            .update_assume_role_policy()
            .role_name(role)
            .policy_document(document.to_string())
            .send();
        self.call(UPDATE_TRUST_POLICY, role, send).await.map(drop)
    }

    pub(super) async fn send_attach_policy(&self, role: &str, policy_arn: &str) -> Result<(), CallError> {
        let send = self
            .iam
            .attach_role_policy()
            .role_name(role)
            .policy_arn(policy_arn)
            .send();
        self.call(ATTACH_ROLE_POLICY, &format!("{role}, policy {policy_arn}"), send)
            .await
            .map(drop)
    }

    pub(super) async fn send_detach_policy(&self, role: &str, policy_arn: &str) -> Result<(), CallError> {
        let send = self
            .iam
            .detach_role_policy()
            .role_name(role)
            .policy_arn(policy_arn)
            .send();
        self.call(DETACH_ROLE_POLICY, &format!("{role}, policy {policy_arn}"), send)
            .await
            .map(drop)
    }

    pub(super) async fn send_put_policy(
        &self,
        role: &str,
        name: &str,
        document: &Value,
    ) -> Result<(), CallError> {
        let send = self
            .iam
            .put_role_policy()
            .role_name(role)
            .policy_name(name)
            .policy_document(document.to_string())
            .send();
        self.call(PUT_ROLE_POLICY, &format!("{role}, policy {name}"), send)
            .await
            .map(drop)
    }

    pub(super) async fn send_delete_policy(&self, role: &str, name: &str) -> Result<(), CallError> {
        let send = self
            .iam
            .delete_role_policy()
            .role_name(role)
            .policy_name(name)
            .send();
        self.call(DELETE_ROLE_POLICY, &format!("{role}, policy {name}"), send)
            .await
            .map(drop)
    }

    pub(super) async fn send_boundary(&self, role: &str, boundary: Option<&str>) -> Result<(), CallError> {
        if let Some(boundary) = boundary {
            let send = self
                .iam
                .put_role_permissions_boundary()
                .role_name(role)
                .permissions_boundary(boundary)
                .send();
            self.call(PUT_BOUNDARY, role, send).await.map(drop)
        } else {
            let send = self.iam.delete_role_permissions_boundary().role_name(role).send();
            self.call(DELETE_BOUNDARY, role, send).await.map(drop)
        }
    }

    pub(super) async fn send_role_tags(
        &self,
        role: &str,
        wanted_tags: &BTreeMap<String, String>,
    ) -> Result<(), CallError> {
        let send = self
            .iam
            .tag_role()
            .role_name(role)
            .set_tags(Some(tags(TAG_ROLE, role, wanted_tags)?))
            .send();
        self.call(TAG_ROLE, role, send).await.map(drop)
    }
}

fn tags(
    (service, action): Action,
    object: &str,
    tags: &BTreeMap<String, String>,
) -> Result<Vec<types::Tag>, CallError> {
    let tag = |(key, value): (&String, &String)| types::Tag::builder().key(key).value(value).build();
    tags.iter()
        .map(tag)
        .collect::<Result<_, _>>()
        .map_err(|error| CallError::new(service, action, object, CallErrorKind::Invalid, error.to_string()))
}
