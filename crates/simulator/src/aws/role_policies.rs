//! Policies of simulated roles: attached, inline, and the permissions boundary.

use serde_json::Value;

use super::policy_document::{DocumentKind, check_policy_document};
use crate::refusal::Refusal;
use crate::state::World;

impl World {
    /// IAM `AttachRolePolicy`; attaching twice is no error.
    pub(super) fn attach_role_policy(&mut self, name: &str, policy_arn: &str) -> Result<(), Refusal> {
        let quota = self.quotas.policies_per_role;
        let role = self.role(name)?;
        if role
            .managed_policy_arns
            .iter()
            .any(|attached| attached == policy_arn)
        {
            return Ok(());
        }
        if !self.has_policy(policy_arn) {
            return Err(Refusal::new(
                "NoSuchEntity",
                format!("Policy {policy_arn} does not exist or is not attachable."),
            ));
        }
        if role.managed_policy_arns.len() >= quota {
            return Err(Refusal::over_quota("PoliciesPerRole", quota));
        }
        self.role_mut(name)?
            .managed_policy_arns
            .push(policy_arn.to_owned());
        Ok(())
    }

    /// IAM `DetachRolePolicy`.
    pub(super) fn detach_role_policy(&mut self, name: &str, policy_arn: &str) -> Result<(), Refusal> {
        let attached = &mut self.role_mut(name)?.managed_policy_arns;
        let before = attached.len();
        attached.retain(|arn| arn != policy_arn);
        if attached.len() == before {
            return Err(Refusal::new(
                "NoSuchEntity",
                format!("Policy {policy_arn} was not found."),
            ));
        }
        Ok(())
    }

    /// IAM `PutRolePolicy`: creates or overwrites.
    pub(super) fn put_role_policy(
        &mut self,
        name: &str,
        policy: &str,
        document: &Value,
    ) -> Result<(), Refusal> {
        let quota = self.quotas.inline_policy_bytes;
        let role = self.role(name)?;
        if policy.is_empty() || policy.len() > 128 || !policy.chars().all(is_name_character) {
            return Err(Refusal::validation(format!(
                "1 validation error detected: Value '{policy}' at 'policyName' failed to satisfy constraint: Member \
                 must satisfy regular expression pattern: [\\w+=,.@-]{{1,128}}"
            )));
        }
        check_policy_document(document, DocumentKind::Identity)?;
        let others = role.inline_policies.iter().filter(|(other, _)| *other != policy);
        let bytes: usize = others.map(|(_, document)| size_of(document)).sum::<usize>() + size_of(document);
        if bytes > quota {
            return Err(Refusal::new(
                "LimitExceeded",
                format!("Maximum policy size of {quota} bytes exceeded for role {name}"),
            ));
        }
        self.role_mut(name)?
            .inline_policies
            .insert(policy.to_owned(), document.clone());
        Ok(())
    }

    /// IAM `DeleteRolePolicy`.
    pub(super) fn delete_role_policy(&mut self, name: &str, policy: &str) -> Result<(), Refusal> {
        if self.role_mut(name)?.inline_policies.remove(policy).is_none() {
            return Err(Refusal::new(
                "NoSuchEntity",
                format!("The role policy with name {policy} cannot be found."),
            ));
        }
        Ok(())
    }

    /// IAM `PutRolePermissionsBoundary`, or `DeleteRolePermissionsBoundary` for `None`.
    pub(super) fn set_permissions_boundary(
        &mut self,
        name: &str,
        boundary: Option<&str>,
    ) -> Result<(), Refusal> {
        self.role(name)?;
        if let Some(boundary) = boundary {
            self.check_boundary(boundary)?;
        }
        self.role_mut(name)?.permissions_boundary = boundary.map(ToOwned::to_owned);
        Ok(())
    }

    /// Whether a managed policy exists: AWS's own always, the account's when the world lists it or has them all.
    fn has_policy(&self, arn: &str) -> bool {
        let of_aws = format!("arn:{}:iam::aws:policy/", self.partition);
        let of_account = format!("arn:{}:iam::{}:policy/", self.partition, self.account);
        self.policies.contains(arn)
            || self.policy_documents.contains_key(arn)
            || (self.any_policy && arn.strip_prefix(&of_account).is_some_and(|name| !name.is_empty()))
            || arn.strip_prefix(&of_aws).is_some_and(|name| !name.is_empty())
    }

    pub(super) fn check_boundary(&self, arn: &str) -> Result<(), Refusal> {
        if self.has_policy(arn) {
            return Ok(());
        }
        let message = format!("Scope ARN: {arn} does not exist or is not attachable.");
        Err(Refusal::new("NoSuchEntity", message))
    }
}

/// Length of the document as IAM counts it, that is without white space between its elements.
pub(super) fn size_of(document: &Value) -> usize {
    document.to_string().len()
}

/// Whether a name of IAM may have this character.
pub(super) fn is_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_+=,.@-".contains(character)
}
