//! One writer at a time. The file itself cannot be locked: a rename puts another in its place, and whoever waited for
//! the old one would write over the new. So two things stand beside it while it is changed:
//!
//! * `<file>.eksact.lock`, under the system's advisory lock: every eksact waits there for its turn, and a process that
//!   dies gives it up.
//! * The file itself is locked as well: one with two names (hard links, or mounted at two places) is written in place and
//!   so stays the same, and whoever writes it under its other name has another lock beside it.
//! * `<file>.lock`, which client-go creates before it writes (`tools/clientcmd/config.go`, `lockFile`): kubectl refuses to
//!   write while it exists. It outlives a process that dies; one that an eksact left behind is known by its content.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::mpsc,
    time::{Duration, Instant, SystemTime},
};

use fs_err as fs;

use eksact_message::duration::in_words;

/// Why the file could not be had for writing.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another eksact is at it, and does not come to an end.
    #[error("the lock {} could not be acquired within {}: another eksact holds it", path.display(), in_words(*waited))]
    Held {
        /// The lock file.
        path: PathBuf,
        /// How long it was waited for.
        waited: Duration,
    },
    /// client-go's lock file is there and stays.
    #[error(
        "{} has been there for {age}: kubectl makes this file while it writes the kubeconfig. If no kubectl is running, \
         one that was stopped has left it behind: delete it",
        path.display()
    )]
    LeftBehind {
        /// The lock file.
        path: PathBuf,
        /// How old it is, in words.
        age: String,
    },
    /// The user has given up.
    #[error("interrupted while waiting for {}", path.display())]
    Interrupted {
        /// What was waited for.
        path: PathBuf,
    },
    /// The system said no; its text names the file.
    #[error("the lock could not be taken: {0}")]
    System(#[from] io::Error),
}

/// What eksact writes into client-go's lock file, so that one that was left behind is known as its own.
const MARK: &[u8] = b"eksact\n";
/// How often a lock of kubectl's, which is held for milliseconds, is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A lock file of kubectl's this old is no living kubectl's.
const STALE: Duration = Duration::from_mins(1);
/// How long nothing is said of a wait.
const SILENCE: Duration = Duration::from_secs(1);

/// How others are waited for.
pub struct Waiting<'w> {
    /// At most so long.
    pub limit: Duration,
    /// Whether the user has given up.
    pub is_given_up: &'w dyn Fn() -> bool,
    /// Is told once for what it is waited, if that takes longer than a moment.
    pub tell: &'w dyn Fn(&Path),
}

/// A wait that has begun.
struct Wait<'w> {
    waiting: &'w Waiting<'w>,
    begun: Instant,
    is_told: bool,
}

impl Wait<'_> {
    /// Whether to look for `path` once more.
    fn goes_on(&mut self, path: &Path) -> Result<bool, LockError> {
        if (self.waiting.is_given_up)() {
            return Err(LockError::Interrupted {
                path: path.to_owned(),
            });
        }
        let waited = self.begun.elapsed();
        if waited >= SILENCE && !self.is_told {
            self.is_told = true;
            (self.waiting.tell)(path);
        }
        Ok(waited < self.waiting.limit)
    }
}

/// The right to write a file, until dropped.
#[derive(Debug)]
pub struct Lock {
    /// Removed before the lock on it is given up, so that nothing is left lying about.
    queue: Option<Queue>,
    /// The kubeconfig, locked as long as it is open; none where there is no such file yet.
    _content: Option<std::fs::File>,
    /// Lock files of client-go's that are ours.
    created: Vec<PathBuf>,
}

#[derive(Debug)]
struct Queue {
    path: PathBuf,
    /// Locked as long as it is open.
    _file: std::fs::File,
    /// Whether this is the kubeconfig itself, in a folder that takes no new files.
    is_target: bool,
    /// Whether it is really locked: some network file systems know no locks.
    is_locked: bool,
}

