//! What an aws-auth ConfigMap makes of a caller: the entry that lets it in, those that were meant for it and miss, and what
//! is wrong with the whole.

use eksact_message::code::Code;
use std::collections::BTreeMap;

use super::{caller::Known, near_entry};
use crate::{
    engine::{Finding, Severity},
    ports::aws::AccessEntry,
    view::Facts,
};
use eksact_identity::authn::aws_auth::{
    AwsAuth, Denied, Mapped, MappedBy, Miss, SectionKey,
    lint::{LintFinding, Surroundings, about_identity, lint},
    map, near_misses, parse,
};

/// What was read of the ConfigMap.
#[derive(Clone, Copy, Debug)]
pub enum ReadAwsAuth<'a> {
    /// Its data.
    Data(&'a BTreeMap<String, String>),
    /// There is none.
    Missing,
    /// It could not be read.
    Unknown,
}

/// The place that lets the caller in, and as whom. What is wrong weighs less where the caller has an access entry.
pub(super) fn by_aws_auth(
    known: &Known<'_>,
    data: &BTreeMap<String, String>,
    entry: Option<&AccessEntry>,
    facts: &mut Facts,
) -> Option<(String, Mapped)> {
    let aws_auth = parse(data);
    let mapped = map(&aws_auth, known.identity);
    let severity = if entry.is_some() || mapped.is_ok() {
        Severity::Warning
    } else {
        Severity::Error
    };
    let misses = near_misses(&aws_auth, known.identity, data);
    // What names the caller is told of that entry.
    let is_told = |finding: &LintFinding| {
        let mut why = misses
            .iter()
            .flat_map(|miss| miss.why.iter().map(|why| (why, miss.section)));
        why.any(|(why, section)| match why {
            Miss::MisspeltSection { key } => finding.key.as_ref() == Some(key),
            Miss::DroppedSection { .. } => {
                finding.code == Code::SectionDropped && finding.section == Some(section)
            }
            _ => false,
        })
    };
    let of_sections = lint(&aws_auth, &Surroundings::default())
        .into_iter()
        .filter(|finding| {
            [Code::SectionMisspelt, Code::SectionDropped].contains(&finding.code) && !is_told(finding)
        });
    for finding in of_sections {
        let severity = if finding.section.is_some() {
            Severity::Warning
        } else {
            severity
        };
        let place = finding
            .section
            .and_then(|section| known.place(section, finding.line));
        facts.find(
            Finding::new(severity, finding.code, finding.message)
                .with_help(remedy!("In aws-auth: {}.", finding.suggestion))
                .at(place.as_ref()),
        );
    }
    let nearest = near_entry::of_aws_auth(&misses, known, severity);
    let own = of_own_entry(&aws_auth, known, &nearest);
    for finding in nearest.into_iter().chain(own) {
        facts.find(finding);
    }
    match mapped {
        Ok(mapped) => {
            let place = place(&aws_auth, mapped.by);
            facts.add("aws-auth", &place);
            if let Some(finding) = entry.and_then(|entry| shadowed(known, entry, (&place, &mapped))) {
                facts.find(finding);
            }
            if entry.is_none()
                && let MappedBy::Account(index) = mapped.by
            {
                let line = aws_auth.accounts.entries.get(index).map(|entry| entry.line);
                facts.find(by_account(known, line));
            }
            Some((place, mapped))
        }
        Err(denied) => {
            facts.add("aws-auth", "no entry lets the caller in");
            if denied != Denied::NotMapped {
                facts.find(
                    Finding::new(severity, Code::EntryDropped, denied.to_string())
                        .with_help(remedy!(
                            "The entry is for nodes. Use another role or, if no node has this one, map it as another user: {}",
                            known.map_caller("", &[])
                        )),
                );
            }
            None
        }
    }
}

/// What else `check aws-auth` reports of the caller's own entry: what the server does not read of it, and names that are not
/// what they look like.
fn of_own_entry(aws_auth: &AwsAuth, known: &Known<'_>, nearest: &[Finding]) -> Vec<Finding> {
    about_identity(aws_auth, &Surroundings::default(), known.identity)
        .into_iter()
        .filter(|found| !nearest.iter().any(|told| told.code == found.code))
        .map(|found| {
            let section = found.section.unwrap_or(SectionKey::Roles);
            let line = found
                .line
                .map_or_else(String::new, |line| format!(", line {line}"));
            let message = format!("{}{line}: {}", section.as_str(), found.message);
            Finding::new(Severity::Warning, found.code, message)
                .with_help(remedy!("In that entry of aws-auth: {}.", found.suggestion))
                .at(known.place(section, found.line).as_ref())
        })
        .collect()
}

fn place(aws_auth: &AwsAuth, by: MappedBy) -> String {
    match by {
        MappedBy::Entry(section, index) => {
            let line = aws_auth
                .mappings(section)
                .get(index)
                .map_or(0, |entry| entry.line);
            format!("{}, line {line}", section.as_str())
        }
        MappedBy::Account(_) => "mapAccounts: the whole account is let in, without groups".to_owned(),
    }
}

/// That an access entry is the caller's and aws-auth maps it to somebody else: the entry alone counts.
fn shadowed(known: &Known<'_>, entry: &AccessEntry, (place, mapped): (&str, &Mapped)) -> Option<Finding> {
    let username = known.rendered(&entry.username);
    let is_same = username == mapped.username && entry.groups == mapped.groups;
    if is_same || !matches!(mapped.by, MappedBy::Entry(..)) {
        return None;
    }
    let groups = |groups: &[String]| match groups {
        [] => "no group".to_owned(),
        groups => groups.join(", "),
    };
    let message = format!(
        "aws-auth maps the caller, too ({place}: {} in {}), and only the access entry {} counts: {username} in {}",
        mapped.username,
        groups(&mapped.groups),
        entry.principal_arn,
        groups(&entry.groups)
    );
    Some(
        Finding::new(Severity::Warning, Code::ShadowedByAccessEntry, message).with_help(remedy!(
            "Give the access entry what aws-auth gives: {} and remove the mapping: {}; or delete the access entry, so that the \
             mapping counts: {}",
            known
                .target()
                .give_same(entry, &mapped.username, &mapped.groups),
            known.target().unmap(&known.identity.canonical.arn),
            known.target().delete_entry(entry)
        )),
    )
}

/// That nothing names the caller itself.
fn by_account(known: &Known<'_>, line: Option<usize>) -> Finding {
    let arn = &known.identity.canonical.arn;
    Finding::new(
        Severity::Note,
        Code::MappedByAccount,
        format!(
            "no entry names {arn}; it is let in with everyone in its account {}, under this ARN and without \
             groups",
            known.identity.account
        ),
    )
    .with_help(remedy!(
        "For a name and groups of its own: {}",
        known.map_caller("", &[])
    ))
    .at(known.place(SectionKey::Accounts, line).as_ref())
}
