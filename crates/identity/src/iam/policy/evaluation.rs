//! Whether a condition holds for a request of which not everything is known: yes, no, or that cannot be said.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html> and, for
//! `ForAnyValue` and `ForAllValues`, `reference_policies_condition-single-vs-multi-valued-context-keys.html` and for
//! variables `reference_policies_variables.html` of the same guide.

use std::{collections::BTreeSet, str::FromStr as _};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::Timestamp;

use super::{
    context::{KeyValue, RequestContext},
    network::Network,
    operator::{Comparison, Operator},
    pattern::Pattern,
    variables::{Expanded, expand},
};

/// Why it cannot be said whether a condition holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// Nothing is known of the key before the call is made.
    #[error("only the call itself shows {0}")]
    Key(String),
    /// Nothing is known of a policy variable.
    #[error("only the call itself shows the variable {0}")]
    Variable(String),
    /// The operator is none that is known here.
    #[error("{0} is an operator that eksact does not know")]
    Operator(String),
    /// What IAM makes of such a value is not documented.
    #[error("eksact does not know how IAM compares these two values")]
    Comparison,
}

/// Yes, no, or why that cannot be said.
type Answer = Result<bool, Doubt>;

/// Whether the condition `operator key = values` holds. `variables` says whether `${…}` is a policy variable.
pub(super) fn holds(
    operator: &str,
    key: &str,
    values: &BTreeSet<String>,
    variables: bool,
    context: &RequestContext,
) -> Answer {
    let Some(known) = Operator::read(operator) else {
        return Err(Doubt::Operator(operator.to_owned()));
    };
    let condition = Condition {
        operator: known,
        values,
        variables,
        context,
    };
    match context.get(key) {
        KeyValue::Present(found) => condition.for_values(found),
        KeyValue::Absent => condition.for_absent_key(),
        KeyValue::Unknown => condition
            .whatever_the_key_is()
            .ok_or_else(|| Doubt::Key(key.to_owned())),
    }
}

struct Condition<'a> {
    operator: Operator,
    values: &'a BTreeSet<String>,
    variables: bool,
    context: &'a RequestContext,
}

impl Condition<'_> {
    fn is_null(&self) -> bool {
        self.operator.name == "Null"
    }

    /// `Null` asks whether the key is absent.
    fn null(&self, absent: bool) -> Answer {
        if self.operator.qualifier.is_some() {
            return Err(Doubt::Operator(self.operator.written()));
        }
        let wanted = |text: &str| self.values.iter().any(|value| value == text);
        match (wanted("true"), wanted("false")) {
            (true, true) => Ok(true),
            (true, false) => Ok(absent),
            (false, true) => Ok(!absent),
            (false, false) => Err(Doubt::Comparison),
        }
    }

    fn for_absent_key(&self) -> Answer {
        if self.is_null() {
            return self.null(true);
        }
        Ok(self.operator.if_exists
            || match self.operator.qualifier {
                Some("ForAllValues") => true,
                Some(_) => false,
                None => self.operator.is_negated(),
            })
    }

    /// What holds for a key of any value and for an absent one.
    fn whatever_the_key_is(&self) -> Option<bool> {
        if self.is_null() {
            let absent = self.null(true).ok()?;
            return (self.null(false) == Ok(absent)).then_some(absent);
        }
        let absent = self.for_absent_key().ok()?;
        let takes_everything = self.operator.comparison() == Comparison::Wildcards
            && self
                .values
                .iter()
                .any(|value| Pattern::new(value, self.variables).is_everything());
        let present = if takes_everything {
            Some(!self.operator.is_negated())
        } else if self.values.is_empty() {
            Some(self.operator.is_negated())
        } else {
            None
        };
        present.filter(|present| *present == absent)
    }

    fn for_values(&self, found: &[String]) -> Answer {
        if self.is_null() {
            return self.null(false);
        }
        let each = || found.iter().map(|found| self.for_value(found));
        match (self.operator.qualifier, found) {
            (Some("ForAllValues"), _) => any(each().map(not)).map(|any| !any),
            (Some(_), _) => any(each()),
            (None, [single]) => self.for_value(single),
            (None, []) => self.for_absent_key(),
            // A qualifier is wanted for such a key, and what IAM does without one is not documented.
            (None, _) => Err(Doubt::Comparison),
        }
    }

    /// Whether one value of the request fits one of the condition's, or, negated, none of them.
    fn for_value(&self, found: &str) -> Answer {
        let fits = any(self.values.iter().map(|value| self.fits(value, found)));
        if self.operator.is_negated() {
            not(fits)
        } else {
            fits
        }
    }

    fn fits(&self, value: &str, found: &str) -> Answer {
        match self.operator.family() {
            "String" => {
                let Some(value) = self.expanded(value, found)? else {
                    return Ok(false);
                };
                Ok(match self.operator.comparison() {
                    Comparison::AnyCase => value.to_lowercase().covers(&found.to_lowercase(), false),
                    Comparison::Wildcards => value.covers(found, true),
                    _ => value.covers(found, false),
                })
            }
            "Arn" => self.fits_arn(value, found),
            "Numeric" => ordered(
                self.operator.name,
                f64::from_str(found).ok(),
                f64::from_str(value).ok(),
            ),
            "Date" => ordered(self.operator.name, instant(found), instant(value)),
            "Bool" if ["true", "false"].contains(&value) => Ok(value == found.to_ascii_lowercase()),
            "IpAddress" | "NotIpAddress" => match (Network::read(value), Network::read(found)) {
                (Some(value), Some(found)) => Ok(value.contains(found)),
                _ => Err(Doubt::Comparison),
            },
            "BinaryEquals" => match (bytes(value), bytes(found)) {
                (Some(value), Some(found)) => Ok(value == found),
                _ => Err(Doubt::Comparison),
            },
            _ => Err(Doubt::Comparison),
        }
    }

    /// Part by part: a wildcard does not reach over a colon. What IAM makes of a value that is no ARN is not documented.
    fn fits_arn(&self, value: &str, found: &str) -> Answer {
        let Some(value) = self.expanded(value, found)? else {
            return Ok(false);
        };
        let parts = |text: &str| text.splitn(6, ':').map(str::to_owned).collect::<Vec<_>>();
        let (wanted, found) = (parts(&value.0), parts(found));
        if wanted.len() != 6 || found.len() != 6 || found.first().is_none_or(|first| first != "arn") {
            return Err(Doubt::Comparison);
        }
        Ok(wanted
            .into_iter()
            .zip(&found)
            .all(|(wanted, found)| Text(wanted, value.1).covers(found, true)))
    }

    /// A value with its policy variables replaced; none where one has no value, and so nothing fits.
    fn expanded(&self, value: &str, found: &str) -> Result<Option<Text>, Doubt> {
        if !self.variables || !value.contains("${") {
            return Ok(Some(Text(value.to_owned(), self.variables)));
        }
        match expand(value, self.context) {
            Expanded::Text(text) => Ok(Some(Text(text, true))),
            // That nothing fits is documented for comparisons that ask for a match.
            Expanded::Missing if !self.operator.is_negated() => Ok(None),
            // Whatever the variable is, the rest of the text may already say no.
            _ if self.never_fits(value, found) => Ok(None),
            Expanded::Missing => Err(Doubt::Comparison),
            Expanded::Unknown(name) => Err(Doubt::Variable(name)),
        }
    }

    fn never_fits(&self, value: &str, found: &str) -> bool {
        self.operator.comparison() != Comparison::AnyCase
            && Pattern::new(value, true).is_disjoint(&Pattern::literal(found, false))
    }
}

