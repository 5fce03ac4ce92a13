//! The writes that associations need. An update carries what the plan saw, and is not made over anything else.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{engine::Deferred, ports::aws::PodIdentityAssociation};

/// One write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "kebab-case")]
pub(crate) enum Operation {
    /// `CreatePodIdentityAssociation`.
    Create {
        cluster: String,
        namespace: String,
        service_account: String,
        role_arn: Deferred<String>,
        session: Session,
        tags: BTreeMap<String, String>,
        client_request_token: String,
    },
    /// `UpdatePodIdentityAssociation`.
    Update {
        cluster: String,
        id: String,
        before: Given,
        role_arn: Deferred<String>,
        session: Session,
        client_request_token: String,
    },
    /// `TagResource`; other tags stay.
    Tag {
        arn: String,
        tags: BTreeMap<String, String>,
    },
    /// `DeletePodIdentityAssociation`.
    Delete {
        cluster: String,
        id: String,
        before: Given,
    },
}

/// What the session of the pods is, besides the role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    /// The role that is assumed from the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) target_role_arn: Option<String>,
    /// Whether it has no tags.
    pub(super) disable_session_tags: bool,
    /// The policy that limits it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) policy: Option<String>,
}

/// What an association gives: all that an update may change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Given {
    pub(super) role_arn: String,
    pub(super) session: Session,
}

impl Given {
    /// What this association gives.
    pub(super) fn of(association: &PodIdentityAssociation) -> Self {
        Self {
            role_arn: association.role_arn.clone(),
            session: Session {
                target_role_arn: association.target_role_arn.clone(),
                disable_session_tags: association.disable_session_tags,
                policy: association.policy.clone(),
            },
        }
    }

    /// Whether both give the same; the text of a policy may be written in many ways.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.role_arn == other.role_arn && self.session.is_same(&other.session)
    }
}

impl Session {
    /// Whether both are the same; the text of a policy may be written in many ways.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.target_role_arn == other.target_role_arn
            && self.disable_session_tags == other.disable_session_tags
            && same_policy(self.policy.as_deref(), other.policy.as_deref())
    }
}

/// A policy's document; its text where it is not JSON.
pub(super) fn document(policy: &str) -> serde_json::Value {
    serde_json::from_str(policy).unwrap_or_else(|_| policy.into())
}

/// Whether two policies are the same in meaning.
pub(super) fn same_policy(left: Option<&str>, right: Option<&str>) -> bool {
    match (left, right) {
        (None, None) => true,
        (Some(left), Some(right)) => {
            left == right || eksact_identity::iam::policy::equal(&document(left), &document(right))
        }
        _ => false,
    }
}
