//! A part of a plan (`--target`, `--exclude-target`): the objects whose addresses a glob matches, with what they need. Nothing
//! half: what an object waits for comes with it, and what waits for one that is left out is left out as well.

use std::collections::{BTreeMap, BTreeSet};

use globset::{GlobBuilder, GlobMatcher};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Address, Change, Finding, PlanDraft, Severity, Step, StepId};

/// So many addresses are named where a glob matches none.
const MOST_NEAR: usize = 3;

/// What of a plan is asked for. Without any glob: all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Targets {
    /// Globs of `--target`.
    #[serde(default)]
    pub targets: Vec<String>,
    /// Globs of `--exclude-target`.
    #[serde(default)]
    pub excluded: Vec<String>,
}

/// That a plan is not all that the configuration asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Partial {
    /// The globs.
    #[serde(flatten)]
    pub globs: Targets,
    /// Objects that no glob of `--target` matches, and that those it matches need.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub brought_along: BTreeSet<Address>,
    /// Objects that would change, or could not be planned, and are left out.
    #[serde(default)]
    pub left_out: BTreeSet<Address>,
}

/// Why there is no part of the plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The glob is not one.
    #[error("{flag} {glob} is not a glob: {reason}")]
    NotAGlob {
        /// The flag that gave it.
        flag: &'static str,
        /// The glob.
        glob: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The glob matches nothing: most likely a slip of the pen.
    #[error("{flag} {glob} matches no object of the plan{}{}", near_words(.near), unread_words(.unread.as_deref()))]
    NoMatch {
        /// The flag that gave it.
        flag: &'static str,
        /// The glob.
        glob: String,
        /// Addresses that are like it.
        near: Vec<Address>,
        /// What could not be read or planned, where something was not: the object may be there.
        unread: Option<String>,
    },
}

fn near_words(near: &[Address]) -> String {
    if near.is_empty() {
        return String::new();
    }
    let near: Vec<String> = near.iter().map(ToString::to_string).collect();
    format!("; near ones: {}", near.join(", "))
}

fn unread_words(unread: Option<&str>) -> String {
    unread.map_or_else(String::new, |why| {
        format!("; and not all could be planned: {why}")
    })
}

/// A glob with the flag that gave it.
struct Glob {
    flag: &'static str,
    text: String,
    matcher: GlobMatcher,
}

impl Glob {
    fn compile(flag: &'static str, text: &str) -> Result<Self, TargetError> {
        let glob = GlobBuilder::new(text).literal_separator(false).build();
        let glob = glob.map_err(|error| TargetError::NotAGlob {
            flag,
            glob: text.to_owned(),
            reason: error.kind().to_string(),
        })?;
        Ok(Self {
            flag,
            text: text.to_owned(),
            matcher: glob.compile_matcher(),
        })
    }

    /// An address always matches itself, whatever characters are in it.
    fn matches(&self, address: &Address) -> bool {
        let address = address.to_string();
        address == self.text || self.matcher.is_match(&address)
    }
}

/// Compiled [`Targets`].
struct Globs {
    targets: Vec<Glob>,
    excluded: Vec<Glob>,
}

impl Globs {
    fn is_excluded(&self, address: &Address) -> bool {
        self.excluded.iter().any(|glob| glob.matches(address))
    }

    /// Whether it is asked for by itself.
    fn take(&self, address: &Address) -> bool {
        (self.targets.is_empty() || self.targets.iter().any(|glob| glob.matches(address)))
            && !self.is_excluded(address)
    }
}

impl Targets {
    /// Whether all of a plan is asked for.
    pub fn is_everything(&self) -> bool {
        self.targets.is_empty() && self.excluded.is_empty()
    }

    /// Refuses what is no glob, before anything is read.
    ///
    /// # Errors
    /// Of the first text that is no glob.
    pub fn check(&self) -> Result<(), TargetError> {
        self.compile().map(|_| ())
    }

    fn compile(&self) -> Result<Globs, TargetError> {
        let all = |flag, texts: &[String]| {
            texts
                .iter()
                .map(|text| Glob::compile(flag, text))
                .collect::<Result<Vec<Glob>, TargetError>>()
        };
        Ok(Globs {
            targets: all("--target", &self.targets)?,
            excluded: all("--exclude-target", &self.excluded)?,
        })
    }
}

