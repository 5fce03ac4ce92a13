//! What is said about an entry that was probably meant for the caller: where it is, why it is not the caller's, and what to do.

use eksact_message::code::Code;
use eksact_message::remedy::Remedy;
use std::fmt::Write as _;

use super::caller::Known;
use crate::{
    engine::{Finding, Severity},
    ports::aws::AccessEntry,
};
use eksact_identity::authn::aws_auth::{Miss, NearMiss, Nearness, SectionKey, lint::dropped_help};

/// More findings of one kind tell nobody more.
const MOST: usize = 5;

/// The findings about entries of aws-auth, as many as somebody reads.
pub(super) fn of_aws_auth(misses: &[NearMiss], known: &Known<'_>, severity: Severity) -> Vec<Finding> {
    let mut findings: Vec<Finding> = misses
        .iter()
        .take(MOST)
        .map(|miss| of_entry(miss, known, severity))
        .collect();
    more(misses.len(), &mut findings);
    findings
}

/// The findings about access entries for somebody near the caller.
pub(super) fn of_access_entries(known: &Known<'_>, entries: &[AccessEntry]) -> Vec<Finding> {
    let near: Vec<(&AccessEntry, Vec<Miss>)> = entries
        .iter()
        .filter_map(|entry| {
            let mut why = eksact_identity::authn::aws_auth::misses(&entry.principal_arn, known.identity);
            // The path belongs into an access entry.
            why.retain(|miss| *miss != Miss::RolePath);
            let is_near = why.iter().map(Miss::nearness).max() == Some(Nearness::Likely);
            is_near.then_some((entry, why))
        })
        .collect();
    let mut findings: Vec<Finding> = near
        .iter()
        .take(MOST)
        .filter_map(|(entry, why)| {
            let first = why.first()?;
            let message = format!(
                "an access entry is for {}: {}",
                entry.principal_arn,
                in_words(why, known)
            );
            Some(
                Finding::new(Severity::Warning, code(first), message).with_help(remedy!(
                    "If it was meant for the caller: {}",
                    known.target().create_entry(known.identity, known.role_arn)
                )),
            )
        })
        .collect();
    more(near.len(), &mut findings);
    findings
}

fn more(count: usize, findings: &mut [Finding]) {
    if let Some(last) = findings.last_mut()
        && count > MOST
    {
        let others = count - MOST;
        let _ = write!(last.message, "; {others} more entries are just as close");
    }
}

fn of_entry(miss: &NearMiss, known: &Known<'_>, severity: Severity) -> Finding {
    let first = miss.why.first().unwrap_or(&Miss::NotAnArn);
    let line = miss
        .line
        .map_or_else(String::new, |line| format!(", line {line},"));
    let message = format!(
        "{}{line} has {}: {}",
        miss.key,
        written(&miss.written),
        in_words(&miss.why, known)
    );
    // It works as it is, or might not be meant for the caller.
    let severity = match first {
        Miss::OtherSection { .. } | Miss::EmptyFields { .. } | Miss::AtRandom => Severity::Warning,
        _ if miss.nearness() > Nearness::Same => Severity::Warning,
        _ => severity,
    };
    let source = known.place(miss.section, miss.line);
    Finding::new(severity, code(first), message)
        .with_help(help(miss, first, known))
        .at(source.as_ref())
}

/// A text with blanks at its ends is shown in quotes.
fn written(text: &str) -> String {
    if text.trim() == text && !text.is_empty() {
        text.to_owned()
    } else {
        format!("`{text}`")
    }
}

fn code(miss: &Miss) -> Code {
    match miss {
        Miss::RolePath => Code::RoleArnWithPath,
        Miss::AssumedRole => Code::SessionArn,
        Miss::UserPath => Code::UserPath,
        Miss::OtherAccount { .. } => Code::OtherAccount,
        Miss::OtherPartition { .. } => Code::WrongPartition,
        Miss::Padding { .. } | Miss::NotAnArn => Code::NotAnArn,
        Miss::OtherKind { .. } => Code::OtherKind,
        Miss::OtherSsoRole { .. } => Code::OtherSsoRole,
        Miss::PermissionSet { .. } => Code::PermissionSetName,
        Miss::Wildcard => Code::WildcardInArn,
        Miss::Root => Code::RootArn,
        Miss::SessionName => Code::SessionName,
        Miss::Slip => Code::SimilarName,
        Miss::Overridden { .. } => Code::DuplicateOverridden,
        Miss::AtRandom => Code::DuplicateAtRandom,
        Miss::OtherSection { right } if *right == SectionKey::Users => Code::UserInMapRoles,
        Miss::OtherSection { .. } => Code::RoleInMapUsers,
        Miss::Refused { .. } => Code::EntryDropped,
        Miss::DroppedSection { .. } => Code::SectionDropped,
        Miss::MisspeltSection { .. } => Code::SectionMisspelt,
        Miss::SsoEntry => Code::SsoEntry,
        Miss::AccountForm => Code::BadAccount,
        Miss::EmptyFields { .. } => Code::WrongType,
    }
}

fn in_words(why: &[Miss], known: &Known<'_>) -> String {
    let words: Vec<String> = why.iter().map(|miss| words_of(miss, known)).collect();
    words.join("; ")
}

