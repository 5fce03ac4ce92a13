//! Why an object of a plan changes, or does not: all that the plan says about it in one place. Made from the plan alone, so that
//! a plan that was saved can be explained as well.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Action, Address, Change, Finding, Plan, Step, StepId, targets::nearest};

/// What the plan does about an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It changes.
    Changes,
    /// It is as desired.
    Unchanged,
    /// It would change or could not be planned, and is not in the part of the plan that was asked for.
    LeftOut,
    /// It is written for others, and is no change by itself.
    Written,
    /// It could not be planned, or there is only something to say about it.
    NotPlanned,
}

/// Another object, and what the same plan does with it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Neighbor {
    /// Which.
    pub address: Address,
    /// What happens to it; none where it stays as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
}

/// A step that writes the object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExplainedStep {
    /// Its name.
    pub id: StepId,
    /// What it does.
    pub title: String,
    /// The steps that must have succeeded before.
    pub depends_on: Vec<StepId>,
}

/// A line of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SourceLine {
    /// Its number, from 1.
    pub line: usize,
    /// Its text.
    pub text: String,
}

/// All that a plan says about one object.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The object.
    pub address: Address,
    /// What the plan does about it.
    pub verdict: Verdict,
    /// The change, with its reasons and attributes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// The lines of the configuration that ask for it, where they could be read.
    pub excerpt: Vec<SourceLine>,
    /// What is compared of objects like this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compared: Option<&'static str>,
    /// What guards refuse about it, and what else there is to say of it.
    pub findings: Vec<Finding>,
    /// What it depends on.
    pub needs: BTreeSet<Neighbor>,
    /// What waits for it.
    pub needed_by: BTreeSet<Neighbor>,
    /// How it is done.
    pub steps: Vec<ExplainedStep>,
}

/// The plan has no such object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the plan has no object with the address {address}{}", near_words(.near))]
pub struct UnknownAddress {
    /// What was asked for.
    pub address: String,
    /// Addresses that are like it.
    pub near: Vec<Address>,
}

fn near_words(near: &[Address]) -> String {
    if near.is_empty() {
        return String::new();
    }
    let near: Vec<String> = near.iter().map(ToString::to_string).collect();
    format!("; near ones: {}", near.join(", "))
}

impl Explanation {
    /// What `plan` says about the object at `address`.
    ///
    /// # Errors
    /// When the plan says nothing about it.
    pub fn of(plan: &Plan, address: &str) -> Result<Self, UnknownAddress> {
        let known = known(plan);
        let Some(address) = known.iter().find(|other| other.to_string() == address) else {
            return Err(UnknownAddress {
                address: address.to_owned(),
                near: nearest(address, &known),
            });
        };
        let change = plan.changes.iter().find(|change| change.address == *address);
        let writes = |step: &&Step| step.address == *address || step.changes.contains(address);
        let steps: Vec<&Step> = plan.steps.iter().filter(writes).collect();
        let left_out = plan.partial.as_ref().is_some_and(|partial| partial.left_out.contains(address));
        Ok(Self {
            address: address.clone(),
            verdict: match change {
                Some(_) => Verdict::Changes,
                None if !steps.is_empty() => Verdict::Written,
                None if plan.unchanged.contains(address) => Verdict::Unchanged,
                None if left_out => Verdict::LeftOut,
                None => Verdict::NotPlanned,
            },
            change: change.cloned(),
            excerpt: Vec::new(),
            compared: None,
            findings: findings(plan, address, &steps),
            needs: needs(plan, address, change, &steps),
            needed_by: needed_by(plan, address, &steps),
            steps: steps
                .iter()
                .map(|step| ExplainedStep {
                    id: step.id.clone(),
                    title: step.title.clone(),
                    depends_on: step.depends_on.clone(),
                })
                .collect(),
        })
    }
}

