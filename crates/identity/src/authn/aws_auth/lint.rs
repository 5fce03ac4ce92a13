//! What looks wrong in an aws-auth ConfigMap, and what to do about it.
//!
//! Every finding says what the server makes of the text, because the server takes nearly everything without a word. What
//! only Kubernetes or IAM know is given as sets; without them those findings are not made.

use eksact_message::code::Code;
use eksact_message::remedy::Remedy;
use std::collections::{BTreeMap, BTreeSet};

use super::edit::Edit;
use super::identity::Identity;
use super::lint_names::{BUILT_IN_GROUPS, NameOf, NamedCaller, of_name};
use super::mapping::{equal_fold, to_lower};
use super::parse::{AwsAuth, Entry, Fault, Mapping, Section, SectionKey};
use super::unread::Unread;
use crate::iam::arn::is_account_id;

/// Longer keys are nobody's slip.
const LONGEST_SLIP: usize = 64;
/// The group of nodes.
const NODES: &str = "system:nodes";

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
    /// Whether nodes can get in by aws-auth alone, as far as is known.
    pub nodes_need_aws_auth: bool,
}

/// One thing that looks wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LintFinding {
    /// Stable, kebab-case.
    pub code: Code,
    /// How much it weighs.
    pub weight: Weight,
    /// The section; nothing for a key that is none.
    pub section: Option<SectionKey>,
    /// The key of the data that is no section.
    pub key: Option<String>,
    /// The entry's place among the section's entries.
    pub entry: Option<usize>,
    /// Which item of the section's list it is, from 0, with those that the server leaves out.
    pub item: Option<usize>,
    /// The line in the section's text, from 1.
    pub line: Option<usize>,
    /// What is the matter, and what it does.
    pub message: String,
    /// What to do.
    pub suggestion: Remedy,
    /// The change that corrects it, for [`super::edit::apply`] on that section.
    pub fix: Option<Edit<Mapping>>,
}

/// Everything that looks wrong, by section and line.
pub fn lint(aws_auth: &AwsAuth, surroundings: &Surroundings<'_>) -> Vec<LintFinding> {
    let mut findings = Findings::default();
    for key in &aws_auth.unknown_keys {
        findings.all.push(unknown_section(key, aws_auth));
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
            findings.at_entry(index, entry);
            findings.arn(&entry.value, surroundings);
            findings.names(&entry.value, surroundings);
            findings.nameless(&entry.value, entry.item, &section.unread);
        }
    }
    findings.key = SectionKey::Roles;
    if surroundings.nodes_need_aws_auth {
        findings.nodes(&aws_auth.roles);
    }
    findings.key = SectionKey::Accounts;
    findings.whole_section(&aws_auth.accounts);
    let mut accounts: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, entry) in aws_auth.accounts.entries.iter().enumerate() {
        findings.at_entry(index, entry);
        let first = *accounts.entry(&entry.value).or_insert(entry.line);
        if first != entry.line {
            findings.warning(
                Code::RepeatedValue,
                format!(
                    "the account {} is on line {first} already: repeating it has no effect",
                    entry.value
                ),
                remedy!("remove it"),
                None,
            );
        }
        if !is_account_id(&entry.value) {
            findings.error(
                Code::BadAccount,
                format!("`{}` is not an account id, so it lets no one in", entry.value),
                remedy!("an account id has twelve digits"),
                None,
            );
        }
    }
    findings
        .all
        .sort_by_key(|finding| (finding.section, finding.line));
    findings.all
}

/// What is wrong with the entry that lets `identity` in, and with those of the same ARN that do not count: for somebody who
/// asks why it is not let in, or not as is written.
pub fn about_identity(
    aws_auth: &AwsAuth,
    surroundings: &Surroundings<'_>,
    identity: &Identity,
) -> Vec<LintFinding> {
    let wanted = to_lower(&identity.canonical.arn);
    let is_of = |finding: &LintFinding| {
        let Some((section, item)) = finding.section.zip(finding.item) else {
            return false;
        };
        aws_auth
            .arn_of(section, item)
            .is_some_and(|arn| equal_fold(arn, &wanted))
    };
    let mut findings = lint(aws_auth, surroundings);
    findings.retain(is_of);
    findings
}

