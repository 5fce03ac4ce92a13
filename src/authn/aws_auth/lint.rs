//! What looks wrong in an aws-auth ConfigMap, and how to mend it.
//!
//! Every finding says what the server makes of the text, because the server takes nearly everything without a word. What
//! only Kubernetes or IAM know is given as sets; without them those findings are not made.

use std::collections::{BTreeMap, BTreeSet};

use super::edit::Edit;
use super::lint_names::{BUILT_IN_GROUPS, PLACEHOLDERS, misspelt, unknown_placeholder};
use super::mapping::{storage_key, to_lower, winners};
use super::parse::{AwsAuth, Entry, Fault, Mapping, Section, SectionKey};
use crate::authn::arn::KNOWN_PARTITIONS;
use crate::iam::arn::is_account_id;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weight {
    /// It works, and may be meant otherwise.
    Warning,
    /// Somebody does not get in, or not with what is written.
    Error,
}

/// What only others know. Nothing of it has to be known.
#[derive(Debug, Clone, Copy, Default)]
pub struct Surroundings<'a> {
    /// The partition of the cluster.
    pub partition: Option<&'a str>,
    /// The groups that a `RoleBinding` or `ClusterRoleBinding` names.
    pub bound_groups: Option<&'a BTreeSet<String>>,
    /// An account, and the names of all roles in it.
    pub roles: Option<(&'a str, &'a BTreeSet<String>)>,
}

/// One thing that looks wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LintFinding {
    /// Stable, kebab-case.
    pub code: &'static str,
    /// How much it weighs.
    pub weight: Weight,
    /// The section; nothing for a key that is none.
    pub section: Option<SectionKey>,
    /// The entry's place among the section's entries.
    pub entry: Option<usize>,
    /// The line in the section's text, from 1.
    pub line: Option<usize>,
    /// What is the matter, and what it does.
    pub message: String,
    /// What to do.
    pub suggestion: String,
    /// The change that mends it, for [`super::edit::apply`] on that section.
    pub fix: Option<Edit<Mapping>>,
}

/// Everything that looks wrong, by section and line.
pub fn lint(aws_auth: &AwsAuth, surroundings: &Surroundings<'_>) -> Vec<LintFinding> {
    let mut findings = Findings::default();
    for key in &aws_auth.unknown_keys {
        if let Some(meant) = SectionKey::nearest(key) {
            findings.all.push(LintFinding {
                code: "section-misspelt",
                weight: Weight::Error,
                section: None,
                entry: None,
                line: None,
                message: format!("the server does not read the key `{key}`"),
                suggestion: format!("rename it to `{}`; upper and lower case matter", meant.as_str()),
                fix: None,
            });
        }
    }
    for key in [SectionKey::Roles, SectionKey::Users] {
        let section = if key == SectionKey::Roles {
            &aws_auth.roles
        } else {
            &aws_auth.users
        };
        findings.key = key;
        findings.whole_section(section);
        findings.duplicates(&section.entries);
        if key == SectionKey::Users {
            findings.covered(&aws_auth.roles.entries, &section.entries);
        }
        for (index, entry) in section.entries.iter().enumerate() {
            findings.at(Some(index), Some(entry.line));
            findings.arn(&entry.value, surroundings);
            findings.names(&entry.value, surroundings);
        }
    }
    findings.key = SectionKey::Accounts;
    findings.whole_section(&aws_auth.accounts);
    for (index, entry) in aws_auth.accounts.entries.iter().enumerate() {
        findings.at(Some(index), Some(entry.line));
        if !is_account_id(&entry.value) {
            findings.error(
                "bad-account",
                format!("`{}` is not an account id, so it lets nobody in", entry.value),
                "an account id has twelve digits".to_owned(),
                None,
            );
        }
    }
    findings
        .all
        .sort_by_key(|finding| (finding.section, finding.line));
    findings.all
}

struct Findings {
    key: SectionKey,
    entry: Option<usize>,
    line: Option<usize>,
    all: Vec<LintFinding>,
}

impl Default for Findings {
    fn default() -> Self {
        Self {
            key: SectionKey::Roles,
            entry: None,
            line: None,
            all: Vec::new(),
        }
    }
}

impl Findings {
    fn at(&mut self, entry: Option<usize>, line: Option<usize>) {
        (self.entry, self.line) = (entry, line);
    }

