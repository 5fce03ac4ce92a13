//! Files of the cache: only ours to read and write, replaced in one go, with a lock for those who would all make the same
//! entry. What stands in them is not known here.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use super::Environment;

/// More than any entry has.
const MAXIMUM_BYTES: u64 = 64 * 1024;
/// Files that nobody has written for this long are removed: a role's session lasts 12 hours at most.
const KEPT: Duration = Duration::from_hours(24);
/// The beginning of the names that entries have until they are whole.
const UNFINISHED: &str = ".new-";
/// Time between two looks at a lock that another process holds.
const LOCK_INTERVAL: Duration = Duration::from_millis(20);

/// A folder of entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheFolder {
    path: PathBuf,
}

/// Why the cache is not used, or an entry of it.
#[derive(Debug, thiserror::Error)]
pub enum CacheFault {
    /// There is no place for it.
    #[error("there is no cache folder: neither XDG_CACHE_HOME nor HOME names an absolute path")]
    NoPlace,
    /// Something in the folder cannot be read, made or written.
    #[error("{} cannot be {what}: {cause}", path.display())]
    Unusable {
        /// The file or folder.
        path: PathBuf,
        /// `read`, `made`, `written`, `locked`, `removed`.
        what: &'static str,
        /// Why.
        cause: io::Error,
    },
    /// Others can read or write it.
    #[error("{} is not private: {why}", path.display())]
    NotPrivate {
        /// The file or folder.
        path: PathBuf,
        /// Who else.
        why: &'static str,
    },
    /// It is no entry of ours.
    #[error("{} is broken: {why}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// How one waits for a lock that another process holds.
pub struct Patience<'a> {
    /// How long in all.
    pub limit: Duration,
    /// How long without a word.
    pub silent: Duration,
    /// Tells whoever waits, once.
    pub tell: &'a mut dyn FnMut(),
}

/// A lock that ends with the value.
#[derive(Debug)]
pub struct CacheLock {
    _file: File,
}

impl CacheFolder {
    /// The user's folder: `$XDG_CACHE_HOME/eksact`, else `~/.cache/eksact`; on macOS `~/Library/Caches/eksact`, on Windows
    /// `%LOCALAPPDATA%\eksact\cache`. Nothing is made yet.
    ///
    /// # Errors
    /// When the environment names none of these.
    pub fn of_user(environment: &Environment) -> Result<Self, CacheFault> {
        let own = if cfg!(windows) {
            environment
                .absolute_path("LOCALAPPDATA")
                .map(|path| path.join("eksact").join("cache"))
        } else {
            environment
                .absolute_path("XDG_CACHE_HOME")
                .map(|path| path.join("eksact"))
        };
        let in_home = || {
            let folder = if cfg!(target_os = "macos") {
                "Library/Caches/eksact"
            } else {
                ".cache/eksact"
            };
            environment.home().map(|home| home.join(folder))
        };
        own.or_else(in_home)
            .map(|path| Self { path })
            .ok_or(CacheFault::NoPlace)
    }

    /// A folder of the caller's choice.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The path of an entry.
    pub fn entry(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// An entry's content; none when there is no such entry.
    ///
    /// # Errors
    /// When it cannot be read, or when others could have written or read it.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, CacheFault> {
        let path = self.entry(name);
        let unusable = |cause| CacheFault::Unusable {
            path: path.clone(),
            what: "read",
            cause,
        };
        match private_folder(&self.path) {
            Err(CacheFault::Unusable { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => {
                return Ok(None);
            }
            privacy => privacy?,
        }
        let file = match open(&path, OpenOptions::new().read(true)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unusable(error)),
        };
        // Of the open file, not of the name: that could be another one by now.
        private_file(&path, &file.metadata().map_err(unusable)?)?;
        // Enough for any token; one read rather than seven.
        let mut content = Vec::with_capacity(8192);
        file.take(MAXIMUM_BYTES)
            .read_to_end(&mut content)
            .map_err(unusable)?;
        Ok(Some(content))
    }

    /// Puts an entry in the place of the old one, readable for this user only.
    ///
    /// # Errors
    /// When it cannot be written, or the folder is not private.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<(), CacheFault> {
        self.make()?;
        let path = self.entry(name);
        let unusable = |cause| CacheFault::Unusable {
            path: path.clone(),
            what: "written",
            cause,
        };
        let mut file = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .tempfile_in(&self.path)
            .map_err(unusable)?;
        file.write_all(content).map_err(unusable)?;
        file.persist(&path).map_err(|error| unusable(error.error))?;
        self.remove_old();
        Ok(())
    }

