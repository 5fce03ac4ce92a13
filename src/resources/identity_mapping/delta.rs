//! What shall become of `aws-auth`, and what that makes of the ConfigMap as it is: new texts, the mappings that change,
//! and a check that nothing else does. Pure; used by the plan, and by the write on whatever it then finds.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    ownership::{self, account_digest, digest, digest_of},
    reading::{Edit, MapEntry, Reading},
    text::{Lines, changed_lines},
};
use crate::{
    authn::aws_auth::{SectionKey, edit::EditError},
    engine::Action,
    guard::access::Admitted,
    ports::access::ConfigMap,
};

/// What the API server takes as the `data` of a ConfigMap, in bytes of its values (Kubernetes,
/// `pkg/apis/core/validation`: `MaxSecretSize`).
pub(super) const MAXIMUM_BYTES: usize = 1024 * 1024;
/// What the API server takes as the annotations of an object, keys and values together (`TotalAnnotationSizeLimitB`).
const MAXIMUM_ANNOTATION_BYTES: usize = 256 * 1024;

/// An entry of `mapRoles` or `mapUsers` as it shall stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct WantedMapping {
    /// Where it belongs.
    pub section: SectionKey,
    /// The ARN.
    pub arn: String,
    /// The user name; none leaves an existing entry its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The groups; none leaves an existing entry its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
}

/// An entry that shall go, exactly as it was read: one that says something else is another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Removal {
    /// Where it stands.
    pub section: SectionKey,
    /// Its ARN or account.
    pub subject: String,
    /// As whom it lets in.
    pub admitted: Admitted,
}

/// What shall become of `aws-auth`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Delta {
    /// Entries that shall be there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<WantedMapping>,
    /// Accounts that shall be there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<String>,
    /// Entries and accounts that shall go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<Removal>,
}

/// What becomes of one mapping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct EntryChange {
    /// Where it stands.
    pub section: SectionKey,
    /// Its ARN or account.
    pub subject: String,
    /// Create, update or delete.
    pub action: Action,
    /// Whether it was there and not eksact's.
    pub adopted: bool,
    /// What the entry says now.
    pub before: Option<Admitted>,
    /// What it will say.
    pub after: Option<Admitted>,
    /// The lines of the text that differ.
    pub lines: Lines,
}

/// Why the ConfigMap cannot become what is wanted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DeltaError {
    /// A section's text cannot be changed without changing more.
    #[error("the text of aws-auth cannot be changed: {0}")]
    Edit(#[from] EditError),
    /// A section that is to change is one of which the authenticator reads nothing.
    #[error("{section} of aws-auth cannot be changed, because the cluster reads nothing of it: {why}")]
    Dropped {
        /// The section's key.
        section: String,
        /// Why.
        why: String,
    },
    /// An entry that was to go says something else by now.
    #[error("the mapping of {subject} that was to go says something else by now")]
    Moved {
        /// Its ARN or account.
        subject: String,
    },
}

/// What a delta makes of a ConfigMap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// The texts that change, by key.
    pub data: BTreeMap<String, String>,
    /// The annotations that change: a value, or none for one that goes.
    pub annotations: BTreeMap<String, Option<String>>,
    /// The mappings that change, in the order of the delta.
    pub changes: Vec<EntryChange>,
    /// The mappings that are as wanted.
    pub unchanged: Vec<String>,
    /// What the authenticator reads now.
    pub before: Reading,
    /// What it would read.
    pub after: Reading,
    /// Entries that would change although they were not to.
    pub foreign: Vec<String>,
    /// Why the API server would refuse the ConfigMap for its size.
    pub too_large: Option<String>,
}

impl Outcome {
    /// Whether there is nothing to write.
    pub(super) fn is_nothing(&self) -> bool {
        self.data.is_empty() && self.annotations.is_empty()
    }
}

/// The edits of each section, and what its entries are to be afterwards.
#[derive(Default)]
struct Edits {
    by_section: BTreeMap<SectionKey, Vec<Edit>>,
    expected: BTreeMap<SectionKey, Vec<(usize, Option<Removal>)>>,
    appended: BTreeMap<SectionKey, Vec<Removal>>,
}

