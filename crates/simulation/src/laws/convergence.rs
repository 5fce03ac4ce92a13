//! A rerun converges.

use std::fmt::Write as _;

use eksact_core::engine::{Plan, Report, StepId};

use super::Violation;
use crate::{
    normal_form::{differences, normal_form},
    play::Played,
    tally::Tally,
};

const LAW: &str = "converges";

/// The changes of a plan, one line each.
fn lines(plan: &Plan) -> String {
    let mut text = String::new();
    for change in &plan.changes {
        let reasons: Vec<&str> = change.reasons.iter().map(|reason| reason.text.as_str()).collect();
        write!(
            text,
            "\n    {:?} {}: {}",
            change.action,
            change.address,
            reasons.join(", ")
        )
        .unwrap();
        for attribute in &change.attributes {
            write!(
                text,
                "\n      {}: {:?} -> {:?}",
                attribute.name,
                attribute.before.as_ref().map(ToString::to_string),
                attribute.after.as_ref().map(ToString::to_string)
            )
            .unwrap();
        }
    }
    text
}

/// Whether steps failed, and only those of which the plan warned: CloudFormation makes no role of a name that is taken, by one that it could
/// not delete itself, too.
fn is_told_to_fail(plan: &Plan, report: &Report) -> bool {
    let is_told = |step: &StepId| {
        let of_name = plan
            .findings
            .iter()
            .filter(|finding| finding.code.as_str() == "role-name-taken");
        let mut addresses = of_name.filter_map(|finding| finding.address.as_ref());
        addresses.any(|address| step.0.split('#').next() == Some(address.to_string().as_str()))
    };
    !report.failed.is_empty() && report.failed.iter().all(|(step, _)| is_told(step))
}

/// Every command that is run again in quiet succeeds, and leaves nothing to do.
pub(super) fn judge(played: &Played, tally: &mut Tally) -> Vec<Violation> {
    let mut found = Vec::new();
    if played.hangs {
        found.push(Violation::new(LAW, "the runs did not end within a day"));
    }
    for again in &played.again {
        let name = match again.run {
            Some(run) => format!("run {run}"),
            None => "what made the world".to_owned(),
        };
        if let Some(error) = &again.unread {
            found.push(Violation::new(
                LAW,
                format!("{name} cannot be planned again: {error}"),
            ));
        }
        let Some((plan, report)) = &again.plan else {
            continue;
        };
        if let Some(report) = report {
            tally.judge(LAW);
            if is_told_to_fail(plan, report) {
                continue;
            }
            if !report.succeeded() {
                let failed: Vec<String> = report
                    .failed
                    .iter()
                    .map(|(step, error)| format!("{step}: {error}"))
                    .collect();
                found.push(Violation::new(
                    LAW,
                    format!(
                        "{name}, again and in quiet, fails: {}{}",
                        failed.join("; "),
                        lines(plan)
                    ),
                ));
                continue;
            }
        }
        if let Some(next) = &again.next
            && next.has_changes()
        {
            found.push(Violation::new(
                LAW,
                format!("the plan after {name} was run again has changes:{}", lines(next)),
            ));
        }
    }
    found
}

/// The world is the one that the same story leads to without its faults.
pub(super) fn same_end(played: &Played, calm: &Played, tally: &mut Tally) -> Vec<Violation> {
    let is_done = |played: &Played| {
        played.again.iter().all(|again| {
            again
                .plan
                .as_ref()
                .is_some_and(|(_, report)| report.as_ref().is_none_or(Report::succeeded))
        })
    };
    if !is_done(played) || !is_done(calm) {
        return Vec::new();
    }
    tally.judge("same end");
    let differences = differences(&normal_form(&calm.end), &normal_form(&played.end));
    if differences.is_empty() {
        return Vec::new();
    }
    vec![Violation::new("same end", differences.join("\n    "))]
}
