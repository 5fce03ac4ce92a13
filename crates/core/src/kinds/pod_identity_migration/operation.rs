//! The writes of a migration, and the look before those that take something away.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine::StepError;
use eksact_identity::{
    iam::pod_trust::{PodTrustError, with_accounts, without_subjects},
    service_account::ServiceAccountKey,
};

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "kebab-case")]
pub(crate) enum Operation {
    /// Lets EKS Pod Identity hand the role out to these accounts.
    Trust {
        role: String,
        role_id: String,
        cluster_arn: String,
        accounts: BTreeSet<ServiceAccountKey>,
    },
    /// Sees to it that each of these accounts has an association with the role, and no pod that needs the annotation.
    Confirm {
        cluster: String,
        role_arn: String,
        accounts: BTreeSet<ServiceAccountKey>,
    },
    /// Takes the subjects of these accounts out of the statements that trust the cluster's provider.
    Untrust {
        role: String,
        role_id: String,
        provider_arn: String,
        issuer: String,
        accounts: BTreeSet<ServiceAccountKey>,
    },
}

/// What a write makes of a trust policy.
type Edit<'a> = Box<dyn Fn(&Value) -> Result<Value, StepError> + Send + Sync + 'a>;

impl Operation {
    /// The role whose trust policy is written, and what it becomes; none where the step writes none.
    pub(super) fn edit(&self) -> Option<(&str, Edit<'_>)> {
        let edit: Edit<'_> = match self {
            Self::Trust {
                role,
                cluster_arn,
                accounts,
                ..
            } => Box::new(move |policy| {
                with_accounts(policy, cluster_arn, accounts).map_err(|error| failed(role, &error))
            }),
            Self::Untrust {
                role,
                provider_arn,
                issuer,
                accounts,
                ..
            } => Box::new(move |policy| {
                without_subjects(policy, provider_arn, issuer, accounts).map_err(|error| failed(role, &error))
            }),
            Self::Confirm { .. } => return None,
        };
        match self {
            Self::Trust { role, .. } | Self::Untrust { role, .. } => Some((role, edit)),
            Self::Confirm { .. } => None,
        }
    }
}

fn failed(role: &str, error: &PodTrustError) -> StepError {
    StepError::new(format!(
        "the trust policy of role {role} cannot be changed: {error}"
    ))
}
