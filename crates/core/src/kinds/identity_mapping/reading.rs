//! `aws-auth` as the authenticator reads it, in the form that planning needs, and the edits of its text. A thin layer over
//! [`eksact_identity::authn::aws_auth`], which has the semantics.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Deref,
    sync::Arc,
};

use super::delta::Removal;
use crate::guard::{access::Admitted, aws_auth::AwsAuthReading};
use eksact_identity::authn::aws_auth::{
    Entry, Mapping, SectionKey,
    edit::{self, EditError},
};

/// One entry as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MapEntry {
    /// Where it stands.
    pub section: SectionKey,
    /// Its place among the section's entries.
    pub index: usize,
    /// The line of the section's text on which it begins, from 1.
    pub line: Option<usize>,
    /// Its ARN as written, or its account.
    pub arn: String,
    /// The user name, as the server reads it.
    pub username: String,
    /// The groups, as the server reads them.
    pub groups: Vec<String>,
    /// `userid`, which means nothing here and stays.
    pub user_id: String,
    /// Its text.
    pub text: String,
}

impl MapEntry {
    fn at<T>(section: SectionKey, index: usize, entry: &Entry<T>, text: String) -> Self {
        Self {
            section,
            index,
            line: Some(entry.line),
            arn: String::new(),
            username: String::new(),
            groups: Vec::new(),
            user_id: String::new(),
            text,
        }
    }

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

    /// Whether it lets in as the same: the order of groups means nothing.
    pub(super) fn admits_as(&self, admitted: &Admitted) -> bool {
        let set = |groups: &[String]| groups.iter().cloned().collect::<BTreeSet<_>>();
        self.username == admitted.username && set(&self.groups) == set(&admitted.groups)
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    seen: Arc<AwsAuthReading>,
    /// The entries of all three sections that it keeps, in their order.
    pub entries: Vec<MapEntry>,
    /// The texts of the sections that it drops whole.
    texts: BTreeMap<String, String>,
}

impl Deref for Reading {
    type Target = AwsAuthReading;

    fn deref(&self) -> &AwsAuthReading {
        &self.seen
    }
}

impl Reading {
    /// Reads the ConfigMap's `data`.
    pub(super) fn of(data: &BTreeMap<String, String>) -> Self {
        Self::over(Arc::new(AwsAuthReading::of(data)), data)
    }

    /// The same where `data` was parsed before.
    pub(super) fn over(seen: Arc<AwsAuthReading>, data: &BTreeMap<String, String>) -> Self {
        let aws_auth = seen.aws_auth();
        let text = |section: SectionKey, span: &std::ops::Range<usize>| {
            let text = data.get(section.as_str()).map_or("", String::as_str);
            let line = text.get(..span.start).map_or(span.start, |before| {
                // With the indentation of its first line, so that the lines of an entry stand as they do in the text.
                before.trim_end_matches([' ', '\t']).len()
            });
            text.get(line..span.end).unwrap_or_default().to_owned()
        };
        let mut entries = Vec::new();
        for section in [SectionKey::Roles, SectionKey::Users] {
            for (index, entry) in aws_auth.mappings(section).iter().enumerate() {
                // An entry without an ARN is one for the server's own Identity Center matching, which EKS does not have.
                if entry.value.arn.is_empty() {
                    continue;
                }
                entries.push(MapEntry {
                    arn: entry.value.arn.clone(),
                    username: entry.value.username.clone(),
                    groups: entry.value.groups.clone(),
                    user_id: entry.value.user_id.clone(),
                    ..MapEntry::at(section, index, entry, text(section, &entry.span))
                });
            }
        }
        for (index, entry) in aws_auth.accounts.entries.iter().enumerate() {
            entries.push(MapEntry {
                arn: entry.value.clone(),
                ..MapEntry::at(
                    SectionKey::Accounts,
                    index,
                    entry,
                    text(SectionKey::Accounts, &entry.span),
                )
            });
        }
        let texts = aws_auth
            .dropped()
            .filter_map(|(key, _)| Some((key.as_str().to_owned(), data.get(key.as_str())?.clone())))
            .collect();
        Self { seen, entries, texts }
    }

    /// The entries of a section.
    pub(super) fn of_section(&self, section: SectionKey) -> impl Iterator<Item = &MapEntry> {
        self.entries.iter().filter(move |entry| entry.section == section)
    }

    /// Whether the text of a section has this ARN or account in it, read or not.
    pub(super) fn text_names(&self, section: &str, subject: &str) -> bool {
        self.texts
            .get(section)
            .is_some_and(|text| text.to_lowercase().contains(&subject.to_lowercase()))
    }
}

/// A change of one section's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Edit {
    /// A new entry at the end.
    Append(Mapping),
    /// Another user name and other groups for an entry.
    Replace(usize, Mapping),
    /// An entry that goes.
    Remove(usize),
}

impl Edit {
    pub(super) fn append(subject: &str, admitted: &Admitted) -> Self {
        Self::Append(mapping(subject, admitted, ""))
    }

    pub(super) fn replace(entry: &MapEntry, admitted: &Admitted) -> Self {
        Self::Replace(entry.index, mapping(&entry.arn, admitted, &entry.user_id))
    }

    pub(super) fn remove(entry: &MapEntry) -> Self {
        Self::Remove(entry.index)
    }

    /// The section's text with these edits, the rest byte for byte.
    pub(super) fn apply(
        section: SectionKey,
        text: Option<&str>,
        edits: &[Self],
    ) -> Result<String, EditError> {
        match section {
            SectionKey::Roles => edit::apply(SectionKey::Roles, text, &Self::as_edits(edits, Clone::clone)),
            SectionKey::Users => edit::apply(SectionKey::Users, text, &Self::as_edits(edits, Clone::clone)),
            SectionKey::Accounts => {
                edit::apply_accounts(text, &Self::as_edits(edits, |mapping| mapping.arn.clone()))
            }
        }
    }

    fn as_edits<T>(edits: &[Self], value: impl Fn(&Mapping) -> T) -> Vec<edit::Edit<T>> {
        edits
            .iter()
            .map(|edit| match edit {
                Self::Append(mapping) => edit::Edit::Append(value(mapping)),
                Self::Replace(entry, mapping) => edit::Edit::Replace {
                    entry: *entry,
                    with: value(mapping),
                },
                Self::Remove(entry) => edit::Edit::Remove { entry: *entry },
            })
            .collect()
    }
}

fn mapping(subject: &str, admitted: &Admitted, user_id: &str) -> Mapping {
    Mapping {
        arn: subject.to_owned(),
        username: admitted.username.clone(),
        groups: admitted.groups.clone(),
        sso: None,
        user_id: user_id.to_owned(),
    }
}
