//! Changes entries in the text of a section, and leaves every other byte of it as it was.
//!
//! The text is edited by [`eksact_yaml::edit`]; the result is then read as the server reads it and must hold exactly the
//! old entries with the changes, or nothing comes out of here. Whether a change is wanted, and who writes it, is decided
//! elsewhere.

use std::collections::BTreeSet;

use super::decode::field;
use super::parse::{Fault, Mapping, Section, SectionKey, accounts, mappings};
use eksact_yaml::edit::{self, Change, Editor, Step, Value};

/// One change of a section. Entries are named by their place among the section's entries as [`super::parse`] gives
/// them, before any change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit<T> {
    /// A new last entry.
    Append(T),
    /// Another value for an entry. Of a mapping only ARN, username and groups are written; what else stands there stays.
    Replace {
        /// The entry.
        entry: usize,
        /// What it becomes.
        with: T,
    },
    /// An entry goes, with the comments about it ([`edit::extent_of_item`]).
    Remove {
        /// The entry.
        entry: usize,
    },
}

/// Why the text of a section was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The server drops the section as it stands, so nobody can say what an edit would do.
    #[error("{} cannot be edited while the server reads nothing of it: {}; fix it by hand first", section.as_str(), fault.problem)]
    Dropped {
        /// The section.
        section: SectionKey,
        /// What is wrong with it.
        fault: Box<Fault>,
    },
    /// There is no such entry.
    #[error("{} has no entry {entry}", section.as_str())]
    NoSuchEntry {
        /// The section.
        section: SectionKey,
        /// The entry.
        entry: usize,
    },
    /// Two edits for one entry.
    #[error("two edits change entry {entry} of {}", section.as_str())]
    Twice {
        /// The section.
        section: SectionKey,
        /// The entry.
        entry: usize,
    },
    /// The text cannot be changed there.
    #[error("{} cannot be edited: {cause}", section.as_str())]
    Text {
        /// The section.
        section: SectionKey,
        /// Why.
        #[source]
        cause: edit::EditError,
    },
    /// The server would read something else than the old entries with the changes.
    #[error("{} cannot be edited without changing more than was asked for; edit it by hand", section.as_str())]
    NotExact {
        /// The section.
        section: SectionKey,
    },
}

/// Changes the text of `mapRoles` or `mapUsers`; `None` is a section that is not there.
///
/// # Errors
/// When the new text would not be read as exactly the old entries with the changes.
pub fn apply(key: SectionKey, text: Option<&str>, edits: &[Edit<Mapping>]) -> Result<String, EditError> {
    let read = |text: Option<&str>| mappings(key, text);
    let value = |mapping: &Mapping| mapping_value(key, mapping);
    edit(key, text, edits, read, value, |work, item, before, with| {
        work.replace_mapping(item, before, with);
    })
}

/// Changes the text of `mapAccounts`; `None` is a section that is not there.
///
/// # Errors
/// When the new text would not be read as exactly the old accounts with the changes.
pub fn apply_accounts(text: Option<&str>, edits: &[Edit<String>]) -> Result<String, EditError> {
    let value = |account: &String| Value::text(account);
    edit(
        SectionKey::Accounts,
        text,
        edits,
        accounts,
        value,
        |work, item, _, with| {
            work.changes
                .push(Change::Set(vec![Step::Index(item)], Value::text(with)));
        },
    )
}

/// A text as it is at first, and the changes of it as they come together.
struct Work<'e> {
    key: SectionKey,
    editor: &'e Editor,
    changes: Vec<Change<'e>>,
}