    /// Removes an entry, if it is there.
    ///
    /// # Errors
    /// When it stays.
    pub fn remove(&self, name: &str) -> Result<(), CacheFault> {
        let path = self.entry(name);
        match fs::remove_file(&path) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(CacheFault::Unusable {
                path,
                what: "removed",
                cause,
            }),
            _ => Ok(()),
        }
    }

    /// Removes all tokens. Credentials and locks stay.
    ///
    /// # Errors
    /// When one stays.
    pub fn remove_tokens(&self) -> Result<(), CacheFault> {
        for name in self.names() {
            if Entry::named(&name) == Some(Entry::Token) {
                self.remove(&name)?;
            }
        }
        Ok(())
    }

    /// Waits for the lock `name`, as long as the patience lasts; none when another process holds it still, or where the file
    /// system has no locks. Entries are replaced in one go, so without one they are only made more often than need be.
    ///
    /// # Errors
    /// When there can be no lock here.
    pub fn lock(&self, name: &str, patience: &mut Patience<'_>) -> Result<Option<CacheLock>, CacheFault> {
        self.make()?;
        let path = self.entry(name);
        let unusable = |cause| CacheFault::Unusable {
            path: path.clone(),
            what: "locked",
            cause,
        };
        let begun = Instant::now();
        let mut told = false;
        loop {
            let mut options = OpenOptions::new();
            let file =
                open(&path, options.read(true).write(true).create(true).truncate(false)).map_err(unusable)?;
            private_file(&path, &file.metadata().map_err(unusable)?)?;
            match file.try_lock() {
                Ok(()) if stands_at(&file, &path) => return Ok(Some(CacheLock { _file: file })),
                // It was removed as an old one in this very moment: another one counts.
                Ok(()) => {}
                Err(TryLockError::Error(cause)) if knows_no_locks(&cause) => return Ok(None),
                Err(TryLockError::Error(cause)) => return Err(unusable(cause)),
                Err(TryLockError::WouldBlock) => {
                    let waited = begun.elapsed();
                    if waited >= patience.limit {
                        return Ok(None);
                    }
                    if waited >= patience.silent && !told {
                        told = true;
                        (patience.tell)();
                    }
                    std::thread::sleep(LOCK_INTERVAL);
                }
            }
        }
    }

    fn make(&self) -> Result<(), CacheFault> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.path).map_err(|cause| CacheFault::Unusable {
            path: self.path.clone(),
            what: "made",
            cause,
        })?;
        private_folder(&self.path)
    }

    /// The names in the folder that are text; ours all are.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.path).into_iter().flatten();
        entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect()
    }

    /// Removes our own entries and locks that time has gone over. What is not ours stays, and what cannot be removed.
    fn remove_old(&self) {
        let now = SystemTime::now();
        for name in self.names() {
            let Some(entry) = Entry::named(&name) else {
                continue;
            };
            let path = self.entry(&name);
            let is_old = fs::symlink_metadata(&path).is_ok_and(|metadata| {
                metadata.is_file()
                    && metadata
                        .modified()
                        .is_ok_and(|modified| now.duration_since(modified).is_ok_and(|age| age > KEPT))
            });
            if !is_old {
                continue;
            }
            // A lock goes while it is held here: one who opened it before sees then that it no longer stands there.
            let held = (entry == Entry::Lock).then(|| hold(&path));
            if !matches!(held, Some(None)) {
                let _ = fs::remove_file(&path);
            }
        }
    }
}

