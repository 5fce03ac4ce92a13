//! Customer managed policies of IAM with their versions, and who has them.

use async_trait::async_trait;
use serde_json::Value;

use super::client::{AwsClient, Pages};
use super::error::{Action, incomplete};
use super::role::policy_document;
use eksact_core::ports::aws::{
    ManagedPolicy, ManagedPolicyReader, ManagedPolicyWriter, PolicyUse, PolicyVersion,
};
use eksact_core::ports::{CallError, found};

const GET_POLICY: Action = ("iam", "GetPolicy");
const GET_POLICY_VERSION: Action = ("iam", "GetPolicyVersion");
const LIST_POLICY_VERSIONS: Action = ("iam", "ListPolicyVersions");
const LIST_ENTITIES_FOR_POLICY: Action = ("iam", "ListEntitiesForPolicy");
const CREATE_POLICY_VERSION: Action = ("iam", "CreatePolicyVersion");
const DELETE_POLICY_VERSION: Action = ("iam", "DeletePolicyVersion");

#[async_trait]
impl ManagedPolicyReader for AwsClient {
    /// A policy that vanishes between the calls is no policy.
    async fn managed_policy(&self, arn: &str) -> Result<Option<ManagedPolicy>, CallError> {
        let request = self.iam.get_policy().policy_arn(arn).send();
        let Some(answer) = found(self.call(GET_POLICY, arn, request).await)? else {
            return Ok(None);
        };
        let policy = answer
            .policy
            .ok_or_else(|| incomplete(GET_POLICY, arn, "policy"))?;
        let default = policy
            .default_version_id
            .ok_or_else(|| incomplete(GET_POLICY, arn, "default version"))?;
        let parts = futures::try_join!(self.policy_versions(arn), self.version_document(arn, &default));
        let Some((versions, document)) = found(parts)? else {
            return Ok(None);
        };
        Ok(Some(ManagedPolicy {
            arn: policy.arn.unwrap_or_else(|| arn.to_owned()),
            name: policy.policy_name.unwrap_or_default(),
            id: policy.policy_id.unwrap_or_default(),
            path: policy.path.unwrap_or_else(|| "/".to_owned()),
            description: policy.description.filter(|description| !description.is_empty()),
            document,
            versions,
        }))
    }

    async fn policy_use(&self, arn: &str) -> Result<PolicyUse, CallError> {
        let mut used = PolicyUse::default();
        let mut pages = Pages::default();
        loop {
            let request = self
                .iam
                .list_entities_for_policy()
                .policy_arn(arn)
                .set_marker(pages.marker())
                .send();
            let page = self.call(LIST_ENTITIES_FOR_POLICY, arn, request).await?;
            let roles = page.policy_roles.unwrap_or_default();
            used.roles
                .extend(roles.into_iter().filter_map(|role| role.role_name));
            let users = page.policy_users.unwrap_or_default();
            used.users
                .extend(users.into_iter().filter_map(|user| user.user_name));
            let groups = page.policy_groups.unwrap_or_default();
            used.groups
                .extend(groups.into_iter().filter_map(|group| group.group_name));
            let next = page.marker.filter(|_| page.is_truncated);
            if !pages.advance(LIST_ENTITIES_FOR_POLICY, arn, next)? {
                return Ok(used);
            }
        }
    }
}

impl AwsClient {
    async fn policy_versions(&self, arn: &str) -> Result<Vec<PolicyVersion>, CallError> {
        let mut versions = Vec::new();
        let mut pages = Pages::default();
        loop {
            let request = self
                .iam
                .list_policy_versions()
                .policy_arn(arn)
                .set_marker(pages.marker())
                .send();
            let page = self.call(LIST_POLICY_VERSIONS, arn, request).await?;
            for version in page.versions.unwrap_or_default() {
                versions.push(PolicyVersion {
                    id: version
                        .version_id
                        .ok_or_else(|| incomplete(LIST_POLICY_VERSIONS, arn, "version id"))?,
                    is_default: version.is_default_version,
                    created: version
                        .create_date
                        .and_then(|date| jiff::Timestamp::from_second(date.secs()).ok()),
                });
            }
            let next = page.marker.filter(|_| page.is_truncated);
            if !pages.advance(LIST_POLICY_VERSIONS, arn, next)? {
                return Ok(versions);
            }
        }
    }

    async fn version_document(&self, arn: &str, version: &str) -> Result<Value, CallError> {
        let request = self
            .iam
            .get_policy_version()
            .policy_arn(arn)
            .version_id(version)
            .send();
        let answer = self.call(GET_POLICY_VERSION, arn, request).await?;
        let document = answer.policy_version.and_then(|version| version.document);
        policy_document(GET_POLICY_VERSION, arn, "document", document.as_deref())
    }
}

#[async_trait]
impl ManagedPolicyWriter for AwsClient {
    async fn create_policy_version(&self, arn: &str, document: &Value) -> Result<(), CallError> {
        let send = self
            .iam
            .create_policy_version()
            .policy_arn(arn)
            .policy_document(document.to_string())
            .set_as_default(true)
            .send();
        self.call(CREATE_POLICY_VERSION, arn, send).await.map(drop)
    }

    async fn delete_policy_version(&self, arn: &str, version: &str) -> Result<(), CallError> {
        let send = self
            .iam
            .delete_policy_version()
            .policy_arn(arn)
            .version_id(version)
            .send();
        let object = format!("{arn}, version {version}");
        self.call(DELETE_POLICY_VERSION, &object, send).await.map(drop)
    }
}
