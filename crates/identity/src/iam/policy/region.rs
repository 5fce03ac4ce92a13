//! Requests as a region: what fits some statements and does not fit others. Whether a region is without a request, and whether
//! statements cover it together.
//!
//! A "yes" is certain, a "no" may only mean that it was not seen.

use super::condition::Condition;
use super::document::{Matcher, Principals, Statement};
use super::key_states::{Held, are_impossible};
use super::pattern::Pattern;
use super::texts::Texts;

/// How many times a search may ask whether a region is empty. Policies of a few dozen statements take some hundred.
const MAX_QUESTIONS: usize = 20_000;

/// A statement, taken apart once.
pub(super) struct Compiled<'a> {
    actions: CompiledMatcher,
    /// Nothing where it has none, as in a trust policy.
    resources: Option<CompiledMatcher>,
    principals: Option<&'a Principals>,
    conditions: Vec<Condition<'a>>,
}

/// `Action` or `Resource`, or its `Not…` form, as patterns.
#[derive(Debug, PartialEq)]
pub(super) struct CompiledMatcher {
    negated: bool,
    patterns: Vec<Pattern>,
    has_variable: bool,
}

/// What requests fit: each part says of one element of a statement whether it fits it. Empty parts are of statements that do
/// not have the element.
#[derive(Clone, Default)]
pub(super) struct Region<'r> {
    actions: Vec<(&'r CompiledMatcher, bool)>,
    resources: Vec<(&'r CompiledMatcher, bool)>,
    principals: Vec<(&'r Principals, bool)>,
    conditions: Vec<Held<'r>>,
    has_resources: bool,
    has_principals: bool,
}

impl<'a> Compiled<'a> {
    pub(super) fn new(source: &'a Statement, variables: bool) -> Self {
        let resources = source.resources.as_ref();
        let conditions = source.conditions.iter();
        Self {
            actions: CompiledMatcher::new(&source.actions, variables, false),
            resources: resources.map(|resources| CompiledMatcher::new(resources, variables, true)),
            principals: source.principals.as_ref(),
            conditions: conditions
                .map(|condition| Condition::new(condition, variables))
                .collect(),
        }
    }
}

impl CompiledMatcher {
    /// `arns` says whether the words are resources.
    pub(super) fn new(matcher: &Matcher, variables: bool, arns: bool) -> Self {
        let read = if arns { Pattern::arn } else { Pattern::new };
        let patterns: Vec<Pattern> = matcher
            .words
            .iter()
            .map(|word| read(&word.key, variables))
            .collect();
        Self {
            negated: matcher.negated,
            has_variable: patterns.iter().any(Pattern::has_variable),
            patterns,
        }
    }

    /// Whether all that `narrow` means is meant.
    pub(super) fn covers(&self, narrow: &Self) -> bool {
        is_without_text(&[(narrow, true), (self, false)])
    }
}

impl<'r> Region<'r> {
    /// The requests that fit a statement.
    pub(super) fn of(statement: &'r Compiled<'_>) -> Self {
        Self::default().within(statement)
    }

    /// Those that fit another statement as well.
    pub(super) fn within(&self, statement: &'r Compiled<'_>) -> Self {
        let mut region = self.clone();
        region.actions.push((&statement.actions, true));
        region
            .resources
            .extend(statement.resources.as_ref().map(|resources| (resources, true)));
        region
            .principals
            .extend(statement.principals.map(|principals| (principals, true)));
        region
            .conditions
            .extend(statement.conditions.iter().map(|condition| (*condition, true)));
        region.has_resources |= statement.resources.is_some();
        region.has_principals |= statement.principals.is_some();
        region
    }

    /// Those that do not fit a statement: one region for each element that they may miss.
    fn outside(&self, statement: &'r Compiled<'_>) -> Vec<Self> {
        let mut regions = Vec::with_capacity(3 + statement.conditions.len());
        let mut add = |missing: &dyn Fn(&mut Self)| {
            let mut region = self.clone();
            missing(&mut region);
            regions.push(region);
        };
        add(&|region| region.actions.push((&statement.actions, false)));
        match (&statement.resources, self.has_resources) {
            (Some(resources), true) => add(&|region| region.resources.push((resources, false))),
            (None, false) => {}
            // A trust policy and an identity policy: nothing is known.
            _ => add(&|_| {}),
        }
        match (statement.principals, self.has_principals) {
            (Some(principals), true) => add(&|region| region.principals.push((principals, false))),
            (None, false) => {}
            _ => add(&|_| {}),
        }
        for condition in &statement.conditions {
            add(&|region| region.conditions.push((*condition, false)));
        }
        regions
    }

    /// Whether no request is in it.
    fn is_empty(&self) -> bool {
        is_without_text(&self.actions)
            || is_without_text(&self.resources)
            || is_without_principal(&self.principals)
            || self.has_impossible_conditions()
    }

    fn has_impossible_conditions(&self) -> bool {
        self.conditions.iter().enumerate().any(|(first, (condition, _))| {
            let is_same_key = |(other, _): &&Held<'_>| other.key == condition.key;
            let is_first = !self
                .conditions
                .iter()
                .take(first)
                .any(|other| is_same_key(&other));
            is_first
                && are_impossible(
                    &self
                        .conditions
                        .iter()
                        .filter(is_same_key)
                        .copied()
                        .collect::<Vec<_>>(),
                )
        })
    }
}

/// A search for what covers a region, with an end.
#[derive(Default)]
pub(super) struct Search {
    questions: usize,
}

impl Search {
    fn is_empty(&mut self, region: &Region<'_>) -> bool {
        self.questions += 1;
        region.is_empty()
    }

    /// Whether every request of the region fits one of the statements.
    pub(super) fn is_covered<'r>(&mut self, region: &Region<'r>, statements: &[&'r Compiled<'_>]) -> bool {
        if self.is_empty(region) {
            return true;
        }
        // One alone is enough nearly always.
        if statements.iter().any(|statement| {
            let outside = region.outside(statement);
            outside.iter().all(|left| self.is_empty(left))
        }) {
            return true;
        }
        let meeting: Vec<&Compiled<'_>> = statements
            .iter()
            .copied()
            .filter(|statement| !self.is_empty(&region.within(statement)))
            .collect();
        self.is_covered_together(region, &meeting)
    }

    fn is_covered_together<'r>(&mut self, region: &Region<'r>, statements: &[&'r Compiled<'_>]) -> bool {
        if self.questions > MAX_QUESTIONS {
            return false;
        }
        if self.is_empty(region) {
            return true;
        }
        let Some((first, others)) = statements.split_first() else {
            return false;
        };
        region
            .outside(first)
            .iter()
            .all(|left| self.is_covered_together(left, others))
    }
}

