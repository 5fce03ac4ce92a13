//! [`AwsClient`] as [`AwsReader`] and [`AwsWriter`]; the few calls of one request to STS and EKS stand here.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::Value;

use super::client::AwsClient;
use super::error::Action;
use super::read_cloudformation::incomplete;
use eksact_core::ports::CallError;
use eksact_core::ports::access::AccessEntry;
use eksact_core::ports::aws::{
    AwsReader, AwsWriter, CallerIdentity, ChangeSet, ChangeSetRequest, Cluster, OidcProvider, Role,
    RoleTrust, Stack, StackEvent, StackRequest,
};

const GET_CALLER_IDENTITY: Action = ("sts", "GetCallerIdentity");
const DESCRIBE_CLUSTER: Action = ("eks", "DescribeCluster");
const TAG_RESOURCE: Action = ("eks", "TagResource");

#[async_trait]
impl AwsReader for AwsClient {
    async fn caller_identity(&self) -> Result<CallerIdentity, CallError> {
        let object = "the caller";
        let answer = self
            .call(GET_CALLER_IDENTITY, object, self.sts.get_caller_identity().send())
            .await?;
        let missing = |what| move || incomplete(GET_CALLER_IDENTITY, object, what);
        Ok(CallerIdentity {
            account: answer.account.ok_or_else(missing("account"))?,
            arn: answer.arn.ok_or_else(missing("ARN"))?,
            user_id: answer.user_id.ok_or_else(missing("user id"))?,
        })
    }

    async fn cluster(&self, name: &str) -> Result<Cluster, CallError> {
        let answer = self
            .call(
                DESCRIBE_CLUSTER,
                name,
                self.eks.describe_cluster().name(name).send(),
            )
            .await?;
        let cluster = answer
            .cluster
            .ok_or_else(|| incomplete(DESCRIBE_CLUSTER, name, "cluster"))?;
        // As the AWS CLI tells them apart (1.46, `eks/update_kubeconfig.py`): with etcd instances of its own, the cluster goes
        // by its name.
        let is_local = cluster
            .outpost_config
            .is_some_and(|outpost| outpost.etcd_instance_type.is_none());
        Ok(Cluster {
            name: cluster.name.unwrap_or_else(|| name.to_owned()),
            local_id: cluster.id.filter(|id| is_local && !id.is_empty()),
            arn: cluster
                .arn
                .ok_or_else(|| incomplete(DESCRIBE_CLUSTER, name, "ARN"))?,
            status: cluster
                .status
                .map(|status| status.as_str().to_owned())
                .unwrap_or_default(),
            version: cluster.version,
            endpoint: cluster.endpoint,
            certificate_authority_data: cluster.certificate_authority.and_then(|authority| authority.data),
            oidc_issuer: cluster
                .identity
                .and_then(|identity| identity.oidc)
                .and_then(|oidc| oidc.issuer),
            authentication_mode: cluster
                .access_config
                .and_then(|access| access.authentication_mode)
                .map(|mode| mode.as_str().to_owned()),
            endpoint_public_access: cluster.resources_vpc_config.map(|vpc| vpc.endpoint_public_access),
            tags: cluster.tags.unwrap_or_default().into_iter().collect(),
        })
    }

    async fn oidc_provider(&self, arn: &str) -> Result<Option<OidcProvider>, CallError> {
        self.read_oidc_provider(arn).await
    }

    async fn stacks(&self) -> Result<Vec<Stack>, CallError> {
        self.read_stacks().await
    }

    async fn stack(&self, name_or_id: &str) -> Result<Option<Stack>, CallError> {
        self.read_stack(name_or_id).await
    }

    async fn stack_template(&self, name_or_id: &str) -> Result<String, CallError> {
        self.read_template(name_or_id).await
    }

    async fn stack_events(&self, name_or_id: &str) -> Result<Vec<StackEvent>, CallError> {
        self.read_stack_events(name_or_id).await
    }

    async fn change_set(&self, id: &str) -> Result<ChangeSet, CallError> {
        self.read_change_set(id).await
    }

    async fn role(&self, name: &str) -> Result<Option<Role>, CallError> {
        // Four calls at once make a large future; on the heap it does not burden every caller.
        Box::pin(self.read_role(name)).await
    }

    async fn trust_policy(&self, role: &str) -> Result<Option<RoleTrust>, CallError> {
        self.read_trust_policy(role).await
    }

