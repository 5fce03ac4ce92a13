//! Many clusters for machines: one JSON object.
//!
//! | field | what |
//! |---|---|
//! | `format_version`, `tool_version` | of this form, and of the eksact that wrote it |
//! | `run` | `plan`, `drift` or `apply` |
//! | `status` | how the whole ended: the worst of all; see [`crate::fleet::Status`] |
//! | `counts` | how many clusters have each status |
//! | `digest` | of the saved plans together, where there are any: what `apply FOLDER --expect` takes |
//! | `clusters[]` | in the order of the files |
//! | `clusters[].cluster` | `name`, `region`, and `account` where a file names it; absent where the files do not say |
//! | `clusters[].files[]` | its files as the user named them, the ClusterConfig first |
//! | `clusters[].status`, `.took_milliseconds` | how it ended, and after how long |
//! | `clusters[].problem` | `message` and `help[]`, where it failed |
//! | `clusters[].plan` | its plan as `-o json` writes one, see [`super::plan_json`] |
//! | `clusters[].digest`, `.saved` | the digest and the file of a plan that was saved |
//! | `clusters[].report`, `.notes[]` | of an apply, as in [`super::apply_json`] |

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{
    apply_json::{NoteForm, ReportForm, notes, report_form},
    fleet_human::Run,
    plan_json::{json, schema_of},
};
use crate::{
    engine::{Plan, plan::FORMAT_VERSION},
    fleet::{ClusterId, Outcome, Problem, Status, counts, digest_of_saved, ending},
};

#[derive(Serialize, JsonSchema)]
struct Fleet<'run> {
    format_version: &'static str,
    tool_version: &'static str,
    run: &'static str,
    status: Status,
    counts: BTreeMap<&'static str, usize>,
    /// Of the saved plans together: what `apply FOLDER --expect` takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    clusters: Vec<ClusterForm<'run>>,
}

/// How it ended for one cluster, in the document and in the lines of a run.
#[derive(Serialize, JsonSchema)]
pub(super) struct EndedForm<'run> {
    /// Absent where its files do not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<&'run ClusterId>,
    /// Its files as the user named them.
    files: &'run [String],
    status: Status,
    took_milliseconds: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'run Problem>,
    /// What people approve its plan by, and the file of a plan that was saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<&'run str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    saved: Option<&'run str>,
}

#[derive(Serialize, JsonSchema)]
struct ClusterForm<'run> {
    #[serde(flatten)]
    ended: EndedForm<'run>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<&'run Plan>,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<ReportForm<'run>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<NoteForm<'run>>,
}

/// The JSON Schema of the document.
pub fn schema() -> Value {
    schema_of::<Fleet<'static>>(
        "A run of eksact over many clusters, as `plan` and `apply` write it with `-o json`",
    )
}

/// The run as indented JSON with a line end. `tool_version` is that of the eksact that writes it.
pub fn fleet_json(
    outcomes: &[Outcome],
    run: Run,
    tool_version: &'static str,
) -> Result<String, serde_json::Error> {
    let counts = counts(outcomes);
    json(&Fleet {
        format_version: FORMAT_VERSION,
        tool_version,
        run: match run {
            Run::Plan => "plan",
            Run::Drift => "drift",
            Run::Apply => "apply",
        },
        status: ending(outcomes),
        counts: counts
            .iter()
            .map(|(status, count)| (status.as_str(), *count))
            .collect(),
        digest: digest_of_saved(outcomes),
        clusters: outcomes.iter().map(form).collect(),
    })
}

impl<'run> EndedForm<'run> {
    pub(super) fn of(outcome: &'run Outcome) -> Self {
        Self {
            cluster: outcome.cluster.as_ref(),
            files: &outcome.files,
            status: outcome.status,
            took_milliseconds: u64::try_from(outcome.took.as_millis()).unwrap_or(u64::MAX),
            problem: outcome.problem.as_ref(),
            digest: outcome.digest.as_deref(),
            saved: outcome.saved.as_deref(),
        }
    }
}

fn form(outcome: &Outcome) -> ClusterForm<'_> {
    let run = outcome.plan.as_ref().zip(outcome.run.as_ref());
    ClusterForm {
        ended: EndedForm::of(outcome),
        plan: outcome.plan.as_ref(),
        report: run.map(|(plan, (report, _))| report_form(plan, report)),
        notes: run.map(|(_, (_, events))| notes(events)).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::samples;

    #[test]
    fn cluster_has_what_became_of_it() {
        let text = fleet_json(&samples::fleet(), Run::Plan, "0.0.0").unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["status"], "failed");
        assert_eq!(
            value["counts"],
            serde_json::json!({"changes": 1, "invalid": 1, "timed-out": 1, "unchanged": 1})
        );
        assert_eq!(value["clusters"][0]["cluster"]["name"], "prod");
        assert_eq!(value["clusters"][2].get("cluster"), None);
        assert_eq!(value.get("digest"), None, "nothing is saved");
        let plan: Plan = serde_json::from_value(value["clusters"][0]["plan"].clone()).unwrap();
        assert_eq!(plan, samples::plan());
        let text = fleet_json(&samples::fleet_applied(), Run::Apply, "0.0.0").unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["status"], "partial");
        assert_eq!(value["clusters"][0]["report"]["succeeded"], false);
    }
}
