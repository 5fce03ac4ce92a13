//! Why a principal that somebody wrote is not the caller, though it was probably meant for it. Works for the ARNs of aws-auth,
//! which are compared letter by letter, and for those of access entries, which have a role's path.

use super::identity::Identity;
use super::parse::{Fault, SectionKey};
use crate::authn::arn::PrincipalKind;

/// What the roles of IAM Identity Center begin with; the permission set and sixteen hexadecimal digits follow.
const SSO_PREFIX: &str = "awsreservedsso_";
/// Names that differ in one letter are near from this length on, and in two letters from the second.
const LENGTHS_OF_SLIPS: [usize; 2] = [4, 9];
/// Longer names are nobody's slip, and comparing them costs memory.
const LONGEST_SLIP: usize = 64;

/// Why an entry that was meant for an identity does not match it, or not as it was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Miss {
    /// The role's ARN is written with its path, which the server never sees.
    RolePath,
    /// The ARN of a session is written, not that of its role.
    AssumedRole,
    /// The user's path is missing or differs; users match with theirs.
    UserPath,
    /// The same role or user of another account.
    OtherAccount {
        /// The account that is written.
        account: String,
    },
    /// The same but for the partition.
    OtherPartition {
        /// The partition that is written.
        partition: String,
    },
    /// The same but for blanks or other characters around or in it.
    Padding {
        /// Characters that cannot be seen, by their code points.
        invisible: Vec<String>,
    },
    /// The name alone, an ARN without one of its parts, or one with a region.
    NotAnArn,
    /// Something of the same name that is no such caller: a user where the caller is a role, or the other way round.
    OtherKind {
        /// `user`, `role`, `group`, `instance-profile`, …
        written: String,
    },
    /// The role that IAM Identity Center made earlier, or in another account, for the same permission set.
    OtherSsoRole {
        /// The permission set.
        permission_set: String,
    },
    /// The name of a permission set, where that of its role is wanted.
    PermissionSet {
        /// The permission set.
        permission_set: String,
    },
    /// A wildcard that would match, if the server knew any.
    Wildcard,
    /// The root user of the caller's account: it stands for itself alone.
    Root,
    /// A user or role that is called as the caller's session is.
    SessionName,
    /// A name that differs in few letters.
    Slip,
    /// It matches, but another entry for the same ARN counts instead.
    Overridden {
        /// The place of the entry that counts.
        by: usize,
    },
    /// It matches, and so does another entry: the server picks one of them at random.
    AtRandom,
    /// It matches, and it belongs into the other section.
    OtherSection {
        /// The section for such callers.
        right: SectionKey,
    },
    /// It matches, but the server left the entry out.
    Refused {
        /// Why, in the server's words.
        because: String,
        /// The key that the ARN is written under, where it is not the right one.
        key: Option<String>,
    },
    /// The ARN is in a section that the server drops whole.
    DroppedSection {
        /// What is wrong with the section.
        fault: Fault,
    },
    /// The section would let the caller in, and its key is misspelt.
    MisspeltSection {
        /// The key as it is written.
        key: String,
    },
    /// A role of IAM Identity Center by its permission set: EKS does not look at such entries.
    SsoEntry,
    /// The caller's account in a form that is not the bare twelve digits.
    AccountForm,
    /// It matches; username or groups are empty because their values have the wrong type.
    EmptyFields {
        /// What is wrong.
        faults: Vec<Fault>,
    },
}

/// How surely an entry was meant for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nearness {
    /// It can be meant for nobody else.
    Same,
    /// It looks so.
    Likely,
    /// Worth a look where nothing nearer is found.
    Remote,
}

impl Miss {
    /// How surely an entry that misses in this way was meant for the caller.
    pub fn nearness(&self) -> Nearness {
        match self {
            Self::OtherAccount { .. }
            | Self::OtherKind { .. }
            | Self::OtherSsoRole { .. }
            | Self::PermissionSet { .. }
            | Self::Wildcard
            | Self::NotAnArn => Nearness::Likely,
            Self::Root | Self::SessionName | Self::Slip => Nearness::Remote,
            _ => Nearness::Same,
        }
    }
}

/// Everything in which a written principal differs from the caller, the most telling first. Nothing where it is the caller,
/// or where it is nobody near.
pub fn misses(written: &str, identity: &Identity) -> Vec<Miss> {
    let (clean, padding) = without_padding(written);
    let lower = clean.to_ascii_lowercase();
    let caller = Caller::of(identity);
    let mut found = match Parts::of(&lower) {
        Some(parts) => caller.differences(&parts),
        None => caller.named_by(&lower),
    };
    let is_caller = lower == caller.arn || !found.is_empty();
    if let Some(padding) = padding.filter(|_| is_caller) {
        found.push(padding);
    }
    found
}

