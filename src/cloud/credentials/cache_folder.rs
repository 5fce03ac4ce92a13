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
        /// `read`, `made`, `written`, `locked`.
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
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unusable(error)),
        };
        private_folder(&self.path)?;
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
            .prefix(".new-")
            .tempfile_in(&self.path)
            .map_err(unusable)?;
        file.write_all(content).map_err(unusable)?;
        file.persist(&path).map_err(|error| unusable(error.error))?;
        self.remove_old();
        Ok(())
    }

    /// Waits for the lock `name`, for as long as `limit`; none when another process holds it still.
    ///
    /// # Errors
    /// When there can be no lock here.
    pub fn lock(&self, name: &str, limit: Duration) -> Result<Option<CacheLock>, CacheFault> {
        self.make()?;
        let path = self.entry(name);
        let unusable = |cause| CacheFault::Unusable {
            path: path.clone(),
            what: "locked",
            cause,
        };
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(unusable)?;
        let deadline = Instant::now() + limit;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(CacheLock { _file: file })),
                Err(TryLockError::Error(cause)) => return Err(unusable(cause)),
                Err(TryLockError::WouldBlock) if Instant::now() >= deadline => return Ok(None),
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_INTERVAL),
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

    /// Removes entries and locks that time has gone over. What cannot be removed stays.
    fn remove_old(&self) {
        let Ok(entries) = fs::read_dir(&self.path) else {
            return;
        };
        let now = SystemTime::now();
        for entry in entries.flatten() {
            let is_old = entry
                .metadata()
                .and_then(|metadata| metadata.modified())
                .is_ok_and(|modified| now.duration_since(modified).is_ok_and(|age| age > KEPT));
            if is_old {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

#[cfg(unix)]
fn private_file(path: &Path, metadata: &fs::Metadata) -> Result<(), CacheFault> {
    use std::os::unix::fs::MetadataExt as _;
    let why = if !metadata.is_file() {
        "it is no plain file"
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