/// What a file of ours is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    Token,
    Credentials,
    Lock,
    Unfinished,
}

impl Entry {
    /// None for a name that is not ours.
    fn named(name: &str) -> Option<Self> {
        let key = |text: Option<&str>| {
            text.is_some_and(|key| {
                key.len() == 64 && key.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            })
        };
        if key(name.strip_suffix(".lock")) {
            return Some(Self::Lock);
        }
        if let Some(rest) = name.strip_prefix(UNFINISHED) {
            // As tempfile writes them.
            let ours = rest.len() == 6 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
            return ours.then_some(Self::Unfinished);
        }
        let stem = name.strip_suffix(".json")?;
        if key(stem.strip_prefix("token-")) {
            Some(Self::Token)
        } else {
            key(stem.strip_prefix("credentials-")).then_some(Self::Credentials)
        }
    }
}

/// Opens a file and not what a link leads to, and does not wait: a pipe that stands there would hold kubectl for ever.
fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;

        use rustix::fs::OFlags;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        options.mode(0o600).custom_flags(flags.bits().cast_signed());
    }
    options.open(path)
}

/// Whether the file system has no locks: it does not know the call, or (NFS without its lock service) has none left.
fn knows_no_locks(error: &io::Error) -> bool {
    #[cfg(unix)]
    let has_none_left = error.raw_os_error() == Some(rustix::io::Errno::NOLCK.raw_os_error());
    #[cfg(not(unix))]
    let has_none_left = false;
    has_none_left || error.kind() == io::ErrorKind::Unsupported
}

/// A lock that nobody else holds.
fn hold(path: &Path) -> Option<File> {
    open(path, OpenOptions::new().read(true).write(true))
        .ok()
        .filter(|file| file.try_lock().is_ok())
}

/// Whether the path still leads to this open file.
#[cfg(unix)]
fn stands_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(open), Ok(there)) => (open.dev(), open.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// Elsewhere what is open is not removed.
#[cfg(not(unix))]
fn stands_at(_: &File, _: &Path) -> bool {
    true
}

#[cfg(unix)]
fn private_file(path: &Path, metadata: &fs::Metadata) -> Result<(), CacheFault> {
    use std::os::unix::fs::MetadataExt as _;
    let why = if !metadata.is_file() {
        "it is not a regular file"
    } else if metadata.uid() != rustix::process::geteuid().as_raw() {
        "it belongs to another user"
    } else if metadata.mode() & 0o077 != 0 {
        "others can read or write it (its mode should be 0600)"
    } else {
        return Ok(());
    };
    Err(CacheFault::NotPrivate {
        path: path.to_owned(),
        why,
    })
}

#[cfg(unix)]
fn private_folder(path: &Path) -> Result<(), CacheFault> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = fs::metadata(path).map_err(|cause| CacheFault::Unusable {
        path: path.to_owned(),
        what: "read",
        cause,
    })?;
    let why = if metadata.uid() != rustix::process::geteuid().as_raw() {
        "it belongs to another user"
    } else if metadata.mode() & 0o022 != 0 {
        "others can write into it (its mode should be 0700)"
    } else {
        return Ok(());
    };
    Err(CacheFault::NotPrivate {
        path: path.to_owned(),
        why,
    })
}

/// Elsewhere the user's folder is private by the rules of its parent.
#[cfg(not(unix))]
fn private_file(_: &Path, _: &fs::Metadata) -> Result<(), CacheFault> {
    Ok(())
}

#[cfg(not(unix))]
fn private_folder(_: &Path) -> Result<(), CacheFault> {
    Ok(())
}
