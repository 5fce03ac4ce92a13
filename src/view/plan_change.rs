//! One change of a plan for people: what happens to the object and why, its attributes before and after, documents
//! statement by statement, and the steps that carry it out where they are not plain.

use serde_json::Value;

use super::{
    page::{Page, Span},
    plan_findings::place,
    style::{Label, sign},
    text::cells,
};
use crate::engine::{Action, AttributeChange, Change, Difference, DifferenceSign, Effect, Plan, StepId};

/// Where attributes begin.
const ATTRIBUTE_INDENT: usize = 6;
/// Where the lines of a document begin.
const DOCUMENT_INDENT: usize = ATTRIBUTE_INDENT + 4;
/// Names longer than this do not push the values of the others aside.
const LONGEST_ALIGNED_NAME: usize = 24;

/// Writes `change` of `plan`.
pub(super) fn write(change: &Change, plan: &Plan, page: &mut Page) {
    header(change, page);
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
    let column = change
        .attributes
        .iter()
        .filter(|attribute| attribute.differences.is_empty())
        .map(|attribute| cells(&attribute.name))
        .filter(|width| *width <= LONGEST_ALIGNED_NAME)
        .max()
        .unwrap_or(0);
    for attribute in &change.attributes {
        write_attribute(attribute, change.action, column, page);
    }
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

fn header(change: &Change, page: &mut Page) {
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
    if let Some(source) = &change.source {
        body.push(Span::new(Label::Dim, format!("  ({})", place(source))));
    }
    page.line(&lead, &body);
}

/// That a thing is made because it is missing is in the word `created` already.
fn goes_without_saying(change: &Change, reason: &str) -> bool {
    change.action == Action::Create && reason == "missing"
}

fn write_attribute(attribute: &AttributeChange, action: Action, column: usize, page: &mut Page) {
    let (sign, label) = match (&attribute.before, &attribute.after, &attribute.after_unknown) {
        (None, Some(_), _) | (None, _, Some(_)) => ("+", Label::Create),
        (Some(_), None, None) => ("-", Label::Delete),
        _ => ("~", Label::Update),
    };
    let lead = |name: &str| {
        [
            Span::plain(" ".repeat(ATTRIBUTE_INDENT)),
            Span::new(label, sign),
            Span::plain(format!(" {name}")),
        ]
    };
    if !attribute.differences.is_empty() {
        let told_below = attribute.differences.iter().any(|line| line.effect.is_some());
        let mut trailing = Vec::new();
        if !told_below {
            trailing.extend(effect_mark(attribute.effect, action));
        }
        trailing.extend(remark(attribute));
        page.line(&lead(&attribute.name), &trailing);
        for line in &attribute.differences {
            write_difference(line, action, page);
        }
        return;
    }
    let mut trailing: Vec<Span> = effect_mark(attribute.effect, action).into_iter().collect();
    trailing.extend(remark(attribute));
    let after = match (&attribute.after, &attribute.after_unknown) {
        (_, Some(unknown)) => Some(Span::new(
            Label::Note,
            format!("({unknown}, known after it is made)"),
        )),
        (Some(value), None) => Some(Span::plain(shown(value))),
        (None, None) => None,
    };
    let padding = column.saturating_sub(cells(&attribute.name));
    let lead = lead(&format!("{}{}  ", attribute.name, " ".repeat(padding)));
    match (&attribute.before, after) {
        (Some(before), Some(after)) => {
            let mut whole = vec![Span::plain(shown(before)), Span::plain(" → "), after.clone()];
            whole.extend(trailing.clone());
            let indent = ATTRIBUTE_INDENT + 4 + column.max(cells(&attribute.name));
            if page.fits(indent, &whole) {
                page.line(&lead, &whole);
            } else {
                // One below the other: what differs in two long ARNs is seen best that way.
                page.line(&lead, &[Span::plain(shown(before))]);
                let mut body = vec![after];
                body.extend(trailing);
                let arrow = if column < cells(&attribute.name) {
                    DOCUMENT_INDENT
                } else {
                    indent
                };
                page.line(
                    &[Span::plain(format!("{}→ ", " ".repeat(arrow.saturating_sub(2))))],
                    &body,
                );
            }
        }
        (before, after) => {
            let mut body: Vec<Span> = after
                .or_else(|| before.as_ref().map(|value| Span::plain(shown(value))))
                .into_iter()
                .collect();
            body.extend(trailing);
            page.line(&lead, &body);
        }
    }
}

fn write_difference(line: &Difference, action: Action, page: &mut Page) {
    let (sign, label) = match line.sign {
        DifferenceSign::Added => ("+ ", Label::Create),
        DifferenceSign::Removed => ("- ", Label::Delete),
        DifferenceSign::Context => ("  ", Label::Plain),
    };
    // A line may bring an indentation of its own: a list below its statement.
    let text = line.text.trim_start_matches(' ');
    let own = line.text.len() - text.len();
    let indent = DOCUMENT_INDENT + 2 * usize::from(line.indent) + own.min(16);
    let mut body = vec![Span::plain(text)];
    body.extend(effect_mark(line.effect, action));
    page.line(&[Span::plain(" ".repeat(indent)), Span::new(label, sign)], &body);
}

/// What it means for access, in words. What is new as a whole gives access by its nature, and what goes takes it: there
/// only the opposite is worth a word.
fn effect_mark(effect: Option<Effect>, action: Action) -> Option<Span> {
    let effect = effect?;
    let words = match (effect, action) {
        (Effect::Equal, _)
        | (Effect::Broader | Effect::Incomparable, Action::Create)
        | (Effect::Narrower, Action::Delete) => return None,
        (Effect::Broader, _) => "  BROADER",
        (Effect::Incomparable, _) => "  MAYBE BROADER",
        (Effect::Narrower, _) => "  narrower",
    };
    Some(Span::new(effect.into(), words))
}

fn remark(attribute: &AttributeChange) -> Option<Span> {
    attribute
        .remark
        .as_ref()
        .map(|remark| Span::new(Label::Dim, format!("  ({remark})")))
}

/// A value as people write it: text without quotes, lists with commas, the rest as JSON.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items)
            if !items.is_empty() && items.iter().all(|item| !item.is_object() && !item.is_array()) =>
        {
            items.iter().map(shown).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// The steps, where there are several or where they go past the object's usual way.
fn write_steps(change: &Change, plan: &Plan, page: &mut Page) {
    let direct = change.reasons.iter().any(|reason| reason.code == "drift");
    if change.steps.len() < 2 && !direct {
        return;
    }
    let title = |id: &StepId| {
        plan.steps
            .iter()
            .find(|step| step.id == *id)
            .map_or_else(|| id.to_string(), |step| step.title.clone())
    };
    let titles: Vec<String> = change.steps.iter().map(title).collect();
    page.line(
        &[
            Span::plain(" ".repeat(ATTRIBUTE_INDENT)),
            Span::new(Label::Dim, "via: "),
        ],
        &[Span::new(Label::Dim, titles.join("; "))],
    );
}
