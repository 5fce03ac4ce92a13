//! Why an object is in a plan, or is not: everything that the plan says about one address.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Action, Address, Change, Finding, Plan, Severity, Step, StepId, targets::nearest};

/// What a plan makes of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It changes.
    Changes,
    /// It is as the configuration says.
    InSync,
    /// Nothing is planned for it, and something is said about it.
    NotPlanned,
}

/// Another object that has to do with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Related<'plan> {
    /// Which.
    pub address: &'plan Address,
    /// What happens to it; none where nothing does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
}

/// All about one object.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Explanation<'plan> {
    /// Which object.
    pub address: &'plan Address,
    /// What the plan makes of it.
    pub verdict: Verdict,
    /// Its change, with the line of the configuration, what was read before, and what it means for access.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<&'plan Change>,
    /// What is said about it: guards, errors, warnings, notes.
    pub findings: Vec<&'plan Finding>,
    /// Refusals about something else, for which it is not applied either.
    pub refusals_of_others: Vec<&'plan Finding>,
    /// What must be there first.
    pub needs: Vec<Related<'plan>>,
    /// What waits for it.
    pub needed_by: Vec<Related<'plan>>,
    /// The writes that carry it out, in order.
    pub steps: Vec<&'plan Step>,
}

/// What `plan` says about the address that is written as `text`.
///
/// # Errors
/// With the addresses that are most like it, where the plan has no word about it.
pub fn explain<'plan>(plan: &'plan Plan, text: &str) -> Result<Explanation<'plan>, Vec<Address>> {
    let is_it = |address: &&Address| address.to_string() == text;
    let change = plan.changes.iter().find(|change| is_it(&&change.address));
    let about = plan
        .findings
        .iter()
        .filter_map(|finding| finding.address.as_ref());
    let known = plan
        .changes
        .iter()
        .map(|change| &change.address)
        .chain(&plan.unchanged)
        .chain(about);
    let Some(address) = known.clone().find(is_it) else {
        let all: BTreeSet<&Address> = known.collect();
        return Err(nearest(text, all));
    };
    let verdict = match change {
        Some(_) => Verdict::Changes,
        None if plan.unchanged.contains(address) => Verdict::InSync,
        None => Verdict::NotPlanned,
    };
    let is_about = |finding: &&Finding| finding.address.as_ref() == Some(address);
    let steps: Vec<&Step> = change.map_or_else(Vec::new, |change| {
        let of = |id: &StepId| plan.steps.iter().find(|step| step.id == *id);
        change.steps.iter().filter_map(of).collect()
    });
    let own: BTreeSet<&StepId> = steps.iter().map(|step| &step.id).collect();
    // A write may carry the changes of several objects: they are no dependency of each other.
    let beside = |step: &&Step| !own.contains(&step.id);
    let before: BTreeSet<&StepId> = steps.iter().flat_map(|step| &step.depends_on).collect();
    let waited_for = plan
        .steps
        .iter()
        .filter(beside)
        .filter(|step| before.contains(&step.id));
    let waiting = plan
        .steps
        .iter()
        .filter(beside)
        .filter(|step| step.depends_on.iter().any(|id| own.contains(id)));
    let dependent = plan
        .changes
        .iter()
        .filter(|change| change.depends_on.contains(address));
    let needs = change
        .into_iter()
        .flat_map(|change| &change.depends_on)
        .chain(waited_for.flat_map(|step| &step.changes))
        .collect();
    let needed_by = dependent
        .map(|change| &change.address)
        .chain(waiting.flat_map(|step| &step.changes))
        .collect();
    Ok(Explanation {
        address,
        verdict,
        change,
        findings: plan.findings.iter().filter(is_about).collect(),
        refusals_of_others: plan
            .findings_of(Severity::Refusal)
            .filter(|finding| !is_about(finding))
            .collect(),
        needs: related(plan, address, needs),
        needed_by: related(plan, address, needed_by),
        steps,
    })
}

fn related<'plan>(
    plan: &'plan Plan,
    own: &Address,
    addresses: BTreeSet<&'plan Address>,
) -> Vec<Related<'plan>> {
    addresses
        .into_iter()
        .filter(|address| *address != own)
        .map(|address| Related {
            address,
            action: plan
                .changes
                .iter()
                .find(|change| change.address == *address)
                .map(|change| change.action),
        })
        .collect()
}
