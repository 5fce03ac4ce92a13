//! Whether conditions on one key, some of which hold and some of which do not, exclude each other: no request has the key in
//! a state in which all of that is true. A key is absent, or has one value, or is a list of values.
//!
//! Sound and not complete: a "no" may only mean that it was not seen. Sources: `reference_policies_elements_condition_operators.html`
//! and `reference_policies_condition-single-vs-multi-valued-context-keys.html` of the IAM user guide.

use std::cmp::Ordering;

use super::condition::Condition;
use super::evaluation::instant;
use super::network::Network;
use super::operator::{Comparison, Operator};
use super::pattern::Pattern;
use super::texts::Texts;

/// A condition, and whether it holds.
pub(super) type Held<'a> = (Condition<'a>, bool);

/// Keys that AWS documents to have one value, by how they begin.
const SINGLE: [&str; 24] = [
    "aws:currenttime",
    "aws:epochtime",
    "aws:multifactorauthage",
    "aws:multifactorauthpresent",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principaltag/",
    "aws:principaltype",
    "aws:requestedregion",
    "aws:requesttag/",
    "aws:resourceaccount",
    "aws:resourceorgid",
    "aws:resourcetag/",
    "aws:securetransport",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:sourcevpc",
    "aws:userid",
    "aws:username",
    "iam:passedtoservice",
    "sts:externalid",
    "sts:rolesessionname",
];

/// Whether no request fits: all conditions are on one key.
pub(super) fn are_impossible(conditions: &[Held<'_>]) -> bool {
    let held = |wanted: bool| conditions.iter().filter(move |(_, holds)| *holds == wanted);
    let contradicts = |(narrow, _): &Held<'_>| held(false).any(|(wide, _)| wide.follows_from(narrow));
    if held(true).any(contradicts) {
        return true;
    }
    let Some(known) = known(conditions) else {
        return false;
    };
    let key = conditions
        .first()
        .map_or("", |(condition, _)| condition.key.key.as_str());
    let has_state = may_be_absent(&known)
        || may_have_one_value(&known)
        || !has_one_value(key) && (may_be_empty(&known) || may_be_a_list(&known));
    !has_state
}

/// A condition with an operator that is known, and whether it holds.
struct Known<'a> {
    operator: Operator,
    condition: Condition<'a>,
    holds: bool,
}

/// Nothing where no operator is known: then anything is possible.
fn known<'a>(conditions: &[Held<'a>]) -> Option<Vec<Known<'a>>> {
    let known: Vec<_> = conditions
        .iter()
        .filter_map(|&(condition, holds)| {
            let operator = condition.operator?;
            Some(Known {
                operator,
                condition,
                holds,
            })
        })
        .collect();
    (!known.is_empty()).then_some(known)
}

fn has_one_value(key: &str) -> bool {
    SINGLE.iter().any(|single| key.starts_with(single)) || {
        // Claims of web identities: `oidc.eks.…:sub`.
        let provider = key
            .rsplit_once(':')
            .filter(|(provider, _)| provider.contains('.'));
        provider.is_some_and(|(_, claim)| ["sub", "aud"].contains(&claim))
    }
}

/// What `Null` says of a key that is absent or not; nothing where that is not documented.
fn null(known: &Known<'_>, absent: bool) -> Option<bool> {
    let asks = |text: &str| known.condition.values.iter().any(|value| value == text);
    match (known.operator.qualifier, asks("true"), asks("false")) {
        (None, true, false) => Some(absent),
        (None, false, true) => Some(!absent),
        (None, true, true) => Some(true),
        _ => None,
    }
}

