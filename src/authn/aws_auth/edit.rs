//! Changes entries in the text of a section, and leaves every other byte of it as it was.
//!
//! The text is edited by [`crate::yaml_edit`]; the result is then read as the server reads it and must hold exactly the
//! old entries with the changes, or nothing comes out of here. Whether a change is wanted, and who writes it, is decided
//! elsewhere.

use super::decode::field;
use super::parse::{Fault, Mapping, Section, SectionKey, accounts, mappings};
use crate::yaml_edit::{self, Editor, Step, Value};

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
    /// An entry goes, with the comments inside it.
    Remove {
        /// The entry.
        entry: usize,
    },
}

/// Why the text of a section was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The server drops the section as it stands, so nobody can say what an edit would do.
    #[error("{} cannot be edited while the server reads nothing of it: {}; mend it by hand first", section.as_str(), fault.problem)]
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
        cause: yaml_edit::EditError,
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
    edit(key, text, edits, read, |work, edit| match edit {
        Edit::Append(mapping) => Ok(mapping_value(key, mapping)),
        Edit::Replace { entry, with } => {
            let (item, before) = work.entry(*entry)?;
            let before = before.clone();
            work.replace_mapping(item, &before, with)?;
            Ok(Value::Null)
        }
        Edit::Remove { .. } => Ok(Value::Null),
    })
}

/// Changes the text of `mapAccounts`; `None` is a section that is not there.
///
/// # Errors
/// When the new text would not be read as exactly the old accounts with the changes.
pub fn apply_accounts(text: Option<&str>, edits: &[Edit<String>]) -> Result<String, EditError> {
    edit(
        SectionKey::Accounts,
        text,
        edits,
        accounts,
        |work, edit| match edit {
            Edit::Append(account) => Ok(Value::text(account)),
            Edit::Replace { entry, with } => {
                let (item, _) = work.entry(*entry)?;
                work.set(&[Step::Index(item)], &Value::text(with))?;
                Ok(Value::Null)
            }
            Edit::Remove { .. } => Ok(Value::Null),
        },
    )
}

/// A text at work, and the entries that it had at first.
struct Work<'s, T> {
    key: SectionKey,
    editor: Editor,
    section: &'s Section<T>,
}

