//! What people see of plans.

use serde_json::json;

use super::*;
use crate::{
    engine::{AttributeChange, Finding},
    view::{samples, text::cells},
};

fn file() -> Option<&'static str> {
    Some("cluster.yaml")
}

#[test]
fn every_action_and_every_severity() {
    let text = plan_human(&samples::plan(), file(), Style::plain(80));
    assert!(text.lines().all(|line| cells(line) <= 80), "{text}");
    insta::assert_snapshot!(text, @"");
}

#[test]
fn a_wide_terminal_is_used() {
    let text = plan_human(&samples::plan(), file(), Style::plain(120));
    assert!(text.lines().any(|line| cells(line) > 90));
    insta::assert_snapshot!(text, @"");
}

#[test]
fn in_colour() {
    let mut plan = samples::plan();
    plan.changes
        .retain(|change| change.address.name() == "app/s3-reader");
    plan.findings.truncate(1);
    let text = plan_human(
        &plan,
        file(),
        Style {
            colour: true,
            width: 80,
        },
    );
    insta::assert_snapshot!(text.replace('\u{1b}', "␛"), @"");
    // Colour is the only difference.
    let stripped = anstream::adapter::strip_str(&text).to_string();
    assert_eq!(stripped, plan_human(&plan, file(), Style::plain(80)));
}

#[test]
fn nothing_to_change() {
    let say = |plan: &Plan, file| plan_human(plan, file, Style::plain(100));
    assert_eq!(
        say(&samples::empty(14), file()),
        "No changes. prod (111122223333, eu-west-1): all 14 objects are as cluster.yaml says.\n"
    );
    assert_eq!(
        say(&samples::empty(1), None),
        "No changes. prod (111122223333, eu-west-1): the one object is as wanted.\n"
    );
    assert_eq!(
        say(&samples::empty(0), Some("-")),
        "No changes. prod (111122223333, eu-west-1): there is nothing to manage.\n"
    );
}

#[test]
fn errors_are_never_no_changes() {
    let mut plan = samples::empty(13);
    plan.findings = samples::plan().findings;
    plan.findings
        .retain(|finding| finding.severity == Severity::Error);
    insta::assert_snapshot!(plan_human(&plan, file(), Style::plain(80)), @"");
    for finding in &mut plan.findings {
        finding.severity = Severity::Refusal;
    }
    assert!(!plan_human(&plan, file(), Style::plain(80)).contains("No changes"));
}

#[test]
fn the_riskiest_first() {
    let plan = samples::plan();
    let order: Vec<String> = by_risk(&plan)
        .iter()
        .map(|change| format!("{} {}", sign(change.action).1, change.address))
        .collect();
    insta::assert_snapshot!(order.join("\n"), @"");
}

#[test]
fn hostile_text_stays_text() {
    let mut draft = samples::draft();
    let address = Address::new(
        "iam-role",
        format!(
            "app/\u{1b}]0;gotcha\u{7}ad\u{200b}min\r\u{202e}{}",
            "x".repeat(3_000)
        ),
    );
    let attribute = AttributeChange::plain(
        "label \u{1b}[2K\nplan",
        Some(json!("a\nb\u{9b}31m")),
        Some(json!({"deep": ["\u{1b}[31m", "y".repeat(500)]})),
    )
    .with_remark("\u{7}");
    samples::add(
        &mut draft,
        (Action::Update, &address),
        &[("x", "\u{1b}[1A")],
        vec![attribute],
        &["\u{1b}c", "two"],
        Some(1),
        &["\u{8}"],
    );
    draft.add_finding(
        Finding::new(Severity::Error, "\u{1b}", "\u{1b}[3J")
            .about(&address)
            .with_help("\u{1b}"),
    );
    draft.set_target("cluster", "\u{1b}[31mprod");
    let plan = draft.finish("0").unwrap();
    for width in [0, 1, 40, 80] {
        let text = plan_human(&plan, Some("\u{1b}.yaml"), Style::plain(width));
        assert!(
            !text
                .chars()
                .any(|c| c != '\n' && crate::view::text::is_harmful(c)),
            "{text:?}"
        );
        assert_eq!(text.matches('x').count() / 3_000, 2, "nothing is cut");
    }
}
