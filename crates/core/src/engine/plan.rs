//! A plan: everything that apply needs and nothing that it would have to choose. It serialises whole, and its JSON form
//! is the machine-readable view.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{AccessDelta, Action, Address, Change, Finding, Partial, Severity, Step};

/// Version of the JSON form: the first number changes when a reader of the old form would go wrong.
pub const FORMAT_VERSION: &str = "1.0";

/// What will change, why, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// Version of this form.
    pub format_version: String,
    /// Version of the tool that made it.
    pub tool_version: String,
    /// What it is a plan for: cluster, account, region and the like, by name.
    pub target: BTreeMap<String, String>,
    /// The objects that change, sorted by address. None: nothing to do.
    pub changes: Vec<Change>,
    /// The objects that are as wanted.
    pub unchanged: Vec<Address>,
    /// What else there is to say.
    pub findings: Vec<Finding>,
    /// How it is done; every step's dependencies stand before it.
    pub steps: Vec<Step>,
    /// What of the whole it is, where it is not the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<Partial>,
    /// Who gains and who loses what by it; none in a part of a plan, and where nobody worked it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<AccessDelta>,
}

impl Plan {
    /// Whether there is anything to apply.
    pub fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }

    /// How many changes have this action.
    pub fn count(&self, action: Action) -> usize {
        self.changes
            .iter()
            .filter(|change| change.action == action)
            .count()
    }

    /// How many changes give more access, or may.
    pub fn broadening(&self) -> usize {
        self.changes
            .iter()
            .filter(|change| change.effect.broadens())
            .count()
    }

    /// The findings of this weight.
    pub fn findings_of(&self, severity: Severity) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(move |finding| finding.severity == severity)
    }

    /// Whether it may be carried out: no guard refuses it. Objects that could not be planned do not stop the others.
    pub fn may_be_applied(&self) -> bool {
        self.findings_of(Severity::Refusal).next().is_none()
    }

    /// Digest of what the plan would do and of what it was made from: two plans with the same digest do the same to the
    /// same objects. Findings, wording and what follows from the changes do not count.
    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        let essence = serde_json::json!({
            "target": self.target,
            "changes": self.changes.iter().map(|change| {
                serde_json::json!([change.address, change.action, change.fingerprint])
            }).collect::<Vec<_>>(),
            "steps": self.steps.iter().map(|step| {
                serde_json::json!([step.id, step.depends_on, step.operation])
            }).collect::<Vec<_>>(),
        });
        hasher.update(essence.to_string());
        format!("sha256:{}", hex::encode(hasher.finalize()))
    }
}

/// Digest of what was read of an object, for [`Change::fingerprint`].
pub fn fingerprint(read: &impl Serialize) -> String {
    let text = serde_json::to_string(read).unwrap_or_default();
    hex::encode(Sha256::digest(text.as_bytes()))
}
