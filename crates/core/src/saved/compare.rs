//! Whether the world is still the one that a plan was made over: the same request planned anew, held against the plan.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::as_json;
use crate::{
    engine::{Action, Address, Change, Plan, Severity, Step, StepId},
    guard::Guard,
};

/// An object that is no longer as the plan saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Which; none for what is not about one object.
    pub address: Option<Address>,
    /// What is otherwise, in words that follow its address.
    pub how: String,
}

/// What moved between `saved` and `fresh`, which was planned from the same request: nothing where carrying out `saved` does
/// what was approved. Findings that are only to be known, and remarks, do not count.
pub fn moved(saved: &Plan, fresh: &Plan) -> Vec<Moved> {
    // What waits for an object that moved is no object that moved. Where none did, that counts as well.
    let moved = compared(saved, fresh, Waiting::Apart);
    if moved.is_empty() {
        compared(saved, fresh, Waiting::Included)
    } else {
        moved
    }
}

/// Whether it counts for what an object and a step wait.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waiting {
    Apart,
    Included,
}

fn compared(saved: &Plan, fresh: &Plan, waiting: Waiting) -> Vec<Moved> {
    let mut moved: BTreeMap<Option<Address>, String> = BTreeMap::new();
    let before = States::of(saved);
    let now = States::of(fresh);
    let addresses: BTreeSet<&Address> = before.all().chain(now.all()).collect();
    for address in addresses {
        if let Some(how) = difference(before.at(address), now.at(address), waiting) {
            moved.insert(Some(address.clone()), how);
        }
    }
    let (steps_before, steps_now) = (steps(saved), steps(fresh));
    let ids: BTreeSet<&StepId> = steps_before.keys().chain(steps_now.keys()).copied().collect();
    for id in ids {
        let (before, now) = (steps_before.get(id), steps_now.get(id));
        let Some(step) = before.or(now) else { continue };
        let is_explained = step
            .changes
            .iter()
            .chain([&step.address])
            .any(|address| moved.contains_key(&Some(address.clone())));
        if step_as_compared(before, waiting) != step_as_compared(now, waiting) && !is_explained {
            moved.insert(
                Some(step.address.clone()),
                match (before, now) {
                    (Some(_), None) => format!("the plan would {}, which is not needed now", step.title),
                    (None, _) => format!("a plan of now would also {}", step.title),
                    _ => "it changed in something that the plan relies on".to_owned(),
                },
            );
        }
    }
    if waiting == Waiting::Included && order(saved) != order(fresh) {
        moved.insert(None, "the steps would come in another order".to_owned());
    }
    for (word, one, other) in [
        ("no longer", guarded(saved), guarded(fresh)),
        ("now", guarded(fresh), guarded(saved)),
    ] {
        for (address, what) in one.difference(&other) {
            moved
                .entry(address.clone())
                .or_insert_with(|| format!("{word}: {what}"));
        }
    }
    moved
        .into_iter()
        .map(|(address, how)| Moved { address, how })
        .collect()
}

/// What a plan says of an object.
#[derive(Clone, Copy)]
enum State<'plan> {
    Changes(&'plan Change),
    Unchanged,
    Absent,
}

struct States<'plan> {
    changes: BTreeMap<&'plan Address, &'plan Change>,
    unchanged: BTreeSet<&'plan Address>,
}

impl<'plan> States<'plan> {
    fn of(plan: &'plan Plan) -> Self {
        let changes = plan.changes.iter().map(|change| (&change.address, change));
        Self {
            changes: changes.collect(),
            unchanged: plan.unchanged.iter().collect(),
        }
    }

    fn all(&self) -> impl Iterator<Item = &'plan Address> {
        self.changes.keys().chain(&self.unchanged).copied()
    }

    fn at(&self, address: &Address) -> State<'plan> {
        match self.changes.get(address) {
            Some(change) => State::Changes(change),
            None if self.unchanged.contains(address) => State::Unchanged,
            None => State::Absent,
        }
    }
}

