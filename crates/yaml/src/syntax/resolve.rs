//! What a plain scalar is: YAML 1.1's booleans, nulls, numbers and timestamps, as go-yaml resolves them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What `!!` stands for.
pub const TAG_PREFIX: &str = "tag:yaml.org,2002:";

/// A scalar's value.
#[derive(Debug, Clone)]
pub enum Resolved {
    /// Nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number that fits 64 bits with a sign.
    Integer(i64),
    /// A whole number beyond those, within 64 bits.
    Unsigned(u64),
    /// A fraction, an infinity or `.nan`.
    Float(f64),
    /// A date or time: a text wherever no time is asked for.
    Timestamp(String),
    /// A text.
    Text(String),
    /// A text from base64.
    Binary(Vec<u8>),
}

impl PartialEq for Resolved {
    /// The same kind and the same value; `.nan` is itself.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(one), Self::Bool(other)) => one == other,
            (Self::Integer(one), Self::Integer(other)) => one == other,
            (Self::Unsigned(one), Self::Unsigned(other)) => one == other,
            (Self::Float(one), Self::Float(other)) => one.to_bits() == other.to_bits(),
            (Self::Timestamp(one), Self::Timestamp(other)) | (Self::Text(one), Self::Text(other)) => {
                one == other
            }
            (Self::Binary(one), Self::Binary(other)) => one == other,
            _ => false,
        }
    }
}

impl Eq for Resolved {}

impl Resolved {
    /// The tag that its kind has.
    fn tag(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Integer(_) | Self::Unsigned(_) => "int",
            Self::Float(_) => "float",
            Self::Timestamp(_) => "timestamp",
            Self::Text(_) => "str",
            Self::Binary(_) => "binary",
        }
    }
}

/// What `text` is under `tag`, which is empty for none.
///
/// # Errors
/// The problem, when the text is none of what the tag promises.
pub fn resolve(tag: &str, text: &str) -> Result<Resolved, String> {
    let short = if tag.is_empty() {
        Some("")
    } else {
        tag.strip_prefix(TAG_PREFIX)
    };
    match short {
        Some("binary") => {
            // Go's decoder leaves line breaks out of account.
            let compact: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
            let octets = STANDARD.decode(compact);
            octets
                .map(Resolved::Binary)
                .map_err(|_| "!!binary value contains invalid base64 data".to_owned())
        }
        Some("") => Ok(resolve_plain(text, true)),
        Some(wanted @ ("bool" | "int" | "float" | "null" | "timestamp")) => {
            let found = resolve_plain(text, wanted == "timestamp");
            match (wanted, &found) {
                (wanted, found) if found.tag() == wanted => {}
                ("float", Resolved::Integer(whole)) => return Ok(Resolved::Float(as_float(*whole))),
                _ => {
                    return Err(format!(
                        "cannot decode !!{} `{text}` as a !!{wanted}",
                        found.tag()
                    ));
                }
            }
            Ok(found)
        }
        // `!!str` and any other tag leave the text as it is.
        _ => Ok(Resolved::Text(text.to_owned())),
    }
}

/// A text of octets as Go writes it into JSON: each octet that is no UTF-8 becomes the replacement character.
pub fn lossy(octets: &[u8]) -> String {
    let mut text = String::new();
    for chunk in octets.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '\u{fffd}'));
    }
    text
}

fn resolve_plain(text: &str, timestamps: bool) -> Resolved {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Resolved::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Resolved::Bool(false);
        }
        "" | "~" | "null" | "Null" | "NULL" => return Resolved::Null,
        ".nan" | ".NaN" | ".NAN" => return Resolved::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Resolved::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Resolved::Float(f64::NEG_INFINITY),
        _ => {}
    }
    let other = || Resolved::Text(text.to_owned());
    match text.bytes().next() {
        Some(b'.') => go_float(text).map_or_else(other, Resolved::Float),
        Some(b'0'..=b'9' | b'+' | b'-') => {
            if timestamps && is_timestamp(text) {
                return Resolved::Timestamp(text.to_owned());
            }
            number(&text.replace('_', "")).unwrap_or_else(other)
        }
        _ => other(),
    }
}

