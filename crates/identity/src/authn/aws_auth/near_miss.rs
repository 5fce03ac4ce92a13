//! Entries that nearly let an identity in, and why they do not: what `whoami` shows to somebody who is Unauthorized. Why one
//! written ARN is not the caller's is decided in `miss`.

use std::collections::BTreeMap;

use super::identity::Identity;
use super::mapping::{MappedBy, equal_fold, map, to_lower, winners};
use super::miss::{Miss, Nearness, misses};
use super::parse::{self, AwsAuth, Fault, Mapping, Section, SectionKey};
use crate::authn::arn::PrincipalKind;

/// An entry and why it does not match, or not as it was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss {
    /// The section.
    pub section: SectionKey,
    /// The key that the section is written under; another one where it is misspelt.
    pub key: String,
    /// The entry's place among the section's entries; nothing where it is none for the server.
    pub entry: Option<usize>,
    /// Its line in the section's text, from 1, where it is known.
    pub line: Option<usize>,
    /// The ARN, or the account, that is written there.
    pub written: String,
    /// Username and groups that are written there; of an overridden entry with those of the one that counts.
    pub mapping: Mapping,
    /// Why, the most telling reason first; never empty.
    pub why: Vec<Miss>,
}

impl NearMiss {
    /// How surely it was meant for the caller: as surely as its most doubtful reason.
    pub fn nearness(&self) -> Nearness {
        self.why
            .iter()
            .map(Miss::nearness)
            .max()
            .unwrap_or(Nearness::Same)
    }
}

/// The entries that nearly let `identity` in, in the order of the sections.
///
/// `data` is what `aws_auth` was read from: a section that the server drops or does not know is looked through as text. Where
/// an entry lets the caller in, entries that may well be meant for others are left out.
pub fn near_misses(
    aws_auth: &AwsAuth,
    identity: &Identity,
    data: &BTreeMap<String, String>,
) -> Vec<NearMiss> {
    let mapped = map(aws_auth, identity);
    let text = |key: SectionKey| data.get(key.as_str()).map_or("", String::as_str);
    let mut found = Vec::new();
    for key in [SectionKey::Roles, SectionKey::Users] {
        let section = of(aws_auth, key);
        found.extend(of_entries(
            key,
            section,
            identity,
            mapped.as_ref().map(|mapped| mapped.by).ok(),
        ));
        found.extend(of_refused(key, section, identity, text(key)));
        found.extend(of_dropped(key, section, identity, text(key)));
    }
    found.extend(of_accounts(aws_auth, identity));
    found.extend(of_misspelt(aws_auth, identity, data));
    let is_in_by_entry = matches!(&mapped, Ok(mapped) if matches!(mapped.by, MappedBy::Entry(..)));
    if is_in_by_entry {
        found.retain(|miss| miss.nearness() == Nearness::Same);
    } else if found.iter().any(|miss| miss.nearness() < Nearness::Remote) {
        found.retain(|miss| miss.nearness() < Nearness::Remote);
    }
    found
}

fn of(aws_auth: &AwsAuth, key: SectionKey) -> &Section<Mapping> {
    if key == SectionKey::Users {
        &aws_auth.users
    } else {
        &aws_auth.roles
    }
}

