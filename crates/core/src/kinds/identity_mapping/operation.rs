//! The writes of `aws-auth`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::delta::{Delta, EntryChange, work_out};
use crate::{
    engine::StepError,
    guard::{Guard, access::KnownRefusal, standpoint::Standpoint},
    live::{AWS_AUTH, AWS_AUTH_NAMESPACE, AwsAuth, Live},
    ports::kubernetes::{AccessReview, ConfigMap},
};

/// One write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "kebab-case")]
pub(crate) enum Operation {
    /// Changes entries; the rest stays byte for byte.
    Write {
        /// ARN of the cluster, for local backups.
        cluster_arn: String,
        /// What shall become of the entries.
        delta: Delta,
        /// What that was to change when the plan was made: nothing else may be changed.
        expected: Vec<EntryChange>,
        /// The guards that refused and were allowed.
        allowed: Vec<KnownRefusal>,
        /// What the guards look at.
        standpoint: Standpoint,
        /// Whether there was no ConfigMap.
        create: bool,
    },
    /// Takes the whole of `data` back to a backup.
    Restore {
        /// ARN of the cluster, for local backups.
        cluster_arn: String,
        /// Name of the backup.
        backup: String,
        /// Digest of the `data` that the plan saw: a ConfigMap that moved since is not overwritten.
        seen: Option<String>,
        /// Keys of `data`: their text, or none for those that go.
        data: BTreeMap<String, Option<String>>,
        /// The annotation that records what eksact wrote.
        annotation: Option<String>,
        /// The guards that refused and were allowed.
        allowed: Vec<KnownRefusal>,
        /// The commands that lead back in after a lockout.
        way_back: String,
    },
}

/// What a delta makes of the ConfigMap that was read, as the plan has worked it out: a large one is not read twice.
#[derive(Clone, Debug, Default)]
pub(super) struct WorkedOut {
    pub delta: Delta,
    /// The texts that change, by key.
    pub data: BTreeMap<String, String>,
}

impl Operation {
    /// ARN of the cluster.
    pub(super) fn cluster_arn(&self) -> &str {
        match self {
            Self::Write { cluster_arn, .. } | Self::Restore { cluster_arn, .. } => cluster_arn,
        }
    }

    /// The commands that lead back in after a lockout.
    pub(super) fn way_back(&self) -> &str {
        match self {
            Self::Write { standpoint, .. } => &standpoint.way_back,
            Self::Restore { way_back, .. } => way_back,
        }
    }

    /// Whether it takes the ConfigMap back to a backup.
    pub(super) fn is_restore(&self) -> bool {
        matches!(self, Self::Restore { .. })
    }

    /// Whether somebody was let pass who takes access away that may be needed to give it back.
    pub(super) fn may_lock_out(&self) -> bool {
        let (Self::Write { allowed, .. } | Self::Restore { allowed, .. }) = self;
        [Guard::OwnAccessLost, Guard::LastAdminLost]
            .iter()
            .any(|guard| allowed.iter().any(|known| known.code == guard.code()))
    }

    /// Changes the ConfigMap that was read as the write would.
    pub(super) fn predict(&self, live: &mut Live) -> Result<(), StepError> {
        let Some(Ok(now)) = live.aws_auth() else {
            return Ok(());
        };
        let mut config_map = now.clone().unwrap_or_else(|| ConfigMap {
            namespace: AWS_AUTH_NAMESPACE.to_owned(),
            name: AWS_AUTH.to_owned(),
            ..ConfigMap::default()
        });
        match self {
            Self::Write { delta, .. } => {
                let known = live.derived(|_| WorkedOut::default());
                let data = if known.delta == *delta {
                    known.data.clone()
                } else {
                    let outcome = work_out(delta, now.as_ref());
                    outcome.map_err(|error| StepError::new(error.to_string()))?.data
                };
                config_map.data.extend(data);
            }
            Self::Restore { data, .. } => {
                for (key, text) in data {
                    match text {
                        Some(text) => config_map.data.insert(key.clone(), text.clone()),
                        None => config_map.data.remove(key),
                    };
                }
            }
        }
        live.put(AwsAuth, Ok(Some(config_map)));
        Ok(())
    }

    /// Keeps what guards refuse, before what was known when the write was planned.
    pub(super) fn keep_refusals(&mut self, refusals: &[KnownRefusal]) {
        let (Self::Write { allowed, .. } | Self::Restore { allowed, .. }) = self;
        allowed.splice(0..0, refusals.iter().cloned());
    }

    /// What the caller must be allowed. Backups have another way where the cluster refuses them.
    pub(super) fn access_reviews(&self) -> Vec<AccessReview> {
        let create = match self {
            Self::Write { create, .. } => *create,
            Self::Restore { seen, .. } => seen.is_none(),
        };
        ["get", if create { "create" } else { "patch" }]
            .into_iter()
            .map(|verb| AccessReview {
                verb: verb.to_owned(),
                group: String::new(),
                resource: "configmaps".to_owned(),
                namespace: Some(AWS_AUTH_NAMESPACE.to_owned()),
            })
            .collect()
    }
}
