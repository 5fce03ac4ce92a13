//! Many clusters in one run: what became of each, and how the run ends. One cluster that fails hides no other.

pub mod shard;

use std::{collections::BTreeMap, fmt, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    config::ClusterConfig,
    engine::{Event, Plan, Report, Severity},
};
use eksact_message::remedy::Remedy;

/// Which cluster: by the name, the region, and the account where the files say it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct ClusterId {
    /// The account, as far as a file names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Its region.
    pub region: String,
    /// Its name.
    pub name: String,
}

impl ClusterId {
    /// The cluster that a configuration is about.
    pub fn of(config: &ClusterConfig) -> Self {
        let account = config
            .access
            .account
            .as_ref()
            .and_then(|account| account.number());
        Self {
            account: account.map(str::to_owned),
            region: config.metadata.region.value.clone(),
            name: config.metadata.name.value.clone(),
        }
    }

    /// The file that its saved plan has in a folder of plans. Validated names have no dot and no slash, so two clusters never
    /// share one.
    pub fn file_name(&self) -> String {
        let account = self.account.iter().map(String::as_str);
        let parts: Vec<&str> = account
            .chain([self.region.as_str(), self.name.as_str()])
            .collect();
        format!("{}.json", parts.join("."))
    }
}

impl fmt::Display for ClusterId {
    /// `eu-west-1/prod`, with the account before it where a file names it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(account) = &self.account {
            write!(f, "{account}/")?;
        }
        write!(f, "{}/{}", self.region, self.name)
    }
}

/// What became of a cluster. A closed set: views have a word for each, and the exit code follows from all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Everything is as its files say.
    Unchanged,
    /// There are changes, and nothing was applied.
    Changes,
    /// Something was changed since it was applied, or may have been.
    Drift,
    /// All that was planned was done.
    Applied,
    /// The changes were not approved.
    NotApproved,
    /// A guard refuses its plan; nothing of it was applied.
    Refused,
    /// It moved between its plan and the approval; nothing of it was applied.
    Stale,
    /// Some steps were done and others failed or were not tried.
    Partial,
    /// It failed; nothing of it was changed, or what it is could not be read or planned.
    Failed,
    /// Its files cannot be used.
    Invalid,
    /// It took longer than a cluster may.
    TimedOut,
    /// The run was interrupted before its end.
    Interrupted,
}

impl Status {
    /// Every status, in the order of summaries.
    pub const ALL: [Self; 12] = [
        Self::Applied,
        Self::Changes,
        Self::Drift,
        Self::Unchanged,
        Self::NotApproved,
        Self::Refused,
        Self::Stale,
        Self::Partial,
        Self::Failed,
        Self::Invalid,
        Self::TimedOut,
        Self::Interrupted,
    ];

    /// As it is written in documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Changes => "changes",
            Self::Drift => "drift",
            Self::Applied => "applied",
            Self::NotApproved => "not-approved",
            Self::Refused => "refused",
            Self::Stale => "stale",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Invalid => "invalid",
            Self::TimedOut => "timed-out",
            Self::Interrupted => "interrupted",
        }
    }

    /// Whether something went wrong, whatever it was.
    pub const fn is_failure(self) -> bool {
        matches!(
            self,
            Self::Stale | Self::Partial | Self::Failed | Self::Invalid | Self::TimedOut | Self::Interrupted
        )
    }

    /// Of a plan that was made and is only looked at.
    pub fn of_plan(plan: &Plan, is_drift: bool) -> Self {
        if plan.findings_of(Severity::Error).next().is_some() {
            Self::Failed
        } else if !plan.may_be_applied() {
            Self::Refused
        } else if !plan.has_changes() {
            Self::Unchanged
        } else if is_drift {
            Self::Drift
        } else {
            Self::Changes
        }
    }
}

/// Why a cluster failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Problem {
    /// What failed and why; its first line says it in short.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub help: Vec<Remedy>,
}

/// What became of one cluster.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Which cluster; none where its files do not say.
    pub cluster: Option<ClusterId>,
    /// Its files as the user named them, the ClusterConfig first.
    pub files: Vec<String>,
    /// How it ended.
    pub status: Status,
    /// Its plan, where one could be made.
    pub plan: Option<Plan>,
    /// What people approve the plan by, where that was asked for.
    pub digest: Option<String>,
    /// The file in which the plan was saved.
    pub saved: Option<String>,
    /// How its apply ended, where one was begun.
    pub run: Option<(Report, Vec<Event>)>,
    /// Why it failed.
    pub problem: Option<Problem>,
    /// How long it took.
    pub took: Duration,
}

impl Outcome {
    /// How people know it: its cluster, else its file.
    pub fn label(&self) -> String {
        match &self.cluster {
            Some(cluster) => cluster.to_string(),
            None => self.files.first().cloned().unwrap_or_default(),
        }
    }

    /// How many changes of its plan give more access, or may.
    pub fn broadening(&self) -> usize {
        self.plan.as_ref().map_or(0, Plan::broadening)
    }
}

/// How the whole run ended: the worst of all. A failure beside a cluster that was changed is a partial apply.
pub fn ending<'outcome>(outcomes: impl IntoIterator<Item = &'outcome Outcome>) -> Status {
    let statuses: Vec<Status> = outcomes.into_iter().map(|outcome| outcome.status).collect();
    let has = |wanted: Status| statuses.contains(&wanted);
    if has(Status::Interrupted) {
        return Status::Interrupted;
    }
    let failures: Vec<Status> = statuses
        .iter()
        .copied()
        .filter(|status| status.is_failure())
        .collect();
    if let Some(first) = failures.first() {
        return if has(Status::Partial) || has(Status::Applied) {
            Status::Partial
        } else if failures.iter().all(|status| status == first) && *first != Status::TimedOut {
            *first
        } else {
            Status::Failed
        };
    }
    let by_weight = [
        Status::Refused,
        Status::NotApproved,
        Status::Drift,
        Status::Changes,
    ];
    by_weight
        .into_iter()
        .find(|status| has(*status))
        .unwrap_or(Status::Unchanged)
}

