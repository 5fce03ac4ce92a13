//! What is read from CloudFormation: stacks, their templates and events, change sets.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::types;
use aws_smithy_types::DateTime;
use jiff::Timestamp;

use super::client::{AwsClient, Pages};
use super::error::Action;
use eksact_core::ports::aws::{ChangeSet, ResourceChange, Stack, StackEvent};
use eksact_core::ports::{CallError, CallErrorKind};

const DESCRIBE_STACKS: Action = ("cloudformation", "DescribeStacks");
const DESCRIBE_STACK_EVENTS: Action = ("cloudformation", "DescribeStackEvents");
const GET_TEMPLATE: Action = ("cloudformation", "GetTemplate");
const DESCRIBE_CHANGE_SET: Action = ("cloudformation", "DescribeChangeSet");

impl AwsClient {
    pub(super) async fn read_stacks(&self) -> Result<Vec<Stack>, CallError> {
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

    pub(super) async fn read_stack(&self, name_or_id: &str) -> Result<Option<Stack>, CallError> {
        let request = self
            .cloudformation
            .describe_stacks()
            .stack_name(name_or_id)
            .send();
        match self.call(DESCRIBE_STACKS, name_or_id, request).await {
            Ok(answer) => Ok(answer.stacks.unwrap_or_default().into_iter().next().map(stack)),
            Err(error) if error.kind == CallErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn read_template(&self, name_or_id: &str) -> Result<String, CallError> {
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

    pub(super) async fn read_stack_events(&self, name_or_id: &str) -> Result<Vec<StackEvent>, CallError> {
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

    /// Every page repeats status and reasons; those of the last one are kept, they are the newest.
    pub(super) async fn read_change_set(&self, id: &str) -> Result<ChangeSet, CallError> {
        let mut changes = Vec::new();
        let mut pages = Pages::default();
        loop {
            let request = self
                .cloudformation
                .describe_change_set()
                .change_set_name(id)
                .set_next_token(pages.marker())
                .send();
            let page = self.call(DESCRIBE_CHANGE_SET, id, request).await?;
            let resources = page.changes.unwrap_or_default().into_iter();
            changes.extend(
                resources
                    .filter_map(|change| change.resource_change)
                    .map(resource_change),
            );
            if pages.advance(DESCRIBE_CHANGE_SET, id, page.next_token)? {
                continue;
            }
            return Ok(ChangeSet {
                id: page.change_set_id.unwrap_or_else(|| id.to_owned()),
                status: page
                    .status
                    .map(|status| status.as_str().to_owned())
                    .ok_or_else(|| incomplete(DESCRIBE_CHANGE_SET, id, "status"))?,
                status_reason: given(page.status_reason),
                execution_status: page.execution_status.map(|status| status.as_str().to_owned()),
                changes,
            });
        }
    }
}

/// The error for an answer without something that the API promises.
pub(super) fn incomplete((service, name): Action, object: &str, what: &str) -> CallError {
    CallError::new(
        service,
        name,
        object,
        CallErrorKind::Other,
        format!("the response has no {what}"),
    )
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
            .collect::<BTreeMap<_, _>>(),
        capabilities: stack
            .capabilities
            .unwrap_or_default()
            .iter()
            .map(|capability| capability.as_str().to_owned())
            .collect(),
        termination_protection: stack.enable_termination_protection.unwrap_or_default(),
        created: stack.creation_time.and_then(timestamp),
        updated: stack.last_updated_time.and_then(timestamp),
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

fn resource_change(change: types::ResourceChange) -> ResourceChange {
    ResourceChange {
        logical_id: change.logical_resource_id.unwrap_or_default(),
        physical_id: given(change.physical_resource_id),
        resource_type: change.resource_type.unwrap_or_default(),
        action: change
            .action
            .map(|action| action.as_str().to_owned())
            .unwrap_or_default(),
        replacement: change
            .replacement
            .map(|replacement| replacement.as_str().to_owned()),
    }
}

/// An empty text is none.
fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn timestamp(time: DateTime) -> Option<Timestamp> {
    Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()
}
