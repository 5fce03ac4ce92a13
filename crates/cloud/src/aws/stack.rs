//! Stacks of CloudFormation, their templates and events. Every request that takes a client token carries one: the SDK
//! repeats requests whose answer was lost.

use async_trait::async_trait;
use aws_sdk_cloudformation::types;
use aws_smithy_types::DateTime;
use jiff::Timestamp;

use super::client::{AwsClient, Pages};
use super::error::{Action, incomplete};
use eksact_core::ports::aws::{Stack, StackEvent, StackReader, StackRequest, StackWriter};
use eksact_core::ports::{CallError, found};

const DESCRIBE_STACKS: Action = ("cloudformation", "DescribeStacks");
const DESCRIBE_STACK_EVENTS: Action = ("cloudformation", "DescribeStackEvents");
const GET_TEMPLATE: Action = ("cloudformation", "GetTemplate");
const CREATE_STACK: Action = ("cloudformation", "CreateStack");
const UPDATE_TERMINATION_PROTECTION: Action = ("cloudformation", "UpdateTerminationProtection");
const DELETE_STACK: Action = ("cloudformation", "DeleteStack");

#[async_trait]
impl StackReader for AwsClient {
    async fn stacks(&self) -> Result<Vec<Stack>, CallError> {
        let object = format!("the stacks of {}", self.region());
        let mut stacks = Vec::new();
        let mut pages = Pages::default();
        loop {
            let request = self
                .cloudformation
                .describe_stacks()
                .set_next_token(pages.marker())
                .send();
            let page = self.call(DESCRIBE_STACKS, &object, request).await?;
            stacks.extend(page.stacks.unwrap_or_default().into_iter().map(stack));
            if !pages.advance(DESCRIBE_STACKS, &object, page.next_token)? {
                stacks.retain(|stack| stack.status != "DELETE_COMPLETE");
                return Ok(stacks);
            }
        }
    }

    async fn stack(&self, name_or_id: &str) -> Result<Option<Stack>, CallError> {
        let request = self
            .cloudformation
            .describe_stacks()
            .stack_name(name_or_id)
            .send();
        let answer = found(self.call(DESCRIBE_STACKS, name_or_id, request).await)?;
        let stacks = answer.and_then(|answer| answer.stacks).unwrap_or_default();
        Ok(stacks.into_iter().next().map(stack))
    }

    async fn stack_template(&self, name_or_id: &str) -> Result<String, CallError> {
        let request = self
            .cloudformation
            .get_template()
            .stack_name(name_or_id)
            .template_stage(types::TemplateStage::Original)
            .send();
        let answer = self.call(GET_TEMPLATE, name_or_id, request).await?;
        answer
            .template_body
            .ok_or_else(|| incomplete(GET_TEMPLATE, name_or_id, "template"))
    }

    async fn stack_events(&self, name_or_id: &str) -> Result<Vec<StackEvent>, CallError> {
        let mut events = Vec::new();
        let mut pages = Pages::default();
        loop {
            let request = self
                .cloudformation
                .describe_stack_events()
                .stack_name(name_or_id)
                .set_next_token(pages.marker())
                .send();
            let page = self.call(DESCRIBE_STACK_EVENTS, name_or_id, request).await?;
            events.extend(page.stack_events.unwrap_or_default().into_iter().map(stack_event));
            if !pages.advance(DESCRIBE_STACK_EVENTS, name_or_id, page.next_token)? {
                return Ok(events);
            }
        }
    }
}

#[async_trait]
impl StackWriter for AwsClient {
    async fn create_stack(&self, request: &StackRequest) -> Result<String, CallError> {
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

    async fn set_termination_protection(&self, stack: &str, enabled: bool) -> Result<(), CallError> {
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

    async fn delete_stack(
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

fn stack(stack: types::Stack) -> Stack {
    let pairs = |tag: types::Tag| Some((tag.key?, tag.value.unwrap_or_default()));
    let outputs = |output: types::Output| Some((output.output_key?, output.output_value.unwrap_or_default()));
    Stack {
        name: stack.stack_name.unwrap_or_default(),
        id: stack.stack_id.unwrap_or_default(),
        status: stack
            .stack_status
            .map(|status| status.as_str().to_owned())
            .unwrap_or_default(),
        status_reason: given(stack.stack_status_reason),
        description: stack.description,
        tags: stack
            .tags
            .unwrap_or_default()
            .into_iter()
            .filter_map(pairs)
            .collect(),
        outputs: stack
            .outputs
            .unwrap_or_default()
            .into_iter()
            .filter_map(outputs)
            .collect(),
        capabilities: stack
            .capabilities
            .unwrap_or_default()
            .iter()
            .map(|capability| capability.as_str().to_owned())
            .collect(),
        termination_protection: stack.enable_termination_protection.unwrap_or_default(),
        created: stack.creation_time.and_then(timestamp),
        updated: stack.last_updated_time.and_then(timestamp),
        has_new_change_set: stack
            .last_operations
            .unwrap_or_default()
            .iter()
            .any(|operation| operation.operation_type == Some(types::OperationType::CreateChangeset)),
    }
}

fn stack_event(event: types::StackEvent) -> StackEvent {
    StackEvent {
        timestamp: event.timestamp.and_then(timestamp).unwrap_or_default(),
        logical_id: event.logical_resource_id.unwrap_or_default(),
        physical_id: event.physical_resource_id.unwrap_or_default(),
        resource_type: event.resource_type.unwrap_or_default(),
        status: event
            .resource_status
            .map(|status| status.as_str().to_owned())
            .unwrap_or_default(),
        status_reason: given(event.resource_status_reason),
        client_request_token: event.client_request_token,
    }
}

pub(super) fn timestamp(time: DateTime) -> Option<Timestamp> {
    Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()
}

/// An empty text is none.
pub(super) fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// Tags as CloudFormation takes them.
pub(super) fn tags(tags: &[(String, String)]) -> Vec<types::Tag> {
    tags.iter()
        .map(|(key, value)| types::Tag::builder().key(key).value(value).build())
        .collect()
}

/// Capabilities as CloudFormation takes them.
pub(super) fn capabilities(capabilities: &[String]) -> Vec<types::Capability> {
    capabilities
        .iter()
        .map(|capability| types::Capability::from(capability.as_str()))
        .collect()
}