fn edit<T: Clone + PartialEq>(
    key: SectionKey,
    text: Option<&str>,
    edits: &[Edit<T>],
    read: impl Fn(Option<&str>) -> Section<T>,
    write: impl Fn(&mut Work<'_, T>, &Edit<T>) -> Result<Value, EditError>,
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
    let editor = Editor::new(text).map_err(|cause| EditError::Text { section: key, cause })?;
    let mut work = Work {
        key,
        editor,
        section: &before,
    };

    let mut expected: Vec<Option<T>> = before
        .entries
        .iter()
        .map(|entry| Some(entry.value.clone()))
        .collect();
    let mut touched = Vec::new();
    for edit in edits {
        if let Edit::Replace { entry, .. } | Edit::Remove { entry } = edit {
            work.entry(*entry)?;
            if touched.contains(entry) {
                return Err(EditError::Twice {
                    section: key,
                    entry: *entry,
                });
            }
            touched.push(*entry);
        }
    }
    // First what keeps the places of the others, then from the last to the first, then what is new.
    for edit in edits {
        if let Edit::Replace { entry, with } = edit {
            write(&mut work, edit)?;
            if let Some(value) = expected.get_mut(*entry) {
                *value = Some(with.clone());
            }
        }
    }
    touched.sort_unstable();
    for entry in touched.iter().rev() {
        if edits
            .iter()
            .any(|edit| matches!(edit, Edit::Remove { entry: removed } if removed == entry))
        {
            let (item, _) = work.entry(*entry)?;
            work.remove(&[Step::Index(item)])?;
            if let Some(value) = expected.get_mut(*entry) {
                *value = None;
            }
        }
    }
    let mut new = Vec::new();
    for edit in edits {
        if let Edit::Append(value) = edit {
            new.push(write(&mut work, edit)?);
            expected.push(Some(value.clone()));
        }
    }
    work.append(&new)?;

    let text = work.editor.into_text();
    let after = read(Some(&text));
    let exact = after.dropped.is_none()
        && after.refused.len() == before.refused.len()
        && after
            .entries
            .iter()
            .map(|entry| &entry.value)
            .eq(expected.iter().flatten());
    if exact {
        Ok(text)
    } else {
        Err(EditError::NotExact { section: key })
    }
}

impl<T> Work<'_, T> {
    fn entry(&self, entry: usize) -> Result<(usize, &T), EditError> {
        let found = self.section.entries.get(entry);
        found
            .map(|entry| (entry.item, &entry.value))
            .ok_or(EditError::NoSuchEntry {
                section: self.key,
                entry,
            })
    }

    fn failed(&self) -> impl Fn(yaml_edit::EditError) -> EditError + use<T> {
        let section = self.key;
        move |cause| EditError::Text { section, cause }
    }

    fn set(&mut self, path: &[Step<'_>], value: &Value) -> Result<(), EditError> {
        let failed = self.failed();
        self.editor.set(path, value).map_err(failed)
    }

    fn remove(&mut self, path: &[Step<'_>]) -> Result<(), EditError> {
        let failed = self.failed();
        self.editor.remove(path).map(drop).map_err(failed)
    }

    fn append(&mut self, values: &[Value]) -> Result<(), EditError> {
        let failed = self.failed();
        self.editor.append(&[], values).map_err(failed)
    }

    /// The key of an item that stands for a field of the server's type; of several the one that counts.
    fn field(&self, item: usize, wanted: &'static str) -> Option<String> {
        let tree = self.editor.tree();
        let id = self.editor.find(&[Step::Index(item)])?;
        let keys = tree.entries(id).iter().filter_map(|entry| tree.text(entry.key));
        keys.filter(|key| field(key, &[wanted]).is_some())
            .max()
            .map(str::to_owned)
    }

    fn replace_mapping(&mut self, item: usize, before: &Mapping, with: &Mapping) -> Result<(), EditError> {
        let texts = [
            (self.key.arn_field(), &before.arn, &with.arn),
            ("username", &before.username, &with.username),
        ];
        for (field, before, with) in texts {
            if before != with {
                let key = self.field(item, field).unwrap_or_else(|| field.to_owned());
                self.set(&[Step::Index(item), Step::Key(&key)], &Value::text(with))?;
            }
        }
        if before.groups != with.groups {
            let key = self.field(item, "groups").unwrap_or_else(|| "groups".to_owned());
            let path = [Step::Index(item), Step::Key(&key)];
            if !self.change_list(&path, &before.groups, &with.groups)? {
                self.set(&path, &Value::texts(&with.groups))?;
            }
        }
        Ok(())
    }

    /// Changes, takes away and adds single groups, so that the comments of the others stay; whether that was enough.
    fn change_list(
        &mut self,
        path: &[Step<'_>],
        before: &[String],
        with: &[String],
    ) -> Result<bool, EditError> {
        let written = self
            .editor
            .find(path)
            .map_or(0, |id| self.editor.tree().items(id).len());
        let kept: Vec<_> = before.iter().filter(|group| with.contains(group)).collect();
        let in_order = with.iter().take(kept.len()).eq(kept.iter().copied());
        if written != before.len() || before.is_empty() || with.is_empty() {
            return Ok(false);
        }
        if kept.is_empty() || !in_order {
            if before.len() != with.len() {
                return Ok(false);
            }
            for (index, group) in with.iter().enumerate() {
                let at: Vec<_> = path.iter().copied().chain([Step::Index(index)]).collect();
                self.set(&at, &Value::text(group))?;
            }
            return Ok(true);
        }
        for (index, group) in before.iter().enumerate().rev() {
            if !with.contains(group) {
                let at: Vec<_> = path.iter().copied().chain([Step::Index(index)]).collect();
                self.remove(&at)?;
            }
        }
        let new: Vec<_> = with.iter().skip(kept.len()).map(Value::text).collect();
        let failed = self.failed();
        self.editor.append(path, &new).map_err(failed)?;
        Ok(true)
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
#[path = "edit_tests.rs"]
mod tests;