fn may_be_absent(conditions: &[Known<'_>]) -> bool {
    conditions.iter().all(|known| {
        let operator = known.operator;
        let holds = match (operator.name, operator.qualifier) {
            ("Null", _) => null(known, true),
            (_, Some("ForAllValues")) => Some(true),
            // What `IfExists` adds to `ForAnyValue`, which asks for a value, is not documented.
            (_, Some(_)) => (!operator.if_exists).then_some(false),
            (_, None) => Some(operator.if_exists || operator.is_negated()),
        };
        holds.is_none_or(|holds| holds == known.holds)
    })
}

/// Whether the key may be a list without a value. What operators that are not made for lists make of it is not documented.
fn may_be_empty(conditions: &[Known<'_>]) -> bool {
    conditions.iter().all(|known| {
        known.operator.qualifier.is_none()
            || (known.operator.qualifier == Some("ForAllValues")) == known.holds
    })
}

fn may_have_one_value(conditions: &[Known<'_>]) -> bool {
    let is_possible = |known: &Known<'_>| {
        known.operator.name != "Null" || null(known, false).is_none_or(|holds| holds == known.holds)
    };
    let of = |family: &str| {
        conditions
            .iter()
            .filter(|known| known.operator.family() == family)
            .collect::<Vec<_>>()
    };
    conditions.iter().all(is_possible)
        && may_be_text(&of("String"))
        && may_be_ordered(&of("Numeric"), |text| text.parse().ok())
        && may_be_ordered(&of("Date"), instant)
        && may_be_true_or_false(&of("Bool"))
        && may_be_address(&[of("IpAddress"), of("NotIpAddress")].concat())
}

/// Whether a text may be the key's one value.
fn may_be_text(conditions: &[&Known<'_>]) -> bool {
    let any_case = |known: &&&Known<'_>| known.operator.comparison() == Comparison::AnyCase;
    if !conditions.iter().any(|known| any_case(&known)) {
        return has_text(conditions, false);
    }
    // As they are, without those that ignore case; or all in lower case.
    let cased: Vec<_> = conditions
        .iter()
        .filter(|known| !any_case(known))
        .copied()
        .collect();
    has_text(&cased, false) && has_text(conditions, true)
}

fn has_text(conditions: &[&Known<'_>], lower: bool) -> bool {
    let patterns: Vec<Vec<Pattern>> = conditions
        .iter()
        .map(|known| {
            let comparison = known.operator.comparison();
            let patterns = known.condition.patterns(comparison);
            if lower {
                patterns.iter().map(Pattern::to_lowercase).collect()
            } else {
                patterns
            }
        })
        .collect();
    let mut texts = Texts::default();
    for (known, patterns) in conditions.iter().zip(&patterns) {
        match (known.operator.is_negated(), known.holds) {
            (false, true) => texts.keep(patterns),
            (true, false) => texts.keep_loosely(patterns),
            // In lower case, a text may be among those that are compared in their case, and not be one of them.
            _ if lower && known.operator.comparison() != Comparison::AnyCase => {}
            _ => texts.drop(patterns),
        }
    }
    !texts.is_empty()
}

/// Whether a number may be the key's one value. What does not fit at a bound, between two or beyond all fits nowhere.
fn may_be_ordered(conditions: &[&Known<'_>], read: impl Fn(&str) -> Option<f64>) -> bool {
    if conditions.is_empty() || may_be_neither(conditions) {
        return true;
    }
    let bounds: Option<Vec<Vec<f64>>> = conditions
        .iter()
        .map(|known| known.condition.values.iter().map(|value| read(value)).collect())
        .collect();
    let Some(bounds) = bounds else {
        return true;
    };
    let mut places: Vec<f64> = bounds.iter().flatten().copied().collect();
    places.sort_by(f64::total_cmp);
    let between: Vec<f64> = places
        .windows(2)
        .map(|pair| f64::midpoint(pair[0], pair[1]))
        .collect();
    let ends = places
        .first()
        .into_iter()
        .map(|first| first - 1.0)
        .chain(places.last().map(|last| last + 1.0));
    let ends: Vec<f64> = ends.collect();
    places.extend(between);
    places.extend(ends);
    places.iter().any(|place| {
        conditions.iter().zip(&bounds).all(|(known, bounds)| {
            let fits = |bound: &f64| {
                let order = place.total_cmp(bound);
                let name = known
                    .operator
                    .name
                    .trim_start_matches("Numeric")
                    .trim_start_matches("Date");
                match name {
                    "LessThan" => order == Ordering::Less,
                    "LessThanEquals" => order != Ordering::Greater,
                    "GreaterThan" => order == Ordering::Greater,
                    "GreaterThanEquals" => order != Ordering::Less,
                    _ => order == Ordering::Equal,
                }
            };
            (bounds.iter().any(fits) != known.operator.is_negated()) == known.holds
        })
    })
}

/// Whether what is no number, no address, no truth may be the value. It fits nothing; what a negated condition makes of it
/// is not documented.
fn may_be_neither(conditions: &[&Known<'_>]) -> bool {
    conditions
        .iter()
        .all(|known| known.operator.is_negated() || !known.holds)
}

fn may_be_true_or_false(conditions: &[&Known<'_>]) -> bool {
    let is_plain = |known: &&Known<'_>| {
        known
            .condition
            .values
            .iter()
            .all(|value| value == "true" || value == "false")
    };
    conditions.is_empty()
        || may_be_neither(conditions)
        || !conditions.iter().all(is_plain)
        || ["true", "false"].iter().any(|truth| {
            let holds = |known: &Known<'_>| known.condition.values.iter().any(|value| value == truth);
            conditions.iter().all(|known| holds(known) == known.holds)
        })
}

/// Whether an address may be the key's one value. What does not fit at the first or behind the last address of a network fits
/// nowhere.
fn may_be_address(conditions: &[&Known<'_>]) -> bool {
    if conditions.is_empty() || may_be_neither(conditions) {
        return true;
    }
    let networks: Option<Vec<Vec<Network>>> = conditions
        .iter()
        .map(|known| {
            known
                .condition
                .values
                .iter()
                .map(|value| Network::read(value))
                .collect()
        })
        .collect();
    let Some(networks) = networks else {
        return true;
    };
    let edges = |of_six: bool| {
        let own = networks
            .iter()
            .flatten()
            .filter(move |network| network.is_six == of_six);
        let end = if of_six { u128::MAX } else { u128::from(u32::MAX) };
        let behind = move |last: u128| last.checked_add(1).filter(|next| *next <= end);
        let edges = own
            .flat_map(move |network| [Some(network.first), behind(network.last)])
            .flatten();
        edges.chain([0]).map(move |place| (of_six, place))
    };
    edges(false).chain(edges(true)).any(|(six, place)| {
        conditions.iter().zip(&networks).all(|(known, networks)| {
            let fits = networks
                .iter()
                .any(|network| network.is_six == six && (network.first..=network.last).contains(&place));
            (fits != known.operator.is_negated()) == known.holds
        })
    })
}

/// Whether a list of values may be the key's. Only operators that are made for lists are understood.
fn may_be_a_list(conditions: &[Known<'_>]) -> bool {
    let is_possible = |known: &&Known<'_>| {
        known.operator.name != "Null" || null(known, false).is_none_or(|holds| holds == known.holds)
    };
    let understood: Vec<(&Known<'_>, Vec<Pattern>)> = conditions
        .iter()
        .filter(|known| {
            let comparison = known.operator.comparison();
            known.operator.qualifier.is_some()
                && known.operator.family() == "String"
                && comparison != Comparison::AnyCase
        })
        .map(|known| (known, known.condition.patterns(known.operator.comparison())))
        .collect();
    // Of every value: what a `ForAllValues` that holds asks for, and what a `ForAnyValue` that does not hold excludes.
    let is_of_every = |known: &Known<'_>| (known.operator.qualifier == Some("ForAllValues")) == known.holds;
    let base = || {
        let mut texts = Texts::default();
        for (known, patterns) in understood.iter().filter(|(known, _)| is_of_every(known)) {
            take(&mut texts, known, patterns);
        }
        texts
    };
    let some_value = understood
        .iter()
        .filter(|(known, _)| !is_of_every(known))
        .all(|(known, patterns)| {
            let mut texts = base();
            take(&mut texts, known, patterns);
            !texts.is_empty()
        });
    conditions.iter().all(|known| is_possible(&known)) && some_value && !base().is_empty()
}

/// Leaves the values that fit a condition that holds, or that do not fit one that does not.
fn take<'p>(texts: &mut Texts<'p>, known: &Known<'_>, patterns: &'p [Pattern]) {
    match (known.operator.is_negated(), known.holds) {
        (false, true) => texts.keep(patterns),
        (true, false) => texts.keep_loosely(patterns),
        _ => texts.drop(patterns),
    }
}

#[cfg(test)]
mod tests;
