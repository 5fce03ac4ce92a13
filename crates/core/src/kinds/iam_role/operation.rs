//! The writes that roles need, each one step. Nothing is left to choose when they run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::shared::Carried;
use crate::{
    kinds::left_change_set::LeftChangeSet,
    live::{Live, RoleByName, role_name_of},
    ports::aws::{ChangeSetRequest, StackRequest},
};

/// One write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "kebab-case")]
pub(crate) enum Operation {
    /// `CreateStack`, and wait for the role.
    CreateStack {
        request: StackRequest,
        cluster: String,
        service_account: String,
    },
    /// A change set, executed, and wait.
    UpdateStack {
        request: ChangeSetRequest,
        stack_name: String,
        replaces_role: bool,
        /// The role whose statements of other clusters must outlive the update; none where there is nothing to look after.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shared: Option<Carried>,
    },
    /// `DeleteChangeSet` of one that a run left.
    DeleteChangeSet(LeftChangeSet),
    /// `DeleteStack`, and wait.
    DeleteStack {
        name: String,
        id: String,
        cloudformation_role_arn: Option<String>,
        client_request_token: String,
    },
    /// `UpdateTerminationProtection`.
    SetTerminationProtection { stack: String, enabled: bool },
    /// `UpdateAssumeRolePolicy`; statements of other clusters that share the role stay.
    SetTrustPolicy { role: String, document: Value },
    /// `AttachRolePolicy`.
    AttachPolicy { role: String, policy_arn: String },
    /// `DetachRolePolicy`.
    DetachPolicy { role: String, policy_arn: String },
    /// `PutRolePolicy`.
    PutInlinePolicy {
        role: String,
        name: String,
        document: Value,
    },
    /// `DeleteRolePolicy`.
    DeleteInlinePolicy { role: String, name: String },
    /// `PutRolePermissionsBoundary` or `DeleteRolePermissionsBoundary`.
    SetPermissionsBoundary { role: String, boundary: Option<String> },
    /// `UpdateRole`.
    SetMaxSession { role: String, seconds: u32 },
    /// `TagRole`.
    TagRole {
        role: String,
        tags: BTreeMap<String, String>,
    },
}

impl Operation {
    /// What it makes of the roles that guards look at.
    pub(super) fn predict(&self, live: &mut Live) {
        if let Some(name) = self.role_that_goes(live) {
            live.put(RoleByName(name), Ok(None));
        }
    }

    /// The role that it deletes or that CloudFormation makes anew.
    fn role_that_goes(&self, live: &Live) -> Option<String> {
        let stack = match self {
            Self::DeleteStack { id, .. } => live.known_stacks().iter().find(|stack| stack.id == *id),
            Self::UpdateStack {
                stack_name,
                replaces_role: true,
                ..
            } => live.known_stacks().iter().find(|stack| stack.name == *stack_name),
            _ => None,
        }?;
        role_name_of(stack).map(str::to_owned)
    }
}
