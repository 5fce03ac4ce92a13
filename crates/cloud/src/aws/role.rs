//! Roles of IAM with their policies, one by one or all at once; and the direct repairs of a role whose stack is unchanged.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_iam::types;
use futures::future::try_join_all;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::client::{AwsClient, Pages};
use super::error::{Action, incomplete};
use eksact_core::ports::aws::{DEFAULT_SESSION_SECONDS, Role, RoleReader, RoleTrust, RoleWriter};
use eksact_core::ports::{CallError, CallErrorKind, found};

const GET_ROLE: Action = ("iam", "GetRole");
const LIST_ATTACHED_ROLE_POLICIES: Action = ("iam", "ListAttachedRolePolicies");
const LIST_ROLE_POLICIES: Action = ("iam", "ListRolePolicies");
const GET_ROLE_POLICY: Action = ("iam", "GetRolePolicy");
const LIST_ROLES: Action = ("iam", "ListRoles");
const GET_ACCOUNT_SUMMARY: Action = ("iam", "GetAccountSummary");
const GET_ACCOUNT_AUTHORIZATION_DETAILS: Action = ("iam", "GetAccountAuthorizationDetails");
const UPDATE_TRUST_POLICY: Action = ("iam", "UpdateAssumeRolePolicy");
const ATTACH_ROLE_POLICY: Action = ("iam", "AttachRolePolicy");
const DETACH_ROLE_POLICY: Action = ("iam", "DetachRolePolicy");
const PUT_ROLE_POLICY: Action = ("iam", "PutRolePolicy");
const DELETE_ROLE_POLICY: Action = ("iam", "DeleteRolePolicy");
const PUT_BOUNDARY: Action = ("iam", "PutRolePermissionsBoundary");
const DELETE_BOUNDARY: Action = ("iam", "DeleteRolePermissionsBoundary");
const UPDATE_ROLE: Action = ("iam", "UpdateRole");
const TAG_ROLE: Action = ("iam", "TagRole");

/// The largest page that IAM gives (`MaxItems`).
pub(super) const PAGE: i32 = 1000;

#[async_trait]
impl RoleReader for AwsClient {
    /// The role and its two lists are asked for at once; the inline policies when their names are known. A role that
    /// vanishes between the calls is no role.
    async fn role(&self, name: &str) -> Result<Option<Role>, CallError> {
        let role = async {
            let request = self.iam.get_role().role_name(name).send();
            let answer = self.call(GET_ROLE, name, request).await?;
            answer.role.ok_or_else(|| incomplete(GET_ROLE, name, "role"))
        };
        let parts = futures::try_join!(role, self.attached_policies(name), self.inline_policies(name));
        let Some((role, managed_policy_arns, inline_policies)) = found(parts)? else {
            return Ok(None);
        };
        let document = role.assume_role_policy_document.as_deref();
        Ok(Some(Role {
            trust_policy: policy_document(GET_ROLE, name, "trust policy", document)?,
            name: role.role_name,
            arn: role.arn,
            id: role.role_id,
            path: role.path,
            managed_policy_arns,
            inline_policies,
            max_session_seconds: role
                .max_session_duration
                .and_then(|seconds| u32::try_from(seconds).ok())
                .filter(|seconds| *seconds != DEFAULT_SESSION_SECONDS),
            permissions_boundary: role
                .permissions_boundary
                .and_then(|boundary| boundary.permissions_boundary_arn),
            tags: tags_from(role.tags),
        }))
    }

    async fn trust_policy(&self, name: &str) -> Result<Option<RoleTrust>, CallError> {
        let request = self.iam.get_role().role_name(name).send();
        let Some(answer) = found(self.call(GET_ROLE, name, request).await)? else {
            return Ok(None);
        };
        let role = answer.role.ok_or_else(|| incomplete(GET_ROLE, name, "role"))?;
        let document = role.assume_role_policy_document.as_deref();
        Ok(Some(RoleTrust {
            policy: policy_document(GET_ROLE, name, "trust policy", document)?,
            role_id: role.role_id,
        }))
    }

    async fn trust_policy_quota(&self) -> Result<Option<usize>, CallError> {
        let quota = self
            .account_summary(&types::SummaryKeyType::AssumeRolePolicySizeQuota)
            .await?;
        Ok(quota.and_then(|quota| usize::try_from(quota).ok()))
    }

    async fn role_arn(&self, name: &str) -> Result<Option<String>, CallError> {
        let request = self.iam.get_role().role_name(name).send();
        let answer = found(self.call(GET_ROLE, name, request).await)?;
        Ok(answer.and_then(|answer| answer.role).map(|role| role.arn))
    }

