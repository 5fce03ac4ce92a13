//! Simulated IAM: roles and their policies. OIDC providers are in `oidc_provider`.
//!
//! What is known of a role is `ports::aws::Role`; what IAM refuses, it refuses with its own code and words.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::policy_document::{DocumentKind, check_policy_document};
use super::refusal::Refusal;
use super::state::World;
use eksact_core::ports::aws::Role;

/// What `CreateRole` is given.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct NewRole {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) trust_policy: Value,
    pub(super) permissions_boundary: Option<String>,
    pub(super) tags: BTreeMap<String, String>,
}

impl World {
    /// Whether the caller may use an action; `AccessDenied` in IAM's words otherwise.
    pub(super) fn authorize(&self, action: &str, resource: &str) -> Result<(), Refusal> {
        if self.denied.contains(action) {
            let caller = self.caller_arn();
            return Err(Refusal::new(
                "AccessDenied",
                format!(
                    "User: {caller} is not authorized to perform: {action} on resource: {resource} because no \
                     identity-based policy allows the {action} action"
                ),
            ));
        }
        Ok(())
    }

    /// IAM `GetRole`.
    pub(super) fn role(&self, name: &str) -> Result<&Role, Refusal> {
        self.roles.get(name).ok_or_else(|| no_such_role(name))
    }

    pub(super) fn role_mut(&mut self, name: &str) -> Result<&mut Role, Refusal> {
        self.roles.get_mut(name).ok_or_else(|| no_such_role(name))
    }

    /// IAM `CreateRole`; gives the role.
    pub(super) fn create_role(&mut self, new: NewRole) -> Result<&mut Role, Refusal> {
        check_role_name(&new.name)?;
        if self.roles.contains_key(&new.name) {
            return Err(Refusal::new(
                "EntityAlreadyExists",
                format!("Role with name {} already exists.", new.name),
            ));
        }
        if self.roles.len() >= self.quotas.roles {
            return Err(over_quota("RolesPerAccount", self.quotas.roles));
        }
        self.check_trust_policy(&new.trust_policy)?;
        if let Some(boundary) = &new.permissions_boundary {
            self.check_boundary(boundary)?;
        }
        let arn = format!(
            "arn:{}:iam::{}:role{}{}",
            self.partition, self.account, new.path, new.name
        );
        let id = format!("AROA{}", self.next_alphanumeric(17));
        let role = Role {
            name: new.name.clone(),
            arn,
            id,
            path: new.path,
            trust_policy: new.trust_policy,
            managed_policy_arns: Vec::new(),
            inline_policies: BTreeMap::new(),
            permissions_boundary: new.permissions_boundary,
            tags: new.tags,
        };
        Ok(self.roles.entry(new.name).or_insert(role))
    }

    /// IAM `DeleteRole`: refused while any policy hangs on the role.
    pub(super) fn delete_role(&mut self, name: &str) -> Result<(), Refusal> {
        let role = self.role(name)?;
        if !role.managed_policy_arns.is_empty() {
            return Err(Refusal::new(
                "DeleteConflict",
                "Cannot delete entity, must detach all policies first.",
            ));
        }
        if !role.inline_policies.is_empty() {
            return Err(Refusal::new(
                "DeleteConflict",
                "Cannot delete entity, must delete policies first.",
            ));
        }
        self.roles.remove(name);
        Ok(())
    }

    /// The role as IAM shows it at `now`: with the trust policy of a while ago, where this world's reads lag behind.
    pub(super) fn role_as_shown(&self, name: &str, now: Timestamp) -> Result<Role, Refusal> {
        let mut role = self.role(name)?.clone();
        let lag = SignedDuration::from_millis(i64::from(self.iam_lag_milliseconds));
        let not_seen = |written: &Timestamp| now.duration_since(*written) < lag;
        let replaced = self.replaced_trust_policies.get(name);
        if let Some((_, before)) = replaced
            .into_iter()
            .flatten()
            .find(|(written, _)| not_seen(written))
        {
            role.trust_policy = before.clone();
        }
        Ok(role)
    }