/// Works `delta` out on the ConfigMap as it is; none where there is none.
pub(super) fn work_out(delta: &Delta, config_map: Option<&ConfigMap>) -> Result<Outcome, DeltaError> {
    let empty = BTreeMap::new();
    let data = config_map.map_or(&empty, |config_map| &config_map.data);
    let before = Reading::of(data);
    let recorded = config_map.and_then(|config_map| config_map.annotations.get(ownership::ANNOTATION));
    let owned = ownership::parse(recorded.map(String::as_str));
    let mut edits = Edits::default();
    let mut changes = Vec::new();
    let mut unchanged = Vec::new();
    let mut written = BTreeSet::new();

    for wanted in &delta.set {
        let standing = before.standing(&wanted.arn, wanted.section);
        let admitted = wanted_of(wanted, standing.first().copied());
        let differing: Vec<&MapEntry> = standing
            .iter()
            .copied()
            .filter(|entry| !entry.admits_as(&admitted))
            .collect();
        if standing.is_empty() {
            edits.append(wanted.section, &wanted.arn, &admitted);
        } else if differing.is_empty() {
            unchanged.push(wanted.arn.clone());
            continue;
        }
        for entry in &differing {
            edits.replace(entry, &admitted);
        }
        let section = differing.first().map_or(wanted.section, |entry| entry.section);
        let arn = differing.first().map_or(&wanted.arn, |entry| &entry.arn);
        written.insert(digest(section, arn, &admitted.username, &admitted.groups));
        changes.push(EntryChange {
            section,
            subject: wanted.arn.clone(),
            action: if differing.is_empty() {
                Action::Create
            } else {
                Action::Update
            },
            adopted: differing.iter().any(|entry| !owned.contains(&digest_of(entry))),
            before: differing.first().map(|entry| entry.admitted()),
            after: Some(admitted),
            lines: Lines::default(),
        });
    }
    for account in &delta.accounts {
        if before.account(account).is_some() {
            unchanged.push(account.clone());
            continue;
        }
        edits.append(SectionKey::Accounts, account, &Admitted::default());
        written.insert(account_digest(account));
        changes.push(EntryChange {
            section: SectionKey::Accounts,
            subject: account.clone(),
            action: Action::Create,
            adopted: false,
            before: None,
            after: Some(Admitted::default()),
            lines: Lines::default(),
        });
    }
    let mut gone: BTreeSet<(SectionKey, usize)> = BTreeSet::new();
    for removal in &delta.remove {
        let Some(entry) = before
            .entries
            .iter()
            .find(|entry| entry.says(removal) && !gone.contains(&(entry.section, entry.index)))
        else {
            if before.names(&removal.subject, removal.section) {
                return Err(DeltaError::Moved {
                    subject: removal.subject.clone(),
                });
            }
            continue;
        };
        gone.insert((entry.section, entry.index));
        edits.remove(entry);
        changes.push(EntryChange {
            section: removal.section,
            subject: removal.subject.clone(),
            action: Action::Delete,
            adopted: false,
            before: Some(removal.admitted.clone()),
            after: None,
            lines: Lines::default(),
        });
    }
    if let Some((section, why)) = before.dropped.iter().find(|(section, _)| edits.touch(section)) {
        return Err(DeltaError::Dropped {
            section: section.clone(),
            why: why.clone(),
        });
    }
    let new_data = edits.texts(data)?;
    let mut all = data.clone();
    all.extend(new_data.iter().map(|(key, text)| (key.clone(), text.clone())));
    let after = Reading::of(&all);
    for change in &mut changes {
        change.lines = lines_of(change, &before, &after);
    }
    let foreign = edits.foreign(&before, &after);
    let present: BTreeSet<String> = after.entries.iter().map(digest_of).collect();
    let kept: BTreeSet<String> = owned
        .union(&written)
        .filter(|digest| present.contains(*digest))
        .cloned()
        .collect();
    let mut annotations = BTreeMap::new();
    if kept != owned && !changes.is_empty() {
        annotations.insert(ownership::ANNOTATION.to_owned(), ownership::format(&kept));
    }
    let too_large = size_problem(config_map, &all, &annotations);
    Ok(Outcome {
        data: new_data,
        annotations,
        changes,
        unchanged,
        before,
        after,
        foreign,
        too_large,
    })
}

