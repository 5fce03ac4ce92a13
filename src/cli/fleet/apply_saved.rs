//! `apply FOLDER`: the saved plans in it, each as `apply PLAN` applies one, with one approval, one report and one exit code.

use std::{cell::Cell, path::Path, time::Instant};

use jiff::Timestamp;
use tokio::sync::watch;

use super::{
    FleetFlags, announce, end,
    ended::{Cut, Ended, ask, finish, not_approved, report, unasked},
    flags, plan_folder,
    run::{Bound, each, end_after, unless_stopped},
    shown,
    ways::Ways,
};
use crate::cli::{
    ExitCode, Failure,
    flags::{global::GlobalFlags, plan::Output},
    run::{
        apply_saved::{self, SavedPlanFlags},
        carry_out::Told,
        config_files::WholeFileFlags,
        flow::ApprovalFlags,
        interrupt::Listener,
        sandbox,
    },
};
use eksact_core::{
    engine::{Interrupt, Plan},
    fleet::{Outcome, Status, digest_of_saved},
    guard::broadening,
    kinds::preflight,
    saved::{
        SavedPlan,
        apply::{Begun, Standing, begin},
    },
    view::{Printer, fleet_human::Run, text::harmless},
};

/// Saved plans to be applied.
pub(crate) struct ApplyFolder<'run> {
    pub(crate) folder: &'run Path,
    pub(crate) flags: &'run SavedPlanFlags,
    pub(crate) whole: &'run WholeFileFlags,
    pub(crate) fleet: &'run FleetFlags,
    pub(crate) approval: ApprovalFlags,
    pub(crate) global: &'run GlobalFlags,
    pub(crate) printer: &'run Printer,
}

