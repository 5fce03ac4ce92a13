//! The process's environment, taken once: what the look-up of credentials reads is then a value that tests can make.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt,
    path::PathBuf,
};

/// Variables by name.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
}

impl Environment {
    /// Those of this process.
    pub fn of_process() -> Self {
        std::env::vars_os().collect()
    }

    /// The value of a variable that is set, is text, and is not blank.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables
            .get(OsStr::new(name))
            .and_then(|value| value.to_str())
            .filter(|value| !value.trim().is_empty())
    }

    /// A variable that holds an absolute path.
    pub fn absolute_path(&self, name: &str) -> Option<PathBuf> {
        self.variables
            .get(OsStr::new(name))
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    }

    /// What a switch says, as the AWS SDKs read theirs: `true` or `false` in any case; none for everything else.
    pub fn switch(&self, name: &str) -> Option<bool> {
        self.get(name).and_then(switch)
    }

    /// The home folder.
    pub fn home(&self) -> Option<PathBuf> {
        self.absolute_path("HOME")
            .or_else(|| self.absolute_path("USERPROFILE"))
    }

    /// All variables of the AWS SDKs, in the order of their names.
    pub fn of_aws(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.variables
            .iter()
            .filter(|(name, _)| name.as_encoded_bytes().starts_with(b"AWS_"))
            .map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }
}

/// What the text of a switch says.
pub(super) fn switch(text: &str) -> Option<bool> {
    text.trim().to_ascii_lowercase().parse().ok()
}

impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self {
            variables: variables
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        }
    }
}

/// Names only: values may be keys.
impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.variables.keys()).finish()
    }
}