/// What an entry shall say: a user name and groups that are not stated stay as they are.
fn wanted_of(wanted: &WantedMapping, standing: Option<&MapEntry>) -> Admitted {
    let username = match (&wanted.username, standing) {
        (Some(username), _) => username.clone(),
        (None, Some(entry)) => entry.username.clone(),
        (None, None) => String::new(),
    };
    let groups = match (&wanted.groups, standing) {
        (Some(groups), _) => groups.clone(),
        (None, Some(entry)) => entry.groups.clone(),
        (None, None) => Vec::new(),
    };
    Admitted { username, groups }
}

/// The lines of an entry's text that differ.
fn lines_of(change: &EntryChange, before: &Reading, after: &Reading) -> Lines {
    let text = |reading: &Reading, admitted: Option<&Admitted>| -> String {
        let Some(admitted) = admitted else {
            return String::new();
        };
        let removal = Removal {
            section: change.section,
            subject: change.subject.clone(),
            admitted: admitted.clone(),
        };
        reading
            .entries
            .iter()
            .rev()
            .find(|entry| entry.says(&removal))
            .map(|entry| entry.text.clone())
            .unwrap_or_default()
    };
    changed_lines(
        &text(before, change.before.as_ref()),
        &text(after, change.after.as_ref()),
    )
}

/// Why the API server would refuse an object of this size.
fn size_problem(
    config_map: Option<&ConfigMap>,
    data: &BTreeMap<String, String>,
    annotations: &BTreeMap<String, Option<String>>,
) -> Option<String> {
    let bytes: usize = data.values().map(String::len).sum();
    if bytes > MAXIMUM_BYTES {
        return Some(format!(
            "aws-auth would have {bytes} bytes of data, and the API server takes at most {MAXIMUM_BYTES}"
        ));
    }
    let others = config_map
        .map(|config_map| &config_map.annotations)
        .into_iter()
        .flatten()
        .filter(|(key, _)| !annotations.contains_key(*key));
    let own = annotations
        .iter()
        .filter_map(|(key, value)| Some((key, value.as_ref()?)));
    let bytes: usize = others
        .chain(own)
        .map(|(key, value)| key.len() + value.len())
        .sum();
    (bytes > MAXIMUM_ANNOTATION_BYTES).then(|| {
        format!(
            "aws-auth would have {bytes} bytes of annotations, and the API server takes at most \
             {MAXIMUM_ANNOTATION_BYTES}"
        )
    })
}

/// Digest of everything that the authenticator reads of a ConfigMap, to tell whether it moved.
pub(super) fn content_digest(data: &BTreeMap<String, String>) -> String {
    let mut hasher = Sha256::new();
    for (key, value) in data {
        hasher.update(format!("{} {key} {} {value}", key.len(), value.len()));
    }
    hex::encode(hasher.finalize())
}

impl Edits {
    fn append(&mut self, section: SectionKey, subject: &str, admitted: &Admitted) {
        self.by_section
            .entry(section)
            .or_default()
            .push(Edit::append(subject, admitted));
        self.appended.entry(section).or_default().push(Removal {
            section,
            subject: subject.to_owned(),
            admitted: admitted.clone(),
        });
    }

    fn replace(&mut self, entry: &MapEntry, admitted: &Admitted) {
        self.by_section
            .entry(entry.section)
            .or_default()
            .push(Edit::replace(entry, admitted));
        self.expected.entry(entry.section).or_default().push((
            entry.index,
            Some(Removal {
                section: entry.section,
                subject: entry.arn.clone(),
                admitted: admitted.clone(),
            }),
        ));
    }

    fn remove(&mut self, entry: &MapEntry) {
        self.by_section
            .entry(entry.section)
            .or_default()
            .push(Edit::remove(entry));
        self.expected
            .entry(entry.section)
            .or_default()
            .push((entry.index, None));
    }

