//! What a kubeconfig holds, as far as it matters here: three lists of named entries, and which context is current.

use super::{
    exec_entry::{FoundExec, SignIn},
    value::{Edit, Section, Value},
};

/// A named entry of a file, with its place for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name; none where the file has none.
    pub name: Option<String>,
    /// What stands beside the name.
    pub body: Value,
    /// Where it begins, from 1.
    pub line: usize,
    /// Where it begins, from 1.
    pub column: usize,
}

/// What a file holds, as far as it matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entries {
    /// `clusters`.
    pub clusters: Vec<Entry>,
    /// `contexts`.
    pub contexts: Vec<Entry>,
    /// `users`.
    pub users: Vec<Entry>,
    /// `current-context`.
    pub current_context: Option<String>,
}

impl Entries {
    /// The entries of a section.
    pub fn of(&self, section: Section) -> &[Entry] {
        match section {
            Section::Clusters => &self.clusters,
            Section::Contexts => &self.contexts,
            Section::Users => &self.users,
        }
    }

    /// The entry of this name, with its index.
    pub fn find(&self, section: Section, name: &str) -> Option<(usize, &Entry)> {
        self.of(section)
            .iter()
            .enumerate()
            .find(|(_, entry)| entry.name.as_deref() == Some(name))
    }

    /// What these edits make of them, which is what the text must hold when they were made there. Lines and columns are
    /// those of before.
    pub(super) fn with(&self, edits: &[Edit]) -> Self {
        let mut entries = self.clone();
        for edit in edits {
            entries.apply(edit);
        }
        entries
    }

    fn apply(&mut self, edit: &Edit) {
        match edit {
            Edit::Append { section, entry } => self.section(*section).push(Entry {
                name: entry.text_at(&["name"]).map(str::to_owned),
                body: entry.get(section.entry_key()).cloned().unwrap_or(Value::Null),
                line: 0,
                column: 0,
            }),
            Edit::Set {
                section,
                index,
                path,
                value,
            } => self.change(*section, *index, path, |body, path| body.put(path, value.clone())),
            Edit::Unset { section, index, path } => self.change(*section, *index, path, Value::cut),
            Edit::RemoveItem {
                section,
                index,
                path,
                item,
            } => self.change(*section, *index, path, |body, path| {
                let mut items = body.at(path).map(Value::items).unwrap_or_default().to_vec();
                if *item < items.len() {
                    items.remove(*item);
                }
                body.put(path, Value::List(items));
            }),
            Edit::AppendItem {
                section,
                index,
                path,
                value,
            } => self.change(*section, *index, path, |body, path| {
                let mut items = body.at(path).map(Value::items).unwrap_or_default().to_vec();
                items.push(value.clone());
                body.put(path, Value::List(items));
            }),
            Edit::Remove { section, index } => {
                let entries = self.section(*section);
                if *index < entries.len() {
                    entries.remove(*index);
                }
            }
            Edit::SetCurrentContext(name) => {
                self.current_context = Some(name.clone()).filter(|name| !name.is_empty());
            }
        }
    }

    fn section(&mut self, section: Section) -> &mut Vec<Entry> {
        match section {
            Section::Clusters => &mut self.clusters,
            Section::Contexts => &mut self.contexts,
            Section::Users => &mut self.users,
        }
    }

    /// Changes the body of an entry; the path begins below the entry, with the body's key.
    fn change(
        &mut self,
        section: Section,
        index: usize,
        path: &[&str],
        change: impl FnOnce(&mut Value, &[&str]),
    ) {
        if let Some(entry) = self.section(section).get_mut(index) {
            change(&mut entry.body, path.get(1..).unwrap_or_default());
        }
    }

    /// Whether both hold the same, wherever it stands and in whichever order its keys are.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Section::ALL.into_iter().all(|section| {
            let (one, other) = (self.of(section), other.of(section));
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|(one, other)| one.name == other.name && one.body.is_same(&other.body))
        }) && self.current_context == other.current_context
    }
}

/// The `exec` entry of a user's body.
pub fn exec_of(user: &Value) -> Option<FoundExec> {
    let exec = user.get("exec")?;
    Some(FoundExec {
        install_hint: exec.text_at(&["installHint"]).map(str::to_owned),
        command: exec.text_at(&["command"]).unwrap_or_default().to_owned(),
        arguments: exec
            .get("args")
            .map(Value::items)
            .unwrap_or_default()
            .iter()
            .filter_map(Value::as_text)
            .map(str::to_owned)
            .collect(),
        environment: exec
            .get("env")
            .map(Value::items)
            .unwrap_or_default()
            .iter()
            .filter_map(|item| {
                Some((
                    item.text_at(&["name"])?.to_owned(),
                    item.text_at(&["value"]).unwrap_or_default().to_owned(),
                ))
            })
            .collect(),
    })
}

/// Keys of a user's body that client-go looks at before it runs an exec entry, or instead (`AuthInfo` in
/// `tools/clientcmd/api/v1/types.go`).
pub(crate) const OTHER_CREDENTIALS: [&str; 9] = [
    "token",
    "tokenFile",
    "username",
    "password",
    "client-certificate",
    "client-certificate-data",
    "client-key",
    "client-key-data",
    "auth-provider",
];

/// As whom a user's body signs in; none where that cannot be told, or where it is not an exec entry that decides.
pub fn sign_in_of(user: &Value) -> Option<SignIn> {
    if OTHER_CREDENTIALS.iter().any(|key| user.get(key).is_some()) {
        return None;
    }
    exec_of(user)?.sign_in()
}