/// How many clusters have each status, those that none has left out.
pub fn counts(outcomes: &[Outcome]) -> BTreeMap<Status, usize> {
    let mut counts = BTreeMap::new();
    for outcome in outcomes {
        *counts.entry(outcome.status).or_default() += 1;
    }
    counts
}

/// What several saved plans are approved by together: SHA-256 over their digests, sorted, one a line, so that
/// `jq -r '.digest // empty' FOLDER/* | sort | sha256sum` has the same.
pub fn digest_of_all<'plan>(digests: impl IntoIterator<Item = &'plan str>) -> String {
    let mut sorted: Vec<&str> = digests.into_iter().collect();
    sorted.sort_unstable();
    let mut hasher = Sha256::new();
    for digest in sorted {
        hasher.update(digest);
        hasher.update("\n");
    }
    format!("sha256:{}", hex::encode(hasher.finalize()))
}

/// What the saved plans of these are approved by together; none where no plan is saved.
pub fn digest_of_saved(outcomes: &[Outcome]) -> Option<String> {
    let saved = outcomes.iter().filter(|outcome| outcome.saved.is_some());
    let digests: Vec<&str> = saved.filter_map(|outcome| outcome.digest.as_deref()).collect();
    (!digests.is_empty()).then(|| digest_of_all(digests))
}

/// What all plans together are known by: two runs with the same plans have the same.
pub fn digest(outcomes: &[Outcome]) -> String {
    let mut hasher = Sha256::new();
    for outcome in outcomes {
        let digest = outcome.digest.as_deref().unwrap_or(outcome.status.as_str());
        for part in [outcome.label().as_str(), digest] {
            hasher.update(part.len().to_be_bytes());
            hasher.update(part);
        }
    }
    format!("sha256:{}", hex::encode(hasher.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(statuses: &[Status]) -> Vec<Outcome> {
        let outcome = |status: &Status| Outcome {
            cluster: None,
            files: vec!["a.yaml".to_owned()],
            status: *status,
            plan: None,
            digest: None,
            saved: None,
            run: None,
            problem: None,
            took: Duration::ZERO,
        };
        statuses.iter().map(outcome).collect()
    }

    #[test]
    fn worst_decides_how_the_run_ends() {
        use Status::{
            Applied, Changes, Drift, Failed, Interrupted, Invalid, NotApproved, Partial, Refused, Stale,
            TimedOut, Unchanged,
        };
        let table: [(&[Status], Status); 16] = [
            (&[], Unchanged),
            (&[Unchanged, Applied], Unchanged),
            (&[Unchanged, Changes], Changes),
            (&[Changes, Drift], Drift),
            (&[Changes, NotApproved], NotApproved),
            (&[Changes, Refused, NotApproved], Refused),
            (&[Applied, Refused], Refused),
            (&[Refused, Failed], Failed),
            (&[Invalid, Invalid, Changes], Invalid),
            (&[Invalid, Failed], Failed),
            (&[Stale, Refused], Stale),
            (&[TimedOut], Failed),
            (&[Applied, Failed], Partial),
            (&[Applied, Invalid], Partial),
            (&[Partial, Unchanged], Partial),
            (&[Partial, Interrupted, Failed], Interrupted),
        ];
        for (statuses, wanted) in table {
            assert_eq!(ending(&outcomes(statuses)), wanted, "{statuses:?}");
        }
    }

    /// As `jq -r .digest FOLDER/*.json | sort | sha256sum` has it, however the files are named.
    #[test]
    fn plans_are_approved_together_by_their_digests_alone() {
        let both = digest_of_all(["sha256:b", "sha256:a"]);
        assert_eq!(both, digest_of_all(["sha256:a", "sha256:b"]));
        assert_eq!(
            both, "sha256:5d02884ff145014d7bbd2e791dfad6096dbc4208330b699b82742d4b403d1f56",
            "printf 'sha256:a\\nsha256:b\\n' | sha256sum"
        );
        assert_ne!(both, digest_of_all(["sha256:a"]));
        let mut all = outcomes(&[Status::Changes, Status::Failed]);
        assert_eq!(digest_of_saved(&all), None);
        for (outcome, digest) in all.iter_mut().zip(["sha256:a", "sha256:b"]) {
            outcome.saved = Some("x.json".to_owned());
            outcome.digest = Some(digest.to_owned());
        }
        assert_eq!(digest_of_saved(&all), Some(both));
    }

    #[test]
    fn words_are_those_of_the_documents() {
        for status in Status::ALL {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
        let id = |account: Option<&str>| ClusterId {
            account: account.map(str::to_owned),
            region: "eu-west-1".to_owned(),
            name: "prod".to_owned(),
        };
        assert_eq!(id(None).to_string(), "eu-west-1/prod");
        assert_eq!(id(None).file_name(), "eu-west-1.prod.json");
        assert_eq!(
            id(Some("111122223333")).to_string(),
            "111122223333/eu-west-1/prod"
        );
        assert_eq!(
            id(Some("111122223333")).file_name(),
            "111122223333.eu-west-1.prod.json"
        );
    }
}
