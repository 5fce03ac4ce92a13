//! Which steps of a plan may begin: a count of what each still waits for, so that the end of a step touches only those
//! that wait for it and a plan of thousands of steps costs no more per step than a small one.

use std::collections::{BTreeMap, BTreeSet};

use super::{Step, StepId};

/// The steps of a plan that have not begun. Steps are known by their place in the plan.
pub(super) struct Readiness<'plan> {
    steps: &'plan [Step],
    not_begun: BTreeSet<usize>,
    ready: BTreeSet<usize>,
    missing: BTreeMap<usize, usize>,
    waiting_for: BTreeMap<&'plan StepId, Vec<usize>>,
}

impl<'plan> Readiness<'plan> {
    /// All of `steps`, none of them begun.
    pub(super) fn of(steps: &'plan [Step]) -> Self {
        let mut waiting_for: BTreeMap<&StepId, Vec<usize>> = BTreeMap::new();
        for (place, step) in steps.iter().enumerate() {
            for id in &step.depends_on {
                waiting_for.entry(id).or_default().push(place);
            }
        }
        let count = |(place, step): (usize, &Step)| (place, step.depends_on.len());
        let missing: BTreeMap<usize, usize> = steps.iter().enumerate().map(count).collect();
        Self {
            steps,
            not_begun: missing.keys().copied().collect(),
            ready: missing
                .iter()
                .filter(|(_, missing)| **missing == 0)
                .map(|(place, _)| *place)
                .collect(),
            missing,
            waiting_for,
        }
    }

    /// The first step in the plan's order that may begin; it counts as begun.
    pub(super) fn begin_next(&mut self) -> Option<&'plan Step> {
        let place = self.ready.pop_first()?;
        self.not_begun.remove(&place);
        self.steps.get(place)
    }

    /// Takes note that a step succeeded.
    pub(super) fn done(&mut self, id: &StepId) {
        for place in self.waiting_for.remove(id).unwrap_or_default() {
            if let Some(missing) = self.missing.get_mut(&place) {
                *missing = missing.saturating_sub(1);
                if *missing == 0 {
                    self.ready.insert(place);
                }
            }
        }
    }

    /// The steps that have not begun, in the plan's order.
    pub(super) fn left(self) -> Vec<&'plan Step> {
        self.not_begun
            .into_iter()
            .filter_map(|place| self.steps.get(place))
            .collect()
    }
}
