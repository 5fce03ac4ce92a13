//! All of the simulated account's IAM in one listing.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::reading;
use crate::Sandbox;
use crate::state::World;
use eksact_core::ports::CallError;
use eksact_core::ports::aws::{AuthorizationDetails, AuthorizationDetailsReader};

/// How many entities `GetAccountAuthorizationDetails` puts on a page.
const PER_PAGE: usize = 1000;

#[async_trait]
impl AuthorizationDetailsReader for Sandbox {
    async fn authorization_details(&self) -> Result<AuthorizationDetails, CallError> {
        let call = reading("iam", "GetAccountAuthorizationDetails", "");
        let details = self
            .call(call.clone(), |world, now| {
                let names = world.roles.keys();
                Ok(AuthorizationDetails {
                    roles: names
                        .map(|name| world.role_as_shown(name, now))
                        .collect::<Result<_, _>>()?,
                    users: world.user_details.values().cloned().collect(),
                    groups: world.groups.values().cloned().collect(),
                    policies: world.managed_policies(),
                })
            })
            .await?;
        for found in [
            details.roles.len(),
            details.users.len() + details.groups.len(),
            details.policies.len(),
        ] {
            self.record_pages(&call, found, PER_PAGE);
        }
        Ok(details)
    }
}

impl World {
    /// The documents of the account's policies, and of AWS's own that are attached, as far as this world knows them.
    fn managed_policies(&self) -> BTreeMap<String, Value> {
        let mut policies = self.policy_documents.clone();
        let attached = self
            .roles
            .values()
            .flat_map(|role| &role.managed_policy_arns)
            .chain(
                self.user_details
                    .values()
                    .flat_map(|user| &user.managed_policy_arns),
            )
            .chain(self.groups.values().flat_map(|group| &group.managed_policy_arns));
        for arn in attached {
            if let Some(document) = of_aws(arn) {
                policies.insert(arn.clone(), document);
            }
        }
        policies
    }
}

/// Two of AWS's own policies, as the AWS managed policy reference has them.
fn of_aws(arn: &str) -> Option<Value> {
    let (_, name) = arn.split_once(":iam::aws:policy/")?;
    let allow = |actions: Value| json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]});
    match name {
        "AdministratorAccess" => Some(allow(json!("*"))),
        "AmazonS3ReadOnlyAccess" => Some(allow(json!([
            "s3:Get*",
            "s3:List*",
            "s3:Describe*",
            "s3-object-lambda:Get*",
            "s3-object-lambda:List*"
        ]))),
        _ => None,
    }
}