fn edit<T: Clone + PartialEq>(
    key: SectionKey,
    text: Option<&str>,
    edits: &[Edit<T>],
    read: impl Fn(Option<&str>) -> Section<T>,
    value: impl Fn(&T) -> Value,
    replace: impl Fn(&mut Work<'_>, usize, &T, &T),
) -> Result<String, EditError> {
    let before = read(text);
    if let Some(fault) = &before.dropped {
        return Err(EditError::Dropped {
            section: key,
            fault: Box::new(fault.clone()),
        });
    }
    // What the server takes for nothing, such as `""`, is nothing to edit either.
    let nothing =
        before.entries.is_empty() && matches!(text.unwrap_or_default().trim(), "``" | "\"\"" | "''");
    let text = text.filter(|_| !nothing).unwrap_or_default();
    let failed = |cause| EditError::Text { section: key, cause };
    let editor = Editor::new(text).map_err(failed)?;
    let mut work = Work {
        key,
        editor: &editor,
        changes: Vec::new(),
    };

    let mut expected: Vec<Option<&T>> = before.entries.iter().map(|entry| Some(&entry.value)).collect();
    let mut touched = BTreeSet::new();
    let mut new = Vec::new();
    for edit in edits {
        let (Edit::Replace { entry, .. } | Edit::Remove { entry }) = edit else {
            continue;
        };
        let (section, entry) = (key, *entry);
        let (Some(found), Some(expected)) = (before.entries.get(entry), expected.get_mut(entry)) else {
            return Err(EditError::NoSuchEntry { section, entry });
        };
        if !touched.insert(entry) {
            return Err(EditError::Twice { section, entry });
        }
        if let Edit::Replace { with, .. } = edit {
            replace(&mut work, found.item, &found.value, with);
            *expected = Some(with);
        } else {
            work.changes.push(Change::Remove(vec![Step::Index(found.item)]));
            *expected = None;
        }
    }
    for edit in edits {
        if let Edit::Append(with) = edit {
            new.push(value(with));
            expected.push(Some(with));
        }
    }
    work.changes.push(Change::Append(Vec::new(), new));

    let text = editor.with(&work.changes).map_err(failed)?.into_text();
    let after = read(Some(&text));
    let exact = after.dropped.is_none()
        && after.refused.len() == before.refused.len()
        && after
            .entries
            .iter()
            .map(|entry| &entry.value)
            .eq(expected.into_iter().flatten());
    if exact {
        Ok(text)
    } else {
        Err(EditError::NotExact { section: key })
    }
}

impl<'e> Work<'e> {
    /// The key of an item that stands for a field of the server's type; of several the one that counts.
    fn field(&self, item: usize, wanted: &'static str) -> &'e str {
        let tree = self.editor.tree();
        let id = self.editor.find(&[Step::Index(item)]);
        let entries = id.map_or(&[][..], |id| tree.entries(id));
        let keys = entries.iter().filter_map(|entry| tree.text(entry.key));
        keys.filter(|key| field(key, &[wanted]).is_some())
            .max()
            .unwrap_or(wanted)
    }

    fn replace_mapping(&mut self, item: usize, before: &Mapping, with: &Mapping) {
        let texts = [
            (self.key.arn_field(), &before.arn, &with.arn),
            ("username", &before.username, &with.username),
        ];
        for (field, before, with) in texts {
            if before != with {
                let path = vec![Step::Index(item), Step::Key(self.field(item, field))];
                self.changes.push(Change::Set(path, Value::text(with)));
            }
        }
        if before.groups != with.groups {
            let path = [Step::Index(item), Step::Key(self.field(item, "groups"))];
            match self.list_changes(&path, &before.groups, &with.groups) {
                Some(mut changes) => self.changes.append(&mut changes),
                None => self
                    .changes
                    .push(Change::Set(path.to_vec(), Value::texts(&with.groups))),
            }
        }
    }

    /// Changes, takes away and adds single groups, so that the comments of the others stay; nothing if that is not enough.
    fn list_changes(&self, path: &[Step<'e>], before: &[String], with: &[String]) -> Option<Vec<Change<'e>>> {
        let written = self
            .editor
            .find(path)
            .map_or(0, |id| self.editor.tree().items(id).len());
        let kept: Vec<_> = before.iter().filter(|group| with.contains(group)).collect();
        let in_order = with.iter().take(kept.len()).eq(kept.iter().copied());
        if written != before.len() || before.is_empty() || with.is_empty() {
            return None;
        }
        let item = |index: usize| path.iter().copied().chain([Step::Index(index)]).collect();
        if kept.is_empty() || !in_order {
            let one_for_one = before.len() == with.len();
            let groups = with.iter().enumerate();
            return one_for_one.then(|| {
                groups
                    .map(|(index, group)| Change::Set(item(index), Value::text(group)))
                    .collect()
            });
        }
        let gone = before
            .iter()
            .enumerate()
            .filter(|(_, group)| !with.contains(group));
        let mut changes: Vec<_> = gone.map(|(index, _)| Change::Remove(item(index))).collect();
        let new = with.iter().skip(kept.len()).map(Value::text).collect();
        changes.push(Change::Append(path.to_vec(), new));
        Some(changes)
    }
}

/// A new entry, in the order of AWS's documentation; what is empty is left out.
fn mapping_value(key: SectionKey, mapping: &Mapping) -> Value {
    let mut fields = Vec::new();
    let mut text = |field: &str, value: &str| {
        if !value.is_empty() {
            fields.push((field.to_owned(), Value::text(value)));
        }
    };
    text(key.arn_field(), &mapping.arn);
    text("username", &mapping.username);
    text("userid", &mapping.user_id);
    if !mapping.groups.is_empty() {
        fields.push(("groups".to_owned(), Value::texts(&mapping.groups)));
    }
    if let Some(sso) = &mapping.sso {
        let mut sso_fields = vec![
            ("permissionSetName", Value::text(&sso.permission_set_name)),
            ("accountID", Value::text(&sso.account_id)),
        ];
        if !sso.partition.is_empty() {
            sso_fields.push(("partition", Value::text(&sso.partition)));
        }
        fields.push(("sso".to_owned(), Value::mapping(sso_fields)));
    }
    Value::Mapping(fields)
}

#[cfg(test)]
mod tests;