impl Lock {
    /// Waits for the right to write `target`. `named` is the path as the user gave it, beside which kubectl would put its
    /// lock; it differs from `target` where it is a symbolic link.
    pub fn take(named: &Path, target: &Path, waiting: &Waiting<'_>) -> Result<Self, LockError> {
        let mut wait = Wait {
            waiting,
            begun: Instant::now(),
            is_told: false,
        };
        let queue = Queue::join(target, &mut wait)?;
        // In a closed folder the file is the queue.
        let content = if queue.is_target {
            None
        } else {
            lock_content(target, &mut wait)?
        };
        let mut lock = Self {
            queue: Some(queue),
            _content: content,
            created: Vec::new(),
        };
        let mut paths = vec![beside(named, ".lock")];
        if named != target {
            paths.push(beside(target, ".lock"));
        }
        while let Some(path) = lock.first_taken(&paths)? {
            // Whoever waits for one with another in hand keeps kubectl out for nothing, and leaves it behind when killed.
            lock.give_back();
            if age_of(&path) >= STALE || !wait.goes_on(&path)? {
                let age = in_words(age_of(&path));
                return Err(LockError::LeftBehind { path, age });
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        Ok(lock)
    }

    /// Waits for the right to write a file that no kubectl writes: among eksact's own processes alone.
    ///
    /// # Errors
    /// When another eksact does not come to an end, or the system says no.
    pub fn take_turn(target: &Path, waiting: &Waiting<'_>) -> Result<Self, LockError> {
        let mut wait = Wait {
            waiting,
            begun: Instant::now(),
            is_told: false,
        };
        let queue = Queue::join(target, &mut wait)?;
        Ok(Self {
            queue: Some(queue),
            _content: None,
            created: Vec::new(),
        })
    }

    /// Creates client-go's lock files, as far as none of them is there. Gives the one that is.
    fn first_taken(&mut self, paths: &[PathBuf]) -> Result<Option<PathBuf>, LockError> {
        for path in paths {
            match create_private(path) {
                Ok(mut file) => {
                    self.created.push(path.clone());
                    // Without the mark it is still a lock, only not known as ours should this process die.
                    let _ = file.write_all(MARK);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    // Every living eksact that could have made it holds the queue first, and that is us.
                    if self.queue.as_ref().is_some_and(|queue| queue.is_locked)
                        && fs::read(path).is_ok_and(|content| content == MARK)
                    {
                        let _ = fs::remove_file(path);
                        return self.first_taken_again(paths);
                    }
                    return Ok(Some(path.clone()));
                }
                // Where no file can be made kubectl makes none either, and so does not write.
                Err(error) if is_closed(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    fn first_taken_again(&mut self, paths: &[PathBuf]) -> Result<Option<PathBuf>, LockError> {
        self.give_back();
        self.first_taken(paths)
    }

    fn give_back(&mut self) {
        for path in self.created.drain(..) {
            let _ = fs::remove_file(path);
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.give_back();
        if let Some(queue) = self.queue.take().filter(|queue| !queue.is_target) {
            let _ = fs::remove_file(&queue.path);
        }
    }
}

impl Queue {
    fn join(target: &Path, wait: &mut Wait<'_>) -> Result<Self, LockError> {
        let path = beside(target, ".eksact.lock");
        loop {
            let (file, path, is_target) = match open_private(&path) {
                Ok(file) => (file, path.clone(), false),
                Err(error) if is_closed(&error) && target.exists() => {
                    let file = std::fs::File::open(target)?;
                    (file, target.to_owned(), true)
                }
                Err(error) => return Err(error.into()),
            };
            let (file, is_locked) = locked(file, &path, wait)?;
            // The one before may have removed the file while this one waited: then somebody else may hold its successor.
            if is_target || is_at(&file, &path) {
                return Ok(Self {
                    path,
                    _file: file,
                    is_target,
                    is_locked,
                });
            }
        }
    }
}

/// Locks the kubeconfig itself; none where there is none, or none that can be read.
#[cfg(unix)]
fn lock_content(target: &Path, wait: &mut Wait<'_>) -> Result<Option<std::fs::File>, LockError> {
    loop {
        // A pipe would be waited for; that it is no file is told when it is read.
        if !target.is_file() {
            return Ok(None);
        }
        let Ok(file) = std::fs::File::open(target) else {
            return Ok(None);
        };
        let (file, _) = locked(file, target, wait)?;
        if is_at(&file, target) {
            return Ok(Some(file));
        }
    }
}

/// Elsewhere a lock on a file keeps its owner from reading it by another handle.
#[cfg(not(unix))]
fn lock_content(_: &Path, _: &mut Wait<'_>) -> Result<Option<std::fs::File>, LockError> {
    Ok(None)
}

/// Locks `file`, which is at `path`. A system that knows no locks on this file gives it unlocked, and says so: client-go's
/// lock file is left to keep others out.
fn locked(file: std::fs::File, path: &Path, wait: &mut Wait<'_>) -> Result<(std::fs::File, bool), LockError> {
    match file.try_lock() {
        Ok(()) => return Ok((file, true)),
        Err(std::fs::TryLockError::Error(error)) if knows_no_locks(&error) => return Ok((file, false)),
        Err(std::fs::TryLockError::Error(error)) => return Err(error.into()),
        Err(std::fs::TryLockError::WouldBlock) => {}
    }
    // The system's own queue is fair, and has no time limit: a thread waits in it. If it is given up, it ends with the
    // process.
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let locked = file.lock().map(|()| (file, true));
        let _ = sender.send(locked);
    });
    loop {
        match receiver.recv_timeout(LOOK_AGAIN) {
            Ok(locked) => return Ok(locked?),
            Err(_) if wait.goes_on(path)? => {}
            Err(_) => {
                return Err(LockError::Held {
                    path: path.to_owned(),
                    waited: wait.waiting.limit,
                });
            }
        }
    }
}

/// Whether the file system has no locks: it says that it does not know the call, or (NFS without its lock service) that it
/// has none left.
fn knows_no_locks(error: &io::Error) -> bool {
    #[cfg(unix)]
    let has_none_left = error.raw_os_error() == Some(rustix::io::Errno::NOLCK.raw_os_error());
    #[cfg(not(unix))]
    let has_none_left = false;
    has_none_left || error.kind() == io::ErrorKind::Unsupported
}

/// `path` with `suffix` behind its file name.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

/// Whether the folder takes no new files.
fn is_closed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
    )
}

fn create_private(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    make_private(&mut options);
    options.open(path)
}

fn open_private(path: &Path) -> io::Result<std::fs::File> {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    make_private(&mut options);
    options.open(path).map(fs::File::into_file)
}

#[cfg(unix)]
fn make_private(options: &mut fs::OpenOptions) {
    use fs_err::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600);
}

#[cfg(not(unix))]
fn make_private(_: &mut fs::OpenOptions) {}

/// Whether `file` is still the one at `path`.
#[cfg(unix)]
fn is_at(file: &std::fs::File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

/// Other systems do not remove a file that somebody has open.
#[cfg(not(unix))]
fn is_at(_: &std::fs::File, _: &Path) -> bool {
    true
}

fn age_of(path: &Path) -> Duration {
    fs::metadata(path)
        .and_then(|metadata| metadata.modified())
        .ok()
        .and_then(|made| SystemTime::now().duration_since(made).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
