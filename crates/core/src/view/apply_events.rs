//! A run for machines while it goes on: `-o ndjson`, one JSON object a line.
//!
//! Each line has `type` and `message`; a reader that does not know the type shows the message. The first is `version`, the
//! second `plan`; then come the events of the run, and `report` at the end: what `-o json` has as `report` and `notes`. Where
//! nothing is applied there is no `report`.
//!
//! Over many clusters each line but the first and the last names its cluster, and `cluster-ended` says how each ended, also one
//! that has no plan; `run-ended` is the last.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    apply_json::{NoteForm, ReportForm, notes, report_form},
    fleet_human::{Run, headline, in_short, word},
    fleet_json::EndedForm,
    page::Span,
    plan_human::verdict,
    plan_json::{json_line, schema_of},
    text::counted,
};
use crate::{
    engine::{Event, EventKind, Plan, Report, plan::FORMAT_VERSION},
    fleet::{ClusterId, Outcome, Status, counts, ending},
};

/// A line that is no event of the run.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Line<'run> {
    /// The first.
    Version {
        message: String,
        /// Of this form, as in a plan.
        format_version: &'static str,
        tool_version: &'run str,
    },
    /// What is going to be done.
    Plan {
        message: String,
        /// Of many, which.
        #[serde(skip_serializing_if = "Option::is_none")]
        cluster: Option<&'run ClusterId>,
        plan: &'run Plan,
    },
    /// What was done. Of one cluster the last.
    Report {
        message: String,
        /// Of many, which.
        #[serde(skip_serializing_if = "Option::is_none")]
        cluster: Option<&'run ClusterId>,
        report: ReportForm<'run>,
        notes: Vec<NoteForm<'run>>,
    },
    /// How it ended for one cluster of many.
    ClusterEnded {
        message: String,
        #[serde(flatten)]
        ended: EndedForm<'run>,
    },
    /// How a run over many clusters ended. The last.
    RunEnded {
        message: String,
        status: Status,
        /// How many clusters have each status.
        counts: BTreeMap<&'static str, usize>,
    },
}

/// The JSON Schema of a line.
pub fn schema() -> Value {
    let mut schema = schema_of::<Line<'static>>("A line of what eksact writes with `-o ndjson`");
    let mut events = schema_of::<Event>("");
    for event in events["oneOf"].as_array_mut().into_iter().flatten() {
        event["properties"]["message"] = json!({"type": "string"});
        event["properties"]["elapsed_milliseconds"] = events_elapsed();
        event["properties"]["cluster"] =
            json!({"$ref": "#/$defs/ClusterId", "description": "Of many, which."});
        if let Some(required) = event["required"].as_array_mut() {
            required.retain(|name| name != "message" && name != "elapsed_milliseconds");
            required.extend([json!("message"), json!("elapsed_milliseconds")]);
        }
    }
    let variants = events["oneOf"].as_array().cloned().unwrap_or_default();
    if let Some(own) = schema["oneOf"].as_array_mut() {
        own.extend(variants);
    }
    if let (Some(own), Some(others)) = (schema["$defs"].as_object_mut(), events["$defs"].as_object()) {
        own.extend(others.clone());
    }
    schema
}

fn events_elapsed() -> Value {
    json!({"type": "integer", "minimum": 0, "description": "Milliseconds since the run began."})
}

/// The first two lines.
pub fn plan_lines(plan: &Plan, file: Option<&str>) -> Result<String, serde_json::Error> {
    Ok(version_line(&plan.tool_version)? + &plan_line(plan, file, None)?)
}

fn version_line(tool_version: &str) -> Result<String, serde_json::Error> {
    json_line(&Line::Version {
        message: format!("eksact {tool_version}"),
        format_version: FORMAT_VERSION,
        tool_version,
    })
}

fn plan_line(
    plan: &Plan,
    file: Option<&str>,
    cluster: Option<&ClusterId>,
) -> Result<String, serde_json::Error> {
    let message = verdict(plan, file).iter().map(Span::text).collect();
    json_line(&Line::Plan {
        message,
        cluster,
        plan,
    })
}

/// The first lines of a run over many clusters: the version, and the plan of each that has one.
pub fn fleet_plan_lines(outcomes: &[Outcome], tool_version: &str) -> Result<String, serde_json::Error> {
    let mut text = version_line(tool_version)?;
    for outcome in outcomes {
        if let Some(plan) = &outcome.plan {
            let file = outcome.files.first().map(String::as_str);
            text.push_str(&plan_line(plan, file, outcome.cluster.as_ref())?);
        }
    }
    Ok(text)
}

/// The last lines of a run over many clusters: how each ended, with what its apply did, and how the whole did.
pub fn fleet_ended_lines(outcomes: &[Outcome], run: Run) -> Result<String, serde_json::Error> {
    let mut text = String::new();
    for outcome in outcomes {
        if let (Some(plan), Some((report, events))) = (&outcome.plan, &outcome.run) {
            text.push_str(&report_line(plan, report, events, outcome.cluster.as_ref())?);
        }
        let said: String = in_short(outcome).iter().map(Span::text).collect();
        text.push_str(&json_line(&Line::ClusterEnded {
            message: format!("{}: {} {said}", outcome.label(), word(outcome.status).0)
                .trim_end()
                .to_owned(),
            ended: EndedForm::of(outcome),
        })?);
    }
    text.push_str(&json_line(&Line::RunEnded {
        message: headline(outcomes, run).iter().map(Span::text).collect(),
        status: ending(outcomes),
        counts: counts(outcomes)
            .iter()
            .map(|(status, count)| (status.as_str(), *count))
            .collect(),
    })?);
    Ok(text)
}

