//! Why an object changes, for people: what happens to it, the lines of the file that ask for it, what the plan says of it, and
//! what it depends on.

use super::{
    page::{Page, Span},
    plan_change, plan_findings,
    plan_findings::place,
    style::{Label, Style, sign},
};
use crate::engine::{
    Plan,
    explanation::{Explanation, Neighbor, Verdict},
};

/// The whole view of `explanation`, which is of `plan`.
pub fn explain_human(explanation: &Explanation, plan: &Plan, style: Style) -> String {
    let mut page = Page::new(style);
    match &explanation.change {
        Some(change) => plan_change::write(change, plan, &mut page),
        None => {
            let words = match explanation.verdict {
                Verdict::Unchanged => "is as desired",
                Verdict::LeftOut => "is not in the part of the plan that was asked for",
                Verdict::Written => "is written for other objects",
                Verdict::Changes | Verdict::NotPlanned => "is not changed",
            };
            let address = Span::new(Label::Address, explanation.address.to_string());
            page.line(&[], &[address, Span::plain(format!(" {words}."))]);
        }
    }
    why(explanation, &mut page);
    if let Some(compared) = explanation.compared {
        section("Compared", &mut page);
        page.indented(2, &[Span::plain(compared)]);
    }
    if !explanation.findings.is_empty() {
        section("Findings", &mut page);
        for finding in &explanation.findings {
            plan_findings::write_finding(finding, &mut page);
        }
    }
    neighbors("Depends on", &explanation.needs, &mut page);
    neighbors("What waits for it", &explanation.needed_by, &mut page);
    if !explanation.steps.is_empty() {
        section("Steps", &mut page);
        for (number, step) in explanation.steps.iter().enumerate() {
            let lead = [Span::plain(format!("  {}. ", number + 1))];
            page.line(&lead, &[Span::plain(&step.title)]);
            for before in &step.depends_on {
                page.indented(5, &[Span::new(Label::Dim, format!("after {before}"))]);
            }
        }
    }
    page.finish()
}

fn section(title: &str, page: &mut Page) {
    page.blank();
    page.line(&[], &[Span::new(Label::Address, format!("{title}:"))]);
}

/// The reasons with their codes, and the lines that ask for the change.
fn why(explanation: &Explanation, page: &mut Page) {
    let Some(change) = &explanation.change else {
        return;
    };
    section("Why", page);
    for reason in &change.reasons {
        let code = Span::new(Label::Dim, format!("  [{}]", reason.code));
        page.hanging(2, 4, &[Span::plain(&reason.text), code]);
    }
    match &change.source {
        Some(source) => page.indented(2, &[Span::plain(format!("asked for in {}", place(source)))]),
        None => page.indented(2, &[Span::plain("no line of the file asks for it by name")]),
    }
    for line in &explanation.excerpt {
        page.verbatim(4, &Span::new(Label::Dim, format!("{:>4} | {}", line.line, line.text)));
    }
}

fn neighbors<'neighbor>(
    title: &str,
    neighbors: impl IntoIterator<Item = &'neighbor Neighbor>,
    page: &mut Page,
) {
    let mut neighbors = neighbors.into_iter().peekable();
    if neighbors.peek().is_none() {
        return;
    }
    section(title, page);
    for neighbor in neighbors {
        let becomes = neighbor.action.map_or_else(
            || "stays as it is".to_owned(),
            |action| format!("will be {}", sign(action).2),
        );
        let address = Span::new(Label::Address, neighbor.address.to_string());
        page.hanging(2, 4, &[address, Span::plain(format!(" {becomes}"))]);
    }
}
