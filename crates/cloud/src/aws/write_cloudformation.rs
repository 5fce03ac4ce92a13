//! What is written to CloudFormation. Every request that takes a client token carries one: the SDK repeats requests
//! whose answer was lost.

use aws_sdk_cloudformation::types;

use super::client::AwsClient;
use super::error::Action;
use super::read_cloudformation::incomplete;
use eksact_core::ports::CallError;
use eksact_core::ports::aws::{ChangeSetRequest, StackRequest};

const CREATE_STACK: Action = ("cloudformation", "CreateStack");
const CREATE_CHANGE_SET: Action = ("cloudformation", "CreateChangeSet");
const EXECUTE_CHANGE_SET: Action = ("cloudformation", "ExecuteChangeSet");
const DELETE_CHANGE_SET: Action = ("cloudformation", "DeleteChangeSet");
const UPDATE_TERMINATION_PROTECTION: Action = ("cloudformation", "UpdateTerminationProtection");
const DELETE_STACK: Action = ("cloudformation", "DeleteStack");

impl AwsClient {
    pub(super) async fn send_create_stack(&self, request: &StackRequest) -> Result<String, CallError> {
        let send = self
            .cloudformation
            .create_stack()
            .stack_name(&request.name)
            .template_body(&request.template_body)
            .set_tags(Some(tags(&request.tags)))
            .set_capabilities(Some(capabilities(&request.capabilities)))
            .enable_termination_protection(request.termination_protection)
            .disable_rollback(request.disable_rollback)
            .set_role_arn(request.service_role_arn.clone())
            .client_request_token(&request.client_request_token)
            .send();
        let answer = self.call(CREATE_STACK, &request.name, send).await?;
        answer
            .stack_id
            .ok_or_else(|| incomplete(CREATE_STACK, &request.name, "stack id"))
    }

    pub(super) async fn send_create_change_set(
        &self,
        request: &ChangeSetRequest,
    ) -> Result<String, CallError> {
        let send = self
            .cloudformation
            .create_change_set()
            .stack_name(&request.stack)
            .change_set_name(&request.name)
            .change_set_type(types::ChangeSetType::Update)
            .template_body(&request.template_body)
            .set_tags(Some(tags(&request.tags)))
            .set_capabilities(Some(capabilities(&request.capabilities)))
            .set_role_arn(request.service_role_arn.clone())
            .client_token(&request.client_request_token)
            .send();
        let answer = self.call(CREATE_CHANGE_SET, &request.stack, send).await?;
        answer
            .id
            .ok_or_else(|| incomplete(CREATE_CHANGE_SET, &request.stack, "change set id"))
    }

    pub(super) async fn send_execute_change_set(&self, id: &str, token: &str) -> Result<(), CallError> {
        let send = self
            .cloudformation
            .execute_change_set()
            .change_set_name(id)
            .client_request_token(token)
            .send();
        self.call(EXECUTE_CHANGE_SET, id, send).await.map(drop)
    }

    pub(super) async fn send_delete_change_set(&self, id: &str) -> Result<(), CallError> {
        let send = self.cloudformation.delete_change_set().change_set_name(id).send();
        self.call(DELETE_CHANGE_SET, id, send).await.map(drop)
    }

    pub(super) async fn send_termination_protection(
        &self,
        stack: &str,
        enabled: bool,
    ) -> Result<(), CallError> {
        let send = self
            .cloudformation
            .update_termination_protection()
            .stack_name(stack)
            .enable_termination_protection(enabled)
            .send();
        self.call(UPDATE_TERMINATION_PROTECTION, stack, send)
            .await
            .map(drop)
    }

    pub(super) async fn send_delete_stack(
        &self,
        id: &str,
        service_role_arn: Option<&str>,
        token: &str,
    ) -> Result<(), CallError> {
        let send = self
            .cloudformation
            .delete_stack()
            .stack_name(id)
            .set_role_arn(service_role_arn.map(str::to_owned))
            .client_request_token(token)
            .send();
        self.call(DELETE_STACK, id, send).await.map(drop)
    }
}

fn tags(tags: &[(String, String)]) -> Vec<types::Tag> {
    tags.iter()
        .map(|(key, value)| types::Tag::builder().key(key).value(value).build())
        .collect()
}

fn capabilities(capabilities: &[String]) -> Vec<types::Capability> {
    capabilities
        .iter()
        .map(|capability| types::Capability::from(capability.as_str()))
        .collect()
}
