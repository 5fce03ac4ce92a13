//! The writes that policies need, each one step. Nothing is left to choose when they run.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    kinds::left_change_set::LeftChangeSet,
    live::{Live, ManagedPolicyByArn},
    ports::aws::{ChangeSetRequest, StackRequest},
};

/// One write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "kebab-case")]
pub(crate) enum Operation {
    /// `CreateStack`, and wait for the policy.
    CreateStack { request: StackRequest, arn: String },
    /// A change set, executed, and wait.
    UpdateStack {
        request: ChangeSetRequest,
        stack_name: String,
        arn: String,
    },
    /// `DeleteStack`, and wait.
    DeleteStack {
        name: String,
        id: String,
        arn: String,
        cloudformation_role_arn: Option<String>,
        client_request_token: String,
    },
    /// `UpdateTerminationProtection`.
    SetTerminationProtection { stack: String, enabled: bool },
    /// `CreatePolicyVersion`, where `version` still is the one that holds.
    CreateVersion {
        arn: String,
        document: Value,
        version: Option<String>,
    },
    /// `DeletePolicyVersion`.
    DeleteVersion { arn: String, version: String },
    /// `DeleteChangeSet` of one that a run left.
    DeleteChangeSet(LeftChangeSet),
}

impl Operation {
    /// What it makes of the policy.
    pub(super) fn predict(&self, live: &mut Live) {
        match self {
            Self::DeleteStack { arn, .. } => live.put(ManagedPolicyByArn(arn.clone()), Ok(None)),
            Self::CreateVersion { arn, document, .. } => {
                live.change(&ManagedPolicyByArn(arn.clone()), |policy| {
                    if let Some(policy) = policy {
                        policy.document.clone_from(document);
                    }
                });
            }
            Self::CreateStack { .. }
            | Self::UpdateStack { .. }
            | Self::SetTerminationProtection { .. }
            | Self::DeleteVersion { .. }
            | Self::DeleteChangeSet(_) => {}
        }
    }
}