    fn touch(&self, section: &str) -> bool {
        self.by_section.keys().any(|touched| touched.as_str() == section)
    }

    /// The new text of each section that has edits.
    fn texts(&self, data: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, DeltaError> {
        self.by_section
            .iter()
            .map(|(section, edits)| {
                let text = data.get(section.as_str()).map(String::as_str);
                Ok((section.as_str().to_owned(), Edit::apply(*section, text, edits)?))
            })
            .collect()
    }

    /// The entries that would not be what they are to be: the old ones with the edits, and no others.
    fn foreign(&self, before: &Reading, after: &Reading) -> Vec<String> {
        let mut wrong = Vec::new();
        for section in SectionKey::ALL {
            let planned: BTreeMap<usize, &Option<Removal>> = self
                .expected
                .get(&section)
                .into_iter()
                .flatten()
                .map(|(index, entry)| (*index, entry))
                .collect();
            let mut expected: Vec<Removal> = Vec::new();
            for entry in before.of_section(section) {
                match planned.get(&entry.index) {
                    Some(None) => {}
                    Some(Some(replaced)) => expected.push(replaced.clone()),
                    None => expected.push(entry.as_removal()),
                }
            }
            expected.extend(self.appended.get(&section).into_iter().flatten().cloned());
            let found: Vec<Removal> = after.of_section(section).map(MapEntry::as_removal).collect();
            if expected != found {
                let lost = expected.iter().filter(|entry| !found.contains(entry));
                let new = found.iter().filter(|entry| !expected.contains(entry));
                let mut named: Vec<String> = lost
                    .chain(new)
                    .map(|entry| format!("{} in {}", entry.subject, section.as_str()))
                    .collect();
                if named.is_empty() {
                    named.push(format!("the order of {}", section.as_str()));
                }
                wrong.append(&mut named);
            }
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: &str = "- rolearn: arn:aws:iam::111122223333:role/node\n  username: node\n";
    const DEV: &str = "- rolearn: arn:aws:iam::111122223333:role/dev\n  username: dev\n";

    fn reading(map_roles: &str) -> Reading {
        Reading::of(&BTreeMap::from([("mapRoles".to_owned(), map_roles.to_owned())]))
    }

    /// What the guard `aws-auth-foreign-change` goes by: the old entries with the edits, and no others, in their order.
    #[test]
    fn an_entry_that_was_not_to_change_is_named() {
        let before = reading(&format!("{NODE}{DEV}"));
        let mut edits = Edits::default();
        let dev = before.entries.last().unwrap();
        edits.replace(
            dev,
            &Admitted {
                username: "developer".to_owned(),
                groups: Vec::new(),
            },
        );
        let developer = DEV.replace("username: dev", "username: developer");
        let after = |text: &str| edits.foreign(&before, &reading(text));
        assert_eq!(after(&format!("{NODE}{developer}")), Vec::<String>::new());
        assert_eq!(
            after(&developer),
            ["arn:aws:iam::111122223333:role/node in mapRoles"]
        );
        assert_eq!(after(&format!("{developer}{NODE}")), ["the order of mapRoles"]);
        let both = format!("{}{developer}", NODE.replace("username: node", "username: n"));
        assert_eq!(after(&both).len(), 2, "one that goes and one that comes");
    }

    /// The annotation counts as well: ten thousand digests are 128 KiB of the 256 that there are.
    #[test]
    fn annotations_have_a_limit_of_their_own() {
        let mut config_map = ConfigMap::default();
        let last_applied = "kubectl.kubernetes.io/last-applied-configuration";
        config_map
            .annotations
            .insert(last_applied.to_owned(), "x".repeat(MAXIMUM_ANNOTATION_BYTES - 60));
        config_map.data.insert("mapRoles".to_owned(), NODE.to_owned());
        let delta = Delta {
            accounts: vec!["444455556666".to_owned()],
            ..Delta::default()
        };
        let outcome = work_out(&delta, Some(&config_map)).unwrap();
        assert!(outcome.too_large.unwrap().contains("annotations"));
        config_map.annotations.clear();
        assert_eq!(work_out(&delta, Some(&config_map)).unwrap().too_large, None);
    }
}