/// A key of the data that the server does not read.
fn unknown_section(key: &str, aws_auth: &AwsAuth) -> LintFinding {
    let meant = nearest_section(key);
    let is_there = |section: SectionKey| match section {
        SectionKey::Roles => aws_auth.roles.present,
        SectionKey::Users => aws_auth.users.present,
        SectionKey::Accounts => aws_auth.accounts.present,
    };
    LintFinding {
        code: if meant.is_some() {
            Code::SectionMisspelt
        } else {
            Code::SectionUnknown
        },
        weight: if meant.is_some() {
            Weight::Error
        } else {
            Weight::Warning
        },
        section: None,
        key: Some(key.to_owned()),
        entry: None,
        item: None,
        line: None,
        message: format!("the server does not read the key `{key}`"),
        suggestion: match meant {
            Some(meant) if is_there(meant) => {
                remedy!("move its content to `{}`, and remove it", meant.as_str())
            }
            Some(meant) => remedy!("rename it to `{}`; upper and lower case matter", meant.as_str()),
            None => remedy!("remove it; it reads mapRoles, mapUsers and mapAccounts"),
        },
        fix: None,
    }
}

/// The section that a key was meant to be.
pub fn nearest_section(key: &str) -> Option<SectionKey> {
    let letters = key.chars().filter(char::is_ascii_alphabetic);
    let plain: String = letters.map(|c| c.to_ascii_lowercase()).collect();
    SectionKey::ALL.into_iter().find(|section| {
        let known = section.as_str().to_ascii_lowercase();
        let bare = known.trim_start_matches("map");
        let words = [bare, bare.trim_end_matches('s')];
        plain.len() <= LONGEST_SLIP && strsim::damerau_levenshtein(&plain, &known) < 3
            || words.contains(&plain.as_str())
    })
}

struct Findings {
    key: SectionKey,
    entry: Option<usize>,
    item: Option<usize>,
    line: Option<usize>,
    all: Vec<LintFinding>,
}

impl Default for Findings {
    fn default() -> Self {
        Self {
            key: SectionKey::Roles,
            entry: None,
            item: None,
            line: None,
            all: Vec::new(),
        }
    }
}

impl Findings {
    fn at(&mut self, item: Option<usize>, line: Option<usize>) {
        (self.entry, self.item, self.line) = (None, item, line);
    }

    fn at_entry<T>(&mut self, index: usize, entry: &Entry<T>) {
        (self.entry, self.item, self.line) = (Some(index), Some(entry.item), Some(entry.line));
    }

    fn add(
        &mut self,
        weight: Weight,
        code: Code,
        message: String,
        suggestion: Remedy,
        fix: Option<Edit<Mapping>>,
    ) {
        self.all.push(LintFinding {
            code,
            weight,
            section: Some(self.key),
            key: None,
            entry: self.entry,
            item: self.item,
            line: self.line,
            message,
            suggestion,
            fix,
        });
    }

    fn error(&mut self, code: Code, message: String, suggestion: Remedy, fix: Option<Edit<Mapping>>) {
        self.add(Weight::Error, code, message, suggestion, fix);
    }

