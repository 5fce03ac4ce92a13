//! All of an account's IAM in one listing.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_iam::types;
use serde_json::Value;

use super::client::{AwsClient, Pages};
use super::error::Action;
use super::role::{PAGE, policy_document, role_from_detail, tags_from};
use eksact_core::ports::CallError;
use eksact_core::ports::aws::{AuthorizationDetails, AuthorizationDetailsReader, Group, User};

const ACTION: Action = ("iam", "GetAccountAuthorizationDetails");

#[async_trait]
impl AuthorizationDetailsReader for AwsClient {
    async fn authorization_details(&self) -> Result<AuthorizationDetails, CallError> {
        // Pages follow one another; what is listed apart is read side by side.
        let (roles, people, policies) = tokio::try_join!(
            self.details(&[types::EntityType::Role]),
            self.details(&[types::EntityType::User, types::EntityType::Group]),
            self.details(&[
                types::EntityType::LocalManagedPolicy,
                types::EntityType::AwsManagedPolicy
            ]),
        )?;
        Ok(AuthorizationDetails {
            roles: roles.roles,
            users: people.users,
            groups: people.groups,
            policies: policies.policies,
        })
    }
}

impl AwsClient {
    async fn details(&self, kinds: &[types::EntityType]) -> Result<AuthorizationDetails, CallError> {
        let object = "the account";
        let mut all = AuthorizationDetails::default();
        let mut pages = Pages::default();
        loop {
            let request = self
                .iam
                .get_account_authorization_details()
                .set_filter(Some(kinds.to_vec()))
                .max_items(PAGE)
                .set_marker(pages.marker())
                .send();
            let page = self.call(ACTION, object, request).await?;
            for detail in page.role_detail_list.unwrap_or_default() {
                all.roles.push(role_from_detail(detail)?);
            }
            for detail in page.user_detail_list.unwrap_or_default() {
                all.users.push(user(detail)?);
            }
            for detail in page.group_detail_list.unwrap_or_default() {
                all.groups.push(group(detail)?);
            }
            for detail in page.policies.unwrap_or_default() {
                let arn = detail.arn.unwrap_or_default();
                let versions = detail.policy_version_list.unwrap_or_default();
                let default = versions.into_iter().find(|version| version.is_default_version);
                if let Some(document) = default.and_then(|version| version.document) {
                    let document = policy_document(ACTION, &arn, "document", Some(document.as_str()))?;
                    all.policies.insert(arn, document);
                }
            }
            let next = page.marker.filter(|_| page.is_truncated);
            if !pages.advance(ACTION, object, next)? {
                return Ok(all);
            }
        }
    }
}

fn user(detail: types::UserDetail) -> Result<User, CallError> {
    let arn = detail.arn.unwrap_or_default();
    Ok(User {
        groups: detail.group_list.unwrap_or_default(),
        managed_policy_arns: attached(detail.attached_managed_policies),
        inline_policies: inline(&arn, detail.user_policy_list)?,
        permissions_boundary: detail
            .permissions_boundary
            .and_then(|boundary| boundary.permissions_boundary_arn),
        tags: tags_from(detail.tags),
        arn,
    })
}

fn group(detail: types::GroupDetail) -> Result<Group, CallError> {
    let name = detail.group_name.unwrap_or_default();
    Ok(Group {
        managed_policy_arns: attached(detail.attached_managed_policies),
        inline_policies: inline(&name, detail.group_policy_list)?,
        arn: detail.arn,
        name,
    })
}

fn attached(policies: Option<Vec<types::AttachedPolicy>>) -> Vec<String> {
    let policies = policies.unwrap_or_default().into_iter();
    policies.filter_map(|policy| policy.policy_arn).collect()
}

fn inline(
    of: &str,
    policies: Option<Vec<types::PolicyDetail>>,
) -> Result<BTreeMap<String, Value>, CallError> {
    let policies = policies.unwrap_or_default().into_iter();
    policies
        .map(|policy| {
            let document = policy_document(ACTION, of, "inline policy", policy.policy_document.as_deref())?;
            Ok((policy.policy_name.unwrap_or_default(), document))
        })
        .collect()
}
