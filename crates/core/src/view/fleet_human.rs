//! Many clusters for people: how many ended how, a line for each cluster, then the details of those with something to look at.

use super::{
    page::{Page, Span},
    plan_findings::write_help,
    plan_human::{counted_in_short, plan_human},
    report::{self, Rest, outcomes},
    style::{Label, Style},
    text::counted,
};
use crate::fleet::{Outcome, Status, counts};

/// What the run was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// To see the plans.
    Plan,
    /// To see the drift.
    Drift,
    /// To carry the plans out.
    Apply,
}

/// The whole view.
pub fn fleet_human(outcomes: &[Outcome], run: Run, style: Style) -> String {
    let mut page = Page::new(style);
    page.line(&[], &headline(outcomes, run));
    page.blank();
    let widest = |of: &dyn Fn(&Outcome) -> usize| outcomes.iter().map(of).max().unwrap_or_default();
    let label = |outcome: &Outcome| Span::new(Label::Address, outcome.label());
    let (labels, words) = (
        widest(&|outcome| label(outcome).cells()),
        widest(&|outcome| word(outcome.status).0.len()),
    );
    for outcome in outcomes {
        let name = label(outcome);
        let gap = " ".repeat(labels - name.cells() + 2);
        let (text, look) = word(outcome.status);
        let lead = [
            Span::plain("  "),
            name,
            Span::plain(gap),
            Span::new(look, format!("{text:<words$}  ")),
        ];
        page.line(&lead, &in_short(outcome));
    }
    let mut text = page.finish();
    for outcome in outcomes.iter().filter(|outcome| has_details(outcome, run)) {
        text.push_str(&details(outcome, run, style));
    }
    text
}

/// `Plans for 3 clusters: 1 with changes, 2 unchanged · 2 changes give more access, or may.`
pub(super) fn headline(outcomes: &[Outcome], run: Run) -> Vec<Span> {
    let what = match run {
        Run::Plan => "Plans for",
        Run::Drift => "Drift of",
        Run::Apply => "Apply to",
    };
    let clusters = counted(outcomes.len(), "cluster", "clusters");
    let mut spans = vec![Span::new(Label::Address, format!("{what} {clusters}: "))];
    let counts = counts(outcomes);
    let mut first = true;
    for status in Status::ALL {
        let Some(count) = counts.get(&status) else {
            continue;
        };
        if !first {
            spans.push(Span::plain(", "));
        }
        first = false;
        let (_, look) = word(status);
        spans.push(Span::new(look, format!("{count} {}", phrase(status))));
    }
    let broadening: usize = outcomes.iter().map(Outcome::broadening).sum();
    if broadening > 0 && run != Run::Apply {
        let text = counted(
            broadening,
            "change gives more access, or may",
            "changes give more access, or may",
        );
        spans.extend([Span::plain(" · "), Span::new(Label::Broader, text)]);
    }
    spans.push(Span::plain("."));
    spans
}

/// The word for a status in a list, and its look. What went wrong is in capitals: it must not pass for the rest.
pub(super) const fn word(status: Status) -> (&'static str, Label) {
    match status {
        Status::Unchanged => ("unchanged", Label::Success),
        Status::Changes => ("changes", Label::Update),
        Status::Drift => ("drift", Label::Warning),
        Status::Applied => ("applied", Label::Success),
        Status::NotApproved => ("not approved", Label::Warning),
        Status::Refused => ("REFUSED", Label::Error),
        Status::Stale => ("MOVED", Label::Error),
        Status::Partial => ("IN PART", Label::Error),
        Status::Failed => ("FAILED", Label::Error),
        Status::Invalid => ("INVALID", Label::Error),
        Status::TimedOut => ("TIMED OUT", Label::Error),
        Status::Interrupted => ("INTERRUPTED", Label::Error),
    }
}

/// The same behind a count.
const fn phrase(status: Status) -> &'static str {
    match status {
        Status::Changes => "with changes",
        Status::Drift => "with drift",
        Status::Unchanged => "unchanged",
        Status::Applied => "applied",
        Status::NotApproved => "not approved",
        Status::Refused => "REFUSED by a guard",
        Status::Stale => "MOVED before the apply",
        Status::Partial => "applied IN PART",
        Status::Failed => "FAILED",
        Status::Invalid => "INVALID",
        Status::TimedOut => "TIMED OUT",
        Status::Interrupted => "INTERRUPTED",
    }
}

/// What a line says behind the status.
pub(super) fn in_short(outcome: &Outcome) -> Vec<Span> {
    if let (Some((run, _)), Some(plan)) = (&outcome.run, &outcome.plan) {
        let mut spans = report::counted(&outcomes(plan, run));
        if let Some(line) = first_line(outcome) {
            spans.push(Span::plain(format!("; {line}")));
        }
        return spans;
    }
    if let Some(line) = first_line(outcome) {
        return vec![Span::plain(line)];
    }
    outcome.plan.as_ref().map(counted_in_short).unwrap_or_default()
}

fn first_line(outcome: &Outcome) -> Option<&str> {
    let problem = outcome.problem.as_ref()?;
    problem.message.lines().next()
}

/// Whether there is more to see than the line says.
pub(super) fn has_details(outcome: &Outcome, run: Run) -> bool {
    match run {
        Run::Plan | Run::Drift => outcome.problem.is_some() || outcome.status != Status::Unchanged,
        Run::Apply => !matches!(
            outcome.status,
            Status::Applied | Status::Unchanged | Status::NotApproved
        ),
    }
}

