//! Change sets of CloudFormation.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_cloudformation::types;
use jiff::Timestamp;

use super::client::{AwsClient, Pages};
use super::error::{Action, incomplete};
use super::stack::{capabilities, given, tags, timestamp};
use eksact_core::ports::CallError;
use eksact_core::ports::aws::{
    ChangeSet, ChangeSetReader, ChangeSetRequest, ChangeSetSummary, ChangeSetWriter, ResourceChange,
};

const DESCRIBE_CHANGE_SET: Action = ("cloudformation", "DescribeChangeSet");
const LIST_CHANGE_SETS: Action = ("cloudformation", "ListChangeSets");
const CREATE_CHANGE_SET: Action = ("cloudformation", "CreateChangeSet");
const EXECUTE_CHANGE_SET: Action = ("cloudformation", "ExecuteChangeSet");
const DELETE_CHANGE_SET: Action = ("cloudformation", "DeleteChangeSet");

#[async_trait]
impl ChangeSetReader for AwsClient {
    /// Every page repeats status and reasons; those of the last one are kept, they are the newest.
    async fn change_set(&self, id: &str) -> Result<ChangeSet, CallError> {
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

    async fn change_sets(&self, stack: &str) -> Result<Vec<ChangeSetSummary>, CallError> {
        let mut change_sets = Vec::new();
        let mut pages = Pages::default();
        loop {
            let request = self
                .cloudformation
                .list_change_sets()
                .stack_name(stack)
                .set_next_token(pages.marker())
                .send();
            let page = self.call(LIST_CHANGE_SETS, stack, request).await?;
            let now = Timestamp::now();
            for listed in page.summaries.unwrap_or_default() {
                change_sets.push(summary(listed, stack, now)?);
            }
            if !pages.advance(LIST_CHANGE_SETS, stack, page.next_token)? {
                return Ok(change_sets);
            }
        }
    }
}

#[async_trait]
impl ChangeSetWriter for AwsClient {
    async fn create_change_set(&self, request: &ChangeSetRequest) -> Result<String, CallError> {
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

    async fn execute_change_set(&self, id: &str, token: &str) -> Result<(), CallError> {
        let send = self
            .cloudformation
            .execute_change_set()
            .change_set_name(id)
            .client_request_token(token)
            .send();
        self.call(EXECUTE_CHANGE_SET, id, send).await.map(drop)
    }

    async fn delete_change_set(&self, id: &str) -> Result<(), CallError> {
        let send = self.cloudformation.delete_change_set().change_set_name(id).send();
        self.call(DELETE_CHANGE_SET, id, send).await.map(drop)
    }
}

fn summary(
    listed: types::ChangeSetSummary,
    stack: &str,
    now: Timestamp,
) -> Result<ChangeSetSummary, CallError> {
    let created = listed.creation_time.and_then(timestamp);
    Ok(ChangeSetSummary {
        id: listed
            .change_set_id
            .ok_or_else(|| incomplete(LIST_CHANGE_SETS, stack, "change set id"))?,
        name: listed.change_set_name.unwrap_or_default(),
        status: listed
            .status
            .map(|status| status.as_str().to_owned())
            .ok_or_else(|| incomplete(LIST_CHANGE_SETS, stack, "status"))?,
        execution_status: listed.execution_status.map(|status| status.as_str().to_owned()),
        created,
        age: created.and_then(|created| Duration::try_from(now.duration_since(created)).ok()),
    })
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
