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

use super::{Environment, Fingerprint, environment::switch};

/// The profile that is used when none is named.
pub(super) const DEFAULT_PROFILE: &str = "default";

const CONFIG_VARIABLE: &str = "AWS_CONFIG_FILE";
const CONFIG_NAME: &str = "config";

/// The two files, read once.
#[derive(Clone)]
pub struct SharedConfig {
    profiles: ProfileSet,
    files: EnvConfigFiles,
    /// Digest of the names and contents of both.
    pub digest: Fingerprint,
    /// Files that are of no use, and why nothing fails for it.
    pub warnings: Vec<String>,
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
    /// Its content is not what AWS's files are made of.
    #[error("the AWS file {} cannot be used: {why}", path.display())]
    Malformed {
        /// Which.
        path: PathBuf,
        /// Line and reason, without what stands there.
        why: String,
    },
}

impl SharedConfig {
    /// Reads the files that `AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE` name, else the ones in `~/.aws`. A file
    /// that is not there counts as empty; so does, with a warning, one in a home folder that cannot be looked into, as in
    /// many a container: nobody asked for that one.
    ///
    /// # Errors
    /// When one cannot be read, or is malformed.
    pub fn load(environment: &Environment) -> Result<Self, SharedConfigError> {
        Self::load_with(environment, None)
    }

    /// The same as if the config file had this content.
    ///
    /// # Errors
    /// When the other file cannot be read, or one is malformed.
    pub fn with_config(environment: &Environment, content: &str) -> Result<Self, SharedConfigError> {
        Self::load_with(environment, Some(content))
    }

    /// Where the config file is, or would be; none without a home folder.
    pub fn config_path(environment: &Environment) -> Option<PathBuf> {
        path(environment, CONFIG_VARIABLE, CONFIG_NAME)
    }

    fn load_with(environment: &Environment, config: Option<&str>) -> Result<Self, SharedConfigError> {
        let mut digest = Fingerprint::of("shared config");
        let mut warnings = Vec::new();
        let mut files = EnvConfigFiles::builder();
        let mut read_files = Vec::new();
        for (kind, variable, file) in [
            (EnvConfigFileKind::Config, CONFIG_VARIABLE, CONFIG_NAME),
            (
                EnvConfigFileKind::Credentials,
                "AWS_SHARED_CREDENTIALS_FILE",
                "credentials",
            ),
        ] {
            let mut text = String::new();
            if let Some(path) = path(environment, variable, file) {
                let given = config.filter(|_| variable == CONFIG_VARIABLE);
                text = match given.map_or_else(|| read(&path), |given| Ok(given.to_owned())) {
                    Err(SharedConfigError::Unreadable { cause, .. })
                        if environment.get(variable).is_none() && is_out_of_reach(&cause) =>
                    {
                        // Mostly both are, for one reason.
                        if warnings.is_empty() {
                            warnings.push(format!(
                                "{} cannot be read and is treated as empty, as is any other that cannot be \
                                 read: {cause}",
                                path.display()
                            ));
                        }
                        String::new()
                    }
                    read => read?,
                };
                digest.add(path.as_os_str().as_encoded_bytes());
                digest.add(text.as_bytes());
                read_files.push((kind, path, text.clone()));
            }
            // Without any the SDK's builder panics, so an empty one stands for none.
            files = files.with_contents(kind, text);
        }
        let files = files.build();
        let profiles = parse(&files).map_err(|why| culprit(read_files, why))?;
        Ok(Self {
            profiles,
            files,
            digest,
            warnings,
        })
    }

    /// No file at all, and a word why.
    pub(super) fn without_files(warning: String) -> Self {
        Self {
            profiles: ProfileSet::default(),
            files: EnvConfigFiles::builder()
                .with_contents(EnvConfigFileKind::Config, "")
                .build(),
            digest: Fingerprint::of("shared config"),
            warnings: vec![warning],
        }
    }

    /// The files as they were read, for the SDK: it need not read them again, and a pipe gives its content only once.
    pub fn files(&self) -> EnvConfigFiles {
        self.files.clone()
    }

    /// What a switch of a profile says.
    pub fn switch(&self, profile: &str, key: &str) -> Option<bool> {
        self.profile(profile)?.get(key).and_then(switch)
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
        Ok(bytes) => String::from_utf8(bytes).map_err(|_| SharedConfigError::Malformed {
            path: path.to_owned(),
            why: "it is not UTF-8".to_owned(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(cause) => Err(SharedConfigError::Unreadable {
            path: path.to_owned(),
            cause,
        }),
    }
}

/// Whether the way to a file is barred: a folder on it is none, or may not be entered, or the file may not be read.
fn is_out_of_reach(cause: &io::Error) -> bool {
    matches!(
        cause.kind(),
        io::ErrorKind::NotADirectory | io::ErrorKind::PermissionDenied
    )
}

/// A config file alone.
#[cfg(test)]
pub(crate) fn in_memory(config: &str) -> Result<SharedConfig, SharedConfigError> {
    let variables = [
        ("AWS_CONFIG_FILE", "/nowhere/a"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/nowhere/b"),
    ];
    SharedConfig::with_config(&variables.into_iter().collect(), config)
}

/// The SDK's parser is an async function that waits for nothing when it is given contents.
fn parse(files: &EnvConfigFiles) -> Result<ProfileSet, String> {
    profile::load(&Fs::from_slice(&[]), &Env::from_slice(&[]), files, None)
        .now_or_never()
        .ok_or_else(|| "it could not be read at once".to_owned())?
        .map_err(|error| {
            let mut text = error.to_string();
            let mut source = std::error::Error::source(&error);
            while let Some(cause) = source {
                text = cause.to_string();
                source = cause.source();
            }
            // The parser says `error parsing PATH on line N:`, and knows no path where it is given contents.
            let text = match text.split_once(" on line ") {
                Some((_, rest)) => format!("line {rest}"),
                None => text,
            };
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        })
}

/// Which of the files is malformed: the one that is so by itself.
fn culprit(files: Vec<(EnvConfigFileKind, PathBuf, String)>, why: String) -> SharedConfigError {
    let mut last = PathBuf::new();
    for (kind, path, text) in files {
        let alone = EnvConfigFiles::builder().with_contents(kind, text).build();
        if let Err(why) = parse(&alone) {
            return SharedConfigError::Malformed { path, why };
        }
        last = path;
    }
    SharedConfigError::Malformed { path: last, why }
}