    fn warning(&mut self, code: Code, message: String, suggestion: Remedy, fix: Option<Edit<Mapping>>) {
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
                Code::SectionDropped,
                format!(
                    "the server reads nothing of {}: {}; everyone in it is locked out",
                    self.key.as_str(),
                    fault.problem
                ),
                dropped_help(fault),
                None,
            );
        }
        if let Some(line) = section.further_document {
            self.at(None, Some(line));
            self.error(
                Code::DocumentNotRead,
                format!(
                    "a new document begins before this line, and the server reads the first of {} alone",
                    self.key.as_str()
                ),
                remedy!("remove each line with `---` or `...` above it"),
                None,
            );
        }
        for refused in &section.refused {
            self.at(Some(refused.item), Some(refused.line));
            let help = self.refused_help(refused, &section.unread);
            self.error(
                Code::EntryDropped,
                format!("the server ignores this entry: {}", refused.because),
                help,
                None,
            );
        }
        // Items go up from entry to entry, and there may be something in each.
        let entry_of = |item: usize| {
            section
                .entries
                .binary_search_by_key(&item, |entry| entry.item)
                .ok()
        };
        for fault in section
            .faults
            .iter()
            .filter(|fault| !section.unread.iter().any(|unread| unread.is_of(fault)))
        {
            self.at(fault.item, fault.line);
            self.entry = fault.item.and_then(entry_of);
            self.wrong_type(fault);
        }
        for unread in &section.unread {
            let is_told = section
                .refused
                .iter()
                .any(|refused| refused.item == unread.item && unread.is_about(self.key.arn_field()));
            if !is_told {
                self.at(Some(unread.item), Some(unread.line));
                self.entry = entry_of(unread.item);
                self.unread(unread);
            }
        }
    }

    fn names(&mut self, mapping: &Mapping, surroundings: &Surroundings<'_>) {
        let caller = caller_of(self.key, &mapping.arn);
        let username = std::iter::once((&mapping.username, NameOf::User));
        let groups = mapping.groups.iter().map(|group| (group, NameOf::Group));
        for (name, kind) in username.chain(groups).filter(|(name, _)| !name.is_empty()) {
            let is_bound = surroundings
                .bound_groups
                .is_some_and(|bound| bound.contains(name));
            let mut found = of_name(name, kind, caller);
            // What a binding names has its effect, however it is spelt.
            found.retain(|_| kind == NameOf::User || !is_bound);
            let is_odd = !found.is_empty();
            for finding in found {
                let fix = finding.meant.and_then(|meant| {
                    self.replaced(mapping, |with| {
                        let names = std::iter::once(&mut with.username).chain(&mut with.groups);
                        for known in names.filter(|known| *known == name) {
                            meant.clone_into(known);
                        }
                    })
                });
                self.add(
                    finding.weight,
                    finding.fault.code(),
                    finding.message,
                    finding.help,
                    fix,
                );
            }
            let Some(_) = surroundings
                .bound_groups
                .filter(|_| kind == NameOf::Group && !is_odd)
            else {
                continue;
            };
            if !is_bound && !BUILT_IN_GROUPS.contains(&name.as_str()) && !name.contains("{{") {
                self.warning(
                    Code::GroupNotBound,
                    format!(
                        "no RoleBinding or ClusterRoleBinding names the group `{name}`: it gives no rights"
                    ),
                    remedy!("bind it, or remove it"),
                    None,
                );
            }
        }
    }

    /// An entry without a user name, and one without groups as well, unless what is written for them was told.
    fn nameless(&mut self, mapping: &Mapping, item: usize, unread: &[Unread]) {
        if !mapping.username.is_empty() || mapping.arn.is_empty() {
            return;
        }
        let is_told = |wanted: &str| {
            unread
                .iter()
                .any(|unread| unread.item == item && unread.is_about(wanted))
        };
        if mapping.groups.iter().all(String::is_empty) {
            if !is_told("username") && !is_told("groups") {
                self.error(
                    Code::NoUsername,
                    format!(
                        "the entry of `{}` has neither a username nor groups: it lets its principal in \
                         without any rights",
                        mapping.arn
                    ),
                    remedy!("give it a `username`, and `groups` or a RoleBinding for that user"),
                    None,
                );
            }
        } else if !is_told("username") {
            self.warning(
                Code::NoUsername,
                format!(
                    "the entry of `{}` has no username: audit logs have no name for it, and aggregated \
                     APIs such as that of `kubectl top` refuse a caller without a name",
                    mapping.arn
                ),
                match caller_of(self.key, &mapping.arn) {
                    NamedCaller::User => remedy!("write a `username`"),
                    _ => remedy!("write `username: \"{{{{SessionName}}}}\"`, or a name"),
                },
                None,
            );
        }
    }

    /// Sections that let in nobody as a node.
    fn nodes(&mut self, roles: &Section<Mapping>) {
        let is_node = |entry: &Entry<Mapping>| entry.value.groups.iter().any(|group| group == NODES);
        if roles.dropped.is_some() || roles.entries.iter().any(is_node) {
            return;
        }
        self.at(None, None);
        self.warning(
            Code::NoNodeRole,
            format!("no role has the group `{NODES}`: nodes cannot join the cluster by this aws-auth"),
            remedy!(
                "add the role of the nodes, with username `system:node:{{{{EC2PrivateDNSName}}}}` and groups \
                 [system:bootstrappers, {NODES}], unless access entries let them in"
            ),
            None,
        );
    }
}

/// The callers that an ARN is for; of other ARNs, those that the section is for.
fn caller_of(section: SectionKey, arn: &str) -> NamedCaller {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default().to_ascii_lowercase();
    let (kind, name) = resource.split_once('/').unwrap_or((&resource, ""));
    match kind {
        "role" => NamedCaller::of_role(name),
        "assumed-role" => NamedCaller::of_role(name.split('/').next().unwrap_or_default()),
        "user" | "root" | "federated-user" => NamedCaller::User,
        _ if section == SectionKey::Roles => NamedCaller::Session,
        _ => NamedCaller::User,
    }
}

/// What to do about a section that the server drops.
pub fn dropped_help(fault: &Fault) -> Remedy {
    if fault.problem.contains("invalid map key") {
        remedy!("put strings that begin with `{{{{` in quotes")
    } else if fault.problem.contains("tab") || fault.problem.contains("cannot start any token") {
        remedy!("indent with spaces only, and put strings that begin with `@`, `%` or a backtick in quotes")
    } else {
        remedy!("correct the text on that line or the one above, or go back to a backup")
    }
}

mod arn;
mod duplicates;
mod unread;

#[cfg(test)]
mod tests;
