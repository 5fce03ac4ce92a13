//! The part of a plan that is drift: what was changed since it was applied, and what may have been.

use std::collections::BTreeSet;

use super::{Address, Change, Origin, Plan, StepId};

/// What the target of such a part says: `only: drift`.
const ONLY: (&str, &str) = ("only", "drift");

/// Whether a change is drift, or may be: what is new and what the configuration asks for is none.
pub fn may_be_drift(change: &Change) -> bool {
    !matches!(change.origin, Some(Origin::New | Origin::Configuration))
}

/// Whether a plan is the part that [`of`] leaves.
pub fn is_drift_only(plan: &Plan) -> bool {
    plan.target.get(ONLY.0).is_some_and(|only| only == ONLY.1)
}

/// The drift of `plan`, with every finding, and the addresses of the changes that are left out. To be looked at: the rest of
/// the plan may be needed to apply it.
pub fn of(plan: &Plan) -> (Plan, Vec<Address>) {
    let (changes, left_out): (Vec<Change>, Vec<Change>) =
        plan.changes.iter().cloned().partition(may_be_drift);
    let kept: BTreeSet<&StepId> = changes.iter().flat_map(|change| &change.steps).collect();
    let mut steps: Vec<_> = plan
        .steps
        .iter()
        .filter(|step| kept.contains(&step.id))
        .cloned()
        .collect();
    for step in &mut steps {
        step.depends_on.retain(|id| kept.contains(id));
    }
    let mut target = plan.target.clone();
    target.insert(ONLY.0.to_owned(), ONLY.1.to_owned());
    let drift = Plan {
        target,
        changes,
        steps,
        access: None,
        ..plan.clone()
    };
    (drift, left_out.into_iter().map(|change| change.address).collect())
}