    async fn role_count(&self) -> Result<u64, CallError> {
        self.account_summary(&types::SummaryKeyType::Roles)
            .await?
            .and_then(|count| u64::try_from(count).ok())
            .ok_or_else(|| incomplete(GET_ACCOUNT_SUMMARY, "the account", "count of roles"))
    }

    async fn roles(&self) -> Result<Vec<Role>, CallError> {
        let object = "the roles of the account";
        let mut roles = Vec::new();
        let mut pages = Pages::default();
        loop {
            let request = self
                .iam
                .get_account_authorization_details()
                .filter(types::EntityType::Role)
                .max_items(PAGE)
                .set_marker(pages.marker())
                .send();
            let page = self
                .call(GET_ACCOUNT_AUTHORIZATION_DETAILS, object, request)
                .await?;
            for detail in page.role_detail_list.unwrap_or_default() {
                roles.push(role_from_detail(detail)?);
            }
            let next = page.marker.filter(|_| page.is_truncated);
            if !pages.advance(GET_ACCOUNT_AUTHORIZATION_DETAILS, object, next)? {
                return Ok(roles);
            }
        }
    }

    async fn role_arns(&self, path_prefix: &str) -> Result<Vec<String>, CallError> {
        let mut arns = Vec::new();
        let mut pages = Pages::default();
        loop {
            let request = self
                .iam
                .list_roles()
                .path_prefix(path_prefix)
                .max_items(PAGE)
                .set_marker(pages.marker())
                .send();
            let page = self.call(LIST_ROLES, path_prefix, request).await?;
            arns.extend(page.roles.into_iter().map(|role| role.arn));
            let next = page.marker.filter(|_| page.is_truncated);
            if !pages.advance(LIST_ROLES, path_prefix, next)? {
                return Ok(arns);
            }
        }
    }
}

impl AwsClient {
    async fn attached_policies(&self, role: &str) -> Result<Vec<String>, CallError> {
        let mut arns = Vec::new();
        let mut pages = Pages::default();
        loop {
            let request = self
                .iam
                .list_attached_role_policies()
                .role_name(role)
                .set_marker(pages.marker())
                .send();
            let page = self.call(LIST_ATTACHED_ROLE_POLICIES, role, request).await?;
            let policies = page.attached_policies.unwrap_or_default();
            arns.extend(policies.into_iter().filter_map(|policy| policy.policy_arn));
            let next = page.marker.filter(|_| page.is_truncated);
            if !pages.advance(LIST_ATTACHED_ROLE_POLICIES, role, next)? {
                return Ok(arns);
            }
        }
    }

    async fn inline_policies(&self, role: &str) -> Result<BTreeMap<String, Value>, CallError> {
        let mut names = Vec::new();
        let mut pages = Pages::default();
        loop {
            let request = self
                .iam
                .list_role_policies()
                .role_name(role)
                .set_marker(pages.marker())
                .send();
            let page = self.call(LIST_ROLE_POLICIES, role, request).await?;
            names.extend(page.policy_names);
            let next = page.marker.filter(|_| page.is_truncated);
            if !pages.advance(LIST_ROLE_POLICIES, role, next)? {
                break;
            }
        }
        let policies = names.into_iter().map(|name| async move {
            let request = self
                .iam
                .get_role_policy()
                .role_name(role)
                .policy_name(&name)
                .send();
            let object = format!("{role}, policy {name}");
            match found(self.call(GET_ROLE_POLICY, &object, request).await)? {
                Some(answer) => {
                    let document = Some(answer.policy_document.as_str());
                    Ok(Some((
                        name,
                        policy_document(GET_ROLE_POLICY, role, "inline policy", document)?,
                    )))
                }
                // Deleted since it was listed.
                None => Ok::<_, CallError>(None),
            }
        });
        Ok(try_join_all(policies).await?.into_iter().flatten().collect())
    }

    async fn account_summary(&self, key: &types::SummaryKeyType) -> Result<Option<i32>, CallError> {
        let request = self.iam.get_account_summary().send();
        let answer = self.call(GET_ACCOUNT_SUMMARY, "the account", request).await?;
        Ok(answer.summary_map.and_then(|summary| summary.get(key).copied()))
    }
}

#[async_trait]
impl RoleWriter for AwsClient {
    async fn set_trust_policy(&self, role: &str, document: &Value) -> Result<(), CallError> {
        let send = self
            .iam
            .update_assume_role_policy()
            .role_name(role)
            .policy_document(document.to_string())
            .send();
        self.call(UPDATE_TRUST_POLICY, role, send).await.map(drop)
    }

