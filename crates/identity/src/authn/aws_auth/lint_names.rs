//! User names and groups: what in them is not what it looks like. One opinion for the ConfigMap and for what eksact is asked
//! to write into it.
//!
//! The server takes every text for a name as it is, fills five placeholders, and hands the rest to Kubernetes (0.7.18,
//! `pkg/server/server.go`, `renderTemplate`).

use super::lint::Weight;
use eksact_message::code::Code;
use eksact_message::remedy::Remedy;

/// The groups of Kubernetes and EKS that people map to.
pub const SYSTEM_GROUPS: [&str; 12] = [
    "system:masters",
    "system:nodes",
    "system:bootstrappers",
    "system:node-proxier",
    "system:authenticated",
    "system:unauthenticated",
    "system:serviceaccounts",
    "system:monitoring",
    "system:basic-user",
    "eks:kube-proxy-windows",
    "eks-console-dashboard-full-access-group",
    "eks-console-dashboard-restricted-access-group",
];
/// Groups that mean something without a binding.
pub(super) const BUILT_IN_GROUPS: [&str; 6] = [
    "system:masters",
    "system:nodes",
    "system:bootstrappers",
    "system:authenticated",
    "system:unauthenticated",
    "system:serviceaccounts",
];
/// The placeholders that the server fills.
pub const PLACEHOLDERS: [&str; 5] = [
    "{{EC2PrivateDNSName}}",
    "{{AccountID}}",
    "{{SessionName}}",
    "{{SessionNameRaw}}",
    "{{AccessKeyID}}",
];

/// Groups that are many: every namespace and every bootstrap token may have one.
const FAMILIES: [&str; 2] = ["system:serviceaccounts:", "system:bootstrappers:"];
/// How the names of roles begin that IAM Identity Center made.
const SSO_PREFIX: &str = "AWSReservedSSO_";
/// Longer names are nobody's slip, and comparing them costs memory.
const LONGEST_SLIP: usize = 64;
/// Fewer letters are part of too many words.
const SHORTEST_PART: usize = 7;

/// What a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameOf {
    /// `username`.
    User,
    /// One of `groups`.
    Group,
}

/// Whom a name is given to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedCaller {
    /// An IAM user, who has no session.
    User,
    /// A session of a role, which may be a node's.
    Session,
    /// A session of a role that IAM Identity Center made, which only people have.
    SsoSession,
}

impl NamedCaller {
    /// Who has sessions of the role with this name; a path may be before it.
    pub fn of_role(name: &str) -> Self {
        let name = name.rsplit('/').next().unwrap_or_default();
        let is_sso = name
            .get(..SSO_PREFIX.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(SSO_PREFIX));
        if is_sso { Self::SsoSession } else { Self::Session }
    }
}

/// What is wrong with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameFault {
    /// Blanks, quotes or commas around it belong to it.
    Padded,
    /// Several names in one text.
    Joined,
    /// What looks like a placeholder and is none, or one that is not for this kind of caller.
    Placeholder,
    /// Nearly a group of Kubernetes.
    MisspeltGroup,
    /// A group of its own below `system:`.
    UnknownSystemGroup,
    /// The user name of a component.
    ReservedUser,
}

impl NameFault {
    /// Stable, kebab-case.
    pub fn code(self) -> Code {
        match self {
            Self::Padded => Code::NameWithBlanks,
            Self::Joined => Code::JoinedGroups,
            Self::Placeholder => Code::UnknownPlaceholder,
            Self::MisspeltGroup => Code::MisspeltSystemGroup,
            Self::UnknownSystemGroup => Code::UnknownSystemGroup,
            Self::ReservedUser => Code::ReservedUsername,
        }
    }
}

/// What is wrong with a name, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameFinding {
    /// What kind of thing.
    pub fault: NameFault,
    /// How much it weighs.
    pub weight: Weight,
    /// What is the matter, and what it does.
    pub message: String,
    /// What to do.
    pub help: Remedy,
    /// What was meant, where that is one name.
    pub meant: Option<String>,
}