impl ApplyFolder<'_> {
    pub(crate) async fn run(self) -> Result<ExitCode, Failure> {
        let printer = self.printer;
        flags::check(self.whole, self.global, Vec::new())?;
        let (output, views) = (self.whole.plan.output, &self.whole.plan.views);
        let rule = self.whole.plan.broadening.rule()?;
        let entries = plan_folder::load(self.folder, &self.global.words_of_place())?;
        let (mut outcomes, saved): (Vec<Outcome>, Vec<Option<SavedPlan>>) = entries
            .into_iter()
            .map(|entry| (entry.outcome, entry.kept))
            .unzip();
        self.is_what_was_approved(&outcomes)?;
        for (outcome, saved) in outcomes.iter_mut().zip(&saved) {
            if let Some(saved) = saved
                && let Some(plan) = outcome.plan.take()
            {
                let rule = saved.request.broadening_rule().and(rule.clone());
                let plan = broadening::when_applied(plan, &rule, self.flags.expect.is_some());
                outcome.status = Status::of_plan(&plan, false);
                outcome.plan = Some(plan);
            }
        }
        if self.global.sandbox {
            sandbox::tell(&self.global.sandbox_file, printer);
        }
        announce(
            "applying the plans of",
            outcomes.len(),
            self.fleet.at_once(),
            printer,
        );
        shown::write_views(&outcomes, Run::Plan, views)?;
        shown::show_before_apply(&outcomes, output, views, printer)?;
        // Nothing of a cluster that a guard refuses is applied; the others go on.
        let may_be_applied = |plan: &Option<Plan>| plan.as_ref().is_some_and(Plan::may_be_applied);
        let (numbers, waiting): (Vec<usize>, Vec<SavedPlan>) = saved
            .into_iter()
            .enumerate()
            .zip(&outcomes)
            .filter(|(_, outcome)| may_be_applied(&outcome.plan))
            .filter_map(|((number, saved), _)| Some((number, saved?)))
            .unzip();
        let changing = waiting.iter().filter(|saved| saved.plan.has_changes()).count();
        let is_approved = self.approval.given() || self.flags.expect.is_some();
        let answer = if is_approved || changing == 0 {
            Ok(true)
        } else {
            ask(&outcomes, changing, self.whole, &approval(&outcomes), printer)
        };
        let is_declined = !matches!(answer, Ok(true));
        if is_declined {
            not_approved(&mut outcomes);
            if let Err(failure) = answer {
                return Err(unasked(&outcomes, self.whole, self.fleet, printer, failure));
            }
            printer.status("Nothing was changed.\n");
        } else {
            // Not while it asks, which waits for an answer and hears no signal: there the signal ends it.
            let (_listener, interrupt) = Listener::begin();
            let ways = Ways::new(self.global);
            let work: Vec<(&Outcome, SavedPlan)> = numbers
                .iter()
                .zip(waiting)
                .filter_map(|(number, saved)| Some((outcomes.get(*number)?, saved)))
                .collect();
            let carry = async |(outcome, saved): (&Outcome, SavedPlan)| {
                let begun = Instant::now();
                let told = match output {
                    Output::Ndjson => Told::Lines(outcome.cluster.as_ref()),
                    _ => Told::No,
                };
                let printer = printer.about(&outcome.label());
                let ended = self.one(&saved, outcome, &ways, &interrupt, told, &printer).await;
                (ended, begun.elapsed())
            };
            let results = each(work, self.fleet.at_once(), Bound::Its, &interrupt, carry).await;
            for (number, result) in numbers.into_iter().zip(results) {
                if let Some(outcome) = outcomes.get_mut(number) {
                    finish(outcome, result);
                }
            }
        }
        report(&outcomes, self.whole, self.fleet, printer)?;
        end(&outcomes, false)
    }

    /// Refuses a folder whose plans are not those that were approved: one more, one less, or another one.
    fn is_what_was_approved(&self, outcomes: &[Outcome]) -> Result<(), Failure> {
        let Some(expected) = &self.flags.expect else {
            return Ok(());
        };
        let unusable: Vec<&Outcome> = outcomes
            .iter()
            .filter(|outcome| outcome.saved.is_none())
            .collect();
        let found = digest_of_saved(outcomes);
        if unusable.is_empty() && found.as_ref() == Some(expected) {
            return Ok(());
        }
        let mut message = format!(
            "the plans in {} are not those that were approved; nothing was changed",
            self.folder.display()
        );
        for outcome in unusable {
            let problem = outcome
                .problem
                .as_ref()
                .map_or("", |problem| problem.message.as_str());
            message.push('\n');
            message.push_str(&harmless(problem));
        }
        if let Some(found) = found {
            message = format!("{message}\ntheir digest is {found}");
        }
        Err(Failure::error(format!("{message}\nand approved is {expected}")).with_code(ExitCode::NotApproved))
    }

    /// One cluster, from its saved plan to its end.
    async fn one(
        &self,
        saved: &SavedPlan,
        outcome: &Outcome,
        ways: &Ways<'_>,
        interrupt: &watch::Receiver<Interrupt>,
        told: Told<'_>,
        printer: &Printer,
    ) -> Ended {
        let limit = self.fleet.timeout();
        let is_locking = Cell::new(false);
        let reading = async {
            let connection = ways.to(&saved.request.config, printer).await?;
            let clients = (&connection.readers, &connection.writers);
            let notices = printer.clone();
            let notice = move |text: &str| notices.note(text);
            let begun = Box::pin(begin(
                saved,
                clients,
                &self.flags.new_run(),
                notice,
                async |plan: &Plan| {
                    preflight::check(plan, connection.readers.kubernetes.as_ref()).await?;
                    is_locking.set(true);
                    Ok::<(), Failure>(())
                },
            ))
            .await?;
            Ok::<_, Failure>((begun, connection))
        };
        let (begun, connection) = match unless_stopped(reading, limit, &is_locking, interrupt).await {
            Ok(Ok(begun)) => begun,
            Ok(Err(failure)) => return Ended::Failed(failure),
            Err(stopped) => return Ended::stopped(stopped, limit),
        };
        let (plan, held) = match begun {
            Begun::Ready {
                plan,
                held,
                left_behind,
            } => {
                if let Some(who) = left_behind {
                    apply_saved::tell_left_behind(&who, printer);
                }
                (plan, held)
            }
            Begun::Otherwise(Standing::Done(now, record)) => {
                printer.status(&apply_saved::done(record.as_ref()));
                return Ended::Nothing(now);
            }
            Begun::Otherwise(Standing::Ready(plan)) => return Ended::Nothing(plan),
            Begun::Otherwise(Standing::Refused(now)) => return Ended::Refused(now),
            Begun::Otherwise(Standing::Moved(moved, record)) => {
                let file = Path::new(outcome.saved.as_deref().unwrap_or_default());
                return Ended::Failed(apply_saved::moved(
                    &moved,
                    record.as_ref(),
                    saved,
                    (file, self.global),
                ));
            }
        };
        if *interrupt.borrow() > Interrupt::None {
            if let Some(held) = held {
                let clients = (&connection.readers, &connection.writers);
                // What is not given back ends by itself.
                let _ = held.give_back(clients, None, Timestamp::now()).await;
            }
            return Ended::Interrupted;
        }
        let is_over = Cell::new(false);
        let stop = async |listener: &Listener| end_after(limit, &is_over, listener).await;
        let (report, events, is_lost) =
            apply_saved::under_lock(&plan, saved, &connection, held, told, printer, stop).await;
        let cut = is_lost.then_some(Cut::LockLost);
        Ended::Run(report, events, is_over.get().then_some(Cut::TimeOver).or(cut))
    }
}

/// The words that approve on a command line what is in the folder. With a file that is no plan no digest does.
fn approval(outcomes: &[Outcome]) -> Vec<String> {
    let are_all_plans = outcomes.iter().all(|outcome| outcome.saved.is_some());
    match digest_of_saved(outcomes).filter(|_| are_all_plans) {
        Some(digest) => vec!["--expect".to_owned(), digest],
        None => vec!["--yes".to_owned()],
    }
}