    async fn attach_role_policy(&self, role: &str, policy_arn: &str) -> Result<(), CallError> {
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

    async fn detach_role_policy(&self, role: &str, policy_arn: &str) -> Result<(), CallError> {
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

    async fn put_role_policy(&self, role: &str, name: &str, document: &Value) -> Result<(), CallError> {
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

    async fn delete_role_policy(&self, role: &str, name: &str) -> Result<(), CallError> {
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

    async fn set_permissions_boundary(&self, role: &str, boundary: Option<&str>) -> Result<(), CallError> {
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

    async fn set_max_session(&self, role: &str, seconds: u32) -> Result<(), CallError> {
        let send = self
            .iam
            .update_role()
            .role_name(role)
            .max_session_duration(i32::try_from(seconds).unwrap_or(i32::MAX))
            .send();
        self.call(UPDATE_ROLE, role, send).await.map(drop)
    }

    async fn tag_role(&self, role: &str, tags: &BTreeMap<String, String>) -> Result<(), CallError> {
        let send = self
            .iam
            .tag_role()
            .role_name(role)
            .set_tags(Some(tags_to_send(TAG_ROLE, role, tags)?))
            .send();
        self.call(TAG_ROLE, role, send).await.map(drop)
    }
}

pub(super) fn role_from_detail(detail: types::RoleDetail) -> Result<Role, CallError> {
    const ACTION: Action = GET_ACCOUNT_AUTHORIZATION_DETAILS;
    let name = detail.role_name.unwrap_or_default();
    let document = detail.assume_role_policy_document.as_deref();
    let trust_policy = policy_document(ACTION, &name, "trust policy", document)?;
    let mut inline_policies = BTreeMap::new();
    for policy in detail.role_policy_list.unwrap_or_default() {
        let document = policy_document(ACTION, &name, "inline policy", policy.policy_document.as_deref())?;
        inline_policies.insert(policy.policy_name.unwrap_or_default(), document);
    }
    Ok(Role {
        arn: detail.arn.unwrap_or_default(),
        id: detail.role_id.unwrap_or_default(),
        path: detail.path.unwrap_or_else(|| "/".to_owned()),
        trust_policy,
        managed_policy_arns: detail
            .attached_managed_policies
            .unwrap_or_default()
            .into_iter()
            .filter_map(|policy| policy.policy_arn)
            .collect(),
        inline_policies,
        max_session_seconds: None,
        permissions_boundary: detail
            .permissions_boundary
            .and_then(|boundary| boundary.permissions_boundary_arn),
        tags: tags_from(detail.tags),
        name,
    })
}

/// IAM gives policy documents percent-encoded (RFC 3986; a plus sign is a plus sign). Text that is JSON already is
/// taken as it is: decoding it could change a literal `%`.
pub(super) fn policy_document(
    (service, action): Action,
    object: &str,
    what: &str,
    document: Option<&str>,
) -> Result<Value, CallError> {
    let broken = |reason: String| {
        let message = format!("its {what} cannot be read: {reason}");
        CallError::new(service, action, object, CallErrorKind::Other, message)
    };
    let document = document.ok_or_else(|| broken("the response has none".to_owned()))?;
    if document.trim_start().starts_with('{') {
        return serde_json::from_str(document).map_err(|error| broken(error.to_string()));
    }
    let decoded = percent_decode_str(document)
        .decode_utf8()
        .map_err(|error| broken(error.to_string()))?;
    serde_json::from_str(&decoded).map_err(|error| broken(error.to_string()))
}

/// Tags as IAM gives them.
pub(super) fn tags_from(tags: Option<Vec<types::Tag>>) -> BTreeMap<String, String> {
    tags.unwrap_or_default()
        .into_iter()
        .map(|tag| (tag.key, tag.value))
        .collect()
}

/// Tags as IAM takes them.
pub(super) fn tags_to_send(
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_are_decoded_once_and_plus_signs_stay() {
        let read = |text: &str| policy_document(GET_ROLE, "r", "trust policy", Some(text)).unwrap();
        let encoded = "%7B%22Resource%22%3A%22arn%3Aaws%3As3%3A%3A%3Ab%2F%2520a+b%22%7D";
        assert_eq!(read(encoded), json!({"Resource": "arn:aws:s3:::b/%20a+b"}));
        assert_eq!(read(" {\"Resource\": \"b/%20a\"}"), json!({"Resource": "b/%20a"}));
    }

    #[test]
    fn broken_document_names_role_and_reason() {
        let error = policy_document(GET_ROLE, "app", "trust policy", Some("%7B%22")).unwrap_err();
        assert!(error.to_string().contains("iam GetRole on app"), "{error}");
        assert!(error.to_string().contains("trust policy"), "{error}");
    }
}