/// Looks through a name that is not empty.
pub fn of_name(name: &str, kind: NameOf, caller: NamedCaller) -> Vec<NameFinding> {
    let mut found = Vec::new();
    let shown = shown(name);
    let bare = name.trim_matches(is_padding);
    // A guide's `<name>` was filled in with its brackets.
    let bare = bare
        .strip_prefix('<')
        .and_then(|inner| inner.strip_suffix('>'))
        .unwrap_or(bare);
    if bare.is_empty() && !name.is_empty() {
        return vec![NameFinding {
            fault: NameFault::Padded,
            weight: Weight::Error,
            message: format!("{shown} is a name that consists only of blanks, quotes or commas"),
            help: remedy!("write a name, or remove it"),
            meant: None,
        }];
    }
    // `<SessionName>` is a placeholder that was meant.
    let is_word = PLACEHOLDERS
        .iter()
        .any(|known| known.trim_matches(['{', '}']).eq_ignore_ascii_case(bare));
    if bare != name && !is_word {
        found.push(NameFinding {
            fault: NameFault::Padded,
            weight: Weight::Error,
            message: format!(
                "{shown} has blanks, quotes, commas or brackets around it, and they are part of the name"
            ),
            help: remedy!("write `{bare}`"),
            meant: Some(bare.to_owned()),
        });
        return found;
    }
    if kind == NameOf::Group
        && let Some(joined) = joined(name, &shown)
    {
        found.push(joined);
        return found;
    }
    found.extend(placeholders(name, &shown));
    found.extend(not_for(caller, name));
    match kind {
        NameOf::Group => found.extend(system_group(name, &shown)),
        NameOf::User => found.extend(reserved(name, &shown)),
    }
    found
}

/// A name as it may be shown: what cannot be seen is written by its code point.
fn shown(name: &str) -> String {
    let visible = |c: char| !c.is_control() && (c == ' ' || !is_blank(c));
    let text: String = name
        .chars()
        .map(|c| {
            if visible(c) {
                c.to_string()
            } else {
                c.escape_unicode().to_string()
            }
        })
        .collect();
    format!("`{text}`")
}

/// White space, and characters that have no width.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{ad}')
}

fn is_padding(c: char) -> bool {
    is_blank(c) || matches!(c, '"' | '\'' | '`' | ',' | ';')
}