fn words_of(miss: &Miss, known: &Known<'_>) -> String {
    let identity = known.identity;
    match miss {
        Miss::RolePath => "a role's path is not part of what the server compares".to_owned(),
        Miss::AssumedRole => "it is the ARN of a session, and the server compares the role's".to_owned(),
        Miss::UserPath => format!(
            "a user is compared with its path, and the caller is {}",
            identity.canonical.arn
        ),
        Miss::OtherAccount { account } => {
            format!(
                "it is in account {account}, and the caller is in {}",
                identity.account
            )
        }
        Miss::OtherPartition { partition } => format!("it is in partition {partition}"),
        Miss::Padding { invisible } if invisible.is_empty() => {
            "it has blanks or other characters around it, and the server compares them too".to_owned()
        }
        Miss::Padding { invisible } => format!(
            "it has invisible characters ({}), and the server compares them too",
            invisible.join(", ")
        ),
        Miss::NotAnArn => format!(
            "it is not in the form of an IAM ARN, which the server compares: {}",
            identity.canonical.arn
        ),
        Miss::OtherKind { written } => format!(
            "it is {}, and the caller is {}",
            with_article(written),
            kind_of(&identity.canonical.arn)
        ),
        Miss::OtherSsoRole { permission_set } => format!(
            "it is another role of the permission set {permission_set}: IAM Identity Center makes a role with a new suffix when \
             a permission set is assigned again"
        ),
        Miss::PermissionSet { permission_set } => format!(
            "it has the name of the permission set {permission_set}, and the server compares that of its role"
        ),
        Miss::Wildcard => {
            "it has a wildcard that would match, and the server does not support wildcards".to_owned()
        }
        Miss::Root => "root means only the account's root user, not everyone in the account".to_owned(),
        Miss::SessionName => format!(
            "the caller's session has this name ({}), and the server compares the role",
            identity.session_name
        ),
        Miss::Slip => format!("the name is similar to {}", identity.canonical.arn),
        Miss::Overridden { by } => format!(
            "entry {} of the section has the same ARN and counts instead; groups are not joined",
            by + 1
        ),
        Miss::AtRandom => {
            "another entry has the same ARN in different case, and the server picks one of them at random"
                .to_owned()
        }
        Miss::OtherSection { right } => format!(
            "it lets the caller in, and belongs in {}, where tools look for it",
            right.as_str()
        ),
        Miss::Refused { because, key: None } => format!("the server ignores the entry: {because}"),
        Miss::Refused {
            because,
            key: Some(key),
        } => format!(
            "it is under `{key}`, which the server does not read there, so that it ignores the entry: \
             {because}"
        ),
        Miss::DroppedSection { fault } => format!("the server drops the whole section: {}", fault.problem),
        Miss::MisspeltSection { key } => format!("the server does not read the key `{key}`"),
        Miss::SsoEntry => "entries by permission set (`sso`) are not read on EKS".to_owned(),
        Miss::AccountForm => "an account is compared by its twelve digits only".to_owned(),
        Miss::EmptyFields { faults } => format!(
            "it matches, but some of its values have the wrong type and are treated as empty: {}",
            faults
                .iter()
                .map(|fault| fault.problem.as_str())
                .collect::<Vec<_>>()
                .join("; ")
        ),
    }
}

/// `a role`, `a user`, …
fn kind_of(arn: &str) -> String {
    let resource = arn.rsplit(':').next().unwrap_or_default();
    match resource.split('/').next().unwrap_or_default() {
        "root" => "the root user".to_owned(),
        kind => with_article(kind),
    }
}

fn with_article(kind: &str) -> String {
    let article = if kind.starts_with(['a', 'e', 'i', 'o']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {kind}")
}

fn help(miss: &NearMiss, first: &Miss, known: &Known<'_>) -> Remedy {
    let mapping = &miss.mapping;
    let map = known.map_caller(&mapping.username, &mapping.groups);
    let then_unmap = |help: Remedy| {
        if miss.written.is_empty() || miss.mapping.arn.is_empty() {
            help
        } else {
            help.and(&remedy!(
                "Then remove this one: {}",
                known.target().unmap(&miss.written)
            ))
        }
    };
    match first {
        _ if miss.nearness() > Nearness::Same && *first != Miss::Root => match first {
            Miss::Wildcard | Miss::PermissionSet { .. } | Miss::NotAnArn => {
                then_unmap(remedy!("Map the caller: {map}."))
            }
            Miss::OtherAccount { .. } => {
                remedy!("Use credentials of that account, or map the caller: {map}")
            }
            _ => remedy!("If it was meant for the caller: {map}"),
        },
        Miss::Root => then_unmap(remedy!(
            "Map the caller: {map}; or everyone in the account, without groups: {}.",
            known.target().map_account(&known.identity.account)
        )),
        Miss::Overridden { .. } | Miss::AtRandom => {
            let arn = &known.identity.canonical.arn;
            remedy!(
                "Keep one entry for each ARN, with all its groups: {} and then {map}",
                known.target().unmap(arn)
            )
        }
        Miss::OtherSection { right } => remedy!(
            "Move it to {}, as `{}`; it works where it is.",
            right.as_str(),
            right.arn_field()
        ),
        Miss::Refused { key: Some(_), .. } => remedy!(
            "Write `{}` there; or map the caller, {map}, and remove that entry.",
            miss.section.arn_field()
        ),
        Miss::Refused { .. } => {
            remedy!("Correct the entry; or map the caller, {map}, and remove that entry.")
        }
        Miss::DroppedSection { fault } => remedy!("In aws-auth: {}.", dropped_help(fault)),
        Miss::MisspeltSection { .. } => remedy!(
            "Rename the key to `{}`; upper and lower case matter.",
            miss.section.as_str()
        ),
        Miss::AccountForm => remedy!(
            "Write it as digits: {}. Then remove this one: {}",
            known.target().map_account(&known.identity.account),
            known.target().unmap_account(&miss.written)
        ),
        Miss::EmptyFields { .. } => remedy!("Put the values in quotes, and groups in a list."),
        _ => then_unmap(remedy!("Map the ARN that the server compares: {map}.")),
    }
}