/// A text without blanks, quotes, a slash at its end and what cannot be seen; and the miss that these are.
fn without_padding(written: &str) -> (String, Option<Miss>) {
    let is_invisible = |c: char| matches!(c, '\u{a0}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{2060}'..='\u{2064}' | '\u{3000}' | '\u{feff}');
    let is_padding =
        |c: char| c.is_whitespace() || c.is_control() || is_invisible(c) || "'\"<>`,;".contains(c);
    let kept: String = written.chars().filter(|c| !is_padding(*c)).collect();
    let clean = kept.trim_end_matches('/');
    let mut invisible: Vec<String> = written
        .chars()
        .filter(|c| is_invisible(*c))
        .map(|c| format!("U+{:04X}", u32::from(c)))
        .collect();
    invisible.dedup();
    let padding = (clean.len() != written.len()).then_some(Miss::Padding { invisible });
    (clean.to_owned(), padding)
}

/// An ARN in its parts, in lower case.
struct Parts<'a> {
    partition: &'a str,
    service: &'a str,
    region: &'a str,
    account: &'a str,
    kind: &'a str,
    /// Path and name.
    rest: &'a str,
}

impl<'a> Parts<'a> {
    fn of(lower: &'a str) -> Option<Self> {
        match lower.splitn(6, ':').collect::<Vec<_>>().as_slice() {
            &["arn", partition, service, region, account, resource] => {
                let (kind, rest) = resource.split_once('/').unwrap_or((resource, ""));
                Some(Self {
                    partition,
                    service,
                    region,
                    account,
                    kind,
                    rest,
                })
            }
            _ => None,
        }
    }

    /// The role of a session's ARN, else the name without its path.
    fn name(&self) -> &'a str {
        let mut segments = self.rest.split('/');
        let named = if self.kind == "assumed-role" {
            segments.next()
        } else {
            segments.next_back()
        };
        named.unwrap_or(self.rest)
    }
}

/// What is compared of the caller, in lower case.
struct Caller {
    arn: String,
    partition: String,
    account: String,
    kind: &'static str,
    rest: String,
    name: String,
    /// As STS tells it.
    written_name: String,
    session_name: String,
}

impl Caller {
    fn of(identity: &Identity) -> Self {
        let arn = identity.canonical.arn.to_ascii_lowercase();
        let kind = match identity.canonical.kind {
            PrincipalKind::Role | PrincipalKind::AssumedRole => "role",
            PrincipalKind::User => "user",
            PrincipalKind::Root => "root",
            PrincipalKind::FederatedUser => "federated-user",
        };
        let parts = Parts::of(&arn);
        let text = |part: Option<&str>| part.unwrap_or_default().to_owned();
        let (partition, account, rest, name) = (
            text(parts.as_ref().map(|parts| parts.partition)),
            text(parts.as_ref().map(|parts| parts.account)),
            text(parts.as_ref().map(|parts| parts.rest)),
            text(parts.as_ref().map(Parts::name)),
        );
        Self {
            arn,
            partition,
            account,
            kind,
            rest,
            name,
            written_name: identity
                .canonical
                .arn
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .to_owned(),
            session_name: identity.session_name.to_ascii_lowercase(),
        }
    }

    fn differences(&self, written: &Parts<'_>) -> Vec<Miss> {
        let same_place = written.account == self.account && written.partition == self.partition;
        if written.kind == "root" && self.kind != "root" {
            return Vec::from_iter((same_place && written.service == "iam").then_some(Miss::Root));
        }
        let is_session = written.kind == "assumed-role";
        let kind = if is_session { "role" } else { written.kind };
        let Some(about_name) = self.name_differs(written.name(), kind, written) else {
            return Vec::new();
        };
        if about_name == Some(Miss::Wildcard) {
            return vec![Miss::Wildcard];
        }
        let is_session_name = about_name == Some(Miss::SessionName);
        let mut found = Vec::from_iter(about_name);
        if !same_place && found.iter().any(|miss| miss.nearness() == Nearness::Remote) {
            return Vec::new();
        }
        if kind != self.kind && !is_session_name {
            if written.account != self.account {
                return Vec::new();
            }
            found.push(Miss::OtherKind {
                written: written.kind.to_owned(),
            });
        }
        if is_session && self.kind == "role" {
            found.push(Miss::AssumedRole);
        } else if found.is_empty() && written.rest != self.rest {
            match self.kind {
                "role" => found.push(Miss::RolePath),
                "user" => found.push(Miss::UserPath),
                _ => {}
            }
        }
        if written.account != self.account {
            found.push(Miss::OtherAccount {
                account: written.account.to_owned(),
            });
        } else if written.partition != self.partition {
            found.push(Miss::OtherPartition {
                partition: written.partition.to_owned(),
            });
        }
        let service = if written.kind == "federated-user" {
            "sts"
        } else {
            "iam"
        };
        if !written.region.is_empty() || (written.service != service && !is_session) {
            found.push(Miss::NotAnArn);
        }
        found
    }

