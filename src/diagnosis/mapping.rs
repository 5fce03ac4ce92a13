//! What an aws-auth ConfigMap makes of a caller, and which of its entries were meant for it and miss. Pure.

use std::collections::BTreeMap;

use crate::{
    authn::aws_auth::{
        AwsAuth, Denied, Mapped, MappedBy, Miss, NearMiss,
        lint::{Surroundings, lint},
        map, near_misses, parse,
    },
    engine::{Finding, Severity},
    view::Facts,
};

use super::caller::Known;

/// What was read of the ConfigMap.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ReadAwsAuth<'a> {
    /// Its data.
    Data(&'a BTreeMap<String, String>),
    /// There is none.
    Missing,
    /// It could not be read.
    Unknown,
}

/// The place that lets the caller in, and as whom. What is wrong weighs less where the caller `is_in` already.
pub(crate) fn by_aws_auth(
    known: &Known<'_>,
    data: &BTreeMap<String, String>,
    is_in: bool,
    facts: &mut Facts,
) -> Option<(String, Mapped)> {
    let aws_auth = parse(data);
    let mapped = map(&aws_auth, known.identity);
    let severity = if is_in || mapped.is_ok() {
        Severity::Warning
    } else {
        Severity::Error
    };
    let misspelt = lint(&aws_auth, &Surroundings::default())
        .into_iter()
        .filter(|finding| finding.code == "section-misspelt");
    for finding in misspelt {
        facts.find(
            Finding::new(severity, finding.code, finding.message)
                .with_help(format!("In aws-auth: {}.", finding.suggestion)),
        );
    }
    for (section, fault) in aws_auth.dropped() {
        let place = fault
            .line
            .map_or_else(String::new, |line| format!(", line {line}"));
        facts.find(
            Finding::new(
                Severity::Warning,
                "section-dropped",
                format!(
                    "the server reads nothing of {} ({}{place}): everybody in it is locked out",
                    section.as_str(),
                    fault.problem
                ),
            )
            .with_help("Correct the text of that section; `kubectl -n kube-system edit configmap aws-auth`."),
        );
    }
    let misses = near_misses(&aws_auth, known.identity, |section| {
        data.get(section.as_str()).cloned()
    });
    for miss in &misses {
        facts.find(near_miss(miss, known, severity));
    }
    match mapped {
        Ok(mapped) => {
            let place = place(&aws_auth, mapped.by);
            facts.add("aws-auth", &place);
            Some((place, mapped))
        }
        Err(denied) => {
            facts.add("aws-auth", "no entry lets the caller in");
            if denied != Denied::NotMapped {
                facts.find(
                    Finding::new(severity, "entry-dropped", denied.to_string())
                        .with_help("The entry is for nodes, or its username is reserved; give the caller an entry of its own."),
                );
            }
            None
        }
    }
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

/// An entry that was meant for the caller, and why it does not count.
fn near_miss(miss: &NearMiss, known: &Known<'_>, severity: Severity) -> Finding {
    let entry = format!(
        "{}{} has {}",
        miss.section.as_str(),
        miss.line
            .map_or_else(String::new, |line| format!(", line {line},")),
        miss.arn
    );
    let replace = |with: &str| format!("Write {with} there: {}", known.command(with));
    let (code, why, help) = match &miss.why {
        Miss::RolePath { without_path } => (
            "role-arn-with-path",
            "a role's path is not part of what the server compares".to_owned(),
            replace(without_path),
        ),
        Miss::AssumedRole { role } => (
            "session-arn",
            "it is the ARN of a session, and the server compares the role's".to_owned(),
            replace(role),
        ),
        Miss::UserPath { with_path } => (
            "user-path",
            "a user is compared with its path".to_owned(),
            replace(with_path),
        ),
        Miss::OtherAccount { account } => (
            "other-account",
            format!(
                "it is in account {account}, and the caller is in {}",
                known.identity.account
            ),
            "Use credentials of that account, or map the caller's ARN.".to_owned(),
        ),
        Miss::OtherPartition { partition } => (
            "wrong-partition",
            format!("it is in partition {partition}"),
            replace(&known.identity.canonical.arn),
        ),
        Miss::Padding => (
            "not-an-arn",
            "there are blanks or other characters around it, and the server compares them, too".to_owned(),
            replace(&known.identity.canonical.arn),
        ),
        Miss::Overridden { by } => (
            "duplicate-overridden",
            format!(
                "entry {} of the section has the same ARN and counts instead; groups are not joined",
                by + 1
            ),
            "Keep one entry for each ARN, with all its groups.".to_owned(),
        ),
        Miss::Refused { because } => (
            "entry-dropped",
            format!("the server leaves the entry out: {because}"),
            "Correct the entry.".to_owned(),
        ),
        Miss::DroppedSection { fault } => (
            "section-dropped",
            format!("the server drops the whole section: {}", fault.problem),
            "Correct the section's text; nobody in it gets in until then.".to_owned(),
        ),
        Miss::SsoEntry => (
            "sso-entry",
            "entries by permission set (`sso`) are not read on EKS".to_owned(),
            replace(&known.identity.canonical.arn),
        ),
        Miss::EmptyFields { faults } => (
            "wrong-type",
            format!(
                "it matches, but some of its values have the wrong type and count as empty: {}",
                faults
                    .iter()
                    .map(|fault| fault.problem.as_str())
                    .collect::<Vec<_>>()
                    .join("; ")
            ),
            "Put the values in quotes, and groups in a list.".to_owned(),
        ),
    };
    Finding::new(severity, code, format!("{entry}: {why}")).with_help(help)
}
