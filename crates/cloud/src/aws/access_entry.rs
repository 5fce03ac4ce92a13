//! Access entries of EKS with their access policies.

use async_trait::async_trait;
use aws_sdk_eks::types;
use futures::future::try_join_all;

use super::client::{AwsClient, Pages};
use super::error::{Action, incomplete};
use eksact_core::ports::aws::{AccessEntry, AccessEntryReader, AccessPolicy};
use eksact_core::ports::{CallError, found};

const LIST_ACCESS_ENTRIES: Action = ("eks", "ListAccessEntries");
const DESCRIBE_ACCESS_ENTRY: Action = ("eks", "DescribeAccessEntry");
const LIST_ASSOCIATED_ACCESS_POLICIES: Action = ("eks", "ListAssociatedAccessPolicies");

/// The only type that takes access policies (EKS `AssociateAccessPolicy`).
const STANDARD: &str = "STANDARD";

#[async_trait]
impl AccessEntryReader for AwsClient {
    /// An entry that vanishes between the calls is no entry.
    async fn access_entries(&self, cluster: &str) -> Result<Vec<AccessEntry>, CallError> {
        let principals = self.access_entry_principals(cluster).await?;
        let entries = principals
            .iter()
            .map(|principal| self.access_entry(cluster, principal));
        Ok(try_join_all(entries).await?.into_iter().flatten().collect())
    }
}

impl AwsClient {
    async fn access_entry_principals(&self, cluster: &str) -> Result<Vec<String>, CallError> {
        let mut principals = Vec::new();
        let mut pages = Pages::default();
        loop {
            let request = self
                .eks
                .list_access_entries()
                .cluster_name(cluster)
                .set_next_token(pages.marker())
                .send();
            let page = self.call(LIST_ACCESS_ENTRIES, cluster, request).await?;
            principals.extend(page.access_entries.unwrap_or_default());
            if !pages.advance(LIST_ACCESS_ENTRIES, cluster, page.next_token)? {
                return Ok(principals);
            }
        }
    }

    async fn access_entry(&self, cluster: &str, principal: &str) -> Result<Option<AccessEntry>, CallError> {
        let request = self
            .eks
            .describe_access_entry()
            .cluster_name(cluster)
            .principal_arn(principal)
            .send();
        let object = format!("{cluster}, principal {principal}");
        let Some(answer) = found(self.call(DESCRIBE_ACCESS_ENTRY, &object, request).await)? else {
            return Ok(None);
        };
        let entry = answer
            .access_entry
            .ok_or_else(|| incomplete(DESCRIBE_ACCESS_ENTRY, &object, "access entry"))?;
        let entry_type = entry.r#type.unwrap_or_else(|| STANDARD.to_owned());
        let policies = if entry_type == STANDARD {
            let Some(policies) = found(self.access_policies(cluster, principal, &object).await)? else {
                return Ok(None);
            };
            policies
        } else {
            Vec::new()
        };
        Ok(Some(AccessEntry {
            principal_arn: entry.principal_arn.unwrap_or_else(|| principal.to_owned()),
            username: entry.username.unwrap_or_default(),
            groups: entry.kubernetes_groups.unwrap_or_default(),
            entry_type,
            policies,
        }))
    }

    async fn access_policies(
        &self,
        cluster: &str,
        principal: &str,
        object: &str,
    ) -> Result<Vec<AccessPolicy>, CallError> {
        let mut policies = Vec::new();
        let mut pages = Pages::default();
        loop {
            let request = self
                .eks
                .list_associated_access_policies()
                .cluster_name(cluster)
                .principal_arn(principal)
                .set_next_token(pages.marker())
                .send();
            let page = self
                .call(LIST_ASSOCIATED_ACCESS_POLICIES, object, request)
                .await?;
            for associated in page.associated_access_policies.unwrap_or_default() {
                policies.push(access_policy(associated, object)?);
            }
            if !pages.advance(LIST_ASSOCIATED_ACCESS_POLICIES, object, page.next_token)? {
                return Ok(policies);
            }
        }
    }
}

/// A policy without a scope, or with one of a type that is not known, is an error: to take it for the whole cluster or
/// for nothing would both be guesses about who may do what.
fn access_policy(associated: types::AssociatedAccessPolicy, object: &str) -> Result<AccessPolicy, CallError> {
    let missing = |what| move || incomplete(LIST_ASSOCIATED_ACCESS_POLICIES, object, what);
    let arn = associated.policy_arn.ok_or_else(missing("policy ARN"))?;
    let scope = associated.access_scope.ok_or_else(missing("access scope"))?;
    let namespaces = match scope.r#type {
        Some(types::AccessScopeType::Cluster) => None,
        Some(types::AccessScopeType::Namespace) => Some(scope.namespaces.unwrap_or_default()),
        _ => return Err(missing("access scope that eksact knows")()),
    };
    Ok(AccessPolicy { arn, namespaces })
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIEW: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";

    fn policy(scope: Option<types::AccessScope>) -> Result<AccessPolicy, CallError> {
        let associated = types::AssociatedAccessPolicy::builder()
            .policy_arn(VIEW)
            .set_access_scope(scope)
            .build();
        access_policy(associated, "prod")
    }

    #[test]
    fn a_scope_is_never_guessed() {
        let scope = |kind: &str| types::AccessScope::builder().r#type(kind.into());
        assert_eq!(policy(Some(scope("cluster").build())).unwrap().namespaces, None);
        let limited = policy(Some(scope("namespace").namespaces("app").build())).unwrap();
        assert_eq!(limited.namespaces, Some(vec!["app".to_owned()]));
        for unknown in [None, Some(scope("planet").build())] {
            assert!(policy(unknown).unwrap_err().to_string().contains("access scope"));
        }
    }
}
