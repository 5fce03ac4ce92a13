//! An apply for machines: `apply -o json`, one object when the run is over.
//!
//! | field | what |
//! |---|---|
//! | `format_version` | of this form, as in a plan |
//! | `plan` | the plan that was carried out, see [`super::plan_json`]; its `changes` and `steps` are what the rest names |
//! | `report.succeeded`, `report.interrupted` | whether everything was done; whether the user asked to stop |
//! | `report.objects[]` | `address`, `action`, `outcome`: `done`, `failed`, `unknown` (given up in flight), `not-tried`, `unfinished` (some of its steps done, none failed) |
//! | `report.steps[]` | `id`, `outcome`; `message` and `help[]` of a failure, `reason` of a step not tried |
//! | `notes[]` | what finished steps had to say: `address`, `text` |
//!
//! Where nothing was to be done `report` has no objects and `succeeded` is true.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{
    plan_json::{json, schema_of},
    report::{Outcome, outcomes},
};
use crate::engine::{Action, Address, Event, EventKind, Plan, Report, StepId, plan::FORMAT_VERSION};
use eksact_message::remedy::Remedy;

#[derive(Serialize, JsonSchema)]
struct Apply<'run> {
    format_version: &'static str,
    plan: &'run Plan,
    report: ReportForm<'run>,
    notes: Vec<NoteForm<'run>>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct ReportForm<'run> {
    succeeded: bool,
    interrupted: bool,
    objects: Vec<ObjectForm<'run>>,
    steps: Vec<StepForm<'run>>,
}

#[derive(Serialize, JsonSchema)]
struct ObjectForm<'run> {
    address: &'run Address,
    action: Action,
    outcome: Outcome,
}

#[derive(Serialize, JsonSchema)]
struct StepForm<'run> {
    id: &'run StepId,
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'run str>,
    #[serde(skip_serializing_if = "<[Remedy]>::is_empty")]
    help: &'run [Remedy],
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'run str>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct NoteForm<'run> {
    address: &'run Address,
    text: &'run str,
}

/// The JSON Schema of the document.
pub fn schema() -> Value {
    schema_of::<Apply<'static>>("An apply of eksact, as `-o json` writes it when it is over")
}

/// The run as indented JSON with a line end. `events` are those of the run, for what its steps had to say.
pub fn apply_json(plan: &Plan, report: &Report, events: &[Event]) -> Result<String, serde_json::Error> {
    json(&Apply {
        format_version: FORMAT_VERSION,
        plan,
        report: report_form(plan, report),
        notes: notes(events),
    })
}

pub(super) fn report_form<'run>(plan: &'run Plan, report: &'run Report) -> ReportForm<'run> {
    let step = |id, outcome| StepForm {
        id,
        outcome,
        message: None,
        help: &[],
        reason: None,
    };
    let mut steps: Vec<StepForm<'_>> = report.done.iter().map(|id| step(id, Outcome::Done)).collect();
    steps.extend(report.failed.iter().map(|(id, error)| StepForm {
        message: Some(&error.message),
        help: &error.help,
        ..step(id, Outcome::Failed)
    }));
    steps.extend(report.unknown.iter().map(|id| step(id, Outcome::Unknown)));
    steps.extend(report.not_tried.iter().map(|(id, reason)| StepForm {
        reason: Some(reason),
        ..step(id, Outcome::NotTried)
    }));
    ReportForm {
        succeeded: report.succeeded(),
        interrupted: report.interrupted,
        objects: outcomes(plan, report)
            .into_iter()
            .map(|(change, outcome)| ObjectForm {
                address: &change.address,
                action: change.action,
                outcome,
            })
            .collect(),
        steps,
    }
}

/// What finished steps had to say.
pub(super) fn notes(events: &[Event]) -> Vec<NoteForm<'_>> {
    let notes = events.iter().filter_map(|event| match &event.kind {
        EventKind::StepFinished { address, notes, .. } => Some((address, notes)),
        _ => None,
    });
    notes
        .flat_map(|(address, notes)| notes.iter().map(move |text| NoteForm { address, text }))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::samples;

    #[test]
    fn run_that_went_wrong_for_machines() {
        let plan = samples::plan();
        let text = apply_json(&plan, &samples::report(), &samples::events()).unwrap();
        let mut value: Value = serde_json::from_str(&text).unwrap();
        let whole = value.as_object_mut().unwrap().remove("plan").unwrap();
        assert_eq!(serde_json::from_value::<Plan>(whole).unwrap(), plan);
        insta::assert_snapshot!(serde_json::to_string_pretty(&value).unwrap(), @r#"
        {
          "format_version": "1.0",
          "notes": [
            {
              "address": "iam-role/app/s3-reader",
              "text": "2 pods run with another role: kubectl -n app rollout restart deployment/reader."
            }
          ],
          "report": {
            "interrupted": true,
            "objects": [
              {
                "action": "update",
                "address": "iam-role/app/s3-reader",
                "outcome": "unfinished"
              },
              {
                "action": "delete",
                "address": "iam-role/ops/gone",
                "outcome": "unknown"
              },
              {
                "action": "replace",
                "address": "iam-role/ops/named",
                "outcome": "failed"
              },
              {
                "action": "create",
                "address": "namespace/app",
                "outcome": "done"
              },
              {
                "action": "adopt",
                "address": "oidc-provider/prod",
                "outcome": "done"
              },
              {
                "action": "create",
                "address": "service-account/app/s3-writer",
                "outcome": "not-tried"
              },
              {
                "action": "forget",
                "address": "service-account/helm/release",
                "outcome": "not-tried"
              }
            ],
            "steps": [
              {
                "id": "iam-role/app/s3-reader#step-0",
                "outcome": "done"
              },
              {
                "id": "namespace/app#step-0",
                "outcome": "done"
              },
              {
                "id": "iam-role/ops/named#step-0",
                "outcome": "done"
              },
              {
                "id": "oidc-provider/prod#step-0",
                "outcome": "done"
              },
              {
                "help": [
                  "Give another roleName, or delete that role."
                ],
                "id": "iam-role/ops/named#step-1",
                "message": "stack eksctl-prod-addon-iamserviceaccount-ops-named could not be created: Role1: the role deployer exists already\n(CREATE_FAILED, AWS::IAM::Role)",
                "outcome": "failed"
              },
              {
                "id": "iam-role/ops/gone#step-0",
                "outcome": "unknown"
              },
              {
                "id": "iam-role/ops/named#step-2",
                "outcome": "not-tried",
                "reason": "iam-role/ops/named#step-1 did not succeed"
              },
              {
                "id": "iam-role/app/s3-reader#step-1",
                "outcome": "not-tried",
                "reason": "interrupted"
              },
              {
                "id": "service-account/app/s3-writer#step-0",
                "outcome": "not-tried",
                "reason": "interrupted"
              },
              {
                "id": "service-account/helm/release#step-0",
                "outcome": "not-tried",
                "reason": "interrupted"
              }
            ],
            "succeeded": false
          }
        }
        "#);
    }
}