fn difference(before: State<'_>, now: State<'_>, waiting: Waiting) -> Option<String> {
    Some(match (before, now) {
        (State::Unchanged, State::Unchanged) | (State::Absent, State::Absent) => return None,
        (State::Changes(before), State::Changes(now)) => return changed(before, now, waiting),
        (State::Changes(change), State::Unchanged) => {
            format!(
                "to {}, and it is already as the plan would leave it",
                verb(change.action)
            )
        }
        (State::Changes(change), State::Absent) => {
            format!(
                "to {}, and there is nothing of it to change now",
                verb(change.action)
            )
        }
        (State::Unchanged, State::Changes(change)) => format!(
            "it was as desired when the plan was made, and now it is to {}{}",
            verb(change.action),
            because(change)
        ),
        (State::Unchanged, State::Absent) => {
            "it was as desired when the plan was made, and is gone".to_owned()
        }
        (State::Absent, State::Changes(change)) => format!(
            "the plan does not have it, and now it is to {}{}",
            verb(change.action),
            because(change)
        ),
        (State::Absent, State::Unchanged) => "it is there, and was not when the plan was made".to_owned(),
    })
}

/// How the change of an object differs, by what is there rather than by what becomes of it.
fn changed(before: &Change, now: &Change, waiting: Waiting) -> Option<String> {
    let bare = |change: &Change| {
        let mut change = change.clone();
        change.notes.clear();
        if waiting == Waiting::Apart {
            change.depends_on.clear();
            change.steps.clear();
        }
        as_json(&change)
    };
    if bare(before) == bare(now) {
        return None;
    }
    if before.action != now.action {
        return Some(format!(
            "it was to {}, and now it is to {}{}",
            verb(before.action),
            verb(now.action),
            because(now)
        ));
    }
    let names: BTreeSet<&str> = before
        .attributes
        .iter()
        .filter(|one| !now.attributes.contains(one))
        .chain(
            now.attributes
                .iter()
                .filter(|one| !before.attributes.contains(one)),
        )
        .map(|attribute| attribute.name.as_str())
        .collect();
    Some(if names.is_empty() {
        "it changed since the plan was made, in what the plan does not show".to_owned()
    } else {
        let names: Vec<&str> = names.into_iter().collect();
        format!("it changed since the plan was made: {}", names.join(", "))
    })
}

fn because(change: &Change) -> String {
    let reason = change.reasons.first();
    reason.map_or_else(String::new, |reason| format!(": {}", reason.text))
}

fn verb(action: Action) -> &'static str {
    match action {
        Action::Create => "be created",
        Action::Update => "be updated",
        Action::Replace => "be replaced",
        Action::Delete => "be deleted",
        Action::Adopt => "be adopted",
        Action::Forget => "be forgotten",
    }
}

fn step_as_compared(step: Option<&&Step>, waiting: Waiting) -> Value {
    let mut step = step.map(|step| (*step).clone());
    if let (Waiting::Apart, Some(step)) = (waiting, &mut step) {
        step.depends_on.clear();
    }
    as_json(&step)
}

fn steps(plan: &Plan) -> BTreeMap<&StepId, &Step> {
    plan.steps.iter().map(|step| (&step.id, step)).collect()
}

fn order(plan: &Plan) -> Vec<&StepId> {
    plan.steps.iter().map(|step| &step.id).collect()
}

/// What guards say of a plan, passed or not, and what could not be planned: an approval is given with it in sight.
fn guarded(plan: &Plan) -> BTreeSet<(Option<Address>, String)> {
    plan.findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error || Guard::try_from(finding.code).is_ok())
        .filter(|finding| finding.severity != Severity::Refusal)
        .map(|finding| {
            // The words of a failed call have its id in them.
            let what = match finding.severity {
                Severity::Error => format!("it cannot be planned ({})", finding.code),
                _ => format!("{} ({})", finding.message, finding.code),
            };
            (finding.address.clone(), what)
        })
        .collect()
}