impl PlanDraft {
    /// The changes that `targets` ask for, with what they need. One write that serves many objects does not bring the others
    /// along here: a kind that can make it of fewer gets the chance, and [`Self::keep`] brings them along where it cannot.
    ///
    /// # Errors
    /// When a glob matches nothing.
    pub fn select(&mut self, targets: &Targets) -> Result<BTreeSet<Address>, TargetError> {
        self.apply_orders();
        let globs = targets.compile()?;
        let known = self.known();
        for glob in globs.targets.iter().chain(&globs.excluded) {
            if !known.iter().any(|address| glob.matches(address)) {
                return Err(TargetError::NoMatch {
                    flag: glob.flag,
                    glob: glob.text.clone(),
                    near: nearest(&glob.text, &known),
                    unread: self.first_unplanned(),
                });
            }
        }
        Ok(Graph::of(self).closed(&globs, false))
    }

    /// Takes away all but what `targets` ask for and need, and gives what is left out of `whole`, the changes of the whole plan.
    ///
    /// # Errors
    /// When a text is no glob.
    pub fn keep(&mut self, targets: &Targets, whole: &PlanDraft) -> Result<(), TargetError> {
        self.apply_orders();
        let globs = targets.compile()?;
        let kept = Graph::of(self).closed(&globs, true);
        self.retain_changes(&kept);
        let mut about = kept.clone();
        about.extend(self.steps().iter().map(|step| step.address.clone()));
        let is_about = |address: &Address| about.contains(address) || globs.take(address);
        self.unchanged.retain(|address| globs.take(address));
        self.findings
            .retain(|finding| finding.address.as_ref().is_none_or(is_about));
        let unplanned = |finding: &&Finding| finding.severity >= Severity::Refusal;
        let unplanned = whole.findings().iter().filter(unplanned);
        let unplanned = unplanned.filter_map(|finding| finding.address.clone());
        let changes = whole.changes().iter().map(|change| change.address.clone());
        self.partial = Some(Partial {
            globs: targets.clone(),
            brought_along: kept
                .iter()
                .filter(|address| !globs.take(address))
                .cloned()
                .collect(),
            left_out: changes
                .filter(|address| !kept.contains(address))
                .chain(unplanned.filter(|address| !is_about(address)))
                .collect(),
        });
        Ok(())
    }

    /// Every object that the plan has a word about.
    pub fn known(&self) -> BTreeSet<Address> {
        let findings = self
            .findings()
            .iter()
            .filter_map(|finding| finding.address.clone());
        let changes = self.changes().iter().map(|change| change.address.clone());
        let steps = self.steps().iter().map(|step| step.address.clone());
        self.unchanged
            .iter()
            .cloned()
            .chain(findings)
            .chain(changes)
            .chain(steps)
            .collect()
    }

    /// Why not everything could be planned, where that is about no object.
    fn first_unplanned(&self) -> Option<String> {
        let unplanned =
            |finding: &&Finding| finding.severity >= Severity::Refusal && finding.address.is_none();
        self.findings()
            .iter()
            .find(unplanned)
            .map(|finding| finding.message.clone())
    }
}

/// The addresses of `known` that are most like `text`, an address or a glob, the likest first.
pub fn nearest<'address>(text: &str, known: impl IntoIterator<Item = &'address Address>) -> Vec<Address> {
    let likeness = |address: &Address| {
        let address = address.to_string();
        let whole = strsim::normalized_damerau_levenshtein(text, &address);
        // What a `*` stands for says nothing of how like the rest is.
        if text.contains(WILDCARDS) {
            whole.max(likeness_of_parts(text, &address))
        } else {
            whole
        }
    };
    let mut near: Vec<(f64, &Address)> = known
        .into_iter()
        .map(|address| (likeness(address), address))
        .filter(|(likeness, _)| *likeness > LEAST_LIKENESS)
        .collect();
    near.sort_by(|(one, a), (other, b)| other.total_cmp(one).then_with(|| a.cmp(b)));
    near.into_iter()
        .take(MOST_NEAR)
        .map(|(_, address)| address.clone())
        .collect()
}