fn of_entries(
    key: SectionKey,
    section: &Section<Mapping>,
    identity: &Identity,
    by: Option<MappedBy>,
) -> Vec<NearMiss> {
    let wanted = to_lower(&identity.canonical.arn);
    let winners = winners(key, &section.entries);
    // More than one counts only for users whose ARN is written in different case.
    let matching: Vec<usize> = winners
        .iter()
        .copied()
        .filter(|index| {
            let entry = section.entries.get(*index);
            entry.is_some_and(|entry| equal_fold(&entry.value.arn, &wanted))
        })
        .collect();
    let mut found = Vec::new();
    for (index, entry) in section.entries.iter().enumerate() {
        let mapping = &entry.value;
        let why = if !equal_fold(&mapping.arn, &wanted) {
            sso_entry(mapping, &wanted).map_or_else(|| misses(&mapping.arn, identity), |miss| vec![miss])
        } else if let (Some(other), false) = (matching.first(), matching.contains(&index)) {
            vec![Miss::Overridden { by: *other }]
        } else {
            let right = section_for(identity);
            let counts = matches!(by, Some(MappedBy::Entry(section, _)) if section == key);
            [
                (matching.len() > 1).then_some(Miss::AtRandom),
                empty_fields(&section.faults, entry.item),
                (right != key && counts).then_some(Miss::OtherSection { right }),
            ]
            .into_iter()
            .flatten()
            .collect()
        };
        if !why.is_empty() {
            let other = why.iter().find_map(|miss| match miss {
                Miss::Overridden { by } => section.entries.get(*by),
                _ => None,
            });
            found.push(NearMiss {
                section: key,
                key: key.as_str().to_owned(),
                entry: Some(index),
                line: Some(entry.line),
                written: written(mapping),
                mapping: other.map_or_else(|| mapping.clone(), |other| joined(&other.value, mapping)),
                why,
            });
        }
    }
    found
}

/// An entry that counts with the groups of one that it overrides.
fn joined(counts: &Mapping, overridden: &Mapping) -> Mapping {
    let mut joined = counts.clone();
    for group in &overridden.groups {
        if !joined.groups.contains(group) {
            joined.groups.push(group.clone());
        }
    }
    joined
}

/// What an entry names its principal by.
fn written(mapping: &Mapping) -> String {
    match &mapping.sso {
        Some(sso) if mapping.arn.is_empty() => {
            format!(
                "sso of permission set {} in account {}",
                sso.permission_set_name, sso.account_id
            )
        }
        _ => mapping.arn.clone(),
    }
}

fn section_for(identity: &Identity) -> SectionKey {
    match identity.canonical.kind {
        PrincipalKind::Role | PrincipalKind::AssumedRole => SectionKey::Roles,
        _ => SectionKey::Users,
    }
}

fn empty_fields(faults: &[Fault], item: usize) -> Option<Miss> {
    let of_item = |fault: &&Fault| fault.item == Some(item);
    let faults: Vec<_> = faults.iter().filter(of_item).cloned().collect();
    (!faults.is_empty()).then_some(Miss::EmptyFields { faults })
}

/// An entry by permission set that would match, if EKS looked at such entries.
fn sso_entry(mapping: &Mapping, wanted: &str) -> Option<Miss> {
    let sso = mapping.sso.as_ref().filter(|_| mapping.arn.is_empty())?;
    let prefix = to_lower(&format!(
        ":{}:role/AWSReservedSSO_{}_",
        sso.account_id, sso.permission_set_name
    ));
    wanted.contains(&prefix).then_some(Miss::SsoEntry)
}

/// Items that the server leaves out: their ARN may be under a key that it does not read, such as `userarn` in mapRoles.
fn of_refused(key: SectionKey, section: &Section<Mapping>, identity: &Identity, text: &str) -> Vec<NearMiss> {
    let mut starts: Vec<usize> = section.entries.iter().map(|entry| entry.line).collect();
    starts.extend(section.refused.iter().map(|refused| refused.line));
    let is_meant = |arn: &str| {
        equal_fold(arn, &identity.canonical.arn)
            || misses(arn, identity)
                .iter()
                .map(Miss::nearness)
                .max()
                .is_some_and(|nearness| nearness == Nearness::Same)
    };
    let mut found = Vec::new();
    for refused in &section.refused {
        let next = starts.iter().copied().filter(|line| *line > refused.line).min();
        let mut lines = text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
            .skip_while(|(number, _)| *number < refused.line)
            .take_while(|(number, _)| next.is_none_or(|next| *number < next));
        let named = lines.find_map(|(number, line)| {
            let (field, value) = field_and_value(line)?;
            is_meant(value).then(|| (number, field.to_owned(), value.to_owned()))
        });
        let (line, field, written) = match named {
            Some((line, field, written)) => (line, Some(field), written),
            None if !refused.mapping.arn.is_empty() && is_meant(&refused.mapping.arn) => {
                (refused.line, None, refused.mapping.arn.clone())
            }
            None => continue,
        };
        found.push(NearMiss {
            section: key,
            key: key.as_str().to_owned(),
            entry: None,
            line: Some(line),
            written,
            mapping: refused.mapping.clone(),
            why: vec![Miss::Refused {
                because: refused.because.clone(),
                key: field.filter(|field| !field.is_empty() && !field.eq_ignore_ascii_case(key.arn_field())),
            }],
        });
    }
    found
}

