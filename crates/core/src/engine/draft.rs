//! A plan while the kinds put it together, and the checks that make it a plan: names unique, references present, no
//! circle. A draft that fails them is a mistake in eksact, told as one.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Address, Change, Deferred, Effect, Finding, Partial, Plan, Step, StepId, plan::FORMAT_VERSION};

/// A rule that a draft breaks: always a mistake of the program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// Two changes of one object.
    #[error("internal error: two changes for {0}")]
    DuplicateChange(Address),
    /// Two steps of one name.
    #[error("internal error: two steps named {0}")]
    DuplicateStep(StepId),
    /// A step waits for one that is not there.
    #[error("internal error: step {step} waits for {missing}, which is not in the plan")]
    MissingStep {
        /// The waiting step.
        step: StepId,
        /// What it waits for.
        missing: StepId,
    },
    /// Steps that wait for each other.
    #[error("internal error: these steps wait for each other: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Circle(Vec<StepId>),
    /// A step that carries no change of the plan, or a change without its step.
    #[error("internal error: step {0} carries no change of the plan")]
    Unclaimed(StepId),
    /// An operation that cannot be written as JSON.
    #[error("internal error: the operation of step {step} cannot be serialized: {reason}")]
    Operation {
        /// The step.
        step: StepId,
        /// The serialiser's words.
        reason: String,
    },
}

/// A plan in the making.
#[derive(Debug, Default)]
pub struct PlanDraft {
    target: BTreeMap<String, String>,
    changes: Vec<Change>,
    change_places: BTreeMap<Address, usize>,
    pub(super) unchanged: BTreeSet<Address>,
    pub(super) findings: Vec<Finding>,
    steps: Vec<Step>,
    orders: Vec<(Address, Address)>,
    preferred_orders: Vec<(Address, Address)>,
    ready: BTreeMap<Address, Option<StepId>>,
    outcomes: BTreeMap<(Address, &'static str), Deferred<String>>,
    mistakes: Vec<DraftError>,
    pub(super) partial: Option<Partial>,
}

impl PlanDraft {
    /// Says what the plan is for.
    pub fn set_target(&mut self, name: &str, value: impl Into<String>) {
        self.target.insert(name.to_owned(), value.into());
    }

    /// Adds an object that changes; its effect is that of all its attributes together.
    pub fn add_change(&mut self, mut change: Change) {
        change.effect = change
            .attributes
            .iter()
            .filter_map(|attribute| attribute.effect)
            .fold(change.effect, Effect::and);
        self.add_judged_change(change);
    }

    /// Adds an object that changes, with an effect of the whole that its attributes do not add up to.
    pub fn add_judged_change(&mut self, change: Change) {
        // A second change of an object stays unfindable here: `finish` refuses it.
        self.change_places
            .entry(change.address.clone())
            .or_insert(self.changes.len());
        self.changes.push(change);
    }

    /// Notes an object that is as wanted.
    pub fn add_unchanged(&mut self, address: Address) {
        self.unchanged.insert(address);
    }

