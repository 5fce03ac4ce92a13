//! One change of a plan for people: what happens to the object and why, and the steps that carry it out where they are
//! not plain. Its attributes are written by [`super::plan_attribute`].

use super::{
    page::{Page, Span},
    plan_attribute::{ATTRIBUTE_INDENT, write_attributes},
    plan_findings::place,
    style::{Label, sign},
};
use crate::engine::{Action, Change, Origin, Plan, StepId, drift::is_drift_only};

/// Writes `change` of `plan`.
pub(super) fn write(change: &Change, plan: &Plan, page: &mut Page) {
    header(change, plan, page);
    for reason in change
        .reasons
        .iter()
        .filter(|reason| !goes_without_saying(change, &reason.code))
    {
        page.indented(
            ATTRIBUTE_INDENT,
            &[Span::new(Label::Dim, format!("because {}", reason.text))],
        );
    }
    write_attributes(change, page);
    for note in &change.notes {
        page.line(
            &[
                Span::plain(" ".repeat(ATTRIBUTE_INDENT)),
                Span::new(Label::Note, "note: "),
            ],
            &[Span::plain(note)],
        );
    }
    write_steps(change, plan, page);
}

fn header(change: &Change, plan: &Plan, page: &mut Page) {
    let (sign, _, done) = sign(change.action);
    let mark = if change.effect.broadens() { "! " } else { "  " };
    let lead = [
        Span::new(Label::Broader, mark),
        Span::new(change.action.into(), sign),
        Span::plain(" "),
    ];
    let mut body = vec![
        Span::new(Label::Address, change.address.to_string()),
        Span::plain(" will be "),
        Span::new(change.action.into(), done),
    ];
    if let Some(words) = origin_words(change, plan) {
        body.push(Span::plain(format!(", {words}")));
    }
    if let Some(source) = &change.source {
        body.push(Span::new(Label::Dim, format!("  ({})", place(source))));
    }
    page.line(&lead, &body);
}

/// Whose doing a change is, where it is not the configuration's: what the header says of drift.
pub(super) fn origin_words(change: &Change, plan: &Plan) -> Option<&'static str> {
    match change.origin {
        Some(Origin::Live) if change.action == Action::Create => Some("removed since it was applied"),
        Some(Origin::Live) => Some("changed since it was applied"),
        None if is_drift_only(plan) => Some("cannot be told apart from a change of the file"),
        _ => None,
    }
}

/// That a thing is made because it is missing is in the word `created` already.
pub(super) fn goes_without_saying(change: &Change, reason: &str) -> bool {
    change.action == Action::Create && reason == "missing"
}

/// The steps, where there are several or where they go past the object's usual way.
fn write_steps(change: &Change, plan: &Plan, page: &mut Page) {
    let Some(titles) = titles_worth_saying(change, plan) else {
        return;
    };
    page.line(
        &[
            Span::plain(" ".repeat(ATTRIBUTE_INDENT)),
            Span::new(Label::Dim, "via: "),
        ],
        &[Span::new(Label::Dim, titles.join("; "))],
    );
}

/// What the steps of `change` do, in order, where that does not follow from the change.
pub(super) fn titles_worth_saying(change: &Change, plan: &Plan) -> Option<Vec<String>> {
    let direct = change.reasons.iter().any(|reason| reason.code == "drift");
    if change.steps.len() < 2 && !direct {
        return None;
    }
    let title = |id: &StepId| {
        plan.steps
            .iter()
            .find(|step| step.id == *id)
            .map_or_else(|| id.to_string(), |step| step.title.clone())
    };
    Some(change.steps.iter().map(title).collect())
}
