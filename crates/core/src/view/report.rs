//! How an apply ended, for people: what failed and why, what is unknown, what was not tried, what was done; the counts last.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    page::{Page, Span},
    plan_findings::write_help,
    style::{Label, Style, sign},
};
use crate::engine::{Action, Change, Plan, Report, Step, StepId};
use eksact_message::remedy::Remedy;

/// What became of an object or of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// All of it was done.
    Done,
    /// Some of it failed.
    Failed,
    /// Some of it was given up in flight.
    Unknown,
    /// Some of its steps were done and others were not tried.
    Unfinished,
    /// None of it was tried.
    NotTried,
}

/// What became of each change of the plan, in the plan's order.
pub fn outcomes<'plan>(plan: &'plan Plan, report: &Report) -> Vec<(&'plan Change, Outcome)> {
    let done: BTreeSet<&StepId> = report.done.iter().collect();
    let failed: BTreeSet<&StepId> = report.failed.iter().map(|(id, _)| id).collect();
    let unknown: BTreeSet<&StepId> = report.unknown.iter().collect();
    plan.changes
        .iter()
        .map(|change| {
            let any = |set: &BTreeSet<&StepId>| change.steps.iter().any(|id| set.contains(id));
            let outcome = if any(&failed) {
                Outcome::Failed
            } else if any(&unknown) {
                Outcome::Unknown
            } else if change.steps.iter().all(|id| done.contains(id)) {
                Outcome::Done
            } else if any(&done) {
                Outcome::Unfinished
            } else {
                Outcome::NotTried
            };
            (change, outcome)
        })
        .collect()
}

/// What does what a run has left undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rest {
    /// The command once more: it makes a plan of its own.
    SameCommand,
    /// Another saved plan, one of which a part was done no longer holds; and how it is made, where that is said here.
    NewPlan(Option<Remedy>),
}

/// The report of a run of `plan`. Objects that were done are listed only where not all were: the counts say the rest.
pub fn report(plan: &Plan, report: &Report, rest: &Rest, style: Style) -> String {
    let mut page = Page::new(style);
    let steps: BTreeMap<&StepId, &Step> = plan.steps.iter().map(|step| (&step.id, step)).collect();
    let title = |id: &StepId| match steps.get(id) {
        Some(step) => vec![
            Span::new(Label::Address, step.address.to_string()),
            Span::plain(format!(": {}", step.title)),
        ],
        None => vec![Span::new(Label::Address, id.to_string())],
    };
    let section = |page: &mut Page, label, heading: &str| {
        page.blank();
        page.line(&[], &[Span::new(label, heading)]);
    };
    let outcomes = outcomes(plan, report);
    if !report.succeeded() {
        let done: Vec<_> = outcomes
            .iter()
            .filter(|(_, outcome)| *outcome == Outcome::Done)
            .collect();
        if !done.is_empty() {
            section(&mut page, Label::Success, "Done:");
        }
        for (change, _) in &done {
            let body = [
                Span::new(Label::Address, change.address.to_string()),
                Span::plain(format!(" {}", sign(change.action).2)),
            ];
            page.indented(2, &body);
        }
    }
    if !report.failed.is_empty() {
        section(&mut page, Label::Error, "Failed:");
    }
    for (id, error) in &report.failed {
        page.hanging(2, 6, &title(id));
        for line in error.message.lines() {
            page.indented(6, &[Span::plain(line)]);
        }
        for help in &error.help {
            write_help(6, help, &mut page);
        }
    }
    if !report.unknown.is_empty() {
        section(
            &mut page,
            Label::Error,
            "Given up in flight; whether it took effect is unknown until the next plan looks:",
        );
    }
    for id in &report.unknown {
        page.hanging(2, 6, &title(id));
    }
    if !report.not_tried.is_empty() {
        section(&mut page, Label::Warning, "Not tried:");
    }
    for (id, reason) in &report.not_tried {
        let mut body = title(id);
        body.push(Span::new(Label::Dim, format!("  ({reason})")));
        page.hanging(2, 6, &body);
    }
    page.blank();
    let is_over = matches!(rest, Rest::NewPlan(_)) && was_begun(report);
    page.line(&[], &summary(&outcomes, report, is_over));
    if let Rest::NewPlan(Some(help)) = rest
        && is_over
        && !report.succeeded()
    {
        write_help(0, help, &mut page);
    }
    page.finish()
}

/// Whether something was done, or may have been.
fn was_begun(report: &Report) -> bool {
    !report.done.is_empty() || !report.unknown.is_empty()
}

