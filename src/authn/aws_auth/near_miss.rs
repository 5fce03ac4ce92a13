//! Entries that nearly let an identity in, and why they do not: what `whoami` shows to somebody who is Unauthorized.

use super::identity::Identity;
use super::mapping::{equal_fold, to_lower, winners};
use super::parse::{AwsAuth, Fault, Mapping, SectionKey};

/// Why an entry that was meant for an identity does not match it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Miss {
    /// The role's ARN is written with its path, which the server never sees.
    RolePath {
        /// The ARN that would match.
        without_path: String,
    },
    /// The ARN of a session is written, not that of its role.
    AssumedRole {
        /// The ARN that would match.
        role: String,
    },
    /// The user's path lacks or differs; users match with theirs.
    UserPath {
        /// The ARN that would match.
        with_path: String,
    },
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
    /// The same but for blanks or another character around it.
    Padding,
    /// It matches, but a later entry for the same ARN counts instead.
    Overridden {
        /// The place of the entry that counts.
        by: usize,
    },
    /// It matches, but the server left the entry out.
    Refused {
        /// Why, in the server's words.
        because: String,
    },
    /// The ARN stands in a section that the server drops whole.
    DroppedSection {
        /// What is wrong with the section.
        fault: Fault,
    },
    /// A role of IAM Identity Center by its permission set: EKS does not look at such entries.
    SsoEntry,
    /// It matches; username or groups are empty because their values have the wrong type.
    EmptyFields {
        /// What is wrong.
        faults: Vec<Fault>,
    },
}

/// An entry and why it does not match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss {
    /// The section.
    pub section: SectionKey,
    /// The entry's place among the section's entries; nothing where it is none for the server.
    pub entry: Option<usize>,
    /// Its line in the section's text, from 1, where it is known.
    pub line: Option<usize>,
    /// The ARN that is written there.
    pub arn: String,
    /// Why.
    pub why: Miss,
}

/// The entries that nearly let `identity` in, in the order of the sections.
///
/// A section that the server drops is looked through as text, so `data` gives it again; without it, such sections are
/// named only if they hold the name of the role or user.
pub fn near_misses(
    aws_auth: &AwsAuth,
    identity: &Identity,
    text: impl Fn(SectionKey) -> Option<String>,
) -> Vec<NearMiss> {
    let wanted = &identity.canonical.arn;
    let mut misses = Vec::new();
    for key in [SectionKey::Roles, SectionKey::Users] {
        let section = if key == SectionKey::Roles {
            &aws_auth.roles
        } else {
            &aws_auth.users
        };
        let winners = winners(key, &section.entries);
        for (index, entry) in section.entries.iter().enumerate() {
            let why = if equal_fold(&entry.value.arn, &to_lower(wanted)) {
                if winners.contains(&index) {
                    empty_fields(&section.faults, entry.item)
                } else {
                    let same = |by: &&usize| {
                        section
                            .entries
                            .get(**by)
                            .is_some_and(|other| equal_fold(&other.value.arn, &entry.value.arn))
                    };
                    winners.iter().find(same).map(|by| Miss::Overridden { by: *by })
                }
            } else {
                miss(&entry.value, wanted)
            };
            misses.extend(why.map(|why| NearMiss {
                section: key,
                entry: Some(index),
                line: Some(entry.line),
                arn: entry.value.arn.clone(),
                why,
            }));
        }
        for refused in &section.refused {
            if equal_fold(&refused.mapping.arn, wanted) || miss(&refused.mapping, wanted).is_some() {
                misses.push(NearMiss {
                    section: key,
                    entry: None,
                    line: Some(refused.line),
                    arn: refused.mapping.arn.clone(),
                    why: Miss::Refused {
                        because: refused.because.clone(),
                    },
                });
            }
        }
        if let Some(fault) = &section.dropped {
            let line = text(key).and_then(|text| line_naming(&text, wanted));
            if line.is_some() {
                misses.push(NearMiss {
                    section: key,
                    entry: None,
                    line,
                    arn: wanted.clone(),
                    why: Miss::DroppedSection { fault: fault.clone() },
                });
            }
        }
    }
    misses
}