    async fn trust_policy_quota(&self) -> Result<Option<usize>, CallError> {
        self.read_trust_policy_quota().await
    }

    async fn role_arn(&self, name: &str) -> Result<Option<String>, CallError> {
        self.read_role_arn(name).await
    }

    async fn role_count(&self) -> Result<u64, CallError> {
        self.read_role_count().await
    }

    async fn roles(&self) -> Result<Vec<Role>, CallError> {
        self.read_roles().await
    }

    async fn role_arns(&self, path_prefix: &str) -> Result<Vec<String>, CallError> {
        self.read_role_arns(path_prefix).await
    }

    async fn access_entries(&self, cluster: &str) -> Result<Vec<AccessEntry>, CallError> {
        self.read_access_entries(cluster).await
    }
}

#[async_trait]
impl AwsWriter for AwsClient {
    async fn create_oidc_provider(
        &self,
        url: &str,
        audiences: &[String],
        thumbprint: Option<&str>,
        tags: &BTreeMap<String, String>,
    ) -> Result<String, CallError> {
        self.send_create_oidc_provider(url, audiences, thumbprint, tags)
            .await
    }

    async fn add_oidc_audience(&self, arn: &str, audience: &str) -> Result<(), CallError> {
        self.send_add_audience(arn, audience).await
    }

    async fn set_oidc_thumbprints(&self, arn: &str, thumbprints: &[String]) -> Result<(), CallError> {
        self.send_thumbprints(arn, thumbprints).await
    }

    async fn tag_oidc_provider(&self, arn: &str, tags: &BTreeMap<String, String>) -> Result<(), CallError> {
        self.send_provider_tags(arn, tags).await
    }

    async fn delete_oidc_provider(&self, arn: &str) -> Result<(), CallError> {
        self.send_delete_oidc_provider(arn).await
    }

    async fn tag_cluster(&self, arn: &str, tags: &BTreeMap<String, String>) -> Result<(), CallError> {
        let tags = tags.clone().into_iter().collect();
        let send = self
            .eks
            .tag_resource()
            .resource_arn(arn)
            .set_tags(Some(tags))
            .send();
        self.call(TAG_RESOURCE, arn, send).await.map(drop)
    }

    async fn create_stack(&self, request: &StackRequest) -> Result<String, CallError> {
        self.send_create_stack(request).await
    }

    async fn create_change_set(&self, request: &ChangeSetRequest) -> Result<String, CallError> {
        self.send_create_change_set(request).await
    }

    async fn execute_change_set(&self, id: &str, client_request_token: &str) -> Result<(), CallError> {
        self.send_execute_change_set(id, client_request_token).await
    }

    async fn delete_change_set(&self, id: &str) -> Result<(), CallError> {
        self.send_delete_change_set(id).await
    }

    async fn set_termination_protection(&self, stack: &str, enabled: bool) -> Result<(), CallError> {
        self.send_termination_protection(stack, enabled).await
    }

    async fn delete_stack(
        &self,
        id: &str,
        service_role_arn: Option<&str>,
        client_request_token: &str,
    ) -> Result<(), CallError> {
        self.send_delete_stack(id, service_role_arn, client_request_token)
            .await
    }

    async fn set_trust_policy(&self, role: &str, document: &Value) -> Result<(), CallError> {
        self.send_trust_policy(role, document).await
    }

    async fn attach_role_policy(&self, role: &str, policy_arn: &str) -> Result<(), CallError> {
        self.send_attach_policy(role, policy_arn).await
    }

    async fn detach_role_policy(&self, role: &str, policy_arn: &str) -> Result<(), CallError> {
        self.send_detach_policy(role, policy_arn).await
    }

    async fn put_role_policy(&self, role: &str, name: &str, document: &Value) -> Result<(), CallError> {
        self.send_put_policy(role, name, document).await
    }

    async fn delete_role_policy(&self, role: &str, name: &str) -> Result<(), CallError> {
        self.send_delete_policy(role, name).await
    }

    async fn set_permissions_boundary(&self, role: &str, boundary: Option<&str>) -> Result<(), CallError> {
        self.send_boundary(role, boundary).await
    }

    async fn tag_role(&self, role: &str, tags: &BTreeMap<String, String>) -> Result<(), CallError> {
        self.send_role_tags(role, tags).await
    }
}
