//! What a scalar means under YAML 1.1, as `go.yaml.in/yaml/v2` 2.4 decides it (`resolve.go`).
//!
//! Whether the meaning counts is decided where the field is known: a text field takes `1.30` as written.
//! Dates stay text, as `sigs.k8s.io/yaml` leaves them; base 60 numbers do not exist there either.

/// The beginning of the tags that YAML itself defines (`!!str` and its like).
pub(super) const CORE_TAG: &str = "tag:yaml.org,2002:";

/// The meaning of a scalar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::config) enum Resolved {
    Null,
    Boolean(bool),
    Integer(i128),
    Float(f64),
    Text,
}

/// What `text` means. `plain`: written without quotes. `tag`: an explicit tag, which wins over the form.
pub(super) fn resolve(text: &str, plain: bool, tag: Option<&str>) -> Resolved {
    match tag.map(|tag| tag.strip_prefix(CORE_TAG)) {
        Some(Some("null" | "bool" | "int" | "float")) => plain_meaning(text),
        None if plain => plain_meaning(text),
        // Quoted text; `!!str`, `!!binary`, `!`, and tags of other tools.
        _ => Resolved::Text,
    }
}

fn plain_meaning(text: &str) -> Resolved {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Resolved::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Resolved::Boolean(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Resolved::Boolean(false)
        }
        _ => number(text),
    }
}

/// The longest text that is tried as a number; no number that anyone writes is longer.
const LONGEST_NUMBER: usize = 64;

fn number(text: &str) -> Resolved {
    let first_fits = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'));
    if !first_fits || text.len() > LONGEST_NUMBER {
        return Resolved::Text;
    }
    match text {
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Resolved::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Resolved::Float(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Resolved::Float(f64::NAN),
        _ => {}
    }
    let digits = text.replace('_', "");
    integer(&digits).map_or_else(
        || float(&digits).map_or(Resolved::Text, Resolved::Float),
        Resolved::Integer,
    )
}

/// Decimal, `0x`, `0o`, `0b`, and octal by a leading zero, with a sign; within 64 bits as in Go.
fn integer(text: &str) -> Option<i128> {
    let (negative, magnitude) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = magnitude.to_ascii_lowercase();
    let (radix, digits) = [("0x", 16), ("0o", 8), ("0b", 2)]
        .into_iter()
        .find_map(|(prefix, radix)| lower.strip_prefix(prefix).map(|digits| (radix, digits)))
        .or_else(|| {
            lower
                .strip_prefix('0')
                .filter(|rest| !rest.is_empty())
                .map(|digits| (8, digits))
        })
        .unwrap_or((10, &lower));
    if !digits.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    let value = i128::from(u64::from_str_radix(digits, radix).ok()?);
    let value = if negative { -value } else { value };
    (value >= i128::from(i64::MIN)).then_some(value)
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let decimal = unsigned.starts_with(|c: char| c.is_ascii_digit())
        || unsigned
            .strip_prefix('.')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    if !decimal
        || !unsigned
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'))
    {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_what_eksctl_understands() {
        use Resolved::{Boolean, Float, Integer, Null, Text};
        for (text, meaning) in [
            ("", Null),
            ("~", Null),
            ("NULL", Null),
            ("nULL", Text),
            ("yes", Boolean(true)),
            ("y", Boolean(true)),
            ("On", Boolean(true)),
            ("tRue", Text),
            ("OFF", Boolean(false)),
            ("1.30", Float(1.3)),
            ("012", Integer(10)),
            ("0o14", Integer(12)),
            ("0x1F", Integer(31)),
            ("0b11", Integer(3)),
            ("1_000", Integer(1000)),
            ("+5", Integer(5)),
            ("-7", Integer(-7)),
            (".5", Float(0.5)),
            ("1e3", Float(1000.0)),
            ("012345678901", Float(12_345_678_901.0)),
            ("18446744073709551615", Integer(18_446_744_073_709_551_615)),
            ("2012-10-17", Text),
            ("1:30", Text),
            ("1.2.3", Text),
            ("0x", Text),
            ("-", Text),
            (".", Text),
            ("1e", Text),
            ("0-5", Text),
        ] {
            assert_eq!(resolve(text, true, None), meaning, "{text:?}");
            assert_eq!(resolve(text, false, None), Text, "{text:?} in quotes");
        }
        assert_eq!(
            resolve("true", false, Some("tag:yaml.org,2002:bool")),
            Boolean(true)
        );
        assert_eq!(resolve("true", true, Some("tag:yaml.org,2002:str")), Text);
        assert_eq!(resolve("true", true, Some("!Sub")), Text);
    }
}
