//! The principals of IAM that get into a cluster, and as whom: by an access entry, or by a line of aws-auth that no entry
//! overrides.

use std::collections::BTreeSet;

use super::{Picture, Read};
use crate::{
    guard::access::{Admitted, principal_key},
    ports::aws::AccessEntry,
};
use eksact_identity::{
    authn::aws_auth::{self, AwsAuth, SectionKey},
    rbac::AUTHENTICATED,
};

/// Stands for the ARN of whoever calls, which `mapAccounts` makes the user name.
pub(super) const CALLERS_ARN: &str = "{{ARN}}";

/// A principal of IAM to the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person<'p> {
    /// Its ARN as the entry or the line has it; of an account, `arn:aws:iam::111122223333:*`.
    pub arn: String,
    /// What lets it in: `access entry`, `aws-auth mapRoles, line 3`.
    pub door: String,
    /// User name, a template where it depends on the session, and groups with those that everybody has.
    pub user: Admitted,
    /// Its access entry.
    pub entry: Option<&'p AccessEntry>,
}

/// Whether a user name is that of a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::diagnosis) enum Fit {
    /// It is.
    Is,
    /// It is for sessions of a certain name.
    MayBe,
    /// It never is.
    No,
}

/// Whether `name` is what `username` is, or can become.
pub(in crate::diagnosis) fn fit(username: &str, name: &str) -> Fit {
    if username == name {
        return Fit::Is;
    }
    let (Some((start, _)), Some((_, end))) = (username.split_once("{{"), username.rsplit_once("}}")) else {
        return Fit::No;
    };
    let rest = name.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
    match rest {
        Some(rest) if !rest.is_empty() => Fit::MayBe,
        _ => Fit::No,
    }
}

/// Everybody whom the cluster lets in.
pub(super) fn people<'p>(picture: &'p Picture, aws_auth: &AwsAuth) -> Vec<Person<'p>> {
    let mut found = Vec::new();
    let mut overridden = BTreeSet::new();
    if picture.has_entries()
        && let Read::Known(entries) = &picture.access_entries
    {
        for entry in entries.iter().filter(|entry| counts(picture, entry)) {
            overridden.insert(principal_key(&entry.principal_arn));
            found.push(Person {
                arn: entry.principal_arn.clone(),
                door: "access entry".to_owned(),
                user: with_everybody(entry.username.clone(), entry.groups.clone()),
                entry: Some(entry),
            });
        }
    }
    if !picture.reads_aws_auth() {
        return found;
    }
    let principals = aws_auth::principals(aws_auth);
    for (key, principal) in principals.arns {
        if overridden.contains(&key) {
            continue;
        }
        let entries = aws_auth.mappings(principal.section);
        let written = entries.get(principal.entry);
        found.push(Person {
            arn: written.map_or(key, |entry| entry.value.arn.clone()),
            door: line_words(principal.section, written.map_or(0, |entry| entry.line)),
            user: with_everybody(principal.username, principal.groups.into_iter().collect()),
            entry: None,
        });
    }
    for account in principals.accounts {
        found.push(Person {
            arn: format!("arn:aws:iam::{account}:*"),
            door: "aws-auth mapAccounts".to_owned(),
            user: with_everybody(CALLERS_ARN.to_owned(), Vec::new()),
            entry: None,
        });
    }
    found
}

/// `aws-auth mapRoles, line 3`.
pub(super) fn line_words(section: SectionKey, line: usize) -> String {
    format!("aws-auth {}, line {line}", section.as_str())
}

/// With the group of everybody whom the server knows.
pub(super) fn with_everybody(username: String, mut groups: Vec<String>) -> Admitted {
    if !groups.iter().any(|group| group == AUTHENTICATED) {
        groups.push(AUTHENTICATED.to_owned());
    }
    Admitted { username, groups }
}

/// Whether an entry lets somebody in: not that of a principal which was deleted, or made again since.
pub(super) fn counts(picture: &Picture, entry: &AccessEntry) -> bool {
    match picture.principals.get(&entry.principal_arn) {
        Some(Some(principal)) => !entry.is_stale(principal),
        Some(None) => false,
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_fit_names_that_a_session_can_make_of_them() {
        for (username, name, expected) in [
            ("nina", "nina", Fit::Is),
            ("nina", "Nina", Fit::No),
            ("ops:{{SessionName}}", "ops:nina", Fit::MayBe),
            ("ops:{{SessionName}}", "ops:", Fit::No),
            ("ops:{{SessionName}}", "dev:nina", Fit::No),
            ("{{AccountID}}:{{SessionName}}:x", "1:nina:x", Fit::MayBe),
            ("{{ARN}}", "arn:aws:iam::111122223333:user/nina", Fit::MayBe),
            (
                "system:node:{{EC2PrivateDNSName}}",
                "system:node:ip-10",
                Fit::MayBe,
            ),
        ] {
            assert_eq!(fit(username, name), expected, "{username} {name}");
        }
    }
}