/// Whether no text fits what it is said to fit, and misses what it is said to miss.
fn is_without_text(matchers: &[(&CompiledMatcher, bool)]) -> bool {
    let mut texts = Texts::default();
    for (matcher, fits) in matchers {
        match (matcher.negated, *fits) {
            (false, true) => texts.keep(&matcher.patterns),
            (false, false) | (true, true) => texts.drop(&matcher.patterns),
            // Where a variable has no value, a statement with it under `NotResource` may fit nothing.
            (true, false) if matcher.has_variable => {
                if matchers.contains(&(matcher, true)) {
                    return true;
                }
            }
            (true, false) => texts.keep(&matcher.patterns),
        }
    }
    texts.is_empty()
}

/// Whether no principal is named where it is said to be, and not where it is said not to be.
fn is_without_principal(lists: &[(&Principals, bool)]) -> bool {
    type Member = (String, super::document::Word);
    let names = |principals: &Principals, (kind, word): &Member| {
        let everyone = |(own, word): &Member| own == "AWS" && kind == "AWS" && word.key == "*";
        principals.members.contains(&(kind.clone(), word.clone())) || principals.members.iter().any(everyone)
    };
    // Of the principals that a request must be one of, each is named where it must not be.
    lists.iter().any(|(principals, fits)| {
        principals.negated != *fits
            && principals.members.iter().all(|member| {
                lists
                    .iter()
                    .any(|(other, fits)| other.negated == *fits && names(other, member))
            })
    })
}