/// The key and the ARN of a line, without the dash of an item, quotes and a comment; the key may be missing.
fn field_and_value(line: &str) -> Option<(&str, &str)> {
    let line = line.split(" #").next().unwrap_or(line).trim();
    let line = line.strip_prefix('-').map_or(line, str::trim_start);
    // `rolearn: arn:…`: the first belongs to the key.
    let (field, value) = line.split_at_checked(line.rfind("arn:")?)?;
    let is_punctuation = |c: char| c.is_whitespace() || "'\"{}[],:?".contains(c);
    // Of `{username: dev, userarn: 'arn:…', groups: []}` there is more on both sides.
    let field = field.trim_matches(is_punctuation).rsplit(is_punctuation).next()?;
    let value = value.split(['\'', '"', '}', ']']).next()?;
    let value = value.split(", ").next()?;
    Some((field, value.trim_matches(is_punctuation)))
}

fn of_dropped(
    key: SectionKey,
    section: &Section<Mapping>,
    identity: &Identity,
    text: &str,
) -> Option<NearMiss> {
    let fault = section.dropped.as_ref()?;
    let line = line_naming(text, &identity.canonical.arn)?;
    Some(NearMiss {
        section: key,
        key: key.as_str().to_owned(),
        entry: None,
        line: Some(line),
        written: identity.canonical.arn.clone(),
        mapping: Mapping::default(),
        why: vec![Miss::DroppedSection { fault: fault.clone() }],
    })
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

/// The caller's account, written otherwise than in its twelve digits: `1111-2222-3333`, the ARN of its root.
fn of_accounts(aws_auth: &AwsAuth, identity: &Identity) -> Vec<NearMiss> {
    let account = &identity.account;
    let entries = aws_auth.accounts.entries.iter().enumerate();
    let found = entries.filter(|(_, entry)| {
        let digits: String = entry.value.chars().filter(char::is_ascii_digit).collect();
        entry.value != *account && digits == *account
    });
    found
        .map(|(index, entry)| NearMiss {
            section: SectionKey::Accounts,
            key: SectionKey::Accounts.as_str().to_owned(),
            entry: Some(index),
            line: Some(entry.line),
            written: entry.value.clone(),
            mapping: Mapping::default(),
            why: vec![Miss::AccountForm],
        })
        .collect()
}

/// Entries of a section whose key is misspelt, that would let the caller in if it were not.
fn of_misspelt(aws_auth: &AwsAuth, identity: &Identity, data: &BTreeMap<String, String>) -> Vec<NearMiss> {
    let mut found = Vec::new();
    for key in &aws_auth.unknown_keys {
        let Some(section) = SectionKey::nearest(key) else {
            continue;
        };
        let text = data.get(key).cloned().unwrap_or_default();
        let meant = parse::parse(&BTreeMap::from([(section.as_str().to_owned(), text)]));
        let Ok(mapped) = map(&meant, identity) else {
            continue;
        };
        let (index, line, written, mapping) = match mapped.by {
            MappedBy::Entry(section, index) => {
                let Some(entry) = meant.mappings(section).get(index) else {
                    continue;
                };
                (index, entry.line, entry.value.arn.clone(), entry.value.clone())
            }
            MappedBy::Account(index) => {
                let Some(entry) = meant.accounts.entries.get(index) else {
                    continue;
                };
                (index, entry.line, entry.value.clone(), Mapping::default())
            }
        };
        found.push(NearMiss {
            section,
            key: key.clone(),
            entry: Some(index),
            line: Some(line),
            written,
            mapping,
            why: vec![Miss::MisspeltSection { key: key.clone() }],
        });
    }
    found
}

#[cfg(test)]
mod tests;