/// The line of one event; of many clusters, of which.
pub fn event_line(event: &Event, cluster: Option<&ClusterId>) -> Result<String, serde_json::Error> {
    let mut line = json!(event);
    line["message"] = json!(message(&event.kind));
    if let Some(cluster) = cluster {
        line["cluster"] = json!(cluster);
    }
    json_line(&line)
}

/// The last line; of many clusters, the last but one of `cluster`.
pub fn report_line(
    plan: &Plan,
    report: &Report,
    events: &[Event],
    cluster: Option<&ClusterId>,
) -> Result<String, serde_json::Error> {
    let message = if report.succeeded() {
        "everything was done".to_owned()
    } else {
        format!(
            "{} of {} were done",
            report.done.len(),
            counted(plan.steps.len(), "step", "steps")
        )
    };
    json_line(&Line::Report {
        message,
        cluster,
        report: report_form(plan, report),
        notes: notes(events),
    })
}

fn message(kind: &EventKind) -> String {
    match kind {
        EventKind::RunStarted { steps } => format!("{} to do", counted(*steps, "step", "steps")),
        EventKind::StepStarted { title, .. } => title.clone(),
        EventKind::StepProgress { message, .. } => message.clone(),
        EventKind::StepFinished { title, .. } => format!("done: {title}"),
        EventKind::StepFailed { title, error, .. } => format!("failed: {title}: {error}"),
        EventKind::StepSkipped { title, reason, .. } => format!("not tried: {title}: {reason}"),
        EventKind::Interrupted { abandoned: false, .. } => {
            "interrupted: what is under way is finished".to_owned()
        }
        EventKind::Interrupted { abandoned: true, .. } => {
            "interrupted again: what is under way is given up".to_owned()
        }
        EventKind::LockLost { .. } => "the lock was lost: what is under way is finished".to_owned(),
        EventKind::RunFinished {
            done,
            failed,
            not_tried,
        } => {
            format!("{done} done, {failed} failed, {not_tried} not tried")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::samples;

    fn strict() -> jsonschema::Validator {
        jsonschema::validator_for(&schema()).unwrap()
    }

    #[test]
    fn event_is_a_line_with_its_type_and_words() {
        let plan = samples::plan();
        let mut text = plan_lines(&plan, Some("cluster.yaml")).unwrap();
        for event in samples::events() {
            text.push_str(&event_line(&event, None).unwrap());
        }
        let lock_gone = Event {
            elapsed_milliseconds: 9,
            kind: EventKind::LockLost { in_flight: 1 },
        };
        text.push_str(&event_line(&lock_gone, None).unwrap());
        text.push_str(&report_line(&plan, &samples::report(), &samples::events(), None).unwrap());
        let schema = strict();
        let mut types = Vec::new();
        for line in text.lines() {
            let value: Value = serde_json::from_str(line).unwrap();
            assert!(
                schema.is_valid(&value),
                "{value:#}\n{:?}",
                schema.validate(&value)
            );
            assert!(!value["message"].as_str().unwrap().is_empty());
            types.push(value["type"].as_str().unwrap().to_owned());
        }
        assert_eq!(
            types,
            [
                "version",
                "plan",
                "run-started",
                "step-started",
                "step-started",
                "step-progress",
                "step-finished",
                "interrupted",
                "interrupted",
                "step-failed",
                "step-skipped",
                "run-finished",
                "lock-lost",
                "report"
            ]
        );
        let fleet = samples::fleet_applied();
        let cluster = fleet[0].cluster.as_ref();
        let mut text = fleet_plan_lines(&fleet, "0.1.0").unwrap();
        for event in samples::events() {
            text.push_str(&event_line(&event, cluster).unwrap());
        }
        text.push_str(&fleet_ended_lines(&fleet, Run::Apply).unwrap());
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        for line in &lines {
            assert!(schema.is_valid(line), "{line:#}\n{:?}", schema.validate(line));
        }
        let [first, between @ .., last] = lines.as_slice() else {
            panic!("{lines:?}")
        };
        assert_eq!(
            (&first["type"], &last["type"]),
            (&json!("version"), &json!("run-ended"))
        );
        let without: Vec<&Value> = between
            .iter()
            .filter(|line| line.get("cluster").is_none())
            .collect();
        assert_eq!(without.len(), 1, "all but that of a file that names none");
        assert_eq!(without[0]["files"], json!(["clusters/broken.yaml"]));
        let of = |wanted: &str| lines.iter().filter(|line| line["type"] == wanted).count();
        assert_eq!((of("plan"), of("report"), of("cluster-ended")), (2, 1, 4));
        let without = json!({"type": "run-started", "steps": 3, "elapsed_milliseconds": 0});
        assert!(!schema.is_valid(&without), "a line without its message");
    }
}
