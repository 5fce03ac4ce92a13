//! AWS's shared config and credentials files: which they are, what they hold, and a digest of their content.
//!
//! The AWS SDK's own parser reads them, so that a profile here is what it is there. No client, no network, no runtime: a
//! token from keys in a profile is made without any of these.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use aws_config::profile::{self, Profile, ProfileSet};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_types::os_shim_internal::{Env, Fs};
use futures::FutureExt as _;

use super::{Environment, Fingerprint};

/// The profile that is used when none is named.
pub(super) const DEFAULT_PROFILE: &str = "default";

/// The two files, read once.
#[derive(Clone)]
pub struct SharedConfig {
    profiles: ProfileSet,
    /// Digest of the names and contents of both.
    pub digest: Fingerprint,
}

/// Names only: the values hold keys.
impl fmt::Debug for SharedConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SharedConfig")
            .field("profiles", &self.names())
            .finish_non_exhaustive()
    }
}

/// The files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SharedConfigError {
    /// A file is there and cannot be read.
    #[error("the AWS file {} cannot be read: {cause}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// Their content is not what AWS's files are made of. The text names file and line.
    #[error("the AWS config files cannot be used: {0}")]
    Malformed(String),
}

impl SharedConfig {
    /// Reads the files that `AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE` name, else the ones in `~/.aws`. A file
    /// that is not there counts as empty.
    ///
    /// # Errors
    /// When one cannot be read, or is malformed.
    pub fn load(environment: &Environment) -> Result<Self, SharedConfigError> {
        let mut digest = Fingerprint::of("shared config");
        let mut files = EnvConfigFiles::builder();
        for (kind, variable, file) in [
            (EnvConfigFileKind::Config, "AWS_CONFIG_FILE", "config"),
            (
                EnvConfigFileKind::Credentials,
                "AWS_SHARED_CREDENTIALS_FILE",
                "credentials",
            ),
        ] {
            let Some(path) = path(environment, variable, file) else {
                continue;
            };
            let text = read(&path)?;
            digest.add(path.as_os_str().as_encoded_bytes());
            digest.add(text.as_bytes());
            files = files.with_contents(kind, text);
        }
        Ok(Self {
            profiles: parse(&files.build())?,
            digest,
        })
    }

    /// A profile by its name.
    pub fn profile(&self, name: &str) -> Option<&Profile> {
        self.profiles.get_profile(name)
    }

    /// The names of all profiles, sorted.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.profiles.profiles().collect();
        names.sort_unstable();
        names
    }

    /// The profile and those that it builds upon through `source_profile`, each once, the named one first.
    pub fn chain(&self, name: &str) -> Vec<&Profile> {
        let mut chain: Vec<&Profile> = Vec::new();
        let mut next = Some(name);
        while let Some(profile) = next.and_then(|name| self.profile(name)) {
            if chain.iter().any(|seen| seen.name() == profile.name()) {
                break;
            }
            chain.push(profile);
            next = profile.get("source_profile");
        }
        chain
    }
}

/// Where a file is: what the variable says, with `~/` for the home folder, else its place in `~/.aws`.
fn path(environment: &Environment, variable: &str, file: &str) -> Option<PathBuf> {
    match environment.get(variable) {
        Some(path) => match path.strip_prefix("~/") {
            Some(rest) => Some(environment.home()?.join(rest)),
            None => Some(PathBuf::from(path)),
        },
        None => Some(environment.home()?.join(".aws").join(file)),
    }
}

fn read(path: &Path) -> Result<String, SharedConfigError> {
    match std::fs::read(path) {
        Ok(bytes) => String::from_utf8(bytes)
            .map_err(|_| SharedConfigError::Malformed(format!("{} is not UTF-8", path.display()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(cause) => Err(SharedConfigError::Unreadable {
            path: path.to_owned(),
            cause,
        }),
    }
}

/// The SDK's parser is an async function that waits for nothing when it is given contents.
fn parse(files: &EnvConfigFiles) -> Result<ProfileSet, SharedConfigError> {
    profile::load(&Fs::from_slice(&[]), &Env::from_slice(&[]), files, None)
        .now_or_never()
        .ok_or_else(|| SharedConfigError::Malformed("they could not be read at once".to_owned()))?
        .map_err(|error| {
            let mut text = error.to_string();
            let mut source = std::error::Error::source(&error);
            while let Some(cause) = source {
                text = format!("{text}: {cause}");
                source = cause.source();
            }
            SharedConfigError::Malformed(text)
        })
}