    fn add(
        &mut self,
        weight: Weight,
        code: &'static str,
        message: String,
        suggestion: String,
        fix: Option<Edit<Mapping>>,
    ) {
        self.all.push(LintFinding {
            code,
            weight,
            section: Some(self.key),
            entry: self.entry,
            line: self.line,
            message,
            suggestion,
            fix,
        });
    }

    fn error(&mut self, code: &'static str, message: String, suggestion: String, fix: Option<Edit<Mapping>>) {
        self.add(Weight::Error, code, message, suggestion, fix);
    }

    fn warning(
        &mut self,
        code: &'static str,
        message: String,
        suggestion: String,
        fix: Option<Edit<Mapping>>,
    ) {
        self.add(Weight::Warning, code, message, suggestion, fix);
    }

    /// The same entry with something else in it.
    fn replaced(&self, mapping: &Mapping, change: impl FnOnce(&mut Mapping)) -> Option<Edit<Mapping>> {
        let mut with = mapping.clone();
        change(&mut with);
        self.entry.map(|entry| Edit::Replace { entry, with })
    }

    fn whole_section<T>(&mut self, section: &Section<T>) {
        if let Some(fault) = &section.dropped {
            self.at(None, fault.line);
            self.error(
                "section-dropped",
                format!(
                    "the server reads nothing of {}: {}; everybody in it is locked out",
                    self.key.as_str(),
                    fault.problem
                ),
                dropped_help(fault),
                None,
            );
        }
        for refused in &section.refused {
            self.at(None, Some(refused.line));
            self.error(
                "entry-dropped",
                format!("the server leaves this entry out: {}", refused.because),
                format!("give it a `{}`, or remove it", self.key.arn_field()),
                None,
            );
        }
        for fault in &section.faults {
            // Items go up from entry to entry, and there may be a fault in each.
            let entry = fault.item.and_then(|item| {
                let found = section.entries.binary_search_by_key(&item, |entry| entry.item);
                found.ok()
            });
            self.at(entry, fault.line);
            let suggestion = match fault.field.as_deref() {
                Some("groups") => {
                    "write groups as a list of texts, and put `yes`, `no`, numbers and `~` in quotes"
                }
                Some(_) => "put the value in quotes",
                None => "write it as the other entries are written",
            };
            self.error("wrong-type", fault.problem.clone(), suggestion.to_owned(), None);
        }
    }

    fn duplicates(&mut self, entries: &[Entry<Mapping>]) {
        let winners = winners(self.key, entries);
        // Users are kept by their exact ARN and compared without regard to case.
        let folded: Vec<String> = entries
            .iter()
            .map(|entry| to_lower(&storage_key(self.key, &entry.value)))
            .collect();
        // Each entry is looked up and not searched for: there may be nine thousand.
        let mut rivals: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for winner in &winners {
            if let Some(key) = folded.get(*winner) {
                rivals.entry(key).or_default().push(*winner);
            }
        }
        for (index, (entry, key)) in entries.iter().zip(&folded).enumerate() {
            let same = rivals.get(key.as_str()).into_iter().flatten();
            let other = same.copied().find(|winner| *winner != index);
            let Some((other_index, other)) = other.and_then(|other| Some((other, entries.get(other)?)))
            else {
                continue;
            };
            self.at(Some(index), Some(entry.line));
            if winners.binary_search(&index).is_err() {
                self.error(
                    "duplicate-overridden",
                    format!(
                        "`{}` is written again on line {} of {}, and only that one counts; groups are not put together",
                        entry.value.arn, other.line, self.key.as_str()
                    ),
                    "put what is meant into one entry and remove the other".to_owned(),
                    Some(Edit::Remove { entry: index }),
                );
            } else if index < other_index {
                self.error(
                    "duplicate-at-random",
                    format!(
                        "`{}` differs from line {} of {} in upper and lower case only: the server picks one of them at random",
                        entry.value.arn, other.line, self.key.as_str()
                    ),
                    "put what is meant into one entry and remove the other".to_owned(),
                    None,
                );
            }
        }
    }

