//! What is read from IAM: the OIDC provider, and roles with their policies, one by one or all at once.

use std::collections::BTreeMap;

use aws_sdk_iam::types;
use futures::future::try_join_all;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::client::{AwsClient, Pages};
use super::error::Action;
use super::read_cloudformation::incomplete;
use eksact_core::ports::aws::{OidcProvider, Role, RoleTrust};
use eksact_core::ports::{CallError, CallErrorKind};

const GET_OIDC_PROVIDER: Action = ("iam", "GetOpenIDConnectProvider");
const GET_ROLE: Action = ("iam", "GetRole");
const LIST_ATTACHED_ROLE_POLICIES: Action = ("iam", "ListAttachedRolePolicies");
const LIST_ROLE_POLICIES: Action = ("iam", "ListRolePolicies");
const GET_ROLE_POLICY: Action = ("iam", "GetRolePolicy");
const LIST_ROLES: Action = ("iam", "ListRoles");
const GET_ACCOUNT_SUMMARY: Action = ("iam", "GetAccountSummary");
const GET_ACCOUNT_AUTHORIZATION_DETAILS: Action = ("iam", "GetAccountAuthorizationDetails");

/// The largest page that IAM gives (`MaxItems`).
const PAGE: i32 = 1000;

impl AwsClient {
    pub(super) async fn read_oidc_provider(&self, arn: &str) -> Result<Option<OidcProvider>, CallError> {
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
            tags: tags(answer.tags),
        }))
    }

    /// The role and its two lists are asked for at once; the inline policies when their names are known. A role that
    /// vanishes between the calls is no role.
    pub(super) async fn read_role(&self, name: &str) -> Result<Option<Role>, CallError> {
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
            permissions_boundary: role
                .permissions_boundary
                .and_then(|boundary| boundary.permissions_boundary_arn),
            tags: tags(role.tags),
        }))
    }

    pub(super) async fn read_trust_policy(&self, name: &str) -> Result<Option<RoleTrust>, CallError> {
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

    /// The ARN of a role, with its path: needs `iam:GetRole` alone.
    ///
    /// # Errors
    /// When IAM refuses or cannot be asked.
    pub(super) async fn read_role_arn(&self, name: &str) -> Result<Option<String>, CallError> {
        let request = self.iam.get_role().role_name(name).send();
        let answer = found(self.call(GET_ROLE, name, request).await)?;
        Ok(answer.and_then(|answer| answer.role).map(|role| role.arn))
    }

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

    pub(super) async fn read_role_arns(&self, path_prefix: &str) -> Result<Vec<String>, CallError> {
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

    pub(super) async fn read_role_count(&self) -> Result<u64, CallError> {
        self.account_summary(&types::SummaryKeyType::Roles)
            .await?
            .and_then(|count| u64::try_from(count).ok())
            .ok_or_else(|| incomplete(GET_ACCOUNT_SUMMARY, "the account", "count of roles"))
    }

    pub(super) async fn read_trust_policy_quota(&self) -> Result<Option<usize>, CallError> {
        let quota = self
            .account_summary(&types::SummaryKeyType::AssumeRolePolicySizeQuota)
            .await?;
        Ok(quota.and_then(|quota| usize::try_from(quota).ok()))
    }

    async fn account_summary(&self, key: &types::SummaryKeyType) -> Result<Option<i32>, CallError> {
        let request = self.iam.get_account_summary().send();
        let answer = self.call(GET_ACCOUNT_SUMMARY, "the account", request).await?;
        Ok(answer.summary_map.and_then(|summary| summary.get(key).copied()))
    }

    pub(super) async fn read_roles(&self) -> Result<Vec<Role>, CallError> {
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
}

fn role_from_detail(detail: types::RoleDetail) -> Result<Role, CallError> {
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
        permissions_boundary: detail
            .permissions_boundary
            .and_then(|boundary| boundary.permissions_boundary_arn),
        tags: tags(detail.tags),
        name,
    })
}

/// IAM gives policy documents percent-encoded (RFC 3986; a plus sign is a plus sign). Text that is JSON already is
/// taken as it is: decoding it could change a literal `%`.
fn policy_document(
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

fn tags(tags: Option<Vec<types::Tag>>) -> BTreeMap<String, String> {
    tags.unwrap_or_default()
        .into_iter()
        .map(|tag| (tag.key, tag.value))
        .collect()
}

/// A missing object is an answer, not an error.
fn found<T>(result: Result<T, CallError>) -> Result<Option<T>, CallError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind == CallErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
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
    fn a_broken_document_names_role_and_reason() {
        let error = policy_document(GET_ROLE, "app", "trust policy", Some("%7B%22")).unwrap_err();
        assert!(error.to_string().contains("iam GetRole on app"), "{error}");
        assert!(error.to_string().contains("trust policy"), "{error}");
    }
}
