//! Whether one condition of a statement follows from another.
//!
//! Like containment, which it serves, it is sound and not complete: a "no" may only mean that it was not seen.

use std::collections::BTreeSet;

use super::document::{ConditionName, Word};
use super::operator::{Comparison, Operator};
use super::pattern::Pattern;

/// One condition of a statement.
#[derive(Clone, Copy)]
pub(super) struct Condition<'a> {
    operator: Operator,
    key: &'a Word,
    values: &'a BTreeSet<String>,
    variables: bool,
}

impl<'a> Condition<'a> {
    /// A condition as a statement keeps it. `variables` says whether its values may hold policy variables.
    pub(super) fn new(
        ((operator, key), values): (&'a ConditionName, &'a BTreeSet<String>),
        variables: bool,
    ) -> Option<Self> {
        Some(Self {
            operator: Operator::read(operator)?,
            key,
            values,
            variables,
        })
    }

    /// Whether this holds whenever `narrow` holds.
    pub(super) fn follows_from(&self, narrow: &Self) -> bool {
        let (wide, strict) = (self.operator, narrow.operator);
        if self.key != narrow.key
            || wide.qualifier != strict.qualifier
            || strict.if_exists && !wide.if_exists
            || wide.is_negated() != strict.is_negated()
            || wide.family() != strict.family()
        {
            return false;
        }
        if wide.comparison() == Comparison::Other {
            return wide.name == strict.name && self.values == narrow.values;
        }
        let all_among = |few: &Self, many: &Self| {
            few.values.iter().all(|value| {
                many.values
                    .iter()
                    .any(|other| many.value_covers(other, few, value))
            })
        };
        // A negated condition holds for what fits none of its values: the fewer values, the weaker.
        if wide.is_negated() {
            all_among(self, narrow)
        } else {
            all_among(narrow, self)
        }
    }

    /// Whether every request that fits `value` of `few` fits `own` of this condition.
    fn value_covers(&self, own: &str, few: &Self, value: &str) -> bool {
        let literal = |side: &Self, text: &str| Pattern::literal(text, side.variables);
        match (self.operator.comparison(), few.operator.comparison()) {
            (Comparison::Exact, Comparison::Exact) => literal(self, own) == literal(few, value),
            (Comparison::AnyCase, Comparison::Exact | Comparison::AnyCase) => {
                literal(self, &own.to_lowercase()) == literal(few, &value.to_lowercase())
            }
            (Comparison::Wildcards, Comparison::Exact) => {
                Pattern::new(own, self.variables).contains(&literal(few, value))
            }
            (Comparison::Wildcards, Comparison::Wildcards) => {
                Pattern::new(own, self.variables).contains(&Pattern::new(value, few.variables))
            }
            (Comparison::Arn, Comparison::Arn) => own == value || arn_covers(own, value),
            _ => false,
        }
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