    /// IAM `UpdateAssumeRolePolicy`; gives the document of before.
    pub(super) fn set_trust_policy(&mut self, name: &str, document: &Value) -> Result<Value, Refusal> {
        self.role(name)?;
        self.check_trust_policy(document)?;
        let policy = &mut self.role_mut(name)?.trust_policy;
        Ok(std::mem::replace(policy, document.clone()))
    }

    /// The same at `now`, to be seen by readers once the lag of this world is over.
    pub(super) fn set_trust_policy_at(
        &mut self,
        name: &str,
        document: &Value,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let before = self.set_trust_policy(name, document)?;
        if self.iam_lag_milliseconds > 0 {
            let replaced = self.replaced_trust_policies.entry(name.to_owned());
            replaced.or_default().push((now, before));
        }
        Ok(())
    }

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
            return Err(over_quota("PoliciesPerRole", quota));
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

    /// IAM `TagRole`; other tags stay.
    pub(super) fn tag_role(&mut self, name: &str, tags: &BTreeMap<String, String>) -> Result<(), Refusal> {
        let role = self.role_mut(name)?;
        if tags
            .keys()
            .any(|key| key.to_ascii_lowercase().starts_with("aws:"))
        {
            return Err(Refusal::new(
                "InvalidInput",
                "Tag keys beginning with aws: are reserved for system use.",
            ));
        }
        let mut merged = role.tags.clone();
        merged.extend(tags.clone());
        if merged.keys().filter(|key| !key.starts_with("aws:")).count() > 50 {
            return Err(over_quota("TagsPerRole", 50));
        }
        role.tags = merged;
        Ok(())
    }

    /// Whether a managed policy exists: AWS's own always, the account's when the world lists it or has them all.
    fn has_policy(&self, arn: &str) -> bool {
        let of_aws = format!("arn:{}:iam::aws:policy/", self.partition);
        let of_account = format!("arn:{}:iam::{}:policy/", self.partition, self.account);
        self.policies.contains(arn)
            || (self.any_policy && arn.strip_prefix(&of_account).is_some_and(|name| !name.is_empty()))
            || arn.strip_prefix(&of_aws).is_some_and(|name| !name.is_empty())
    }

    fn check_boundary(&self, arn: &str) -> Result<(), Refusal> {
        if self.has_policy(arn) {
            return Ok(());
        }
        let message = format!("Scope ARN: {arn} does not exist or is not attachable.");
        Err(Refusal::new("NoSuchEntity", message))
    }

    /// IAM takes a trust policy that names an OIDC provider which does not exist; only its grammar and size count.
    fn check_trust_policy(&self, document: &Value) -> Result<(), Refusal> {
        check_policy_document(document, DocumentKind::Trust)?;
        if size_of(document) > self.quotas.trust_policy_bytes {
            return Err(over_quota("ACLSizePerRole", self.quotas.trust_policy_bytes));
        }
        Ok(())
    }
}

/// Length of the document as IAM counts it, that is without white space between its elements.
fn size_of(document: &Value) -> usize {
    document.to_string().len()
}

fn is_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_+=,.@-".contains(character)
}

/// Refuses a role name that IAM refuses.
pub(super) fn check_role_name(name: &str) -> Result<(), Refusal> {
    let constraint = if name.len() > 64 {
        "Member must have length less than or equal to 64"
    } else if name.is_empty() {
        "Member must have length greater than or equal to 1"
    } else if !name.chars().all(is_name_character) {
        "The specified value is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"
    } else {
        return Ok(());
    };
    Err(Refusal::validation(format!(
        "1 validation error detected: Value '{name}' at 'roleName' failed to satisfy constraint: {constraint}"
    )))
}

fn no_such_role(name: &str) -> Refusal {
    Refusal::new(
        "NoSuchEntity",
        format!("The role with name {name} cannot be found."),
    )
}

pub(super) fn over_quota(quota: &str, limit: usize) -> Refusal {
    Refusal::new(
        "LimitExceeded",
        format!("Cannot exceed quota for {quota}: {limit}"),
    )
}