/// Several groups in one text. A blank or comma may be part of a group's name, as in those of LDAP; of one of the system's it
/// is not.
fn joined(name: &str, shown: &str) -> Option<NameFinding> {
    let split = |at: &dyn Fn(char) -> bool| -> Vec<String> {
        let parts = name
            .split(at)
            .map(|part| part.trim_matches(|c: char| is_padding(c) || c == '-'));
        parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    let is_of_system = |parts: &Vec<String>| {
        let of_system = |part: &String| is_system_group(part) || misspelt(part).is_some();
        parts.len() > 1 && parts.iter().any(of_system)
    };
    let words = split(&|c| is_blank(c) || ",;".contains(c));
    let lines = split(&|c| ",;\n".contains(c));
    let (parts, weight) = if misspelt(name).is_some() && !name.contains([',', ';']) {
        return None;
    } else if is_of_system(&words) {
        (words, Weight::Error)
    } else if lines.len() > 1 && !name.contains('=') {
        (lines, Weight::Warning)
    } else if name.contains(" - ") {
        (
            name.split(" - ").map(|part| part.trim().to_owned()).collect(),
            Weight::Warning,
        )
    } else {
        return None;
    };
    let items = parts
        .iter()
        .map(|part| serde_json::Value::from(part.as_str()).to_string());
    Some(NameFinding {
        fault: NameFault::Joined,
        weight,
        message: format!("{shown} is one group to the server, with this whole string as its name"),
        help: remedy!(
            "write one item for each: `groups: [{}]`",
            items.collect::<Vec<_>>().join(", ")
        ),
        meant: None,
    })
}

/// What looks like a placeholder in a name: its bytes, and the one that it may be meant for.
struct Piece {
    start: usize,
    end: usize,
    meant: Option<&'static str>,
    /// Whether only the word is there, without anything around it.
    is_word: bool,
}

/// What in a name the server does not fill although it looks so.
fn placeholders(name: &str, shown: &str) -> Option<NameFinding> {
    let pieces = pieces(name);
    let first = pieces.first()?;
    let mut meant = String::new();
    let mut done = 0;
    for piece in &pieces {
        meant.push_str(name.get(done..piece.start)?);
        meant.push_str(piece.meant.or_else(|| name.get(piece.start..piece.end))?);
        done = piece.end;
    }
    meant.push_str(name.get(done..)?);
    let is_known = pieces.iter().all(|piece| piece.meant.is_some());
    let help = if is_known {
        remedy!("write `{meant}`; braces, case and blanks count")
    } else {
        remedy!(
            "the placeholders are {}; write the name itself in place of any other",
            PLACEHOLDERS.join(", ")
        )
    };
    Some(NameFinding {
        fault: NameFault::Placeholder,
        weight: if pieces.iter().any(|piece| piece.meant.is_some() && !piece.is_word) {
            Weight::Error
        } else {
            Weight::Warning
        },
        message: match name.get(first.start..first.end)? {
            all if all == name => {
                format!(
                    "{shown} is not a placeholder that the server knows: it is used literally as the \
                     name"
                )
            }
            part => format!(
                "`{part}` in {shown} is not a placeholder that the server knows: it remains in the name \
                 literally"
            ),
        },
        help,
        meant: is_known.then_some(meant),
    })
}

fn pieces(name: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut at = 0;
    while let Some(rest) = name.get(at..).filter(|rest| !rest.is_empty()) {
        let last = pieces.last().map_or(0, |piece| piece.end);
        let length = |wanted: &dyn Fn(char) -> bool, rest: &str| -> usize {
            rest.chars().take_while(|c| wanted(*c)).map(char::len_utf8).sum()
        };
        let open = length(&|c| c == '{', rest);
        let closed = length(&|c| c == '}', rest);
        let word = length(&|c| c.is_ascii_alphanumeric(), rest);
        if open > 0 {
            let behind = rest.get(open..).unwrap_or_default();
            let inner = match behind.find(['{', '}']) {
                Some(end) if behind.get(end..).is_some_and(|rest| rest.starts_with('}')) => end,
                // Nothing closes it: the word behind it.
                _ => {
                    let blank = length(&|c| c == ' ', behind);
                    blank
                        + length(
                            &|c| c.is_ascii_alphanumeric(),
                            behind.get(blank..).unwrap_or_default(),
                        )
                }
            };
            let close = length(&|c| c == '}', behind.get(inner..).unwrap_or_default());
            let end = at + open + inner + close;
            let is_filled = name.get(at..end).is_some_and(|text| PLACEHOLDERS.contains(&text));
            if !is_filled {
                let dollar = usize::from(name.get(last..at).is_some_and(|before| before.ends_with('$')));
                pieces.push(Piece {
                    start: at - dollar,
                    end,
                    meant: nearest_placeholder(behind.get(..inner).unwrap_or_default()),
                    is_word: false,
                });
            }
            at = end;
        } else if closed > 0 {
            pieces.push(Piece {
                start: at,
                end: at + closed,
                meant: None,
                is_word: false,
            });
            at += closed;
        } else if word > 0 {
            let text = rest.get(..word).unwrap_or_default();
            let known = PLACEHOLDERS
                .into_iter()
                .find(|known| known.trim_matches(['{', '}']).eq_ignore_ascii_case(text));
            if let Some(known) = known {
                // As in `$SessionName`, `<SessionName>`, `%SessionName%`, `[[SessionName]]`.
                let around = |c: char| "$<>%[]()".contains(c);
                let before = name.get(last..at).unwrap_or_default();
                let start = last + before.trim_end_matches(around).len();
                let behind = rest.get(word..).unwrap_or_default();
                let end = at + word + length(&around, behind);
                pieces.push(Piece {
                    start,
                    end,
                    meant: Some(known),
                    is_word: (start, end) == (at, at + word),
                });
                at = end;
            } else {
                at += word;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    pieces
}

/// The placeholder that a word was meant for.
pub(super) fn nearest_placeholder(word: &str) -> Option<&'static str> {
    let plain = |text: &str| -> String {
        let letters = text.chars().filter(char::is_ascii_alphanumeric);
        letters.map(|c| c.to_ascii_lowercase()).collect()
    };
    let word = plain(word);
    if word.is_empty() || word.len() > LONGEST_SLIP {
        return None;
    }
    let is_part = |known: &str| {
        (word.len() >= SHORTEST_PART && known.contains(&word))
            || (known.len() >= SHORTEST_PART && word.contains(known))
    };
    let near = |known: &str| strsim::damerau_levenshtein(&word, known) <= known.len() / 5;
    let all = || PLACEHOLDERS.into_iter();
    all()
        .find(|known| plain(known) == word)
        .or_else(|| all().find(|known| near(&plain(known))))
        .or_else(|| all().find(|known| is_part(&plain(known))))
}

/// Placeholders that the server fills with nothing for this caller, or because of which it refuses it.
fn not_for(caller: NamedCaller, name: &str) -> Vec<NameFinding> {
    let known = PLACEHOLDERS.into_iter().filter(|known| name.contains(known));
    known
        .filter_map(|known| {
            let is_node = known == "{{EC2PrivateDNSName}}";
            let who = match caller {
                NamedCaller::User => "an IAM user",
                NamedCaller::SsoSession => "a session of IAM Identity Center",
                NamedCaller::Session => return None,
            };
            let (weight, message) = if is_node {
                let message = format!("{known} is for the role of a node only: the server always refuses {who}");
                (Weight::Error, message)
            } else if caller == NamedCaller::User && known.starts_with("{{Session") {
                let message = format!("{known} is empty for an IAM user: only a role has sessions");
                (Weight::Warning, message)
            } else {
                return None;
            };
            Some(NameFinding {
                fault: NameFault::Placeholder,
                weight,
                message,
                help: if caller == NamedCaller::User {
                    remedy!("write the user's name itself")
                } else {
                    remedy!("write `{{{{SessionName}}}}`, which is the user's name in IAM Identity Center, or another name")
                },
                meant: None,
            })
        })
        .collect()
}

/// Whether a group is one of Kubernetes' or EKS's own.
pub fn is_system_group(group: &str) -> bool {
    SYSTEM_GROUPS.contains(&group) || FAMILIES.iter().any(|family| group.starts_with(family))
}

/// The system group that is nearly written.
pub(super) fn misspelt(group: &str) -> Option<&'static str> {
    if is_system_group(group) || group.len() > LONGEST_SLIP {
        return None;
    }
    let lower: String = group
        .chars()
        .filter(|c| !is_blank(*c))
        .collect::<String>()
        .to_ascii_lowercase();
    let length = lower.chars().count();
    let distance = |known: &str| strsim::damerau_levenshtein(&lower, known);
    // A letter more or less is a difference of one, at least: there may be thousands of groups.
    let near = SYSTEM_GROUPS
        .into_iter()
        .filter(|known| lower.len() > 6 && length.abs_diff(known.len()) < 3 && distance(known) < 3);
    near.min_by_key(|known| distance(known))
}

/// A group that was meant to be one of the system's: nothing refuses `system:master`, and it gives nothing.
fn system_group(group: &str, shown: &str) -> Option<NameFinding> {
    if let Some(known) = misspelt(group) {
        return Some(NameFinding {
            fault: NameFault::MisspeltGroup,
            weight: Weight::Error,
            message: format!("{shown} is not a group that Kubernetes or EKS knows"),
            help: remedy!("write `{known}`"),
            meant: Some(known.to_owned()),
        });
    }
    (group.starts_with("system:") && !is_system_group(group)).then(|| NameFinding {
        fault: NameFault::UnknownSystemGroup,
        weight: Weight::Warning,
        message: format!("{shown} is not a group that Kubernetes knows"),
        help: remedy!(
            "`system:` is reserved for Kubernetes itself; choose another name for a group of your own"
        ),
        meant: None,
    })
}

/// User names of Kubernetes and of EKS itself. The server refuses none of them; but who has one is taken for a part of the
/// control plane. Nodes are meant to have theirs.
fn reserved(name: &str, shown: &str) -> Option<NameFinding> {
    let prefix = ["system:", "eks:"]
        .into_iter()
        .find(|prefix| name.starts_with(prefix))?;
    if name.starts_with("system:node:") {
        return None;
    }
    let whose = if prefix == "eks:" { "EKS's" } else { "Kubernetes'" };
    Some(NameFinding {
        fault: NameFault::ReservedUser,
        weight: Weight::Warning,
        message: format!("{shown} is a user name of {whose} own: `{prefix}` is reserved"),
        help: remedy!("whoever gets in under it has the rights of that component; choose another name"),
        meant: None,
    })
}
