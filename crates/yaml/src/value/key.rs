//! Keys of mappings: which are the same for Go, and what JSON makes of them.

use crate::syntax::Resolved;

/// A key of a map of Go's, whose type counts: `1` and `"1"` are two.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Null,
    Bool(bool),
    Integer(i64),
    Unsigned(u64),
    /// Its bits, zero without a sign.
    Float(u64),
    Text(String),
}

impl Key {
    /// What a scalar is as a key; `text` is its text.
    pub(super) fn of(value: &Resolved, text: &str) -> Self {
        match value {
            Resolved::Null => Self::Null,
            Resolved::Bool(value) => Self::Bool(*value),
            Resolved::Integer(value) => Self::Integer(*value),
            Resolved::Unsigned(value) => Self::Unsigned(*value),
            Resolved::Float(value) => Self::Float((value + 0.0).to_bits()),
            Resolved::Timestamp(_) | Resolved::Text(_) | Resolved::Binary(_) => Self::Text(text.to_owned()),
        }
    }
}

/// The key that JSON has for a scalar; none where `sigs.k8s.io/yaml` refuses it.
pub(super) fn json_key(value: &Resolved, text: &str) -> Option<String> {
    match value {
        Resolved::Null | Resolved::Unsigned(_) => None,
        Resolved::Bool(value) => Some(value.to_string()),
        Resolved::Integer(value) => Some(value.to_string()),
        Resolved::Float(value) => Some(float(*value)),
        Resolved::Timestamp(_) | Resolved::Text(_) | Resolved::Binary(_) => Some(text.to_owned()),
    }
}

/// As Go's `strconv.FormatFloat(value, 'g', -1, 32)` writes it, with go-yaml's words for what is no number.
fn float(value: f64) -> String {
    #[allow(clippy::cast_possible_truncation, reason = "Go cuts it in the same way")]
    let value = value as f32;
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    // The shortest digits that lead back to the number, and a power of ten.
    let written = format!("{value:e}");
    let Some((digits, exponent)) = written.split_once('e') else {
        return written;
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return value.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_fractions_are_written_as_go_does() {
        for (value, written) in [
            (1.30, "1.3"),
            (0.0, "0"),
            (-0.0, "-0"),
            (123_456.0, "123456"),
            (1_234_567.0, "1.234567e+06"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1e20, "1e+20"),
            (1e300, ".inf"),
            (0.1 + 0.2, "0.3"),
            (f64::NAN, ".nan"),
            (f64::NEG_INFINITY, "-.inf"),
        ] {
            assert_eq!(float(value), written);
        }
    }
}
