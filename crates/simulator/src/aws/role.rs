//! Simulated roles of IAM. Their policies are in `role_policies`.
//!
//! What is known of a role is `ports::aws::Role`; what IAM refuses, it refuses with its own code and words.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::policy_document::{DocumentKind, check_policy_document};
use super::role_policies::{is_name_character, size_of};
use super::{reading, writing};
use crate::Sandbox;
use crate::refusal::Refusal;
use crate::state::World;
use eksact_core::ports::aws::{DEFAULT_SESSION_SECONDS, Role, RoleReader, RoleTrust, RoleWriter};
use eksact_core::ports::{CallError, found};

/// How many roles `GetAccountAuthorizationDetails` puts on a page.
const ROLES_PER_PAGE: usize = 1000;

/// What `CreateRole` is given.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct NewRole {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) trust_policy: Value,
    pub(super) permissions_boundary: Option<String>,
    pub(super) max_session_seconds: Option<u32>,
    pub(super) tags: BTreeMap<String, String>,
}

#[async_trait]
impl RoleReader for Sandbox {
    async fn role(&self, name: &str) -> Result<Option<Role>, CallError> {
        let answer = self.call(reading("iam", "GetRole", name), |world, now| {
            world.role_as_shown(name, now)
        });
        let Some(role) = found(answer.await)? else {
            return Ok(None);
        };
        self.further("iam", &["ListAttachedRolePolicies", "ListRolePolicies"], name)
            .await?;
        for _ in role.inline_policies.keys() {
            self.further("iam", &["GetRolePolicy"], name).await?;
        }
        Ok(Some(role))
    }

    async fn trust_policy(&self, role: &str) -> Result<Option<RoleTrust>, CallError> {
        let answer = self.call(reading("iam", "GetRole", role), |world, now| {
            let role = world.role_as_shown(role, now)?;
            Ok(RoleTrust {
                role_id: role.id,
                policy: role.trust_policy,
            })
        });
        found(answer.await)
    }

    async fn trust_policy_quota(&self) -> Result<Option<usize>, CallError> {
        self.call(reading("iam", "GetAccountSummary", ""), |world, _| {
            Ok(Some(world.quotas.trust_policy_bytes))
        })
        .await
    }

    async fn role_arn(&self, name: &str) -> Result<Option<String>, CallError> {
        let call = reading("iam", "GetRole", name);
        let answer = self.call(call, |world, _| world.role(name).map(|role| role.arn.clone()));
        found(answer.await)
    }

    async fn role_count(&self) -> Result<u64, CallError> {
        self.call(reading("iam", "GetAccountSummary", ""), |world, _| {
            Ok(u64::try_from(world.roles.len()).unwrap_or(u64::MAX))
        })
        .await
    }

    async fn roles(&self) -> Result<Vec<Role>, CallError> {
        let call = reading("iam", "GetAccountAuthorizationDetails", "");
        let key: fn(&Role) -> &str = |role| &role.name;
        self.listed(call, ROLES_PER_PAGE, key, |world, now| {
            let names = world.roles.keys();
            names.map(|name| world.role_as_shown(name, now)).collect()
        })
        .await
    }

    async fn role_arns(&self, path_prefix: &str) -> Result<Vec<String>, CallError> {
        let call = reading("iam", "ListRoles", path_prefix);
        self.listed(
            call,
            ROLES_PER_PAGE,
            |name: &String| name,
            |world, _| {
                let of_path = |role: &&Role| role.path.starts_with(path_prefix);
                let roles = world.roles.values().filter(of_path);
                Ok(roles.map(|role| role.arn.clone()).collect())
            },
        )
        .await
    }
}

#[async_trait]
impl RoleWriter for Sandbox {
    async fn set_trust_policy(&self, role: &str, document: &Value) -> Result<(), CallError> {
        let call = writing("iam", "UpdateAssumeRolePolicy", role);
        self.call(call, |world, now| world.set_trust_policy_at(role, document, now))
            .await
    }

    async fn attach_role_policy(&self, role: &str, policy_arn: &str) -> Result<(), CallError> {
        self.change_iam("AttachRolePolicy", role, |world| {
            world.attach_role_policy(role, policy_arn)
        })
        .await
    }

    async fn detach_role_policy(&self, role: &str, policy_arn: &str) -> Result<(), CallError> {
        self.change_iam("DetachRolePolicy", role, |world| {
            world.detach_role_policy(role, policy_arn)
        })
        .await
    }

    async fn put_role_policy(&self, role: &str, name: &str, document: &Value) -> Result<(), CallError> {
        self.change_iam("PutRolePolicy", role, |world| {
            world.put_role_policy(role, name, document)
        })
        .await
    }

    async fn delete_role_policy(&self, role: &str, name: &str) -> Result<(), CallError> {
        self.change_iam("DeleteRolePolicy", role, |world| {
            world.delete_role_policy(role, name)
        })
        .await
    }

    async fn set_permissions_boundary(&self, role: &str, boundary: Option<&str>) -> Result<(), CallError> {
        let action = match boundary {
            Some(_) => "PutRolePermissionsBoundary",
            None => "DeleteRolePermissionsBoundary",
        };
        self.change_iam(action, role, |world| {
            world.set_permissions_boundary(role, boundary)
        })
        .await
    }

    async fn set_max_session(&self, role: &str, seconds: u32) -> Result<(), CallError> {
        self.change_iam("UpdateRole", role, |world| {
            let seconds = Some(seconds).filter(|seconds| *seconds != DEFAULT_SESSION_SECONDS);
            world.role_mut(role)?.max_session_seconds = seconds;
            Ok(())
        })
        .await
    }

    async fn tag_role(&self, role: &str, tags: &BTreeMap<String, String>) -> Result<(), CallError> {
        self.change_iam("TagRole", role, |world| world.tag_role(role, tags))
            .await
    }
}

impl World {
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
            return Err(Refusal::over_quota("RolesPerAccount", self.quotas.roles));
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
            max_session_seconds: new.max_session_seconds,
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

    /// This world with the trust policies that IAM shows at `now`.
    #[must_use]
    pub fn with_trust_policies_shown_at(&self, now: Timestamp) -> Self {
        let mut shown = self.clone();
        for name in self.replaced_trust_policies.keys() {
            if let Ok(role) = self.role_as_shown(name, now) {
                shown.roles.insert(name.clone(), role);
            }
        }
        shown
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
            return Err(Refusal::over_quota("TagsPerRole", 50));
        }
        role.tags = merged;
        Ok(())
    }

    /// IAM takes a trust policy that names an OIDC provider which does not exist; only its grammar and size count.
    fn check_trust_policy(&self, document: &Value) -> Result<(), Refusal> {
        check_policy_document(document, DocumentKind::Trust)?;
        if size_of(document) > self.quotas.trust_policy_bytes {
            return Err(Refusal::over_quota(
                "ACLSizePerRole",
                self.quotas.trust_policy_bytes,
            ));
        }
        Ok(())
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Seed;
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
            max_session_seconds: None,
            tags: BTreeMap::new(),
        }
    }

    #[test]
    fn role_keeps_its_policies_until_they_are_taken_off() {
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
    fn recreated_role_has_another_id() {
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
    fn policies_are_attached_only_if_they_exist() {
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
