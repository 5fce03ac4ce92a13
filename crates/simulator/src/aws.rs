//! The AWS ports, answered by the sandbox: each call under the name that AWS has for it.
//!
//! A read that takes several calls in AWS is recorded as several, so that counting calls tells something.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::Value;

use super::cloudformation::no_such_stack;
use super::refusal::Refusal;
use super::state::World;
use super::{Call, Sandbox};
use eksact_core::ports::access::AccessEntry;
use eksact_core::ports::aws::{
    AwsReader, AwsWriter, CallerIdentity, ChangeSet, ChangeSetRequest, Cluster, OidcProvider, Role,
    RoleTrust, Stack, StackEvent, StackRequest,
};
use eksact_core::ports::{CallError, CallErrorKind};

/// How many stacks `DescribeStacks` puts on a page.
const STACKS_PER_PAGE: usize = 100;
/// How many roles `GetAccountAuthorizationDetails` puts on a page.
const ROLES_PER_PAGE: usize = 1000;
/// How many access entries `ListAccessEntries` puts on a page.
const ENTRIES_PER_PAGE: usize = 100;

fn reading(service: &'static str, action: &str, object: &str) -> Call {
    Call {
        service,
        action: action.to_owned(),
        object: object.to_owned(),
        write: false,
    }
}

fn writing(service: &'static str, action: &str, object: &str) -> Call {
    Call {
        write: true,
        ..reading(service, action, object)
    }
}

impl Sandbox {
    /// Records the calls for the pages after the first.
    fn record_pages(&self, call: &Call, found: usize, per_page: usize) {
        for _ in 1..found.div_ceil(per_page) {
            self.faults.record(call.clone());
        }
    }

    /// Refuses when any of the further calls that a composed read takes is denied.
    async fn further(&self, service: &'static str, actions: &[&str], object: &str) -> Result<(), CallError> {
        for action in actions {
            self.call(reading(service, action, object), |_, _| Ok(())).await?;
        }
        Ok(())
    }

    async fn change_iam<T>(
        &self,
        action: &str,
        object: &str,
        run: impl FnOnce(&mut World) -> Result<T, Refusal> + Send,
    ) -> Result<T, CallError> {
        self.call(writing("iam", action, object), |world, _| run(world))
            .await
    }
}

