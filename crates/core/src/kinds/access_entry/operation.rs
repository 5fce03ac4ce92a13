//! The writes of access entries, one call of EKS each.

use serde::{Deserialize, Serialize};

use crate::{
    kinds::left_change_set::LeftChangeSet,
    live::{AccessEntries, Live},
    ports::aws::{AccessEntry, AccessPolicy, ChangeSetRequest, NewAccessEntry},
};
use eksact_identity::authn::access_entry::derived_username;

/// One write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "kebab-case")]
pub(crate) enum Operation {
    /// Makes an entry.
    Create {
        /// Name of the cluster.
        cluster: String,
        /// The entry.
        entry: NewAccessEntry,
        /// Whether IAM was seen to have the principal: a refusal of it is a delay then.
        principal_exists: bool,
        /// The policies that the plan gives it next: one that somebody else makes meanwhile may have them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        policies: Vec<AccessPolicy>,
        /// Whether the plan takes the cluster out of mode `CONFIG_MAP` first.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_after_switch: bool,
    },
    /// Sets the user name and the groups, both of them.
    Update {
        /// Name of the cluster.
        cluster: String,
        /// The entry as it was.
        seen: AccessEntry,
        /// The user name; EKS derives one where there is none.
        username: Option<String>,
        /// The groups.
        groups: Vec<String>,
        /// Whether a group goes that stands in for a policy of the same plan: EKS takes seconds until the policy counts.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_after_policy: bool,
    },
    /// Associates a policy, or gives it another scope.
    Associate {
        /// Name of the cluster.
        cluster: String,
        /// The entry's principal.
        principal_arn: String,
        /// The policy with its scope.
        policy: AccessPolicy,
        /// The policy as it was, where it was associated.
        seen: Option<AccessPolicy>,
        /// Whether the same plan makes the entry.
        is_new: bool,
    },
    /// Takes a policy away.
    Disassociate {
        /// Name of the cluster.
        cluster: String,
        /// The entry's principal.
        principal_arn: String,
        /// The policy as it was.
        seen: AccessPolicy,
    },
    /// Deletes an entry with its policies.
    Delete {
        /// Name of the cluster.
        cluster: String,
        /// The entry as it was.
        seen: AccessEntry,
    },
    /// Changes an entry with the template of eksctl's stack for it.
    UpdateStack {
        /// Name of the cluster.
        cluster: String,
        /// The change set.
        request: Box<ChangeSetRequest>,
        /// Name of the stack.
        stack_name: String,
        /// The entry as it was when the plan was made.
        seen: AccessEntry,
        /// The entry as it shall be.
        wanted: Box<AccessEntry>,
        /// Whether something goes for which the same plan gave a policy: EKS takes seconds until it counts.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_after_policy: bool,
    },
    /// Deletes eksctl's stack for an entry, with the entry where it has one.
    DeleteStack {
        /// Name of the cluster.
        cluster: String,
        /// Name of the stack.
        name: String,
        /// Its id.
        id: String,
        /// eksctl's `--cfn-role-arn`.
        cloudformation_role_arn: Option<String>,
        /// Makes a repeated request harmless.
        client_request_token: String,
        /// The entry as it was; none where the stack has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seen: Option<AccessEntry>,
    },
    /// Deletes a change set that a run left on eksctl's stack for an entry.
    DeleteChangeSet(LeftChangeSet),
}

impl Operation {
    /// Changes what was read as the write would.
    pub(super) fn predict(&self, live: &mut Live) {
        live.change(&AccessEntries, |entries| match self {
            Self::Create { entry, .. } => entries.push(made(entry)),
            Self::UpdateStack { wanted, .. } => {
                if let Some(entry) = of(entries, &wanted.principal_arn) {
                    entry.username.clone_from(&wanted.username);
                    entry.groups.clone_from(&wanted.groups);
                    entry.policies.clone_from(&wanted.policies);
                }
            }
            Self::DeleteStack { seen: None, .. } | Self::DeleteChangeSet(_) => {}
            Self::Delete { seen, .. } | Self::DeleteStack { seen: Some(seen), .. } => {
                entries.retain(|entry| entry.principal_arn != seen.principal_arn);
            }
            Self::Update {
                seen,
                username,
                groups,
                ..
            } => {
                if let Some(entry) = of(entries, &seen.principal_arn) {
                    entry.username = username
                        .clone()
                        .unwrap_or_else(|| derived_username(&entry.entry_type, &entry.principal_arn));
                    entry.groups.clone_from(groups);
                }
            }
            Self::Associate {
                principal_arn,
                policy,
                ..
            } => {
                if let Some(entry) = of(entries, principal_arn) {
                    entry.policies.retain(|other| other.arn != policy.arn);
                    entry.policies.push(policy.clone());
                }
            }
            Self::Disassociate {
                principal_arn, seen, ..
            } => {
                if let Some(entry) = of(entries, principal_arn) {
                    entry.policies.retain(|policy| policy.arn != seen.arn);
                }
            }
        });
    }
}

fn of<'a>(entries: &'a mut [AccessEntry], principal_arn: &str) -> Option<&'a mut AccessEntry> {
    entries
        .iter_mut()
        .find(|entry| entry.principal_arn == principal_arn)
}

/// The entry that EKS makes of this, without what only EKS knows.
pub(super) fn made(new: &NewAccessEntry) -> AccessEntry {
    AccessEntry {
        username: new
            .username
            .clone()
            .unwrap_or_else(|| derived_username(&new.entry_type, &new.principal_arn)),
        principal_arn: new.principal_arn.clone(),
        groups: new.groups.clone(),
        entry_type: new.entry_type.clone(),
        tags: new.tags.clone(),
        ..AccessEntry::default()
    }
}