    /// Users that mapRoles has as well: the server looks there first (aws-iam-authenticator 0.7.18,
    /// `pkg/mapper/configmap`).
    fn covered(&mut self, roles: &[Entry<Mapping>], users: &[Entry<Mapping>]) {
        let first: BTreeMap<String, usize> = roles
            .iter()
            .filter(|role| !role.value.arn.is_empty())
            .map(|role| (to_lower(&storage_key(SectionKey::Roles, &role.value)), role.line))
            .collect();
        for (index, user) in users.iter().enumerate() {
            let key = to_lower(&storage_key(SectionKey::Users, &user.value));
            let Some(line) = first.get(&key) else { continue };
            self.at(Some(index), Some(user.line));
            self.error(
                "duplicate-overridden",
                format!(
                    "`{}` is on line {line} of mapRoles as well, where the server looks first: only that one counts",
                    user.value.arn
                ),
                "put what is meant into one entry and remove the other".to_owned(),
                Some(Edit::Remove { entry: index }),
            );
        }
    }

    fn arn(&mut self, mapping: &Mapping, surroundings: &Surroundings<'_>) {
        let arn = &mapping.arn;
        if arn.is_empty() {
            self.error(
                "sso-entry",
                "EKS does not look at `sso` entries: this one lets nobody in".to_owned(),
                "name the role's ARN, without its path".to_owned(),
                None,
            );
            return;
        }
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let &[prefix, partition, service, region, account, resource] = parts.as_slice() else {
            self.not_an_arn(arn);
            return;
        };
        if prefix.eq_ignore_ascii_case("arn") && arn.contains(['*', '?']) {
            self.error(
                "wildcard-in-arn",
                format!("`{arn}` holds a wildcard, and the server compares ARNs letter by letter: it lets nobody in"),
                "write one entry for each role or user".to_owned(),
                None,
            );
            return;
        }
        if !prefix.eq_ignore_ascii_case("arn") || arn.contains(char::is_whitespace) {
            self.not_an_arn(arn);
            return;
        }
        self.place(arn, partition, account, surroundings);
        let (kind, name) = resource.split_once('/').unwrap_or((resource, ""));
        let kind = kind.to_ascii_lowercase();
        match (service.to_ascii_lowercase().as_str(), kind.as_str()) {
            ("iam", "role") => {
                if self.key == SectionKey::Users {
                    self.wrong_section(arn, "role", SectionKey::Roles);
                }
                if let Some((_, short)) = name.rsplit_once('/') {
                    let without = format!("arn:{partition}:iam::{account}:role/{short}");
                    self.error(
                        "role-arn-with-path",
                        format!("`{arn}` has a path, which the server never sees: the entry lets nobody in"),
                        format!("write `{without}`"),
                        self.replaced(mapping, |with| without.clone_into(&mut with.arn)),
                    );
                }
                self.stale(
                    arn,
                    account,
                    name.rsplit('/').next().unwrap_or(name),
                    surroundings,
                );
            }
            ("iam", "user") if self.key == SectionKey::Roles => {
                self.wrong_section(arn, "user", SectionKey::Users);
            }
            ("iam", "user" | "root") | ("sts", "federated-user") => {}
            ("sts", "assumed-role") => {
                let role = name.split('/').next().unwrap_or(name);
                let role = format!("arn:{partition}:iam::{account}:role/{role}");
                self.error(
                    "session-arn",
                    format!("`{arn}` names a session, and the server compares the role's ARN: the entry lets nobody in"),
                    format!("write `{role}`"),
                    self.replaced(mapping, |with| role.clone_into(&mut with.arn)),
                );
            }
            ("iam", "group") => self.error(
                "group-arn",
                format!("`{arn}` names an IAM group, and nobody calls as a group: the entry lets nobody in"),
                "map the users, or a role that the group may assume".to_owned(),
                None,
            ),
            _ => self.not_an_arn(arn),
        }
        if !region.is_empty() {
            self.error(
                "arn-with-region",
                format!("`{arn}` names a region, and ARNs of IAM have none: the entry lets nobody in"),
                "leave the region empty".to_owned(),
                None,
            );
        }
    }

    fn not_an_arn(&mut self, arn: &str) {
        self.error(
            "not-an-arn",
            format!("`{arn}` is not the ARN of a role or user: the entry lets nobody in"),
            format!(
                "an ARN looks like arn:aws:iam::111122223333:{}/name, without blanks",
                if self.key == SectionKey::Users {
                    "user"
                } else {
                    "role"
                }
            ),
            None,
        );
    }

