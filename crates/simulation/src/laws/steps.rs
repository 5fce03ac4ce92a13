//! Never a step that the plan did not have: each write is a step's, of the object that the step is about, in the order that
//! the plan has.

use std::collections::{BTreeMap, BTreeSet};

use super::Violation;
use crate::{
    history::{Planned, Told, What},
    objects::{belongs, changed},
    play::Played,
    tally::Tally,
};

const LAW: &str = "no other step";

pub(super) fn judge(played: &Played, tally: &mut Tally) -> Vec<Violation> {
    let told = &played.told;
    let mut found = Vec::new();
    for (place, event) in told.events.iter().enumerate() {
        let Some(run) = event.run else { continue };
        match &event.what {
            What::Call {
                call, accepted: true, ..
            } if call.write => {
                tally.judge(LAW);
                // The lock of a saved plan is no step of it.
                if call.action.ends_with(" leases") {
                    continue;
                }
                let planned = told.plan_at(run, place);
                let step = event.step.as_deref();
                let known = planned
                    .zip(step)
                    .and_then(|(planned, step)| Told::steps(planned).get(step).copied());
                let Some(step) = known else {
                    found.push(Violation::new(
                        LAW,
                        format!(
                            "run {run} writes {} of {} in no step of its plan",
                            call.action, call.object
                        ),
                    ));
                    continue;
                };
                let (before, after) = (&told.versions[event.before], &told.versions[event.after]);
                for object in changed(before, after) {
                    if !belongs(&object, &step.address, [before, after]) {
                        found.push(Violation::new(
                            LAW,
                            format!(
                                "step {} of run {run} changes {object} by {}",
                                step.id, call.action
                            ),
                        ));
                    }
                }
            }
            What::Time => {
                let (before, after) = (&told.versions[event.before], &told.versions[event.after]);
                for object in changed(before, after) {
                    let is_announced = begun(told, place).any(|planned| {
                        let mut steps = planned.plan.steps.iter();
                        steps.any(|step| belongs(&object, &step.address, [before, after]))
                    });
                    if !is_announced {
                        found.push(Violation::new(
                            LAW,
                            format!("{object} changes, and no plan has it"),
                        ));
                    }
                }
            }
            _ => {}
        }
    }
    for run in 0..=told
        .events
        .iter()
        .filter_map(|event| event.run)
        .max()
        .unwrap_or_default()
    {
        found.extend(order(told, run));
    }
    found
}

fn begun(told: &Told, place: usize) -> impl Iterator<Item = &Planned> {
    let is_begun = move |planned: &&Planned| planned.begun.is_some_and(|begun| begun <= place);
    told.plans.iter().filter(is_begun)
}

/// Every step is begun once at most, and after all that it waits for has succeeded.
fn order(told: &Told, run: usize) -> Vec<Violation> {
    let mut found = Vec::new();
    let Some(planned) = told.plan_at(run, usize::MAX) else {
        return found;
    };
    let steps: BTreeMap<_, _> = Told::steps(planned);
    let (mut begun, mut done) = (BTreeSet::new(), BTreeSet::new());
    for event in told.events.iter().filter(|event| event.run == Some(run)) {
        let Some(id) = event.step.as_deref() else { continue };
        match &event.what {
            What::Begun => {
                if !begun.insert(id) {
                    found.push(Violation::new(LAW, format!("run {run} begins step {id} twice")));
                }
                let waits = steps
                    .get(id)
                    .map(|step| step.depends_on.as_slice())
                    .unwrap_or_default();
                for before in waits.iter().filter(|before| !done.contains(before.0.as_str())) {
                    found.push(Violation::new(
                        LAW,
                        format!("run {run} begins step {id} before {before} is done"),
                    ));
                }
            }
            What::Ended(None) => {
                done.insert(id);
            }
            _ => {}
        }
    }
    found
}