/// "Does not exist" as `None`.
async fn optional<T>(
    found: impl Future<Output = Result<T, CallError>> + Send,
) -> Result<Option<T>, CallError> {
    match found.await {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind == CallErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[async_trait]
impl AwsReader for Sandbox {
    async fn caller_identity(&self) -> Result<CallerIdentity, CallError> {
        self.call(reading("sts", "GetCallerIdentity", ""), |world, _| {
            let caller = self.caller.clone().unwrap_or_else(|| world.creator());
            Ok(caller.into())
        })
        .await
    }

    async fn cluster(&self, name: &str) -> Result<Cluster, CallError> {
        self.call(reading("eks", "DescribeCluster", name), |world, _| {
            world.cluster(name, &self.region).cloned()
        })
        .await
    }

    async fn oidc_provider(&self, arn: &str) -> Result<Option<OidcProvider>, CallError> {
        let call = reading("iam", "GetOpenIDConnectProvider", arn);
        optional(self.call(call, |world, _| world.oidc_provider(arn).cloned())).await
    }

    async fn stacks(&self) -> Result<Vec<Stack>, CallError> {
        let call = reading("cloudformation", "DescribeStacks", "");
        let stacks = self
            .call(call.clone(), |world, _| Ok(world.live_stacks(&self.region)))
            .await?;
        self.record_pages(&call, stacks.len(), STACKS_PER_PAGE);
        Ok(stacks)
    }

    async fn stack(&self, name_or_id: &str) -> Result<Option<Stack>, CallError> {
        let call = reading("cloudformation", "DescribeStacks", name_or_id);
        let found = self.call(call, |world, _| {
            let found = world
                .find(name_or_id, &self.region)
                .map(|record| record.stack.clone());
            found.ok_or_else(|| no_such_stack(name_or_id))
        });
        optional(found).await
    }

    async fn stack_template(&self, name_or_id: &str) -> Result<String, CallError> {
        let call = reading("cloudformation", "GetTemplate", name_or_id);
        self.call(call, |world, _| world.stack_template(name_or_id, &self.region))
            .await
    }

    async fn stack_events(&self, name_or_id: &str) -> Result<Vec<StackEvent>, CallError> {
        let call = reading("cloudformation", "DescribeStackEvents", name_or_id);
        self.call(call, |world, _| world.stack_events(name_or_id, &self.region))
            .await
    }

    async fn change_set(&self, id: &str) -> Result<ChangeSet, CallError> {
        self.call(reading("cloudformation", "DescribeChangeSet", id), |world, _| {
            world.change_set(id)
        })
        .await
    }

    async fn role(&self, name: &str) -> Result<Option<Role>, CallError> {
        let found = self.call(reading("iam", "GetRole", name), |world, now| {
            world.role_as_shown(name, now)
        });
        let Some(role) = optional(found).await? else {
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
        let found = self.call(reading("iam", "GetRole", role), |world, now| {
            let role = world.role_as_shown(role, now)?;
            Ok(RoleTrust {
                role_id: role.id,
                policy: role.trust_policy,
            })
        });
        optional(found).await
    }

    async fn trust_policy_quota(&self) -> Result<Option<usize>, CallError> {
        self.call(reading("iam", "GetAccountSummary", ""), |world, _| {
            Ok(Some(world.quotas.trust_policy_bytes))
        })
        .await
    }

    async fn role_count(&self) -> Result<u64, CallError> {
        self.call(reading("iam", "GetAccountSummary", ""), |world, _| {
            Ok(u64::try_from(world.roles.len()).unwrap_or(u64::MAX))
        })
        .await
    }

    async fn roles(&self) -> Result<Vec<Role>, CallError> {
        let call = reading("iam", "GetAccountAuthorizationDetails", "");
        let roles: Vec<Role> = self
            .call(call.clone(), |world, now| {
                let names = world.roles.keys();
                names.map(|name| world.role_as_shown(name, now)).collect()
            })
            .await?;
        self.record_pages(&call, roles.len(), ROLES_PER_PAGE);
        Ok(roles)
    }

    async fn role_arns(&self, path_prefix: &str) -> Result<Vec<String>, CallError> {
        let call = reading("iam", "ListRoles", path_prefix);
        let arns: Vec<String> = self
            .call(call.clone(), |world, _| {
                let of_path = |role: &&Role| role.path.starts_with(path_prefix);
                let roles = world.roles.values().filter(of_path);
                Ok(roles.map(|role| role.arn.clone()).collect())
            })
            .await?;
        self.record_pages(&call, arns.len(), ROLES_PER_PAGE);
        Ok(arns)
    }

    async fn role_arn(&self, name: &str) -> Result<Option<String>, CallError> {
        let call = reading("iam", "GetRole", name);
        optional(self.call(call, |world, _| world.role(name).map(|role| role.arn.clone()))).await
    }

    async fn access_entries(&self, cluster: &str) -> Result<Vec<AccessEntry>, CallError> {
        let call = reading("eks", "ListAccessEntries", cluster);
        let entries = self
            .call(call.clone(), |world, _| {
                world.access_entries(cluster, &self.region)
            })
            .await?;
        self.record_pages(&call, entries.len(), ENTRIES_PER_PAGE);
        for entry in &entries {
            self.further("eks", &["DescribeAccessEntry"], &entry.principal_arn)
                .await?;
            if entry.entry_type == "STANDARD" {
                self.further("eks", &["ListAssociatedAccessPolicies"], &entry.principal_arn)
                    .await?;
            }
        }
        Ok(entries)
    }
}

#[async_trait]
impl AwsWriter for Sandbox {
    async fn create_oidc_provider(
        &self,
        url: &str,
        audiences: &[String],
        thumbprint: Option<&str>,
        tags: &BTreeMap<String, String>,
    ) -> Result<String, CallError> {
        self.change_iam("CreateOpenIDConnectProvider", url, |world| {
            world.create_oidc_provider(url, audiences, thumbprint, tags)
        })
        .await
    }

    async fn add_oidc_audience(&self, arn: &str, audience: &str) -> Result<(), CallError> {
        self.change_iam("AddClientIDToOpenIDConnectProvider", arn, |world| {
            world.add_oidc_audience(arn, audience)
        })
        .await
    }

    async fn set_oidc_thumbprints(&self, arn: &str, thumbprints: &[String]) -> Result<(), CallError> {
        self.change_iam("UpdateOpenIDConnectProviderThumbprint", arn, |world| {
            world.set_oidc_thumbprints(arn, thumbprints)
        })
        .await
    }

    async fn tag_oidc_provider(&self, arn: &str, tags: &BTreeMap<String, String>) -> Result<(), CallError> {
        self.change_iam("TagOpenIDConnectProvider", arn, |world| {
            world.oidc_provider(arn)?.tags.extend(tags.clone());
            Ok(())
        })
        .await
    }

    async fn delete_oidc_provider(&self, arn: &str) -> Result<(), CallError> {
        // Deleting one that is not there is no error: so IAM's documentation says.
        self.change_iam("DeleteOpenIDConnectProvider", arn, |world| {
            world.oidc_providers.remove(arn);
            Ok(())
        })
        .await
    }

    async fn tag_cluster(&self, arn: &str, tags: &BTreeMap<String, String>) -> Result<(), CallError> {
        self.call(writing("eks", "TagResource", arn), |world, _| {
            world.tag_cluster(arn, tags)
        })
        .await
    }

    async fn create_stack(&self, request: &StackRequest) -> Result<String, CallError> {
        let call = writing("cloudformation", "CreateStack", &request.name);
        self.call(call, |world, now| world.create_stack(request, &self.region, now))
            .await
    }

    async fn create_change_set(&self, request: &ChangeSetRequest) -> Result<String, CallError> {
        let call = writing("cloudformation", "CreateChangeSet", &request.stack);
        self.call(call, |world, now| {
            world.create_change_set(request, &self.region, now)
        })
        .await
    }

    async fn execute_change_set(&self, id: &str, client_request_token: &str) -> Result<(), CallError> {
        let call = writing("cloudformation", "ExecuteChangeSet", id);
        self.call(call, |world, now| {
            world.execute_change_set(id, client_request_token, now)
        })
        .await
    }

    async fn delete_change_set(&self, id: &str) -> Result<(), CallError> {
        let call = writing("cloudformation", "DeleteChangeSet", id);
        self.call(call, |world, _| world.delete_change_set(id)).await
    }

    async fn set_termination_protection(&self, stack: &str, enabled: bool) -> Result<(), CallError> {
        let call = writing("cloudformation", "UpdateTerminationProtection", stack);
        self.call(call, |world, _| {
            world.set_termination_protection(stack, &self.region, enabled)
        })
        .await
    }

    async fn delete_stack(
        &self,
        id: &str,
        _service_role_arn: Option<&str>,
        client_request_token: &str,
    ) -> Result<(), CallError> {
        let call = writing("cloudformation", "DeleteStack", id);
        self.call(call, |world, now| {
            world.delete_stack(id, &self.region, client_request_token, now)
        })
        .await
    }

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

    async fn tag_role(&self, role: &str, tags: &BTreeMap<String, String>) -> Result<(), CallError> {
        self.change_iam("TagRole", role, |world| world.tag_role(role, tags))
            .await
    }
}
