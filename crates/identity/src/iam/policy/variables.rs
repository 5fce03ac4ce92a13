//! Policy variables: a text of a policy with the request's values in their place.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>.

use super::context::{KeyValue, RequestContext};

/// What becomes of a text with variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expanded {
    /// The text. Wildcards out of values are escaped: `${*}`.
    Text(String),
    /// The request has no value for this variable, and the policy no default.
    Missing,
    /// Nothing is known of this variable.
    Unknown(String),
}

/// Puts the request's values into a text.
pub(super) fn expand(text: &str, context: &RequestContext) -> Expanded {
    let mut expanded = String::new();
    let mut unknown = None;
    let mut rest = text;
    while let Some((before, (name, after))) = rest
        .split_once("${")
        .and_then(|(before, body)| Some((before, body.split_once('}')?)))
    {
        expanded.push_str(before);
        rest = after;
        if ["*", "?", "$"].contains(&name) {
            expanded.extend(["${", name, "}"]);
            continue;
        }
        let (name, default) = match name.split_once(',') {
            Some((name, default)) => (name.trim(), Some(default.trim().trim_matches('\''))),
            None => (name, None),
        };
        match (context.get(name), default) {
            (KeyValue::Present([single]), _) => expanded.push_str(&escaped(single)),
            (KeyValue::Absent, Some(default)) => expanded.push_str(&escaped(default)),
            (KeyValue::Absent, None) => return Expanded::Missing,
            _ => {
                unknown.get_or_insert_with(|| name.to_owned());
            }
        }
    }
    expanded.push_str(rest);
    unknown.map_or(Expanded::Text(expanded), Expanded::Unknown)
}

/// The value of a variable: its wildcards are letters.
fn escaped(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '*' | '?' | '$' => format!("${{{letter}}}"),
            other => other.to_string(),
        })
        .collect()
}
