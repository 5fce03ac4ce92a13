//! A plan for people: the verdict first, then a legend of the signs in use, the changes with the riskiest first, and what
//! else there is to say. Unchanged objects are counted, not listed.

use std::collections::BTreeSet;

use super::{
    page::{Page, Span},
    plan_access, plan_change, plan_findings, plan_partial,
    style::{Label, Style, sign},
    text::counted,
};
use crate::engine::{Action, Address, Change, Effect, Origin, Plan, Severity, drift::is_drift_only};

/// The whole view of `plan`. `file` is the configuration as the user named it; none for a plan made from flags.
pub fn plan_human(plan: &Plan, file: Option<&str>, style: Style) -> String {
    let mut page = Page::new(style);
    page.line(&[], &verdict(plan, file));
    plan_partial::write(plan, &mut page);
    plan_access::write(plan, &mut page);
    if plan.has_changes() {
        page.blank();
        legend(plan, &mut page);
    }
    for change in by_risk(plan) {
        page.blank();
        plan_change::write(change, plan, &mut page);
    }
    if !plan.findings.is_empty() {
        page.blank();
        plan_findings::write(plan, &mut page);
    }
    page.finish()
}

/// The words of the first line.
pub(super) fn verdict(plan: &Plan, file: Option<&str>) -> Vec<Span> {
    let refusals = plan.findings_of(Severity::Refusal).count();
    let errors = plan.findings_of(Severity::Error).count();
    if !plan.has_changes() && refusals + errors == 0 {
        return nothing_to_do(plan, file);
    }
    let drift_only = is_drift_only(plan);
    let whole = if drift_only { "Drift of" } else { "Plan for" };
    let mut spans = vec![Span::new(Label::Address, format!("{whole} {}: ", target(plan)))];
    spans.extend(counted_all(plan));
    spans.push(Span::plain("."));
    spans
}

/// What the first line counts: `2 to create, 1 to update, 0 to delete · 14 unchanged`.
pub(super) fn counted_all(plan: &Plan) -> Vec<Span> {
    let refusals = plan.findings_of(Severity::Refusal).count();
    let errors = plan.findings_of(Severity::Error).count();
    let drift_only = is_drift_only(plan);
    let mut spans = Vec::new();
    if plan.has_changes() && drift_only {
        spans.push(Span::new(Label::Warning, drift_counted(plan)));
    } else if plan.has_changes() {
        for (index, action) in Action::ALL.into_iter().enumerate() {
            let count = plan.count(action);
            let always = matches!(action, Action::Create | Action::Update | Action::Delete);
            if always || count > 0 {
                if index > 0 {
                    spans.push(Span::plain(", "));
                }
                let label = if count > 0 { action.into() } else { Label::Plain };
                spans.push(Span::new(label, format!("{count} to {}", sign(action).1)));
            }
        }
    } else if drift_only {
        spans.push(Span::plain("none found"));
    } else {
        spans.push(Span::plain("nothing to change"));
    }
    let mut more = |count: usize, label, text: String| {
        if count > 0 {
            spans.extend([Span::plain(" · "), Span::new(label, text)]);
        }
    };
    let broadening = plan.broadening();
    more(
        broadening,
        Label::Broader,
        format!("{broadening} {}", gives_more_access(plan)),
    );
    more(
        refusals,
        Label::Error,
        format!("REFUSED for {}", counted(refusals, "reason", "reasons")),
    );
    more(
        errors,
        Label::Error,
        format!("{} could not be planned", counted(errors, "object", "objects")),
    );
    let warnings = plan.findings_of(Severity::Warning).count();
    more(warnings, Label::Warning, counted(warnings, "warning", "warnings"));
    if let Some(partial) = &plan.partial {
        let text = format!(
            "PARTIAL, {} left out",
            counted(partial.left_out.len(), "change", "changes")
        );
        spans.extend([Span::plain(" · "), Span::new(Label::Warning, text)]);
    }
    let unchanged = plan.unchanged.len();
    let mut more = |count: usize, label, text: String| {
        if count > 0 {
            spans.extend([Span::plain(" · "), Span::new(label, text)]);
        }
    };
    more(unchanged, Label::Plain, format!("{unchanged} unchanged"));
    spans
}

/// The same where a list has a line for each plan: `no changes · 14 unchanged`.
pub(super) fn counted_in_short(plan: &Plan) -> Vec<Span> {
    let counted = counted_all(plan);
    if plan.has_changes() || plan.findings_of(Severity::Refusal).next().is_some() {
        return counted;
    }
    let none = if is_drift_only(plan) {
        "no drift"
    } else {
        "no changes"
    };
    // In place of the first, which says the same of a plan that something else is said of.
    std::iter::once(Span::new(Label::Success, none))
        .chain(counted.into_iter().skip(1))
        .collect()
}