    /// Adds something to say.
    pub fn add_finding(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Adds a step of `address` and gives its name. `part` tells an object's steps apart.
    pub fn add_step(
        &mut self,
        address: &Address,
        part: &str,
        title: impl Into<String>,
        depends_on: Vec<StepId>,
        operation: &impl Serialize,
    ) -> StepId {
        self.add_shared_step(address, part, title, depends_on, operation, vec![address.clone()])
    }

    /// Adds a step of `address` that carries these changes: one write that serves many objects.
    pub fn add_shared_step(
        &mut self,
        address: &Address,
        part: &str,
        title: impl Into<String>,
        depends_on: Vec<StepId>,
        operation: &impl Serialize,
        changes: Vec<Address>,
    ) -> StepId {
        let id = StepId(format!("{address}#{part}"));
        let operation = serde_json::to_value(operation).unwrap_or_else(|error| {
            self.mistakes.push(DraftError::Operation {
                step: id.clone(),
                reason: error.to_string(),
            });
            serde_json::Value::Null
        });
        self.steps.push(Step {
            id: id.clone(),
            address: address.clone(),
            changes,
            title: title.into(),
            depends_on,
            operation,
        });
        id
    }

    /// Says what an attribute of an object is once the plan is carried out, for the objects that refer to it.
    pub fn set_outcome(&mut self, address: Address, attribute: &'static str, value: Deferred<String>) {
        self.outcomes.insert((address, attribute), value);
    }

    /// What an attribute of an object is once the plan is carried out; none where the object will not be there.
    pub fn outcome(&self, address: Address, attribute: &'static str) -> Option<&Deferred<String>> {
        self.outcomes.get(&(address, attribute))
    }

    /// Says that what depends on `address` need only wait for this step, not for the object's last; or for none.
    pub fn set_ready(&mut self, address: &Address, step: Option<StepId>) {
        self.ready.insert(address.clone(), step);
    }

    /// The step that those who depend on an object wait for, if it is planned to change: its last, unless another was
    /// said.
    pub fn last_step_of(&self, address: &Address) -> Option<StepId> {
        if let Some(step) = self.ready.get(address) {
            return step.clone();
        }
        self.change(address)
            .and_then(|change| change.steps.last().cloned())
    }

    /// Demands that `first` be done before `then` begins, if both turn out to change: for removals, where an object is
    /// planned before the ones that must go before it.
    pub fn order(&mut self, first: Address, then: Address) {
        self.orders.push((first, then));
    }

    /// The same, but that nothing is demanded where `first` waits for `then` by what else the plan has; and a part of a plan can have
    /// `then` without `first`.
    pub fn prefer_order(&mut self, first: Address, then: Address) {
        self.preferred_orders.push((first, then));
    }

    /// The findings so far.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The steps so far, in the order in which they were added.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The steps so far, for what guards refuse to be kept with them.
    pub fn steps_mut(&mut self) -> impl Iterator<Item = &mut Step> {
        self.steps.iter_mut()
    }

    /// The findings so far, for guards to pass.
    pub fn findings_mut(&mut self) -> impl Iterator<Item = &mut Finding> {
        self.findings.iter_mut()
    }

    /// Takes away all changes but `kept`, and the steps that carry none of these.
    pub(super) fn retain_changes(&mut self, kept: &BTreeSet<Address>) {
        self.changes.retain(|change| kept.contains(&change.address));
        self.steps
            .retain(|step| step.changes.iter().any(|change| kept.contains(change)));
        self.change_places.clear();
        for (place, change) in self.changes.iter().enumerate() {
            self.change_places.entry(change.address.clone()).or_insert(place);
        }
    }

    pub(super) fn apply_orders(&mut self) {
        for (first, then) in std::mem::take(&mut self.orders) {
            self.apply_order(&first, &then);
        }
    }

    fn apply_preferred_orders(&mut self) {
        for (first, then) in std::mem::take(&mut self.preferred_orders) {
            if !self.waits_for(&first, &then) {
                self.apply_order(&first, &then);
            }
        }
    }

    fn apply_order(&mut self, first: &Address, then: &Address) {
        let (Some(last), Some(begin)) = (
            self.last_step_of(first),
            self.change(then).and_then(|change| change.steps.first().cloned()),
        ) else {
            return;
        };
        if let Some(step) = self.steps.iter_mut().find(|step| step.id == begin) {
            step.depends_on.push(last);
        }
        if let Some(change) = self.changes.iter_mut().find(|change| change.address == *then) {
            change.depends_on.push(first.clone());
        }
    }

    /// Whether the last step of `first` waits for a step of `then`, itself or by others.
    fn waits_for(&self, first: &Address, then: &Address) -> bool {
        let of_then: BTreeSet<&StepId> = self
            .change(then)
            .iter()
            .flat_map(|change| &change.steps)
            .collect();
        let steps: BTreeMap<&StepId, &Step> = self.steps.iter().map(|step| (&step.id, step)).collect();
        let last = self.last_step_of(first);
        let mut to_look_at: Vec<&StepId> = last.iter().collect();
        let mut seen = BTreeSet::new();
        while let Some(id) = to_look_at.pop() {
            if of_then.contains(id) {
                return true;
            }
            if seen.insert(id) {
                to_look_at.extend(steps.get(id).iter().flat_map(|step| &step.depends_on));
            }
        }
        false
    }

    /// The change of an object, if one is planned.
    pub fn change(&self, address: &Address) -> Option<&Change> {
        self.changes.get(*self.change_places.get(address)?)
    }

    /// The same, for what its kind can judge only over the whole plan.
    pub fn change_mut(&mut self, address: &Address) -> Option<&mut Change> {
        self.changes.get_mut(*self.change_places.get(address)?)
    }

    /// The changes so far.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The finished plan, its steps in an order that respects what they wait for.
    pub fn finish(mut self, tool_version: &str) -> Result<Plan, DraftError> {
        if let Some(mistake) = self.mistakes.pop() {
            return Err(mistake);
        }
        self.apply_orders();
        self.apply_preferred_orders();
        self.changes.sort_by(|a, b| a.address.cmp(&b.address));
        if let Some(pair) = self
            .changes
            .windows(2)
            .find(|pair| pair[0].address == pair[1].address)
        {
            return Err(DraftError::DuplicateChange(pair[0].address.clone()));
        }
        let changed: BTreeSet<&Address> = self.changes.iter().map(|change| &change.address).collect();
        if let Some(step) = self
            .steps
            .iter()
            .find(|step| !step.changes.iter().any(|change| changed.contains(change)))
        {
            return Err(DraftError::Unclaimed(step.id.clone()));
        }
        // The order of the file must not show: the same changes are the same plan, and have the same digest.
        self.steps.sort_by(|a, b| a.address.cmp(&b.address));
        let steps = in_order(self.steps)?;
        self.findings.sort_by(|a, b| {
            b.severity
                .cmp(&a.severity)
                .then_with(|| (&a.address, &a.code, &a.message).cmp(&(&b.address, &b.code, &b.message)))
        });
        Ok(Plan {
            format_version: FORMAT_VERSION.to_owned(),
            tool_version: tool_version.to_owned(),
            target: self.target,
            changes: self.changes,
            unchanged: self.unchanged.into_iter().collect(),
            findings: self.findings,
            steps,
            partial: self.partial,
            access: None,
        })
    }
}

/// `steps` sorted so that each stands after what it waits for; among equals, in their own order.
fn in_order(steps: Vec<Step>) -> Result<Vec<Step>, DraftError> {
    let mut names = BTreeSet::new();
    for step in &steps {
        if !names.insert(&step.id) {
            return Err(DraftError::DuplicateStep(step.id.clone()));
        }
    }
    for step in &steps {
        if let Some(missing) = step.depends_on.iter().find(|id| !names.contains(id)) {
            return Err(DraftError::MissingStep {
                step: step.id.clone(),
                missing: missing.clone(),
            });
        }
    }
    let mut waiting: Vec<Option<Step>> = steps.into_iter().map(Some).collect();
    let mut placed: BTreeSet<StepId> = BTreeSet::new();
    let mut ordered = Vec::with_capacity(waiting.len());
    loop {
        let before = ordered.len();
        for slot in &mut waiting {
            if slot
                .as_ref()
                .is_some_and(|step| step.depends_on.iter().all(|id| placed.contains(id)))
                && let Some(step) = slot.take()
            {
                placed.insert(step.id.clone());
                ordered.push(step);
            }
        }
        if ordered.len() == before {
            break;
        }
    }
    let left: Vec<StepId> = waiting.into_iter().flatten().map(|step| step.id).collect();
    if left.is_empty() {
        Ok(ordered)
    } else {
        Err(DraftError::Circle(left))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::{Action, Reason};

    fn change(address: &Address) -> Change {
        Change {
            address: address.clone(),
            action: Action::Create,
            reasons: vec![Reason::new("missing", "it does not exist")],
            source: None,
            attributes: Vec::new(),
            depends_on: Vec::new(),
            steps: Vec::new(),
            origin: None,
            fingerprint: String::new(),
            effect: Effect::Equal,
            notes: Vec::new(),
        }
    }

    #[test]
    fn steps_come_out_after_what_they_wait_for() {
        let mut draft = PlanDraft::default();
        let (first, second) = (Address::new("a", "1"), Address::new("b", "2"));
        let later = draft.add_step(
            &second,
            "x",
            "second",
            vec![StepId("a/1#x".to_owned())],
            &json!({}),
        );
        draft.add_step(&first, "x", "first", Vec::new(), &json!({}));
        draft.add_change(change(&second));
        draft.add_change(change(&first));
        let plan = draft.finish("0").unwrap();
        assert_eq!(plan.steps.last().unwrap().id, later);
        assert_eq!(plan.changes[0].address, first, "changes are sorted by address");
        let json = serde_json::to_string(&plan).unwrap();
        assert_eq!(
            serde_json::from_str::<Plan>(&json).unwrap(),
            plan,
            "a plan serialises whole"
        );
    }

    #[test]
    fn preferred_order_gives_way_to_what_steps_wait_for() {
        let (role, entry, mode) = (
            Address::new("a", "role"),
            Address::new("b", "entry"),
            Address::new("c", "mode"),
        );
        for (waits, expected) in [(false, [&mode, &role]), (true, [&role, &mode])] {
            let mut draft = PlanDraft::default();
            let first = draft.add_step(&role, "x", "role", Vec::new(), &json!({}));
            let second = draft.add_step(&entry, "x", "entry", vec![first.clone()], &json!({}));
            let before = if waits { vec![second.clone()] } else { Vec::new() };
            let third = draft.add_step(&mode, "x", "mode", before, &json!({}));
            for (address, step) in [(&role, first), (&entry, second), (&mode, third)] {
                draft.add_change(Change {
                    steps: vec![step],
                    ..change(address)
                });
            }
            draft.prefer_order(mode.clone(), role.clone());
            let plan = draft.finish("0").unwrap();
            let order = plan.steps.iter().map(|step| &step.address);
            let order: Vec<&Address> = order.filter(|address| **address != entry).collect();
            assert_eq!(order, expected);
        }
    }

    #[test]
    fn circle_is_a_mistake() {
        let mut draft = PlanDraft::default();
        let address = Address::new("a", "1");
        draft.add_step(&address, "x", "x", vec![StepId("a/1#y".to_owned())], &json!({}));
        draft.add_step(&address, "y", "y", vec![StepId("a/1#x".to_owned())], &json!({}));
        draft.add_change(change(&address));
        assert!(matches!(draft.finish("0"), Err(DraftError::Circle(steps)) if steps.len() == 2));
    }

    #[test]
    fn step_without_its_change_and_a_change_twice_are_mistakes() {
        let address = Address::new("a", "1");
        let mut draft = PlanDraft::default();
        draft.add_step(&address, "x", "x", Vec::new(), &json!({}));
        assert!(matches!(draft.finish("0"), Err(DraftError::Unclaimed(_))));
        let mut draft = PlanDraft::default();
        draft.add_change(change(&address));
        draft.add_change(change(&address));
        assert_eq!(draft.finish("0"), Err(DraftError::DuplicateChange(address)));
    }
}