    /// Whether a name is the caller's or near it: nothing where it is neither, else the miss if there is one.
    #[expect(
        clippy::option_option,
        reason = "near without a difference, near with one, not near"
    )]
    fn name_differs(&self, name: &str, kind: &str, written: &Parts<'_>) -> Option<Option<Miss>> {
        if name.contains(['*', '?']) || written.account.contains(['*', '?']) {
            // A user has its path, and a caller's role has none.
            let is_named = is_like(written.rest, &self.rest) || (kind == "role" && is_like(name, &self.name));
            let is_like = kind == self.kind && is_named && is_like(written.account, &self.account);
            return is_like.then_some(Some(Miss::Wildcard));
        }
        if name == self.name {
            return Some(None);
        }
        if let Some(miss) = self.sso_differs(name) {
            return Some(Some(miss));
        }
        if !self.session_name.is_empty()
            && name == self.session_name
            && ["user", "role"].contains(&written.kind)
        {
            return Some(Some(Miss::SessionName));
        }
        (kind == self.kind && is_slip(name, &self.name)).then_some(Some(Miss::Slip))
    }

    /// How a name differs from that of the caller's role, where IAM Identity Center made it.
    fn sso_differs(&self, name: &str) -> Option<Miss> {
        let permission_set = permission_set_of(&self.name)?;
        // As Identity Center has it: letters of ASCII keep their place in lower case.
        let start = SSO_PREFIX.len();
        let owned = self
            .written_name
            .get(start..start + permission_set.len())
            .unwrap_or(permission_set)
            .to_owned();
        if permission_set_of(name) == Some(permission_set) {
            return Some(Miss::OtherSsoRole {
                permission_set: owned,
            });
        }
        let bare = name.strip_prefix(SSO_PREFIX).unwrap_or(name);
        let is_set = bare.trim_end_matches('_') == permission_set;
        is_set.then_some(Miss::PermissionSet {
            permission_set: owned,
        })
    }

    /// What a text that is no ARN names: the caller's name alone, or an ARN that lost one of its parts.
    fn named_by(&self, lower: &str) -> Vec<Miss> {
        let name = lower.rsplit(['/', ':']).next().unwrap_or(lower);
        if name.is_empty() {
            return Vec::new();
        }
        if name == self.name {
            return vec![Miss::NotAnArn];
        }
        match self.sso_differs(name) {
            Some(miss) => vec![miss, Miss::NotAnArn],
            None => Vec::new(),
        }
    }
}

/// The permission set of a role that IAM Identity Center made, in lower case.
fn permission_set_of(name: &str) -> Option<&str> {
    let (set, suffix) = name.strip_prefix(SSO_PREFIX)?.rsplit_once('_')?;
    let is_suffix = !suffix.is_empty() && suffix.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_suffix && !set.is_empty()).then_some(set)
}

/// Whether a text matches a pattern of `*` and `?`.
fn is_like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut from) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while from < text.len() {
        match pattern.get(at) {
            Some('*') => {
                last_star = Some((at, from));
                at += 1;
            }
            Some(c) if *c == '?' || text.get(from) == Some(c) => {
                at += 1;
                from += 1;
            }
            _ => {
                let Some((star, matched)) = last_star else {
                    return false;
                };
                last_star = Some((star, matched + 1));
                at = star + 1;
                from = matched + 1;
            }
        }
    }
    pattern.iter().skip(at).all(|c| *c == '*')
}

/// Whether two names differ in so few letters that one was probably meant for the other. Names that end in different digits
/// are counted, not mistyped.
fn is_slip(written: &str, wanted: &str) -> bool {
    let shorter = written.len().min(wanted.len());
    let allowed = LENGTHS_OF_SLIPS
        .iter()
        .filter(|length| shorter >= **length)
        .count();
    let digits = |name: &str| name.chars().filter(char::is_ascii_digit).collect::<String>();
    allowed > 0
        && written.len().max(wanted.len()) <= LONGEST_SLIP
        && digits(written) == digits(wanted)
        && strsim::damerau_levenshtein(written, wanted) <= allowed
}