#[cfg(test)]
mod tests {
    use super::super::state::Seed;
    use super::*;
    use serde_json::json;

    const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";

    fn world_with_role(name: &str) -> World {
        let seed = Seed {
            cluster: "prod".to_owned(),
            region: "us-west-2".to_owned(),
            account: None,
        };
        let mut world = World::seeded(&seed);
        world.create_role(new_role(name)).unwrap();
        world
    }

    fn new_role(name: &str) -> NewRole {
        NewRole {
            name: name.to_owned(),
            path: "/".to_owned(),
            trust_policy: json!({"Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
                "Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/not.there"},
            }]}),
            permissions_boundary: None,
            tags: BTreeMap::new(),
        }
    }

    #[test]
    fn a_role_keeps_its_policies_until_they_are_taken_off() {
        let mut world = world_with_role("reader");
        let document = json!({"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}});
        world.attach_role_policy("reader", READ_ONLY).unwrap();
        world.attach_role_policy("reader", READ_ONLY).unwrap();
        world.put_role_policy("reader", "inline", &document).unwrap();
        let refused = world.delete_role("reader").unwrap_err();
        assert_eq!(
            refused.message,
            "Cannot delete entity, must detach all policies first."
        );
        world.detach_role_policy("reader", READ_ONLY).unwrap();
        assert_eq!(
            world.detach_role_policy("reader", READ_ONLY).unwrap_err().code,
            "NoSuchEntity"
        );
        let refused = world.delete_role("reader").unwrap_err();
        assert_eq!(
            refused.message,
            "Cannot delete entity, must delete policies first."
        );
        world.delete_role_policy("reader", "inline").unwrap();
        world.delete_role("reader").unwrap();
        assert_eq!(
            world.role("reader").unwrap_err().message,
            "The role with name reader cannot be found."
        );
    }

    #[test]
    fn a_recreated_role_has_another_id() {
        let mut world = world_with_role("reader");
        let first = world.role("reader").unwrap().id.clone();
        assert_eq!(
            world.create_role(new_role("reader")).unwrap_err().code,
            "EntityAlreadyExists"
        );
        world.delete_role("reader").unwrap();
        assert_ne!(world.create_role(new_role("reader")).unwrap().id, first);
        assert_eq!(first.len(), 21);
    }

    #[test]
    fn only_policies_that_exist_are_attached() {
        let mut world = world_with_role("reader");
        let own = "arn:aws:iam::111122223333:policy/own";
        assert_eq!(
            world.attach_role_policy("reader", own).unwrap_err().code,
            "NoSuchEntity"
        );
        assert_eq!(
            world
                .set_permissions_boundary("reader", Some(own))
                .unwrap_err()
                .code,
            "NoSuchEntity"
        );
        world.policies.insert(own.to_owned());
        world.attach_role_policy("reader", own).unwrap();
        world.set_permissions_boundary("reader", Some(own)).unwrap();
        let of_china = "arn:aws-cn:iam::aws:policy/ReadOnlyAccess";
        assert_eq!(
            world.attach_role_policy("reader", of_china).unwrap_err().code,
            "NoSuchEntity"
        );
    }

    #[test]
    fn quotas_hold() {
        let mut world = world_with_role("reader");
        for number in 0..10 {
            world
                .attach_role_policy("reader", &format!("{READ_ONLY}{number}"))
                .unwrap();
        }
        let refused = world.attach_role_policy("reader", READ_ONLY).unwrap_err();
        assert_eq!(refused.message, "Cannot exceed quota for PoliciesPerRole: 10");
        let long = "s3:".to_owned() + &"a".repeat(10_240);
        let document = json!({"Statement": {"Effect": "Allow", "Action": long, "Resource": "*"}});
        assert_eq!(
            world
                .put_role_policy("reader", "long", &document)
                .unwrap_err()
                .code,
            "LimitExceeded"
        );
        assert!(check_role_name(&"r".repeat(65)).is_err());
        assert!(check_role_name("no/slash").is_err());
    }
}