/// The characters of a glob that stand for others.
const WILDCARDS: [char; 4] = ['*', '?', '[', '{'];
/// Texts less like each other than this are no slip of the pen.
const LEAST_LIKENESS: f64 = 0.5;

/// How like an address is to a glob, part by part between slashes, each weighed by the characters that the glob spells out. The last
/// part takes the rest of the address, since a `*` crosses slashes.
fn likeness_of_parts(glob: &str, address: &str) -> f64 {
    let parts: Vec<&str> = glob.split('/').collect();
    let of_address: Vec<&str> = address.splitn(parts.len(), '/').collect();
    if of_address.len() < parts.len() {
        return 0.0;
    }
    let (mut likeness, mut weight) = (0.0, 0.0);
    for (part, of_address) in parts.into_iter().zip(of_address) {
        let spelt = part
            .chars()
            .filter(|character| !WILDCARDS.contains(character))
            .count();
        // No part is so long that its length is not exact.
        let own = f64::from(u32::try_from(spelt).unwrap_or(u32::MAX));
        weight += own;
        likeness += own
            * match Glob::compile("", part) {
                Ok(glob) if glob.matcher.is_match(of_address) => 1.0,
                _ => strsim::normalized_damerau_levenshtein(part, of_address),
            };
    }
    if weight == 0.0 { 0.0 } else { likeness / weight }
}

/// What waits for what in a draft.
struct Graph<'draft> {
    changes: BTreeMap<&'draft Address, &'draft Change>,
    steps: BTreeMap<&'draft StepId, &'draft Step>,
    steps_of: BTreeMap<&'draft Address, Vec<&'draft Step>>,
}

impl<'draft> Graph<'draft> {
    fn of(draft: &'draft PlanDraft) -> Self {
        let mut steps_of: BTreeMap<&Address, Vec<&Step>> = BTreeMap::new();
        for step in draft.steps() {
            for address in &step.changes {
                steps_of.entry(address).or_default().push(step);
            }
        }
        Self {
            changes: draft
                .changes()
                .iter()
                .map(|change| (&change.address, change))
                .collect(),
            steps: draft.steps().iter().map(|step| (&step.id, step)).collect(),
            steps_of,
        }
    }

    /// The changes that must be there for `address` to be: what it depends on and what its steps wait for; with `whole_steps`
    /// also what its own steps carry besides it.
    fn needs(&self, address: &Address, whole_steps: bool) -> BTreeSet<&'draft Address> {
        let mut needs = BTreeSet::new();
        if let Some(change) = self.changes.get(address) {
            needs.extend(change.depends_on.iter());
        }
        for step in self.steps_of.get(address).into_iter().flatten() {
            if whole_steps {
                needs.extend(step.changes.iter());
            }
            let before = step.depends_on.iter().filter_map(|id| self.steps.get(id));
            // A step of the object itself may stand before another; its other changes are no dependency then.
            let before = before.filter(|step| !step.changes.contains(address));
            needs.extend(before.flat_map(|step| step.changes.iter()));
        }
        needs.retain(|other| *other != address && self.changes.contains_key(other));
        needs
    }

    /// What the globs take, with all that it needs, without all that needs what they exclude.
    fn closed(&self, globs: &Globs, whole_steps: bool) -> BTreeSet<Address> {
        let needs: BTreeMap<&Address, BTreeSet<&Address>> = self
            .changes
            .keys()
            .map(|address| (*address, self.needs(address, whole_steps)))
            .collect();
        let mut out: BTreeSet<&Address> = needs
            .keys()
            .copied()
            .filter(|address| globs.is_excluded(address))
            .collect();
        loop {
            let before = out.len();
            for (address, needed) in &needs {
                if needed.iter().any(|needed| out.contains(needed)) {
                    out.insert(address);
                }
            }
            if out.len() == before {
                break;
            }
        }
        let mut kept: BTreeSet<&Address> = BTreeSet::new();
        let mut waiting: Vec<&Address> = needs
            .keys()
            .copied()
            .filter(|address| globs.take(address))
            .collect();
        while let Some(address) = waiting.pop() {
            if !out.contains(address) && kept.insert(address) {
                waiting.extend(needs.get(address).into_iter().flatten());
            }
        }
        kept.into_iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests;
