//! CloudFormation's stacks, with their templates and events.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ports::CallError;

/// A stack (CloudFormation `DescribeStacks`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stack {
    /// Name.
    pub name: String,
    /// ARN with the unique id.
    pub id: String,
    /// `CREATE_COMPLETE` and the like; kept as CloudFormation writes it so that a new status is not lost.
    pub status: String,
    /// Its reason, when CloudFormation gives one.
    pub status_reason: Option<String>,
    /// Description of the template.
    pub description: Option<String>,
    /// Tags, own and propagated.
    pub tags: BTreeMap<String, String>,
    /// Outputs by key.
    pub outputs: BTreeMap<String, String>,
    /// `CAPABILITY_IAM`, `CAPABILITY_NAMED_IAM`.
    pub capabilities: Vec<String>,
    /// Whether `DeleteStack` is refused.
    pub termination_protection: bool,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// When it was last updated.
    pub updated: Option<Timestamp>,
    /// Whether the making of a change set is among what was last done to it (`LastOperations`); not where CloudFormation does not tell.
    /// No part of what the stack is: whoever looks at its change sets knows more.
    #[serde(skip)]
    pub has_new_change_set: bool,
}

impl Stack {
    /// Whether CloudFormation is still at work on it (a stack under `REVIEW_IN_PROGRESS` waits for people, not for
    /// CloudFormation).
    pub fn in_progress(&self) -> bool {
        self.status.ends_with("_IN_PROGRESS") && self.status != "REVIEW_IN_PROGRESS"
    }
}

/// One line of a stack's history (CloudFormation `DescribeStackEvents`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackEvent {
    /// When.
    pub timestamp: Timestamp,
    /// Logical id: `Role1`, or the stack's own name.
    pub logical_id: String,
    /// Physical id, possibly empty while being created.
    pub physical_id: String,
    /// `AWS::IAM::Role`.
    pub resource_type: String,
    /// `CREATE_FAILED` and the like.
    pub status: String,
    /// Why.
    pub status_reason: Option<String>,
    /// The token of the request that led to it.
    pub client_request_token: Option<String>,
}

/// What `CreateStack` is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackRequest {
    /// Name of the stack.
    pub name: String,
    /// The whole template.
    pub template_body: String,
    /// Tags in the order to send them.
    pub tags: Vec<(String, String)>,
    /// Capabilities to acknowledge.
    pub capabilities: Vec<String>,
    /// Whether `DeleteStack` shall be refused afterwards.
    pub termination_protection: bool,
    /// eksctl's `--cfn-disable-rollback`.
    pub disable_rollback: bool,
    /// eksctl's `--cfn-role-arn`.
    pub service_role_arn: Option<String>,
    /// Makes a repeated request harmless.
    pub client_request_token: String,
}

/// Reads stacks.
#[async_trait]
pub trait StackReader: Send + Sync {
    /// Every stack of the region that is not deleted: CloudFormation `DescribeStacks`, all pages.
    async fn stacks(&self) -> Result<Vec<Stack>, CallError>;
    /// One stack by name or id; by id a deleted one is found as well (`DELETE_COMPLETE`).
    async fn stack(&self, name_or_id: &str) -> Result<Option<Stack>, CallError>;
    /// The template as it was sent (CloudFormation `GetTemplate`, stage `Original`).
    async fn stack_template(&self, name_or_id: &str) -> Result<String, CallError>;
    /// The stack's events, newest first, all pages.
    async fn stack_events(&self, name_or_id: &str) -> Result<Vec<StackEvent>, CallError>;
}

/// Changes stacks, but for their templates: those are changed by change sets.
#[async_trait]
pub trait StackWriter: Send + Sync {
    /// CloudFormation `CreateStack`; gives the stack's id.
    async fn create_stack(&self, request: &StackRequest) -> Result<String, CallError>;
    /// CloudFormation `UpdateTerminationProtection`.
    async fn set_termination_protection(&self, stack: &str, enabled: bool) -> Result<(), CallError>;
    /// CloudFormation `DeleteStack`; returns before the deletion is done. Pass the id, not the name.
    async fn delete_stack(
        &self,
        id: &str,
        service_role_arn: Option<&str>,
        client_request_token: &str,
    ) -> Result<(), CallError>;
}
