//! Roles and users of IAM, without their policies.

use async_trait::async_trait;
use aws_smithy_types::DateTime;
use jiff::Timestamp;

use super::client::{AwsClient, Pages};
use super::error::{Action, incomplete};
use super::stack::timestamp;
use eksact_core::ports::aws::{Principal, PrincipalReader};
use eksact_core::ports::{CallError, CallErrorKind, found};

const GET_ROLE: Action = ("iam", "GetRole");
const GET_USER: Action = ("iam", "GetUser");
const LIST_ROLES: Action = ("iam", "ListRoles");

/// The largest page that IAM gives (`MaxItems`).
const PAGE: i32 = 1000;

#[async_trait]
impl PrincipalReader for AwsClient {
    async fn principal(&self, arn: &str) -> Result<Option<Principal>, CallError> {
        if let Some((_, path_and_name)) = arn.split_once(":role/") {
            let name = name_of(path_and_name);
            let request = self.iam.get_role().role_name(name).send();
            let Some(answer) = found(self.call(GET_ROLE, name, request).await)? else {
                return Ok(None);
            };
            let role = answer.role.ok_or_else(|| incomplete(GET_ROLE, name, "role"))?;
            return Ok(Some(Principal {
                created_at: date(GET_ROLE, name, role.create_date)?,
                arn: role.arn,
                id: role.role_id,
            }));
        }
        if let Some((_, path_and_name)) = arn.split_once(":user/") {
            let name = name_of(path_and_name);
            let request = self.iam.get_user().user_name(name).send();
            let Some(answer) = found(self.call(GET_USER, name, request).await)? else {
                return Ok(None);
            };
            let user = answer.user.ok_or_else(|| incomplete(GET_USER, name, "user"))?;
            return Ok(Some(Principal {
                created_at: date(GET_USER, name, user.create_date)?,
                arn: user.arn,
                id: user.user_id,
            }));
        }
        let message = "it is the ARN of neither a role nor a user";
        Err(CallError::new(
            "iam",
            GET_ROLE.1,
            arn,
            CallErrorKind::Invalid,
            message,
        ))
    }

    async fn role_principals(&self) -> Result<Vec<Principal>, CallError> {
        let mut principals = Vec::new();
        let mut pages = Pages::default();
        loop {
            let request = self
                .iam
                .list_roles()
                .max_items(PAGE)
                .set_marker(pages.marker())
                .send();
            let page = self.call(LIST_ROLES, "", request).await?;
            for role in page.roles {
                principals.push(Principal {
                    created_at: date(LIST_ROLES, &role.role_name, role.create_date)?,
                    arn: role.arn,
                    id: role.role_id,
                });
            }
            let next = page.marker.filter(|_| page.is_truncated);
            if !pages.advance(LIST_ROLES, "", next)? {
                return Ok(principals);
            }
        }
    }
}

fn name_of(path_and_name: &str) -> &str {
    path_and_name.rsplit('/').next().unwrap_or(path_and_name)
}

fn date(action: Action, object: &str, date: DateTime) -> Result<Timestamp, CallError> {
    timestamp(date).ok_or_else(|| incomplete(action, object, "date of creation that is a time"))
}
