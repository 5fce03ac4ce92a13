//! A run for machines while it goes on: `-o ndjson`, one JSON object a line.
//!
//! Each line has `type` and `message`; a reader that does not know the type shows the message. The first is `version`, the
//! second `plan`; then come the events of the run, and `report` at the end: what `-o json` has as `report` and `notes`. Where
//! nothing is applied there is no `report`.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    apply_json::{NoteForm, ReportForm, notes, report_form},
    page::Span,
    plan_human::verdict,
    plan_json::{json_line, schema_of},
    text::counted,
};
use crate::engine::{Event, EventKind, Plan, Report, plan::FORMAT_VERSION};

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
    Plan { message: String, plan: &'run Plan },
    /// What was done. The last.
    Report {
        message: String,
        report: ReportForm<'run>,
        notes: Vec<NoteForm<'run>>,
    },
}

/// The JSON Schema of a line.
pub fn schema() -> Value {
    let mut schema = schema_of::<Line<'static>>("A line of what eksact writes with `-o ndjson`");
    let mut events = schema_of::<Event>("");
    for event in events["oneOf"].as_array_mut().into_iter().flatten() {
        event["properties"]["message"] = json!({"type": "string"});
        event["properties"]["elapsed_milliseconds"] = events_elapsed();
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
    let words: String = verdict(plan, file).iter().map(Span::text).collect();
    let version = json_line(&Line::Version {
        message: format!("eksact {}", plan.tool_version),
        format_version: FORMAT_VERSION,
        tool_version: &plan.tool_version,
    })?;
    Ok(version + &json_line(&Line::Plan { message: words, plan })?)
}

/// The line of one event.
pub fn event_line(event: &Event) -> Result<String, serde_json::Error> {
    let mut line = json!(event);
    line["message"] = json!(message(&event.kind));
    json_line(&line)
}

/// The last line.
pub fn report_line(plan: &Plan, report: &Report, events: &[Event]) -> Result<String, serde_json::Error> {
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
    fn every_event_is_a_line_with_its_type_and_words() {
        let plan = samples::plan();
        let mut text = plan_lines(&plan, Some("cluster.yaml")).unwrap();
        for event in samples::events() {
            text.push_str(&event_line(&event).unwrap());
        }
        text.push_str(&report_line(&plan, &samples::report(), &samples::events()).unwrap());
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
                "report"
            ]
        );
        let without = json!({"type": "run-started", "steps": 3, "elapsed_milliseconds": 0});
        assert!(!schema.is_valid(&without), "a line without its message");
    }
}
