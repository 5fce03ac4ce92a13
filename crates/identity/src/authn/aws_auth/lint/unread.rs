//! What the server passes over, in words: the nearest right key, and what to do.

use super::{Findings, Weight};
use crate::authn::aws_auth::decode::fields_of;
use crate::authn::aws_auth::parse::{Fault, Refused, SectionKey};
use crate::authn::aws_auth::unread::{Unread, WhyUnread};
use eksact_message::code::Code;
use eksact_message::remedy::Remedy;

/// Keys that people write, and the server's name for them.
const OTHER_WORDS: [(&str, &str); 5] = [
    ("name", "username"),
    ("k8suser", "username"),
    ("kubernetesuser", "username"),
    ("k8sgroups", "groups"),
    ("kubernetesgroups", "groups"),
];
/// Longer keys are nobody's slip.
const LONGEST_SLIP: usize = 64;

impl Unread {
    /// The field of the server's that is meant: its own, or the nearest to an unknown key.
    fn meant(&self, section: SectionKey) -> Option<&'static str> {
        let is_arn = |value: &str| value.trim().to_ascii_lowercase().starts_with("arn:");
        self.field
            .or_else(|| nearest_field(section, &self.key))
            .or_else(|| {
                self.value
                    .as_deref()
                    .is_some_and(is_arn)
                    .then(|| section.arn_field())
            })
    }

    /// Whether it is, or was meant to be, this field of an entry.
    pub(super) fn is_about(&self, field: &str) -> bool {
        let section = if field == "userarn" {
            SectionKey::Users
        } else {
            SectionKey::Roles
        };
        self.meant(section) == Some(field)
    }

    /// Whether it is the value that a fault is about.
    pub(super) fn is_of(&self, fault: &Fault) -> bool {
        matches!(&self.why, WhyUnread::WrongType(own) if **own == *fault)
    }
}

/// The field that an unknown key was meant to be.
fn nearest_field(section: SectionKey, key: &str) -> Option<&'static str> {
    let letters = key.chars().filter(char::is_ascii_alphanumeric);
    let plain: String = letters.map(|c| c.to_ascii_lowercase()).collect();
    if plain.len() > LONGEST_SLIP {
        return None;
    }
    let fields = || fields_of(section).iter().copied();
    let arn = section.arn_field();
    let nearest = fields()
        .map(|field| (strsim::damerau_levenshtein(&plain, field), field))
        .filter(|(distance, field)| *distance <= (field.len().min(plain.len()) / 3).min(2))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, field)| field);
    let other = || {
        OTHER_WORDS
            .iter()
            .find(|(word, _)| *word == plain)
            .map(|(_, field)| *field)
    };
    // `arn`, `iamrolearn`, and the key of the other section; then `user`, `user_name`, `group`, `groupNames`.
    let by_part = || match plain.as_str() {
        word if word.starts_with("arn") || word.ends_with("arn") => Some(arn),
        word if word.starts_with("user") || word.ends_with("username") => Some("username"),
        word if word.starts_with("group") => Some("groups"),
        _ => None,
    };
    nearest.or_else(other).or_else(by_part)
}

impl Findings {
    pub(super) fn wrong_type(&mut self, fault: &Fault) {
        let help = fault
            .help
            .clone()
            .unwrap_or_else(|| match fault.field.as_deref() {
                Some("groups") => {
                    remedy!(
                        "write groups as a list of strings, and put `yes`, `no`, numbers and `~` in \
                         quotes"
                    )
                }
                Some(_) => remedy!("put the value in quotes"),
                None => remedy!("write it as the other entries are written"),
            });
        self.error(Code::WrongType, fault.problem.clone(), help, None);
    }