/// `Applied: 3 created, 1 updated; 1 failed; 2 not tried.`
fn summary(outcomes: &[(&Change, Outcome)], report: &Report, is_over: bool) -> Vec<Span> {
    let (word, label) = match (report.succeeded(), report.interrupted) {
        (true, _) => ("Applied: ", Label::Success),
        (false, true) => ("Interrupted: ", Label::Error),
        (false, false) if !was_begun(report) => ("Not applied: ", Label::Error),
        (false, false) => ("Applied in part: ", Label::Error),
    };
    let mut spans = vec![Span::new(label, word)];
    spans.extend(counted(outcomes));
    spans.push(Span::plain("."));
    if !report.succeeded() {
        spans.push(Span::plain(if is_over {
            " Make a new plan to do the rest: this one no longer holds."
        } else {
            " Run the same command again to do the rest."
        }));
    }
    spans
}

/// What the last line counts: `3 created, 1 updated; 1 failed`.
pub(super) fn counted(outcomes: &[(&Change, Outcome)]) -> Vec<Span> {
    let count = |wanted| outcomes.iter().filter(|(_, outcome)| *outcome == wanted).count();
    let done: Vec<String> = Action::ALL
        .into_iter()
        .filter_map(|action| {
            let count = outcomes
                .iter()
                .filter(|(change, outcome)| *outcome == Outcome::Done && change.action == action)
                .count();
            (count > 0).then(|| format!("{count} {}", sign(action).2))
        })
        .collect();
    let mut spans = vec![Span::plain(if done.is_empty() {
        "nothing done".to_owned()
    } else {
        done.join(", ")
    })];
    for (outcome, label, words) in [
        (Outcome::Failed, Label::Error, "failed"),
        (Outcome::Unknown, Label::Error, "unknown"),
        (Outcome::Unfinished, Label::Error, "unfinished"),
        (Outcome::NotTried, Label::Warning, "not tried"),
    ] {
        let count = count(outcome);
        if count > 0 {
            spans.extend([Span::plain("; "), Span::new(label, format!("{count} {words}"))]);
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::samples;

    #[test]
    fn everything_was_done() {
        let plan = samples::plan();
        let all = Report {
            done: plan.steps.iter().map(|step| step.id.clone()).collect(),
            ..Report::default()
        };
        insta::assert_snapshot!(report(&plan, &all, &Rest::SameCommand, Style::plain(80)), @"Applied: 2 created, 1 updated, 1 replaced, 1 deleted, 1 adopted, 1 forgotten.");
    }

    #[test]
    fn failures_gaps_and_the_unknown() {
        insta::assert_snapshot!(report(&samples::plan(), &samples::report(), &Rest::SameCommand, Style::plain(80)), @r"
        Done:
          namespace/app created
          oidc-provider/prod adopted

        Failed:
          iam-role/ops/named: delete stack eksctl-prod-addon-iamserviceaccount-ops-named
              stack eksctl-prod-addon-iamserviceaccount-ops-named could not be created:
              Role1: the role deployer exists already
              (CREATE_FAILED, AWS::IAM::Role)
              help: Give another roleName, or delete that role.

        Given up in flight; whether it took effect is unknown until the next plan looks:
          iam-role/ops/gone: delete stack eksctl-prod-addon-iamserviceaccount-ops-gone

        Not tried:
          iam-role/ops/named: create stack eksctl-prod-addon-iamserviceaccount-ops-named
              (iam-role/ops/named#step-1 did not succeed)
          iam-role/app/s3-reader: detach arn:aws:iam::111122223333:policy/old from role
              eksctl-prod-Role1-X  (interrupted)
          service-account/app/s3-writer: apply service account app/s3-writer
              (interrupted)
          service-account/helm/release: remove the annotation  (interrupted)

        Interrupted: 1 created, 1 adopted; 1 failed; 1 unknown; 1 unfinished; 2 not
        tried. Run the same command again to do the rest.
        ");
    }

    #[test]
    fn report_of_nothing_done() {
        let plan = samples::plan();
        let none = Report {
            not_tried: plan
                .steps
                .iter()
                .map(|step| (step.id.clone(), "interrupted".to_owned()))
                .collect(),
            interrupted: true,
            ..Report::default()
        };
        for rest in [Rest::SameCommand, Rest::NewPlan(None)] {
            let text = report(&plan, &none, &rest, Style::plain(200));
            let last = text.lines().last().unwrap();
            assert_eq!(
                last,
                "Interrupted: nothing done; 7 not tried. Run the same command again to do the rest."
            );
        }
    }

    #[test]
    fn saved_plan_that_was_begun_is_not_applied_again() {
        let text = report(
            &samples::plan(),
            &samples::report(),
            &Rest::NewPlan(Some(
                serde_json::from_str("\"Run `eksact plan -f c.yaml --out p.json`\"").unwrap(),
            )),
            Style::plain(200),
        );
        let [.., last, help] = text.lines().collect::<Vec<_>>()[..] else {
            panic!("{text}")
        };
        assert!(
            last.ends_with("not tried. Make a new plan to do the rest: this one no longer holds."),
            "{last}"
        );
        assert_eq!(help, "help: Run `eksact plan -f c.yaml --out p.json`");
    }
}
