//! The report tells the truth.

use std::collections::BTreeSet;

use eksact_core::engine::{Address, StepFailure};

use super::Violation;
use crate::{history::What, objects::changed, play::Played, story::Story, tally::Tally};

const LAW: &str = "true report";
/// Words by which a step says that it wrote nothing.
const UNTOUCHED: [&str; 2] = ["nothing was written", "nothing was changed"];

pub(super) fn judge(story: &Story, played: &Played, tally: &mut Tally) -> Vec<Violation> {
    let told = &played.told;
    let mut found = Vec::new();
    for planned in told.plans.iter().filter(|planned| planned.begun.is_some()) {
        let Some(report) = &planned.report else { continue };
        tally.judge(LAW);
        let all: BTreeSet<&str> = planned.plan.steps.iter().map(|step| step.id.0.as_str()).collect();
        let named = report
            .done
            .iter()
            .chain(report.failed.iter().map(|(id, _)| id))
            .chain(report.not_tried.iter().map(|(id, _)| id))
            .chain(&report.unknown);
        let named: Vec<&str> = named.map(|id| id.0.as_str()).collect();
        if named.len() != all.len() || named.iter().copied().collect::<BTreeSet<_>>() != all {
            found.push(Violation::new(
                LAW,
                format!("the report of run {} does not name each step once", planned.run),
            ));
        }
        let writes = |step: &str| {
            told.effects().find_map(|(event, run, call)| {
                let is_its = run == planned.run && event.step.as_deref() == Some(step);
                let (before, after) = (&told.versions[event.before], &told.versions[event.after]);
                // A change set changes nothing until it is executed.
                let is_draft = ["CreateChangeSet", "DeleteChangeSet"].contains(&call.action.as_str());
                // A copy that is kept before a write is no write of the object.
                let objects = changed(before, after);
                let is_backup = objects
                    .iter()
                    .all(|object| object.key.starts_with("kube-system/aws-auth-"));
                (is_its && !is_backup && !is_draft).then(|| format!("{} of {}", call.action, call.object))
            })
        };
        for (step, error) in &report.failed {
            let is_untouched = error.cause != StepFailure::Failed
                || UNTOUCHED.iter().any(|words| error.message.contains(words));
            if is_untouched && let Some(write) = writes(&step.0) {
                found.push(Violation::new(
                    LAW,
                    format!("step {step} says `{error}`, and did {write}"),
                ));
            }
        }
        for (step, _) in &report.not_tried {
            if let Some(write) = writes(&step.0) {
                found.push(Violation::new(
                    LAW,
                    format!("step {step} was not tried, and did {write}"),
                ));
            }
        }
    }
    found.extend(done_is_done(story, played));
    found
}

/// What a run that was alone has done is not planned again.
fn done_is_done(story: &Story, played: &Played) -> Vec<Violation> {
    let told = &played.told;
    let has_hands = told
        .events
        .iter()
        .any(|event| matches!(event.what, What::Hand(_)));
    if story.runs.len() != 1 || has_hands {
        return Vec::new();
    }
    let Some(planned) = told.plans.iter().rev().find(|planned| planned.report.is_some()) else {
        return Vec::new();
    };
    let Some(report) = &planned.report else {
        return Vec::new();
    };
    let Some((again, _)) = played
        .again
        .iter()
        .find(|again| again.run == Some(0))
        .and_then(|again| again.plan.as_ref())
    else {
        return Vec::new();
    };
    let done: BTreeSet<&str> = report.done.iter().map(|id| id.0.as_str()).collect();
    let is_done = |address: &Address| {
        planned
            .plan
            .changes
            .iter()
            .find(|change| change.address == *address)
            .is_some_and(|change| {
                !change.steps.is_empty() && change.steps.iter().all(|step| done.contains(step.0.as_str()))
            })
    };
    again
        .changes
        .iter()
        // That a look is repeated, for the sake of something that was not done, is no write that was not done.
        .filter(|change| change.steps.iter().any(|step| !step.0.ends_with("#confirm")))
        .filter(|change| is_done(&change.address))
        .map(|change| {
            let reasons: Vec<&str> = change.reasons.iter().map(|reason| reason.text.as_str()).collect();
            Violation::new(
                LAW,
                format!(
                    "{} was done, says the report, and the next plan has it again: {:?}, {}",
                    change.address,
                    change.action,
                    reasons.join(", ")
                ),
            )
        })
        .collect()
}
