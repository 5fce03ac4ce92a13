//! The writes of `aws-auth`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::delta::{Delta, EntryChange, Outcome};
use crate::{
    engine::{Deferred, PlanDraft},
    guard::{Guard, access::KnownRefusal, entries::AccessEntries, standpoint::Standpoint},
    kinds::RunContext,
    live::{self, AWS_AUTH, AWS_AUTH_NAMESPACE, AwsAuth, Live, LiveReader, addresses},
    ports::kubernetes::{AccessReview, ConfigMap},
};
use eksact_identity::authn::aws_auth::SectionKey;

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
        standpoint: Box<Standpoint>,
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
        #[serde(rename = "way_back")]
        recovery: String,
    },
}

/// Keeps the texts that change as outcomes of the plan: a large ConfigMap is worked out once, whoever asks what it becomes.
pub(super) fn keep_texts(outcome: &Outcome, draft: &mut PlanDraft) {
    for section in SectionKey::ALL {
        if let Some(text) = outcome.data.get(section.as_str()) {
            let text = Deferred::Known(text.clone());
            draft.set_outcome(addresses::aws_auth(), section.as_str(), text);
        }
    }
}

/// The texts that change, by key.
pub(super) fn texts(draft: &PlanDraft) -> BTreeMap<String, String> {
    SectionKey::ALL
        .into_iter()
        .filter_map(
            |section| match draft.outcome(addresses::aws_auth(), section.as_str()) {
                Some(Deferred::Known(text)) => Some((section.as_str().to_owned(), text.clone())),
                _ => None,
            },
        )
        .collect()
}

impl Operation {
    /// ARN of the cluster.
    pub(super) fn cluster_arn(&self) -> &str {
        match self {
            Self::Write { cluster_arn, .. } | Self::Restore { cluster_arn, .. } => cluster_arn,
        }
    }

    /// The commands that lead back in after a lockout.
    pub(super) fn recovery(&self) -> &str {
        match self {
            Self::Write { standpoint, .. } => &standpoint.recovery,
            Self::Restore { recovery, .. } => recovery,
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
    pub(super) fn predict(&self, draft: &PlanDraft, live: &mut Live) {
        let Some(Ok(now)) = live.aws_auth() else {
            return;
        };
        let mut config_map = now.clone().unwrap_or_else(|| ConfigMap {
            namespace: AWS_AUTH_NAMESPACE.to_owned(),
            name: AWS_AUTH.to_owned(),
            ..ConfigMap::default()
        });
        match self {
            Self::Write { .. } => config_map.data.extend(texts(draft)),
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
    }

    /// Lets the guards look at the access entries as they are now; false where they cannot be read, or the guards look at none.
    pub(super) async fn look_at_entries_again(&mut self, context: &RunContext) -> bool {
        let Self::Write {
            cluster_arn,
            standpoint,
            ..
        } = self
        else {
            return false;
        };
        let name = cluster_arn.rsplit('/').next().unwrap_or_default();
        standpoint.entries = match LiveReader::begin(context.readers.clone(), name).await {
            Ok(reader) => {
                reader.ask(live::AccessEntries).await;
                AccessEntries::of(&reader.snapshot())
            }
            Err(_) => AccessEntries::Unknown,
        };
        standpoint.entries != AccessEntries::Unknown
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