fn number(text: &str) -> Option<Resolved> {
    let (negative, digits) = match text.strip_prefix(['+', '-']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    if let Some(magnitude) = magnitude(digits) {
        let magnitude = i128::try_from(magnitude).ok()?;
        let value = if negative { -magnitude } else { magnitude };
        if let Ok(value) = i64::try_from(value) {
            return Some(Resolved::Integer(value));
        }
        // Only a number without a sign is tried as an unsigned one.
        if let Ok(value) = u64::try_from(value)
            && digits.len() == text.len()
        {
            return Some(Resolved::Unsigned(value));
        }
    }
    is_yaml_float(digits)
        .then(|| finite(text))
        .flatten()
        .map(Resolved::Float)
}

/// A fraction; none where it is too large, which Go reports as an error and takes for a text.
fn finite(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

/// As Go's conversion: the nearest of those that a float holds.
#[allow(clippy::cast_precision_loss)]
fn as_float(whole: i64) -> f64 {
    whole as f64
}

/// A whole number in the base that its prefix names.
fn magnitude(digits: &str) -> Option<u128> {
    let lower = digits.to_ascii_lowercase();
    let (base, rest) = if let Some(rest) = lower.strip_prefix("0x") {
        (16, rest)
    } else if let Some(rest) = lower.strip_prefix("0b") {
        (2, rest)
    } else if let Some(rest) = lower.strip_prefix("0o") {
        (8, rest)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, lower.get(1..).unwrap_or_default())
    } else {
        (10, lower.as_str())
    };
    // The standard library would take a second sign.
    rest.bytes().next().filter(u8::is_ascii_alphanumeric)?;
    u128::from_str_radix(rest, base).ok()
}

/// `[0-9]+(\.[0-9]*)?` or `\.[0-9]+`, and an exponent.
fn is_yaml_float(text: &str) -> bool {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..)),
        None => (text, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_fits = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    let mantissa_fits = match mantissa.split_once('.') {
        None => !mantissa.is_empty() && digits(mantissa),
        Some(("", fraction)) => !fraction.is_empty() && digits(fraction),
        Some((whole, fraction)) => digits(whole) && digits(fraction),
    };
    exponent_fits && mantissa_fits
}

/// What Go's `strconv.ParseFloat` takes of texts that begin with a point: underscores between digits, too.
fn go_float(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let separated = bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'_')
        .all(|(at, _)| digit(at.checked_sub(1)) && digit(Some(at + 1)));
    let plain = text.replace('_', "");
    (separated && is_yaml_float(&plain))
        .then(|| finite(&plain))
        .flatten()
}

/// Whether Go's `time.Parse` takes the text in one of the four layouts that go-yaml tries.
fn is_timestamp(text: &str) -> bool {
    let Some((date, rest)) = split_date(text) else {
        return false;
    };
    if !date {
        return false;
    }
    let Some(separator) = rest.chars().next() else {
        return true;
    };
    let rest = rest.get(1..).unwrap_or_default();
    match separator {
        'T' | 't' => clock(rest).is_some_and(is_zone),
        ' ' => clock(rest.trim_start_matches(' ')).is_some_and(str::is_empty),
        _ => false,
    }
}

/// Takes `YYYY-M-D`: whether there is such a day, and the rest.
fn split_date(text: &str) -> Option<(bool, &str)> {
    let year: i16 = text
        .get(..4)?
        .parse()
        .ok()
        .filter(|_| text.bytes().take(4).all(|b| b.is_ascii_digit()))?;
    let (month, rest) = two_digits(text.get(4..)?.strip_prefix('-')?)?;
    let (day, rest) = two_digits(rest.strip_prefix('-')?)?;
    let exists = match (i8::try_from(month), i8::try_from(day)) {
        (Ok(month), Ok(day)) => jiff::civil::Date::new(year, month, day).is_ok(),
        _ => false,
    };
    Some((exists, rest))
}

/// One or two digits and what follows.
fn two_digits(text: &str) -> Option<(u8, &str)> {
    let length = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    Some((text.get(..length)?.parse().ok()?, text.get(length..)?))
}

/// Takes `h:m:s` with a fraction; gives what follows.
fn clock(text: &str) -> Option<&str> {
    // Go's layout `15` wants two digits of the hour, its `4` and `5` take one or two.
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    let (hour, rest) = two_digits(text)?;
    let (minute, rest) = two_digits(rest.strip_prefix(':')?)?;
    let (second, rest) = two_digits(rest.strip_prefix(':')?)?;
    if length == 0 || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    match rest.strip_prefix(['.', ',']) {
        Some(fraction) => {
            let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
            if digits == 0 {
                Some(rest)
            } else {
                fraction.get(digits..)
            }
        }
        None => Some(rest),
    }
}

/// `Z` or `±hh:mm`.
fn is_zone(text: &str) -> bool {
    if text == "Z" {
        return true;
    }
    let Some((hours, minutes)) = text
        .strip_prefix(['+', '-'])
        .and_then(|rest| rest.split_once(':'))
    else {
        return false;
    };
    let pair = |text: &str, below: u8| {
        text.len() == 2 && two_digits(text).is_some_and(|(n, rest)| rest.is_empty() && n <= below)
    };
    pair(hours, 24) && pair(minutes, 60)
}
