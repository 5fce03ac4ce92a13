//! Condition operators by name: which there are, and how they compare.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>.

/// Every operator without qualifier and suffix, as the guide writes it.
const NAMES: [&str; 27] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "Bool",
    "BinaryEquals",
    "IpAddress",
    "NotIpAddress",
    "ArnEquals",
    "ArnLike",
    "ArnNotEquals",
    "ArnNotLike",
    "Null",
];

/// How the values of an operator are compared with the request's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    /// Letter by letter.
    Exact,
    /// Letter by letter, in any case.
    AnyCase,
    /// With wildcards.
    Wildcards,
    /// With wildcards, each part of an ARN apart.
    Arn,
    /// An order, a network or a presence: nothing is known beyond equality.
    Other,
}

/// A condition operator taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Operator {
    /// `ForAllValues` or `ForAnyValue`.
    pub(super) qualifier: Option<&'static str>,
    /// The name as the guide writes it.
    pub(super) name: &'static str,
    /// Whether it ends in `IfExists`, and so holds for a key that is absent.
    pub(super) if_exists: bool,
}

impl Operator {
    /// Reads an operator in any case; nothing if there is no such operator.
    pub(super) fn read(text: &str) -> Option<Self> {
        let folded = text.to_ascii_lowercase();
        let (qualifier, rest) = match folded.split_once(':') {
            None => (None, folded.as_str()),
            Some(("forallvalues", rest)) => (Some("ForAllValues"), rest),
            Some(("foranyvalue", rest)) => (Some("ForAnyValue"), rest),
            Some(_) => return None,
        };
        let (base, if_exists) = match rest.strip_suffix("ifexists") {
            // `Null` already asks whether the key is there.
            Some("null") => return None,
            Some(base) => (base, true),
            None => (rest, false),
        };
        let name = NAMES.into_iter().find(|name| name.eq_ignore_ascii_case(base))?;
        Some(Self {
            qualifier,
            name,
            if_exists,
        })
    }

    /// Its name as the guide writes it, with qualifier and suffix.
    pub(super) fn written(self) -> String {
        let prefix = self
            .qualifier
            .map(|qualifier| format!("{qualifier}:"))
            .unwrap_or_default();
        format!(
            "{prefix}{}{}",
            self.name,
            if self.if_exists { "IfExists" } else { "" }
        )
    }

    /// Whether it holds when no value fits, rather than when one does.
    pub(super) fn is_negated(self) -> bool {
        self.name.contains("Not")
    }

    /// How it compares values.
    pub(super) fn comparison(self) -> Comparison {
        match self.name {
            "StringEquals" | "StringNotEquals" | "NumericEquals" | "NumericNotEquals" | "DateEquals"
            | "DateNotEquals" | "BinaryEquals" | "IpAddress" | "NotIpAddress" => Comparison::Exact,
            "StringEqualsIgnoreCase" | "StringNotEqualsIgnoreCase" | "Bool" => Comparison::AnyCase,
            "StringLike" | "StringNotLike" => Comparison::Wildcards,
            // The guide: "ArnEquals and ArnLike behave identically".
            "ArnEquals" | "ArnLike" | "ArnNotEquals" | "ArnNotLike" => Comparison::Arn,
            _ => Comparison::Other,
        }
    }

    /// The kind of value that both operators compare, so that one may imply the other: `String`, `Arn` …
    pub(super) fn family(self) -> &'static str {
        const FAMILIES: [&str; 3] = ["String", "Numeric", "Date"];
        match self.comparison() {
            Comparison::Arn => "Arn",
            _ => FAMILIES
                .into_iter()
                .find(|family| self.name.starts_with(family))
                .unwrap_or(self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_are_read_in_any_case_and_with_their_ornaments() {
        let operator = Operator::read("forAnyValue:stringlikeifexists").unwrap();
        assert_eq!(operator.written(), "ForAnyValue:StringLikeIfExists");
        assert!(operator.if_exists && !operator.is_negated());
        assert_eq!(operator.comparison(), Comparison::Wildcards);
        assert!(Operator::read("StringNotEqualsIgnoreCase").unwrap().is_negated());
        assert!(!Operator::read("Null").unwrap().is_negated());
        for wrong in [
            "StringEqual",
            "NullIfExists",
            "ForSomeValues:StringLike",
            "",
            "IfExists",
            "ForAllValues:",
        ] {
            assert_eq!(Operator::read(wrong), None, "{wrong}");
        }
    }
}
