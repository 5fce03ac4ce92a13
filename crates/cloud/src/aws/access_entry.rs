//! Access entries of EKS with their access policies.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_eks::types;
use futures::future::try_join_all;

use super::client::{AwsClient, Pages};
use super::error::{Action, incomplete};
use super::stack::timestamp;
use eksact_core::ports::aws::{
    AccessEntry, AccessEntryReader, AccessEntryWriter, AccessPolicy, NewAccessEntry, OfferedAccessPolicy,
};
use eksact_core::ports::{CallError, found};
use eksact_identity::authn::access_entry::{STANDARD, takes_policies};

const LIST_ACCESS_ENTRIES: Action = ("eks", "ListAccessEntries");
const DESCRIBE_ACCESS_ENTRY: Action = ("eks", "DescribeAccessEntry");
const LIST_ASSOCIATED_ACCESS_POLICIES: Action = ("eks", "ListAssociatedAccessPolicies");

const LIST_ACCESS_POLICIES: Action = ("eks", "ListAccessPolicies");
const CREATE_ACCESS_ENTRY: Action = ("eks", "CreateAccessEntry");
const UPDATE_ACCESS_ENTRY: Action = ("eks", "UpdateAccessEntry");
const DELETE_ACCESS_ENTRY: Action = ("eks", "DeleteAccessEntry");
const ASSOCIATE_ACCESS_POLICY: Action = ("eks", "AssociateAccessPolicy");
const DISASSOCIATE_ACCESS_POLICY: Action = ("eks", "DisassociateAccessPolicy");

#[async_trait]
impl AccessEntryReader for AwsClient {
    /// An entry that vanishes between the calls is no entry.
    async fn access_entries(&self, cluster: &str) -> Result<Vec<AccessEntry>, CallError> {
        let principals = self.access_entry_principals(cluster).await?;
        let entries = principals
            .iter()
            .map(|principal| self.described_access_entry(cluster, principal));
        Ok(try_join_all(entries).await?.into_iter().flatten().collect())
    }

    async fn access_entry(
        &self,
        cluster: &str,
        principal_arn: &str,
    ) -> Result<Option<AccessEntry>, CallError> {
        self.described_access_entry(cluster, principal_arn).await
    }

    async fn offered_access_policies(&self) -> Result<Vec<OfferedAccessPolicy>, CallError> {
        let mut policies = Vec::new();
        let mut pages = Pages::default();
        loop {
            let request = self
                .eks
                .list_access_policies()
                .set_next_token(pages.marker())
                .send();
            let page = self.call(LIST_ACCESS_POLICIES, "", request).await?;
            for policy in page.access_policies.unwrap_or_default() {
                let (Some(name), Some(arn)) = (policy.name, policy.arn) else {
                    return Err(incomplete(LIST_ACCESS_POLICIES, "", "name and ARN of a policy"));
                };
                policies.push(OfferedAccessPolicy { name, arn });
            }
            if !pages.advance(LIST_ACCESS_POLICIES, "", page.next_token)? {
                return Ok(policies);
            }
        }
    }
}

#[async_trait]
impl AccessEntryWriter for AwsClient {
    async fn create_access_entry(&self, cluster: &str, entry: &NewAccessEntry) -> Result<(), CallError> {
        let principal = &entry.principal_arn;
        // An empty map of tags and, of a node, an empty list of groups are refused: what is not there is not sent.
        let tags: HashMap<String, String> = entry.tags.clone().into_iter().collect();
        let request = self
            .eks
            .create_access_entry()
            .cluster_name(cluster)
            .principal_arn(principal)
            .r#type(&entry.entry_type)
            .set_username(entry.username.clone())
            .set_kubernetes_groups(Some(entry.groups.clone()).filter(|groups| !groups.is_empty()))
            .set_tags(Some(tags).filter(|tags| !tags.is_empty()))
            .send();
        let object = object(cluster, principal);
        self.call(CREATE_ACCESS_ENTRY, &object, request).await.map(drop)
    }