    fn place(&mut self, arn: &str, partition: &str, account: &str, surroundings: &Surroundings<'_>) {
        let partition = partition.to_ascii_lowercase();
        let expected = surroundings.partition.unwrap_or(&partition);
        if !KNOWN_PARTITIONS.contains(&partition.as_str()) || partition != expected {
            self.error(
                "wrong-partition",
                format!("`{arn}` stands in partition `{partition}`: the entry lets nobody in"),
                match surroundings.partition {
                    Some(expected) => format!("the cluster stands in `{expected}`"),
                    None => format!("the partitions are {}", KNOWN_PARTITIONS.join(", ")),
                },
                None,
            );
        }
        if !is_account_id(account) {
            self.error(
                "bad-account",
                format!("`{account}` in `{arn}` is not an account id: the entry lets nobody in"),
                "an account id has twelve digits".to_owned(),
                None,
            );
        }
    }

    fn wrong_section(&mut self, arn: &str, what: &str, right: SectionKey) {
        let code = if right == SectionKey::Users {
            "user-in-map-roles"
        } else {
            "role-in-map-users"
        };
        self.warning(
            code,
            format!("`{arn}` is a {what}'s; it works here, and tools that look for it do not find it"),
            format!("move it to {}, as `{}`", right.as_str(), right.arn_field()),
            None,
        );
    }

    fn stale(&mut self, arn: &str, account: &str, name: &str, surroundings: &Surroundings<'_>) {
        let Some((known_account, roles)) = surroundings.roles else {
            return;
        };
        let Some(permission_set) = name.strip_prefix("AWSReservedSSO_") else {
            return;
        };
        if account != known_account || roles.iter().any(|role| role.eq_ignore_ascii_case(name)) {
            return;
        }
        let set = permission_set
            .rsplit_once('_')
            .map_or(permission_set, |(set, _)| set);
        let prefix = format!("AWSReservedSSO_{set}_");
        let now: Vec<_> = roles
            .iter()
            .filter(|role| role.starts_with(&prefix))
            .map(String::as_str)
            .collect();
        self.error(
            "stale-sso-role",
            format!(
                "`{arn}` does not exist any more: IAM Identity Center makes a role anew under another name"
            ),
            match now.as_slice() {
                [] => format!("permission set `{set}` has no role in account {account} now"),
                now => format!("permission set `{set}` has {} now", now.join(", ")),
            },
            None,
        );
    }

    fn names(&mut self, mapping: &Mapping, surroundings: &Surroundings<'_>) {
        for text in std::iter::once(&mapping.username).chain(&mapping.groups) {
            if let Some(unknown) = unknown_placeholder(text) {
                self.warning(
                    "unknown-placeholder",
                    format!("the server does not know `{unknown}` and leaves it in the name as it is"),
                    format!("the placeholders are {}", PLACEHOLDERS.join(", ")),
                    None,
                );
            }
        }
        for group in &mapping.groups {
            if let Some(meant) = misspelt(group) {
                let fix = self.replaced(mapping, |with| {
                    for known in with.groups.iter_mut().filter(|known| *known == group) {
                        meant.clone_into(known);
                    }
                });
                self.error(
                    "misspelt-system-group",
                    format!("`{group}` is no group that Kubernetes or EKS knows"),
                    format!("did you mean `{meant}`?"),
                    fix,
                );
            } else if let Some(bound) = surroundings.bound_groups {
                let means_something = bound.contains(group) || BUILT_IN_GROUPS.contains(&group.as_str());
                if !means_something && !group.is_empty() && !group.contains("{{") {
                    self.warning(
                        "group-not-bound",
                        format!("no RoleBinding or ClusterRoleBinding names the group `{group}`: it gives no rights"),
                        "bind it, or take it away".to_owned(),
                        None,
                    );
                }
            }
        }
    }
}

fn dropped_help(fault: &Fault) -> String {
    if fault.problem.contains("invalid map key") {
        "put texts that begin with `{{` in quotes".to_owned()
    } else if fault.problem.contains("tab") || fault.problem.contains("cannot start any token") {
        "indent with spaces only, and put texts that begin with `@`, `%` or a backtick in quotes".to_owned()
    } else {
        "mend the text on that line or the one above, or go back to a backup".to_owned()
    }
}

#[cfg(test)]
#[path = "lint_tests.rs"]
mod tests;