    pub(super) fn unread(&mut self, unread: &Unread) {
        let key = &unread.key;
        let what = if unread.is_item {
            format!("a value of `{key}`")
        } else {
            format!("`{key}`")
        };
        match &unread.why {
            WhyUnread::UnknownKey { beside } => self.unknown_key(unread, beside),
            WhyUnread::WrongType(fault) => self.wrong_type(fault),
            WhyUnread::Null => self.error(
                Code::WrongType,
                format!("{what} is null; the server treats it as empty"),
                if unread.is_item {
                    remedy!("write the name of the group in quotes, or remove the item")
                } else {
                    remedy!("write a value after `{key}:`, or remove the key")
                },
                None,
            ),
            WhyUnread::Empty => {
                let is_list = unread.value.is_none();
                self.add(
                    if is_list { Weight::Warning } else { Weight::Error },
                    Code::EmptyValue,
                    format!("{what} is empty, which is the same as leaving it out"),
                    remedy!("write a value, or remove it"),
                    None,
                );
            }
            WhyUnread::Overridden { by } => self.error(
                Code::OverriddenKey,
                if by == "<<" {
                    format!("what `<<` merges in counts instead of `{key}`")
                } else if by == key {
                    format!(
                        "`{key}` is written again in this entry, and only the last one counts; they are \
                         not combined"
                    )
                } else {
                    format!(
                        "`{by}` of this entry is the same key to the server and counts instead of `{key}`"
                    )
                },
                remedy!("put the intended values into one and remove the other"),
                None,
            ),
            WhyUnread::Unused => self.warning(
                Code::UnusedKey,
                format!("EKS does not use `{key}` of aws-auth: the ARN alone counts"),
                remedy!("remove it"),
                None,
            ),
            WhyUnread::Repeated => self.warning(
                Code::RepeatedValue,
                format!(
                    "`{}` is in `{key}` already: repeating it has no effect",
                    unread.value.as_deref().unwrap_or_default()
                ),
                remedy!("remove it"),
                None,
            ),
            WhyUnread::Merge => self.warning(
                Code::NoDifference,
                "what `<<` merges in has no effect: it is overridden, or the server does not read it"
                    .to_owned(),
                remedy!("remove it"),
                None,
            ),
            WhyUnread::NoDifference => self.warning(
                Code::NoDifference,
                format!("{what} does not change how the server reads the entry"),
                remedy!("remove it"),
                None,
            ),
        }
    }

    /// A key that the server does not read, with the nearest that it does.
    fn unknown_key(&mut self, unread: &Unread, beside: &[String]) {
        let key = &unread.key;
        let other = if self.key == SectionKey::Users {
            SectionKey::Roles
        } else {
            SectionKey::Users
        };
        let is_of_other = key.eq_ignore_ascii_case(other.arn_field());
        let message = if is_of_other {
            format!(
                "`{key}` is a key of {}, and the server does not read it in {}",
                other.as_str(),
                self.key.as_str()
            )
        } else {
            format!("the server does not read the key `{key}` of an entry")
        };
        let Some(meant) = unread.meant(self.key) else {
            self.warning(
                Code::UnknownKey,
                message,
                remedy!("remove it, or comment it out: `# {key}: …`"),
                None,
            );
            return;
        };
        let is_there = beside.iter().any(|key| key.eq_ignore_ascii_case(meant));
        let help = match &unread.value {
            _ if is_of_other && is_there => {
                remedy!(
                    "remove it; the principal that it names needs an entry of its own in {}",
                    other.as_str()
                )
            }
            _ if is_there => remedy!("move its value to `{meant}`, and remove it"),
            Some(value) if meant == "groups" && !value.is_empty() => {
                remedy!(
                    "write `groups: [{}]` instead",
                    serde_json::Value::from(value.as_str())
                )
            }
            _ => remedy!("rename it to `{meant}`"),
        };
        self.error(Code::UnknownKey, message, help, None);
    }

    /// What to do about an entry that the server leaves out.
    pub(super) fn refused_help(&self, refused: &Refused, unread: &[Unread]) -> Remedy {
        let arn_field = self.key.arn_field();
        if refused.mapping.sso.is_some() {
            return if refused.mapping.arn.is_empty() {
                remedy!("write `{arn_field}` with the role's ARN instead of `sso`, which EKS does not read")
            } else {
                remedy!("remove `sso`, which EKS does not read")
            };
        }
        let mut own = unread.iter().filter(|unread| unread.item == refused.item);
        let Some(meant) = own.find(|unread| unread.is_about(arn_field)) else {
            return remedy!("give it a `{arn_field}`, or remove it");
        };
        let key = &meant.key;
        let (other, of_other) = match self.key {
            SectionKey::Users => (SectionKey::Roles, ":role/"),
            _ => (SectionKey::Users, ":user/"),
        };
        let is_of_other = meant.value.as_ref().is_some_and(|arn| arn.contains(of_other));
        match &meant.why {
            WhyUnread::UnknownKey { .. } if key.eq_ignore_ascii_case(other.arn_field()) && is_of_other => {
                remedy!(
                    "move the entry to {}: `{key}` is a key of that section",
                    other.as_str()
                )
            }
            WhyUnread::UnknownKey { .. } => remedy!("rename `{key}` to `{arn_field}`"),
            _ => remedy!("write an ARN after `{key}`, in quotes"),
        }
    }
}
