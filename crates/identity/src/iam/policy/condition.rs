//! One condition of a statement: how it compares, and whether it follows from another.
//!
//! Like containment, which it serves, it is sound and not complete: a "no" may only mean that it was not seen.

use std::collections::BTreeSet;

use super::document::{ConditionName, Word};
use super::operator::{Comparison, Operator};
use super::pattern::Pattern;

/// One condition of a statement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Condition<'a> {
    /// The operator as the document has it.
    written: &'a str,
    /// The operator; nothing if it is none that is known here.
    pub(super) operator: Option<Operator>,
    pub(super) key: &'a Word,
    pub(super) values: &'a BTreeSet<String>,
    variables: bool,
}

impl<'a> Condition<'a> {
    /// A condition as a statement keeps it. `variables` says whether its values may hold policy variables.
    pub(super) fn new(
        ((operator, key), values): (&'a ConditionName, &'a BTreeSet<String>),
        variables: bool,
    ) -> Self {
        Self {
            written: operator,
            operator: Operator::read(operator),
            key,
            values,
            variables,
        }
    }

    /// Its values as patterns; those that are compared in any case are in lower case.
    pub(super) fn patterns(&self, comparison: Comparison) -> Vec<Pattern> {
        let pattern = |value: &String| match comparison {
            Comparison::Wildcards => Pattern::new(value, self.variables),
            Comparison::AnyCase => Pattern::literal(&value.to_lowercase(), self.variables),
            _ => Pattern::literal(value, self.variables),
        };
        self.values.iter().map(pattern).collect()
    }

    fn is_same(&self, other: &Self) -> bool {
        let has_variable = || self.values.iter().any(|value| value.contains("${"));
        self.written == other.written
            && self.key == other.key
            && self.values == other.values
            && (self.variables == other.variables || !has_variable())
    }

    /// Whether this holds whenever `narrow` holds.
    pub(super) fn follows_from(&self, narrow: &Self) -> bool {
        if self.is_same(narrow) {
            return true;
        }
        let (Some(wide), Some(strict)) = (self.operator, narrow.operator) else {
            return false;
        };
        // A negated condition holds for an absent key by itself.
        let holds_for_absent = wide.if_exists || wide.is_negated() && wide.qualifier.is_none();
        if self.key != narrow.key
            || wide.qualifier != strict.qualifier
            || strict.if_exists && !holds_for_absent
            || wide.is_negated() != strict.is_negated()
            || wide.family() != strict.family()
        {
            return false;
        }
        if wide.comparison() == Comparison::Other {
            return wide.name == strict.name && self.values == narrow.values;
        }
        // A negated condition holds for what fits none of its values: the fewer values, the weaker.
        if wide.is_negated() {
            let pair = (strict.comparison(), wide.comparison());
            let is_excluded = |value: &String| {
                narrow
                    .values
                    .iter()
                    .any(|other| value_covers(narrow, other, self, value, pair))
            };
            self.values.iter().all(is_excluded)
        } else {
            let pair = (wide.comparison(), strict.comparison());
            let is_among = |value: &String| {
                self.values
                    .iter()
                    .any(|own| value_covers(self, own, narrow, value, pair))
            };
            narrow.values.iter().all(is_among)
        }
    }
}

/// Whether every request that fits `value` of `few` fits `own` of `many`.
fn value_covers(
    many: &Condition<'_>,
    own: &str,
    few: &Condition<'_>,
    value: &str,
    comparisons: (Comparison, Comparison),
) -> bool {
    let literal = |side: &Condition<'_>, text: &str| Pattern::literal(text, side.variables);
    match comparisons {
        (Comparison::Exact, Comparison::Exact) => literal(many, own) == literal(few, value),
        (Comparison::AnyCase, Comparison::Exact | Comparison::AnyCase) => {
            literal(many, &own.to_lowercase()) == literal(few, &value.to_lowercase())
        }
        (Comparison::Wildcards, Comparison::Exact) => {
            Pattern::new(own, many.variables).contains(&literal(few, value))
        }
        (Comparison::Wildcards, Comparison::Wildcards) => {
            Pattern::new(own, many.variables).contains(&Pattern::new(value, few.variables))
        }
        (Comparison::Arn, Comparison::Arn) => own == value || arn_covers(own, value),
        _ => false,
    }
}

/// Whether an ARN with wildcards covers another, part by part as the ARN operators compare. Variables may hold
/// colons, so an ARN with one is covered by nothing but itself.
fn arn_covers(wide: &str, narrow: &str) -> bool {
    if wide.contains("${") || narrow.contains("${") {
        return false;
    }
    let parts = |text: &str| {
        text.splitn(6, ':')
            .map(|part| Pattern::new(part, false))
            .collect::<Vec<_>>()
    };
    let (wide, narrow) = (parts(wide), parts(narrow));
    wide.len() == 6
        && narrow.len() == 6
        && wide
            .iter()
            .zip(&narrow)
            .all(|(wide, narrow)| wide.contains(narrow))
}
