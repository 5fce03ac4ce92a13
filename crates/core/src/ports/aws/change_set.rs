//! CloudFormation's change sets: how the template of a stack is changed.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ports::CallError;

/// A change set as `DescribeChangeSet` tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeSet {
    /// ARN.
    pub id: String,
    /// `CREATE_PENDING`, `CREATE_IN_PROGRESS`, `CREATE_COMPLETE`, `FAILED`, …
    pub status: String,
    /// Why; CloudFormation reports "nothing to change" only through this text.
    pub status_reason: Option<String>,
    /// `AVAILABLE`, `UNAVAILABLE`, `EXECUTE_COMPLETE`, …
    pub execution_status: Option<String>,
    /// What it would do, all pages; empty until it is computed, and where only outputs differ.
    pub changes: Vec<ResourceChange>,
}

impl ChangeSet {
    /// Whether it failed only because there is nothing to change.
    pub fn is_empty_change(&self) -> bool {
        self.status == "FAILED"
            && self.status_reason.as_deref().is_some_and(|reason| {
                reason.contains("didn't contain changes") || reason.contains("No updates are to be performed")
            })
    }
}

/// A change set as `ListChangeSets` tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeSetSummary {
    /// ARN.
    pub id: String,
    /// Name.
    pub name: String,
    /// As in [`ChangeSet`].
    pub status: String,
    /// As in [`ChangeSet`].
    pub execution_status: Option<String>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// How long ago that was when it was listed, by the clock of who listed it; none where the time of either is not known.
    pub age: Option<Duration>,
}

/// What executing a change set would do to one resource (CloudFormation `ResourceChange`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceChange {
    /// `Role1`.
    pub logical_id: String,
    /// The resource that is there now; none for one that is added.
    pub physical_id: Option<String>,
    /// `AWS::IAM::Role`.
    pub resource_type: String,
    /// `Add`, `Modify`, `Remove`, `Import` or `Dynamic`; kept as CloudFormation writes it.
    pub action: String,
    /// For `Modify` whether the resource is made anew: `True`, `False`, or `Conditional` where it depends on a value
    /// that is not known yet.
    pub replacement: Option<String>,
}

/// What `CreateChangeSet` (of type UPDATE) is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeSetRequest {
    /// Name or id of the stack.
    pub stack: String,
    /// Name of the change set.
    pub name: String,
    /// The whole template.
    pub template_body: String,
    /// All tags that the stack shall have: CloudFormation replaces the set.
    pub tags: Vec<(String, String)>,
    /// Capabilities to acknowledge.
    pub capabilities: Vec<String>,
    /// eksctl's `--cfn-role-arn`.
    pub service_role_arn: Option<String>,
    /// Makes a repeated request harmless.
    pub client_request_token: String,
}

/// Reads change sets.
#[async_trait]
pub trait ChangeSetReader: Send + Sync {
    /// One change set with its changes (CloudFormation `DescribeChangeSet`, all pages).
    async fn change_set(&self, id: &str) -> Result<ChangeSet, CallError>;
    /// The change sets of a stack, by its name or id (CloudFormation `ListChangeSets`, all pages).
    async fn change_sets(&self, stack: &str) -> Result<Vec<ChangeSetSummary>, CallError>;
}

/// Makes, executes and deletes change sets.
#[async_trait]
pub trait ChangeSetWriter: Send + Sync {
    /// CloudFormation `CreateChangeSet` of type UPDATE; gives the change set's id.
    async fn create_change_set(&self, request: &ChangeSetRequest) -> Result<String, CallError>;
    /// CloudFormation `ExecuteChangeSet`.
    async fn execute_change_set(&self, id: &str, client_request_token: &str) -> Result<(), CallError>;
    /// CloudFormation `DeleteChangeSet`.
    async fn delete_change_set(&self, id: &str) -> Result<(), CallError>;
}