/// How much of the drift is sure.
fn drift_counted(plan: &Plan) -> String {
    let sure = plan
        .changes
        .iter()
        .filter(|change| change.origin == Some(Origin::Live))
        .count();
    let unsure = plan.changes.len() - sure;
    let parts = [
        (
            sure,
            "changed since it was applied",
            "changed since they were applied",
        ),
        (
            unsure,
            "that cannot be told apart from a change of the file",
            "that cannot be told apart from changes of the file",
        ),
    ];
    parts
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many }))
        .collect::<Vec<_>>()
        .join(", ")
}

fn nothing_to_do(plan: &Plan, file: Option<&str>) -> Vec<Span> {
    if is_drift_only(plan) {
        return vec![
            Span::new(Label::Success, "No drift."),
            Span::plain(format!(
                " {}: nothing that was applied is known to have changed since.",
                target(plan)
            )),
        ];
    }
    let file = match file {
        Some("-") => "standard input says",
        Some(file) => &format!("{file} says"),
        None => "wanted",
    };
    let state = match plan.unchanged.len() {
        0 if plan.partial.is_some() => "nothing of the part that was asked for changes.".to_owned(),
        0 => "there is nothing to manage.".to_owned(),
        count if plan.partial.is_some() => {
            format!(
                "{} of the part that was asked for as {file}.",
                counted(count, "object is", "objects are")
            )
        }
        1 => format!("the one object is as {file}."),
        count => format!("all {count} objects are as {file}."),
    };
    let mut spans = vec![
        Span::new(Label::Success, "No changes."),
        Span::plain(format!(" {}: {state}", target(plan))),
    ];
    if let Some(partial) = &plan.partial {
        let text = format!(
            "PARTIAL, {} left out.",
            counted(partial.left_out.len(), "change", "changes")
        );
        spans.extend([Span::plain(" "), Span::new(Label::Warning, text)]);
    }
    spans
}

/// `prod (111122223333, eu-west-1)`, or the file of a plan that changes one.
fn target(plan: &Plan) -> String {
    let part = |name: &str| plan.target.get(name).map(String::as_str);
    if let Some(file) = part("kubeconfig") {
        return format!("{file} (local to this machine)");
    }
    let name = part("cluster").unwrap_or("this configuration");
    let place: Vec<&str> = [part("account"), part("region")].into_iter().flatten().collect();
    if place.is_empty() {
        name.to_owned()
    } else {
        format!("{name} ({})", place.join(", "))
    }
}

/// What to say of the changes that give more access, or may.
pub(super) fn gives_more_access(plan: &Plan) -> &'static str {
    let unsure = plan
        .changes
        .iter()
        .any(|change| change.effect == Effect::Incomparable);
    match (plan.broadening(), unsure) {
        (1, false) => "gives more access",
        (1, true) => "may give more access",
        (_, false) => "give more access",
        (_, true) => "give or may give more access",
    }
}

fn legend(plan: &Plan, page: &mut Page) {
    let mut spans = Vec::new();
    for action in Action::ALL {
        if plan.count(action) > 0 {
            let (sign, word, _) = sign(action);
            spans.extend([Span::new(action.into(), sign), Span::plain(format!(" {word}  "))]);
        }
    }
    if plan.broadening() > 0 {
        spans.extend([Span::new(Label::Broader, "!"), Span::plain(" more access")]);
    }
    page.indented(2, &spans);
}

/// The changes, the riskiest first, then by kind and name.
pub(super) fn by_risk(plan: &Plan) -> Vec<&Change> {
    let refused: BTreeSet<&Address> = plan
        .findings_of(Severity::Refusal)
        .filter_map(|finding| finding.address.as_ref())
        .collect();
    let mut changes: Vec<&Change> = plan.changes.iter().collect();
    changes.sort_by_key(|change| {
        let risk = match change.action {
            _ if refused.contains(&change.address) => 0,
            Action::Delete => 1,
            Action::Replace => 2,
            Action::Update | Action::Adopt | Action::Forget if change.effect.broadens() => 3,
            Action::Update => 4,
            Action::Adopt => 5,
            Action::Forget => 6,
            Action::Create => 7,
        };
        (risk, &change.address)
    });
    changes
}

#[cfg(test)]
mod tests;
