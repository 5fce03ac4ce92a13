//! What a kubeconfig holds, as far as it matters here: three lists of named entries, and which context is current.

use super::{
    exec_entry::{FoundExec, SignIn},
    value::{Section, Value},
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
pub(super) const OTHER_CREDENTIALS: [&str; 9] = [
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
