//! What shall become of `aws-auth`, and what that makes of the ConfigMap as it is: new texts, the mappings that change,
//! and a check that nothing else does. Pure; used by the plan, and by the write on whatever it then finds.

mod edits;
mod lookup;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use edits::Edits;
use lookup::Lookup;

use super::{
    ownership::{self, account_digest, digest, digest_of},
    reading::{MapEntry, Reading},
    text::{Lines, changed_lines},
};
use crate::{engine::Action, guard::access::Admitted, ports::kubernetes::ConfigMap};
use eksact_identity::authn::aws_auth::{SectionKey, edit::EditError};

/// What the API server takes as the `data` of a ConfigMap, in bytes of its values (Kubernetes,
/// `pkg/apis/core/validation`: `MaxSecretSize`).
pub(super) const MAXIMUM_BYTES: usize = 1024 * 1024;
/// What the API server takes as the annotations of an object, keys and values together (`TotalAnnotationSizeLimitB`).
const MAXIMUM_ANNOTATION_BYTES: usize = 256 * 1024;

/// An entry of `mapRoles` or `mapUsers` as it shall stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WantedMapping {
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
pub(crate) struct Removal {
    /// Where it stands.
    pub section: SectionKey,
    /// Its ARN or account.
    pub subject: String,
    /// As whom it lets in.
    pub admitted: Admitted,
}

/// What shall become of `aws-auth`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Delta {
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
pub(crate) struct EntryChange {
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
pub(crate) enum DeltaError {
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
    #[error("the mapping of {subject} that the plan deletes has changed since")]
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
    pub before: Arc<Reading>,
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

/// Works `delta` out on the ConfigMap as it is; none where there is none.
pub(super) fn work_out(delta: &Delta, config_map: Option<&ConfigMap>) -> Result<Outcome, DeltaError> {
    let empty = BTreeMap::new();
    let data = config_map.map_or(&empty, |config_map| &config_map.data);
    work_out_over(Arc::new(Reading::of(data)), delta, config_map)
}

/// The same where the ConfigMap was read before.
pub(super) fn work_out_over(
    before: Arc<Reading>,
    delta: &Delta,
    config_map: Option<&ConfigMap>,
) -> Result<Outcome, DeltaError> {
    let empty = BTreeMap::new();
    let data = config_map.map_or(&empty, |config_map| &config_map.data);
    let recorded = config_map.and_then(|config_map| config_map.annotations.get(ownership::ANNOTATION));
    let owned = ownership::parse(recorded.map(String::as_str));
    let standing = Lookup::of(&before);
    let mut edits = Edits::default();
    let mut changes = Vec::new();
    // The entry that each change is of.
    let mut origins: Vec<Option<&MapEntry>> = Vec::new();
    let mut unchanged = Vec::new();
    let mut written = BTreeSet::new();

    for wanted in &delta.set {
        let entries = standing.standing(&wanted.arn);
        let admitted = wanted_of(wanted, entries.first().copied());
        let differing: Vec<&MapEntry> = entries
            .iter()
            .copied()
            .filter(|entry| !entry.admits_as(&admitted))
            .collect();
        if entries.is_empty() {
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
        origins.push(differing.first().copied());
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
        if standing.has_account(account) {
            unchanged.push(account.clone());
            continue;
        }
        edits.append(SectionKey::Accounts, account, &Admitted::default());
        written.insert(account_digest(account));
        origins.push(None);
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
        let Some(entry) = standing
            .saying(removal)
            .find(|entry| !gone.contains(&(entry.section, entry.index)))
        else {
            if standing.names(&removal.subject, removal.section) {
                return Err(DeltaError::Moved {
                    subject: removal.subject.clone(),
                });
            }
            continue;
        };
        gone.insert((entry.section, entry.index));
        edits.remove(entry);
        origins.push(Some(entry));
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
    let written_now = Lookup::of(&after);
    for (change, origin) in changes.iter_mut().zip(origins) {
        change.lines = lines_of(change, origin, &written_now);
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

/// The lines that differ in an entry's text and in the comments that go with it.
fn lines_of(change: &EntryChange, origin: Option<&MapEntry>, after: &Lookup<'_>) -> Lines {
    let written = change.after.as_ref().and_then(|admitted| {
        let written = Removal {
            section: change.section,
            subject: change.subject.clone(),
            admitted: admitted.clone(),
        };
        after.saying(&written).next_back()
    });
    let text = |entry: Option<&MapEntry>| entry.map_or("", |entry| entry.text.as_str()).to_owned();
    changed_lines(&text(origin), &text(written))
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
            "aws-auth would have {bytes} bytes of data, and the API server accepts at most {MAXIMUM_BYTES}"
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
            "aws-auth would have {bytes} bytes of annotations, and the API server accepts at most \
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

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: &str = "- rolearn: arn:aws:iam::111122223333:role/node\n  username: node\n";

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
