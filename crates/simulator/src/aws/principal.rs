//! Simulated roles and users of IAM, without their policies. The account has roles alone: a user exists where every
//! principal does.

use async_trait::async_trait;
use jiff::Timestamp;

use super::reading;
use crate::Sandbox;
use crate::refusal::Refusal;
use crate::state::World;
use eksact_core::ports::aws::{Principal, PrincipalReader, Role};
use eksact_core::ports::{CallError, found};

/// How many roles `ListRoles` puts on a page.
const ROLES_PER_PAGE: usize = 1000;

#[async_trait]
impl PrincipalReader for Sandbox {
    async fn principal(&self, arn: &str) -> Result<Option<Principal>, CallError> {
        let name = arn.rsplit('/').next().unwrap_or(arn);
        let is_role = arn.contains(":role/");
        let call = reading("iam", if is_role { "GetRole" } else { "GetUser" }, name);
        let answer = self.call(call, |world, _| {
            let known = world
                .roles
                .values()
                .find(|role| is_role && role.name.eq_ignore_ascii_case(name));
            match known {
                Some(role) => Ok(world.as_principal(role)),
                // Nobody makes users here, and so none can be missing.
                None if world.any_principal || !is_role => Ok(Principal {
                    arn: world
                        .user_named(name)
                        .filter(|_| !is_role)
                        .unwrap_or(arn)
                        .to_owned(),
                    id: if is_role { "AROASANDBOX" } else { "AIDASANDBOX" }.to_owned(),
                    created_at: Timestamp::UNIX_EPOCH,
                }),
                None => Err(Refusal::new(
                    "NoSuchEntity",
                    format!("The role with name {name} cannot be found."),
                )),
            }
        });
        found(answer.await)
    }

    async fn role_principals(&self) -> Result<Vec<Principal>, CallError> {
        let call = reading("iam", "ListRoles", "");
        let key: fn(&Principal) -> &str = |principal| &principal.arn;
        self.listed(call, ROLES_PER_PAGE, key, |world, _| {
            let roles = world.roles.values();
            Ok(roles.map(|role| world.as_principal(role)).collect())
        })
        .await
    }
}

impl World {
    /// The ARN of the user of this name, whose case does not matter.
    pub(super) fn user_named(&self, name: &str) -> Option<&str> {
        let mut users = self.users.iter().map(String::as_str);
        users.find(|arn| {
            arn.rsplit('/')
                .next()
                .unwrap_or_default()
                .eq_ignore_ascii_case(name)
        })
    }

    fn as_principal(&self, role: &Role) -> Principal {
        Principal {
            arn: role.arn.clone(),
            id: role.id.clone(),
            created_at: self
                .role_dates
                .get(&role.id)
                .copied()
                .unwrap_or(Timestamp::UNIX_EPOCH),
        }
    }

    /// Notes when the roles of a stack were made.
    pub(super) fn date_roles<'a>(&mut self, names: impl Iterator<Item = &'a String>, at: Timestamp) {
        for name in names {
            if let Some(role) = self.roles.get(name) {
                self.role_dates.entry(role.id.clone()).or_insert(at);
            }
        }
    }
}
