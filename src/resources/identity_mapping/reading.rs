//! `aws-auth` as the authenticator reads it, in the form that planning needs, and the edits of its text. A thin layer over
//! [`crate::authn::aws_auth`], which has the semantics.

use std::collections::BTreeMap;

use super::{delta::Removal, section::Section};
use crate::guard::access::{Admitted, AwsAuthAccess};

/// One entry as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MapEntry {
    /// Where it stands.
    pub section: Section,
    /// Its place in the section's list, entries that the server passes over included.
    pub index: usize,
    /// The line of the section's text on which it begins, from 1.
    pub line: Option<usize>,
    /// Its ARN as written, or its account.
    pub arn: String,
    /// The user name, as the server reads it.
    pub username: String,
    /// The groups, as the server reads them.
    pub groups: Vec<String>,
    /// Its text.
    pub text: String,
}

impl MapEntry {
    /// As whom it lets in.
    pub(super) fn admitted(&self) -> Admitted {
        Admitted {
            username: self.username.clone(),
            groups: self.groups.clone(),
        }
    }

    /// The same without its place.
    pub(super) fn as_removal(&self) -> Removal {
        Removal {
            section: self.section,
            subject: self.arn.clone(),
            admitted: self.admitted(),
        }
    }

    /// Whether it is the entry that a removal names.
    pub(super) fn says(&self, removal: &Removal) -> bool {
        self.section == removal.section
            && self.arn.eq_ignore_ascii_case(&removal.subject)
            && self.username == removal.admitted.username
            && self.groups == removal.admitted.groups
    }
}

/// What the authenticator makes of the ConfigMap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    /// The entries of all three sections that it keeps, in their order.
    pub entries: Vec<MapEntry>,
    /// The sections that it drops whole, each with the reason.
    pub dropped: Vec<(String, String)>,
    /// Whom it lets in.
    pub access: AwsAuthAccess,
}

impl Reading {
    /// The entries of a section.
    pub(super) fn of_section(&self, section: Section) -> impl Iterator<Item = &MapEntry> {
        self.entries.iter().filter(move |entry| entry.section == section)
    }

    /// The entry of an account.
    pub(super) fn account(&self, account: &str) -> Option<&MapEntry> {
        self.of_section(Section::Accounts).find(|entry| entry.arn == account)
    }

    /// The entries that decide about an ARN: the last of `mapRoles`, which is asked first; else those of `mapUsers`, of
    /// which each spelling keeps its last (aws-iam-authenticator 0.7.18, `pkg/mapper/configmap`).
    pub(super) fn standing(&self, arn: &str, section: Section) -> Vec<&MapEntry> {
        let of = |section| {
            self.of_section(section)
                .filter(|entry| entry.arn.eq_ignore_ascii_case(arn))
                .collect::<Vec<_>>()
        };
        if section == Section::Accounts {
            return self.account(arn).into_iter().collect();
        }
        if let Some(last) = of(Section::Roles).pop() {
            return vec![last];
        }
        let mut spellings: BTreeMap<&str, &MapEntry> = BTreeMap::new();
        for entry in of(Section::Users) {
            spellings.insert(&entry.arn, entry);
        }
        spellings.into_values().collect()
    }

    /// Whether an entry of this section names the subject.
    pub(super) fn names(&self, subject: &str, section: Section) -> bool {
        self.of_section(section)
            .any(|entry| entry.arn.eq_ignore_ascii_case(subject))
    }
}
