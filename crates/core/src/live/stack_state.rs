//! What the status of a stack means.

use super::Live;
use crate::ports::aws::Stack;
use eksact_identity::{cloudformation::RolePurpose, service_account::ServiceAccountKey};

/// What can be done with a stack, by its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StackState {
    /// CloudFormation takes updates.
    Healthy,
    /// It never came to be, or half went: only deleting and making it again helps.
    Broken,
    /// People have to bring it back to health first.
    Stuck,
    /// CloudFormation is at work on it.
    Busy,
    /// It is gone.
    Gone,
}

/// The state behind a status. Statuses that CloudFormation may add later are left to people.
pub fn state_of(status: &str) -> StackState {
    match status {
        "CREATE_COMPLETE"
        | "UPDATE_COMPLETE"
        | "UPDATE_ROLLBACK_COMPLETE"
        | "IMPORT_COMPLETE"
        | "IMPORT_ROLLBACK_COMPLETE" => StackState::Healthy,
        "ROLLBACK_COMPLETE" | "CREATE_FAILED" | "ROLLBACK_FAILED" | "REVIEW_IN_PROGRESS"
        | "DELETE_FAILED" => StackState::Broken,
        "DELETE_COMPLETE" => StackState::Gone,
        status if status.ends_with("_IN_PROGRESS") => StackState::Busy,
        _ => StackState::Stuck,
    }
}

/// The region in a stack's id.
pub fn region_of(stack: &Stack) -> &str {
    stack.id.split(':').nth(3).unwrap_or_default()
}

impl StackState {
    /// Whether CloudFormation refuses to delete a stack of this status.
    pub fn blocks_deletion(status: &str) -> bool {
        match state_of(status) {
            Self::Busy => true,
            Self::Stuck => status.starts_with("IMPORT_"),
            Self::Gone | Self::Healthy | Self::Broken => false,
        }
    }

    /// Whether a stack of this status surely has no resources: what it should have made and is there all the same is somebody
    /// else's. A rollback has taken away what there was, or nothing was begun.
    pub fn holds_nothing(status: &str) -> bool {
        matches!(
            status,
            "ROLLBACK_COMPLETE" | "REVIEW_IN_PROGRESS" | "DELETE_COMPLETE"
        )
    }

    /// The same of a stack whose template has one resource. Where a creation is not rolled back, CloudFormation keeps what it has
    /// made (`DisableRollback`, `CreateStack` in the API reference), and what failed is that one.
    pub fn holds_none_of_one(status: &str) -> bool {
        Self::holds_nothing(status) || status == "CREATE_FAILED"
    }
}

impl Live {
    /// Whether the stack of a service account cannot be deleted now: then the service account stays with it, for a later
    /// run to remove both.
    pub fn removal_blocked(&self, key: &ServiceAccountKey) -> bool {
        self.own_stack(&RolePurpose::ServiceAccount.of(key))
            .is_some_and(|stack| StackState::blocks_deletion(&stack.status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every status of CloudFormation's `StackStatus` (API reference, `DescribeStacks`).
    #[test]
    fn statuses_have_all_their_place() {
        let table = [
            ("CREATE_IN_PROGRESS", StackState::Busy),
            ("CREATE_FAILED", StackState::Broken),
            ("CREATE_COMPLETE", StackState::Healthy),
            ("ROLLBACK_IN_PROGRESS", StackState::Busy),
            ("ROLLBACK_FAILED", StackState::Broken),
            ("ROLLBACK_COMPLETE", StackState::Broken),
            ("DELETE_IN_PROGRESS", StackState::Busy),
            ("DELETE_FAILED", StackState::Broken),
            ("DELETE_COMPLETE", StackState::Gone),
            ("UPDATE_IN_PROGRESS", StackState::Busy),
            ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", StackState::Busy),
            ("UPDATE_COMPLETE", StackState::Healthy),
            ("UPDATE_FAILED", StackState::Stuck),
            ("UPDATE_ROLLBACK_IN_PROGRESS", StackState::Busy),
            ("UPDATE_ROLLBACK_FAILED", StackState::Stuck),
            ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", StackState::Busy),
            ("UPDATE_ROLLBACK_COMPLETE", StackState::Healthy),
            ("REVIEW_IN_PROGRESS", StackState::Broken),
            ("IMPORT_IN_PROGRESS", StackState::Busy),
            ("IMPORT_COMPLETE", StackState::Healthy),
            ("IMPORT_ROLLBACK_IN_PROGRESS", StackState::Busy),
            ("IMPORT_ROLLBACK_FAILED", StackState::Stuck),
            ("IMPORT_ROLLBACK_COMPLETE", StackState::Healthy),
            ("SOMETHING_NEW", StackState::Stuck),
        ];
        for (status, state) in table {
            assert_eq!(state_of(status), state, "{status}");
            let empty = ["ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS", "DELETE_COMPLETE"];
            assert_eq!(
                StackState::holds_nothing(status),
                empty.contains(&status),
                "{status}"
            );
            assert_eq!(
                StackState::holds_none_of_one(status),
                empty.contains(&status) || status == "CREATE_FAILED",
                "{status}"
            );
        }
    }
}