/// What does what the run over a cluster has left undone.
pub(super) const fn rest_of(outcome: &Outcome) -> Rest {
    if outcome.saved.is_some() {
        Rest::NewPlan(None)
    } else {
        Rest::SameCommand
    }
}

/// All about one cluster, below its name.
fn details(outcome: &Outcome, run: Run, style: Style) -> String {
    let mut page = Page::new(style);
    let files = outcome.files.join(", ");
    let mut heading = vec![Span::new(Label::Address, format!("== {}", outcome.label()))];
    if outcome.cluster.is_some() {
        heading.push(Span::new(Label::Dim, format!("  {files}")));
    }
    page.line(&[], &heading);
    if let Some(problem) = &outcome.problem {
        let mut lines = problem.message.lines();
        page.line(
            &[Span::new(Label::Error, "error: ")],
            &[Span::plain(lines.next().unwrap_or_default())],
        );
        for line in lines {
            match line.strip_prefix("    ") {
                Some(further) => match further.strip_prefix("help: ") {
                    Some(help) => write_help(8, help, &mut page),
                    // A line of the file, or the caret below it, which wrapping would part.
                    None => page.verbatim(8, &Span::plain(further)),
                },
                None => page.hanging(4, 6, &[Span::plain(line)]),
            }
        }
        for help in &problem.help {
            write_help(2, help, &mut page);
        }
    }
    let mut text = format!("\n{}", page.finish());
    if let Some(plan) = &outcome.plan {
        match (&outcome.run, run) {
            (Some((report, _)), _) => {
                text.push_str(
                    report::report(plan, report, &rest_of(outcome), style).trim_start_matches('\n'),
                );
            }
            (None, Run::Plan | Run::Drift) => {
                text.push_str(&plan_human(
                    plan,
                    outcome.files.first().map(String::as_str),
                    style,
                ));
            }
            // The plan was shown before the question.
            (None, Run::Apply) => {}
        }
    }
    if let (Some(saved), Some(digest)) = (&outcome.saved, &outcome.digest) {
        let mut page = Page::new(style);
        page.line(&[], &[Span::plain(format!("Saved in {saved}: {digest}"))]);
        text.push_str(&page.finish());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::samples;

    #[test]
    fn plans_of_many_clusters() {
        insta::assert_snapshot!(
            fleet_human(&samples::fleet(), Run::Plan, Style::plain(100))
                .lines()
                .take(12)
                .collect::<Vec<_>>()
                .join("\n"),
            @r"
        Plans for 4 clusters: 1 with changes, 1 unchanged, 1 INVALID, 1 TIMED OUT · 2 changes give more
        access, or may.

          eu-west-1/prod        changes    2 to create, 1 to update, 1 to replace, 1 to delete, 1 to adopt,
                                           1 to forget · 2 give or may give more access · REFUSED for 1
                                           reason · 1 object could not be planned · 1 warning · 14 unchanged
          eu-west-1/test        unchanged  no changes · 14 unchanged
          clusters/broken.yaml  INVALID    the configuration cannot be used as it is: 1 error
          eu-west-1/far         TIMED OUT  it took longer than 10m

        == eu-west-1/prod  clusters/prod.yaml
        Plan for prod (111122223333, eu-west-1): 2 to create, 1 to update, 1 to replace, 1 to delete, 1 to
        "
        );
    }

    #[test]
    fn apply_shows_what_did_not_go_well() {
        insta::assert_snapshot!(fleet_human(&samples::fleet_applied(), Run::Apply, Style::plain(100)), @r"
        Apply to 4 clusters: 1 unchanged, 1 applied IN PART, 1 INVALID, 1 TIMED OUT.

          eu-west-1/prod        IN PART    1 created, 1 adopted; 1 failed; 1 unknown; 1 unfinished; 2 not
                                           tried
          eu-west-1/test        unchanged  no changes · 14 unchanged
          clusters/broken.yaml  INVALID    the configuration cannot be used as it is: 1 error
          eu-west-1/far         TIMED OUT  it took longer than 10m

        == eu-west-1/prod  clusters/prod.yaml
        Done:
          namespace/app created
          oidc-provider/prod adopted

        Failed:
          iam-role/ops/named: delete stack eksctl-prod-addon-iamserviceaccount-ops-named
              stack eksctl-prod-addon-iamserviceaccount-ops-named could not be created: Role1: the role
              deployer exists already
              (CREATE_FAILED, AWS::IAM::Role)
              help: Give another roleName, or delete that role.

        Given up in flight; whether it took effect is unknown until the next plan looks:
          iam-role/ops/gone: delete stack eksctl-prod-addon-iamserviceaccount-ops-gone

        Not tried:
          iam-role/ops/named: create stack eksctl-prod-addon-iamserviceaccount-ops-named
              (iam-role/ops/named#step-1 did not succeed)
          iam-role/app/s3-reader: detach arn:aws:iam::111122223333:policy/old from role eksctl-prod-Role1-X
              (interrupted)
          service-account/app/s3-writer: apply service account app/s3-writer  (interrupted)
          service-account/helm/release: remove the annotation  (interrupted)

        Interrupted: 1 created, 1 adopted; 1 failed; 1 unknown; 1 unfinished; 2 not tried. Run the same
        command again to do the rest.

        == clusters/broken.yaml
        error: the configuration cannot be used as it is: 1 error
            clusters/broken.yaml:3:1: error: there is no key `iamm`

        == eu-west-1/far  clusters/far.yaml
        error: it took longer than 10m
          help: Give another roleName, or delete that role.
        ");
    }
}