/// A text without variables, and whether `${*}` in it is a letter.
struct Text(String, bool);

impl Text {
    fn to_lowercase(&self) -> Self {
        Self(self.0.to_lowercase(), self.1)
    }

    fn covers(&self, found: &str, wildcards: bool) -> bool {
        let own = if wildcards {
            Pattern::new(&self.0, self.1)
        } else {
            Pattern::literal(&self.0, self.1)
        };
        own.contains(&Pattern::literal(found, false))
    }
}

pub(super) fn instant(text: &str) -> Option<f64> {
    match text.parse::<Timestamp>() {
        Ok(time) => Some(time.as_duration().as_secs_f64()),
        // Epoch seconds, and a day without a time, are dates to IAM as well.
        Err(_) => f64::from_str(text).ok().or_else(|| {
            let day: jiff::civil::Date = text.parse().ok()?;
            let start = day.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
            Some(start.timestamp().as_duration().as_secs_f64())
        }),
    }
}

/// The order that an operator asks for. A negated one is asked for equality here, and negated by the caller.
fn ordered(operator: &str, found: Option<f64>, wanted: Option<f64>) -> Answer {
    let order = found
        .zip(wanted)
        .and_then(|(found, wanted)| found.partial_cmp(&wanted))
        .ok_or(Doubt::Comparison)?;
    let name = operator.trim_start_matches("Numeric").trim_start_matches("Date");
    Ok(match name {
        "Equals" | "NotEquals" => order.is_eq(),
        "LessThan" => order.is_lt(),
        "LessThanEquals" => order.is_le(),
        "GreaterThan" => order.is_gt(),
        "GreaterThanEquals" => order.is_ge(),
        _ => return Err(Doubt::Comparison),
    })
}

/// Bytes as policies and requests have them, in base64.
fn bytes(text: &str) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(text).ok()
}

fn not(answer: Answer) -> Answer {
    answer.map(|yes| !yes)
}

/// Yes if one is yes, whatever the others are; else the first doubt.
fn any(answers: impl Iterator<Item = Answer>) -> Answer {
    let mut doubt = None;
    for answer in answers {
        match answer {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(found) => {
                doubt.get_or_insert(found);
            }
        }
    }
    doubt.map_or(Ok(false), Err)
}
