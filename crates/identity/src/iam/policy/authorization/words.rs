//! Decisions in words.

use std::fmt;

use super::{
    super::matching::Objection,
    decide::{Grant, Layer, Refusal},
};

impl fmt::Display for Grant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}, {}", self.policy, self.statement)
    }
}

impl Layer {
    /// `identity policy`, `permissions boundary`, `session policy`, `policy of the resource`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity policy",
            Self::Boundary => "permissions boundary",
            Self::Session => "session policy",
            Self::Resource => "policy of the resource",
        }
    }
}

/// What an allowing statement asks for.
pub(super) fn allows_with(grant: &Grant, open: &[Objection]) -> String {
    format!("{grant}: it allows this only with {}", all(open))
}

/// What a denying statement asks for.
pub(super) fn denies_with(grant: &Grant, open: &[Objection]) -> String {
    format!("{grant}: it denies this with {}", all(open))
}

fn all(objections: &[Objection]) -> String {
    objections
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" and ")
}

/// What stands between statement and request, as it would have to be: `StringEquals aws:SourceVpc = vpc-1`.
impl fmt::Display for Objection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Action { named } => write!(formatter, "the action {}", named.join(", ")),
            Self::Resource {
                named,
                negated,
                doubt,
            } => {
                let but = if *negated {
                    "every resource but "
                } else {
                    "the resource "
                };
                write!(formatter, "{but}{}", named.join(", "))?;
                match doubt {
                    Some(doubt) => write!(formatter, " ({doubt})"),
                    None => Ok(()),
                }
            }
            Self::Principal { named, .. } => {
                let named: Vec<String> = named
                    .iter()
                    .map(|(kind, value)| format!("{kind} {value}"))
                    .collect();
                write!(formatter, "the principal {}", named.join(", "))
            }
            Self::Condition {
                operator,
                key,
                values,
                found,
                doubt,
            } => {
                write!(formatter, "{operator} {key} = {}", values.join(" | "))?;
                match (doubt, found) {
                    (Some(doubt), _) => write!(formatter, " ({doubt})"),
                    (None, Some(found)) => write!(formatter, " (here it is {found})"),
                    (None, None) => write!(formatter, " (here there is none)"),
                }
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(grant) => write!(formatter, "denied by {grant} ({})", grant.layer.as_str()),
            Self::NotAllowed { layer, nearest } => {
                write!(formatter, "no statement of the {} allows it", layer.as_str())?;
                let Some((grant, objections)) = nearest else {
                    return Ok(());
                };
                write!(
                    formatter,
                    "; nearest is {grant}, which is for {}",
                    all(objections)
                )?;
                // IAM shows a deleted principal by its unique id.
                let mut named = objections.iter().flat_map(|objection| match objection {
                    Objection::Principal { named, .. } => named.as_slice(),
                    _ => &[],
                });
                match named.find(|(kind, id)| kind == "AWS" && is_unique_id(id)) {
                    Some((_, id)) => write!(formatter, "; {id} is a principal that was deleted"),
                    None => Ok(()),
                }
            }
        }
    }
}

fn is_unique_id(text: &str) -> bool {
    ["AROA", "AIDA"].iter().any(|start| text.starts_with(start))
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}
