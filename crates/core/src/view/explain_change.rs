//! Why an object is in a plan, for people and for machines: the line of the file, the change with what was read, what it means for
//! access, what is said about it, and what it has to do with.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{
    page::{Page, Span},
    plan_change,
    plan_findings::{place, write_finding},
    plan_json::{json, schema_of},
    plan_lines::broadening_lines,
    style::{Label, Style, sign},
    text::counted,
};
use crate::{
    config::Excerpt,
    engine::{
        Action, Change, Effect, Origin, Plan,
        explanation::{Explanation, Related, Verdict},
        plan::FORMAT_VERSION,
    },
};

#[derive(Serialize, JsonSchema)]
struct Document<'run> {
    format_version: &'static str,
    /// The cluster, as in a plan.
    target: &'run std::collections::BTreeMap<String, String>,
    #[serde(flatten)]
    explanation: &'run Explanation<'run>,
    /// The line of the configuration that asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    excerpt: Option<&'run Excerpt>,
    /// What of it gives more access, or may, line by line.
    broadens: Vec<Broadens>,
}

#[derive(Serialize, JsonSchema)]
struct Broadens {
    attribute: String,
    text: String,
}

/// The JSON Schema of the document.
pub fn schema() -> Value {
    schema_of::<Document<'static>>("What `eksact explain ADDRESS -o json` writes")
}

/// The explanation as indented JSON with a line end.
pub fn explain_json(
    explanation: &Explanation<'_>,
    plan: &Plan,
    excerpt: Option<&Excerpt>,
) -> Result<String, serde_json::Error> {
    let lines = explanation.change.map(broadening_lines).unwrap_or_default();
    json(&Document {
        format_version: FORMAT_VERSION,
        target: &plan.target,
        explanation,
        excerpt,
        broadens: lines
            .into_iter()
            .map(|(attribute, text)| Broadens { attribute, text })
            .collect(),
    })
}

/// The same for people.
pub fn explain_human(
    explanation: &Explanation<'_>,
    plan: &Plan,
    excerpt: Option<&Excerpt>,
    style: Style,
) -> String {
    let mut page = Page::new(style);
    match (explanation.verdict, explanation.change) {
        (_, Some(change)) => plan_change::write(change, plan, &mut page),
        (Verdict::NotPlanned, None) => page.line(
            &[],
            &[
                Span::new(Label::Address, explanation.address.to_string()),
                Span::plain(" is not planned; this is what is said about it:"),
            ],
        ),
        (_, None) => page.line(
            &[],
            &[
                Span::new(Label::Address, explanation.address.to_string()),
                Span::plain(" is not in the plan: in sync with the configuration."),
            ],
        ),
    }
    if let Some(change) = explanation.change {
        asked_for(change, excerpt, &mut page);
        read_live(change, &mut page);
        effect(change, &mut page);
    }
    if !explanation.findings.is_empty() {
        heading("Said about it", &mut page);
        for finding in &explanation.findings {
            write_finding(finding, &mut page);
        }
    }
    if !explanation.refusals_of_others.is_empty() && explanation.change.is_some() {
        heading("Refused", &mut page);
        let codes: std::collections::BTreeSet<&str> = explanation
            .refusals_of_others
            .iter()
            .map(|finding| finding.code.as_str())
            .collect();
        let codes: Vec<&str> = codes.into_iter().collect();
        page.indented(
            2,
            &[Span::plain(format!(
                "A guard refuses the whole plan for something else ({}), so this is not applied either.",
                codes.join(", ")
            ))],
        );
    }
    relations("Needs first", &explanation.needs, &mut page);
    relations("Needed by", &explanation.needed_by, &mut page);
    if !explanation.steps.is_empty() {
        heading("Carried out by", &mut page);
        for step in &explanation.steps {
            let others = step.changes.len().saturating_sub(1);
            let mut body = vec![Span::plain(&step.title)];
            if others > 0 {
                let text = format!(
                    "  (one write for it and {})",
                    counted(others, "other object", "other objects")
                );
                body.push(Span::new(Label::Dim, text));
            }
            page.indented(2, &body);
        }
    }
    page.finish()
}

fn heading(text: &str, page: &mut Page) {
    page.blank();
    page.line(&[], &[Span::new(Label::Address, format!("{text}:"))]);
}

fn asked_for(change: &Change, excerpt: Option<&Excerpt>, page: &mut Page) {
    heading("Asked for", page);
    let Some(source) = &change.source else {
        let why = match change.action {
            Action::Delete | Action::Forget => "by no line: the file no longer has it",
            _ => "by no line of its own: what the file asks for needs it",
        };
        page.indented(2, &[Span::plain(why)]);
        return;
    };
    page.indented(2, &[Span::plain(format!("{}:{}", place(source), source.column))]);
    if let Some(excerpt) = excerpt {
        page.verbatim(4, &Span::plain(&excerpt.line));
        page.verbatim(
            4,
            &Span::new(Label::Note, format!("{:width$}^", "", width = excerpt.caret_cell)),
        );
    }
}

fn read_live(change: &Change, page: &mut Page) {
    heading("Read", page);
    let is_there = change.action != Action::Create
        || change
            .attributes
            .iter()
            .any(|attribute| attribute.before.is_some());
    if !is_there {
        page.indented(2, &[Span::plain("nothing of it is there")]);
    }
    for attribute in change.attributes.iter().filter(|_| is_there) {
        let was = match &attribute.before {
            None => "absent".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
        };
        page.indented(2, &[Span::plain(format!("{}: {was}", attribute.name))]);
    }
    let whose = match change.origin {
        Some(Origin::New) => Some("it was never applied"),
        Some(Origin::Live) => Some("it was changed since it was applied (drift)"),
        Some(Origin::Configuration) => {
            Some("it is as it was applied last: the file asks for something else now")
        }
        None => None,
    };
    if let Some(whose) = whose {
        page.indented(2, &[Span::plain(whose)]);
    }
}

fn effect(change: &Change, page: &mut Page) {
    heading("Effect on access", page);
    let (text, label) = match change.effect {
        Effect::Equal => ("none: nobody may do more or less", Label::Plain),
        Effect::Narrower => ("less access", Label::Narrower),
        Effect::Incomparable => ("it cannot be told, so it counts as more access", Label::Broader),
        Effect::Broader => ("more access", Label::Broader),
    };
    page.indented(2, &[Span::new(label, text)]);
    for (attribute, text) in broadening_lines(change) {
        page.indented(
            4,
            &[
                Span::new(Label::Broader, format!("{attribute}: ")),
                Span::plain(text),
            ],
        );
    }
}

fn relations(title: &str, related: &[Related<'_>], page: &mut Page) {
    if related.is_empty() {
        return;
    }
    heading(title, page);
    for Related { address, action } in related {
        let text = match action {
            Some(action) => format!(" will be {}", sign(*action).2),
            None => " is as wanted".to_owned(),
        };
        page.indented(
            2,
            &[Span::new(Label::Address, address.to_string()), Span::plain(text)],
        );
    }
}