    async fn update_access_entry(
        &self,
        cluster: &str,
        principal_arn: &str,
        username: Option<&str>,
        groups: &[String],
    ) -> Result<(), CallError> {
        let request = self
            .eks
            .update_access_entry()
            .cluster_name(cluster)
            .principal_arn(principal_arn)
            .set_username(username.map(str::to_owned))
            .set_kubernetes_groups(Some(groups.to_vec()))
            .send();
        let object = object(cluster, principal_arn);
        self.call(UPDATE_ACCESS_ENTRY, &object, request).await.map(drop)
    }

    async fn delete_access_entry(&self, cluster: &str, principal_arn: &str) -> Result<(), CallError> {
        let request = self
            .eks
            .delete_access_entry()
            .cluster_name(cluster)
            .principal_arn(principal_arn)
            .send();
        let object = object(cluster, principal_arn);
        self.call(DELETE_ACCESS_ENTRY, &object, request).await.map(drop)
    }

    async fn associate_access_policy(
        &self,
        cluster: &str,
        principal_arn: &str,
        policy: &AccessPolicy,
    ) -> Result<(), CallError> {
        let scope = match &policy.namespaces {
            None => types::AccessScope::builder().r#type(types::AccessScopeType::Cluster),
            Some(namespaces) => types::AccessScope::builder()
                .r#type(types::AccessScopeType::Namespace)
                .set_namespaces(Some(namespaces.clone())),
        };
        let request = self
            .eks
            .associate_access_policy()
            .cluster_name(cluster)
            .principal_arn(principal_arn)
            .policy_arn(&policy.arn)
            .access_scope(scope.build())
            .send();
        let object = format!("{}, policy {}", object(cluster, principal_arn), policy.arn);
        self.call(ASSOCIATE_ACCESS_POLICY, &object, request)
            .await
            .map(drop)
    }

    async fn disassociate_access_policy(
        &self,
        cluster: &str,
        principal_arn: &str,
        policy_arn: &str,
    ) -> Result<(), CallError> {
        let request = self
            .eks
            .disassociate_access_policy()
            .cluster_name(cluster)
            .principal_arn(principal_arn)
            .policy_arn(policy_arn)
            .send();
        let object = format!("{}, policy {policy_arn}", object(cluster, principal_arn));
        self.call(DISASSOCIATE_ACCESS_POLICY, &object, request)
            .await
            .map(drop)
    }
}

fn object(cluster: &str, principal: &str) -> String {
    format!("{cluster}, principal {principal}")
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

    async fn described_access_entry(
        &self,
        cluster: &str,
        principal: &str,
    ) -> Result<Option<AccessEntry>, CallError> {
        let request = self
            .eks
            .describe_access_entry()
            .cluster_name(cluster)
            .principal_arn(principal)
            .send();
        let object = object(cluster, principal);
        let Some(answer) = found(self.call(DESCRIBE_ACCESS_ENTRY, &object, request).await)? else {
            return Ok(None);
        };
        let entry = answer
            .access_entry
            .ok_or_else(|| incomplete(DESCRIBE_ACCESS_ENTRY, &object, "access entry"))?;
        let entry_type = entry.r#type.unwrap_or_else(|| STANDARD.to_owned());
        let policies = if takes_policies(&entry_type) {
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
            arn: entry.access_entry_arn.unwrap_or_default(),
            created_at: entry.created_at.and_then(timestamp),
            modified_at: entry.modified_at.and_then(timestamp),
            tags: entry.tags.unwrap_or_default().into_iter().collect(),
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
    fn scope_is_never_guessed() {
        let scope = |kind: &str| types::AccessScope::builder().r#type(kind.into());
        assert_eq!(policy(Some(scope("cluster").build())).unwrap().namespaces, None);
        let limited = policy(Some(scope("namespace").namespaces("app").build())).unwrap();
        assert_eq!(limited.namespaces, Some(vec!["app".to_owned()]));
        for unknown in [None, Some(scope("planet").build())] {
            assert!(policy(unknown).unwrap_err().to_string().contains("access scope"));
        }
    }
}