fn empty_fields(faults: &[Fault], item: usize) -> Option<Miss> {
    let faults: Vec<_> = faults
        .iter()
        .filter(|fault| fault.item == Some(item))
        .cloned()
        .collect();
    (!faults.is_empty()).then_some(Miss::EmptyFields { faults })
}

/// The first line of a text that names the role or user, whatever else is wrong there.
fn line_naming(text: &str, wanted: &str) -> Option<usize> {
    let name = wanted.rsplit(['/', ':']).next()?.to_ascii_lowercase();
    let names = |line: &str| {
        let line = line.split(" #").next().unwrap_or_default().to_ascii_lowercase();
        line.match_indices(&name).any(|(at, _)| {
            let word = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
            let before = line.get(..at).and_then(|before| before.chars().last());
            let after = line.get(at + name.len()..).and_then(|after| after.chars().next());
            !before.is_some_and(word) && !after.is_some_and(word)
        })
    };
    if name.is_empty() {
        return None;
    }
    text.lines().position(names).map(|line| line + 1)
}

/// The parts of an ARN, in lower case, that near misses differ in.
struct Parts {
    partition: String,
    service: String,
    account: String,
    resource: String,
}

fn parts(arn: &str) -> Option<Parts> {
    let lower = arn.to_ascii_lowercase();
    match lower.splitn(6, ':').collect::<Vec<_>>().as_slice() {
        &["arn", partition, service, _, account, resource] => Some(Parts {
            partition: partition.to_owned(),
            service: service.to_owned(),
            account: account.to_owned(),
            resource: resource.to_owned(),
        }),
        _ => None,
    }
}

/// Why an entry for nearly `wanted`, which it does not match, does not.
fn miss(mapping: &Mapping, wanted: &str) -> Option<Miss> {
    if mapping.arn.is_empty() {
        let sso = mapping.sso.as_ref()?;
        let prefix = format!(
            ":{}:role/awsreservedsso_{}_",
            sso.account_id, sso.permission_set_name
        );
        return wanted
            .to_ascii_lowercase()
            .contains(&prefix.to_ascii_lowercase())
            .then_some(Miss::SsoEntry);
    }
    let arn = mapping
        .arn
        .trim_matches(|c: char| c.is_whitespace() || "'\"<>`,".contains(c));
    if arn.len() != mapping.arn.len() && arn.eq_ignore_ascii_case(wanted) {
        return Some(Miss::Padding);
    }
    let (written, caller) = (parts(arn)?, parts(wanted)?);
    let kind = |resource: &str| resource.split('/').next().unwrap_or_default().to_owned();
    let name = |resource: &str| resource.rsplit('/').next().unwrap_or_default().to_owned();
    let same_place = written.partition == caller.partition && written.account == caller.account;
    if written.service == "sts"
        && kind(&written.resource) == "assumed-role"
        && kind(&caller.resource) == "role"
    {
        let role = written.resource.split('/').nth(1).unwrap_or_default();
        return (same_place && role == name(&caller.resource)).then(|| Miss::AssumedRole {
            role: wanted.to_owned(),
        });
    }
    if kind(&written.resource) != kind(&caller.resource) || name(&written.resource) != name(&caller.resource)
    {
        return None;
    }
    if written.resource != caller.resource {
        let arn = wanted.to_owned();
        return match kind(&caller.resource).as_str() {
            "role" if same_place => Some(Miss::RolePath { without_path: arn }),
            "user" if same_place => Some(Miss::UserPath { with_path: arn }),
            _ => None,
        };
    }
    if written.account != caller.account {
        Some(Miss::OtherAccount {
            account: written.account,
        })
    } else if written.partition != caller.partition {
        Some(Miss::OtherPartition {
            partition: written.partition,
        })
    } else {
        None
    }
}