/// Every object that the plan has a word about.
fn known(plan: &Plan) -> BTreeSet<Address> {
    let changes = plan.changes.iter().map(|change| &change.address);
    let steps = plan.steps.iter().map(|step| &step.address);
    let findings = plan.findings.iter().filter_map(|finding| finding.address.as_ref());
    let left_out = plan.partial.iter().flat_map(|partial| &partial.left_out);
    changes.chain(steps).chain(findings).chain(left_out).chain(&plan.unchanged).cloned().collect()
}

/// The findings about the object, and about what is written with it.
fn findings(plan: &Plan, address: &Address, steps: &[&Step]) -> Vec<Finding> {
    let about = |other: &Address| other == address || steps.iter().any(|step| step.address == *other);
    let findings = plan.findings.iter();
    findings
        .filter(|finding| finding.address.as_ref().is_some_and(about))
        .cloned()
        .collect()
}

fn neighbor(plan: &Plan, address: &Address) -> Neighbor {
    let change = plan.changes.iter().find(|change| change.address == *address);
    Neighbor {
        address: address.clone(),
        action: change.map(|change| change.action),
    }
}

/// What it depends on: what the change says, and whose steps its own wait for.
fn needs(plan: &Plan, address: &Address, change: Option<&Change>, steps: &[&Step]) -> BTreeSet<Neighbor> {
    let waits = |step: &Step| steps.iter().any(|own| own.depends_on.contains(&step.id));
    let before = plan.steps.iter().filter(|step| waits(step) && !step.changes.contains(address));
    let said = change.into_iter().flat_map(|change| &change.depends_on);
    said.chain(before.flat_map(|step| &step.changes))
        .map(|other| neighbor(plan, other))
        .collect()
}

/// What depends on it, by the same rule.
fn needed_by(plan: &Plan, address: &Address, steps: &[&Step]) -> BTreeSet<Neighbor> {
    let waits = |step: &Step| steps.iter().any(|own| step.depends_on.contains(&own.id));
    let behind = plan.steps.iter().filter(|step| waits(step) && !step.changes.contains(address));
    let said = plan.changes.iter().filter(|change| change.depends_on.contains(address));
    said.map(|change| &change.address)
        .chain(behind.flat_map(|step| &step.changes))
        .map(|other| neighbor(plan, other))
        .collect()
}

/// The lines of `text` that belong to what begins in this line and column (both from 1): those that follow and are indented as
/// far, at most `most` of them.
pub fn excerpt(text: &str, line: usize, column: usize, most: usize) -> Vec<SourceLine> {
    let indent = |text: &str| text.len() - text.trim_start().len();
    let mut found: Vec<SourceLine> = Vec::new();
    for (index, text) in text.lines().enumerate().skip(line.saturating_sub(1)) {
        let is_blank = text.trim().is_empty();
        if !found.is_empty() && !is_blank && indent(text) + 1 < column {
            break;
        }
        if found.len() == most {
            break;
        }
        found.push(SourceLine {
            line: index + 1,
            text: text.trim_end().to_owned(),
        });
    }
    let end = found.iter().rposition(|line| !line.text.is_empty() && !line.text.trim_start().starts_with('#'));
    found.truncate(end.map_or(0, |end| end + 1));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_ends_where_the_object_does() {
        let text = "iam:\n  serviceAccounts:\n    - metadata: {name: a}\n      roleOnly: true\n\n    # The next.\n    - metadata: {name: b}\n      tags:\n        x: y\n";
        for (line, column, most, expected) in [
            (3, 7, 9, "3 4"),
            (7, 7, 9, "7 8 9"),
            (7, 7, 2, "7 8"),
            (2, 3, 9, "2 3 4 5 6 7 8 9"),
            (9, 12, 9, "9"),
            (12, 1, 9, ""),
        ] {
            let found: Vec<String> =
                excerpt(text, line, column, most).iter().map(|line| line.line.to_string()).collect();
            assert_eq!(found.join(" "), expected, "{line}:{column}");
        }
    }
}
