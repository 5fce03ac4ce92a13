//! One writer at a time. The file itself cannot be locked: a rename puts another in its place, and whoever waited for
//! the old one would write over the new. So two things stand beside it while it is changed:
//!
//! * `<file>.eksact.lock`, under the system's advisory lock: every eksact waits there for its turn, and a process that
//!   dies gives it up.
//! * `<file>.lock`, which client-go creates before it writes (`tools/clientcmd/config.go`, `lockFile`): kubectl refuses to
//!   write while it exists. It outlives a process that dies; one that an eksact left behind is known by its content.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::mpsc,
    time::{Duration, Instant, SystemTime},
};

use fs_err as fs;

/// Why the file could not be had for writing.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another eksact is at it, and does not come to an end.
    #[error("the lock {} could not be had within {} s: another eksact holds it", path.display(), waited.as_secs())]
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
    /// The system said no; its text names the file.
    #[error("the kubeconfig could not be locked: {0}")]
    System(#[from] io::Error),
}

/// What eksact writes into client-go's lock file, so that one that was left behind is known as its own.
const MARK: &[u8] = b"eksact\n";
/// How often a lock of kubectl's, which is held for milliseconds, is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The right to write a file, until dropped.
#[derive(Debug)]
pub struct Lock {
    /// Removed before the lock on it is given up, so that nothing is left lying about.
    queue: Option<Queue>,
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
    /// Waits for the right to write `target`, at most for `limit`. `named` is the path as the user gave it, beside which
    /// kubectl would put its lock; it differs from `target` where it is a symbolic link.
    pub fn take(named: &Path, target: &Path, limit: Duration) -> Result<Self, LockError> {
        let begun = Instant::now();
        let mut lock = Self {
            queue: Some(Queue::join(target, limit)?),
            created: Vec::new(),
        };
        lock.create(beside(named, ".lock"), begun, limit)?;
        if named != target {
            lock.create(beside(target, ".lock"), begun, limit)?;
        }
        Ok(lock)
    }

    fn create(&mut self, path: PathBuf, begun: Instant, limit: Duration) -> Result<(), LockError> {
        loop {
            match create_private(&path) {
                Ok(mut file) => {
                    self.created.push(path);
                    // Without the mark it is still a lock, only not known as ours should this process die.
                    let _ = file.write_all(MARK);
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    // Every living eksact that could have made it holds the queue first, and that is us.
                    if self.queue.as_ref().is_some_and(|queue| queue.is_locked)
                        && fs::read(&path).is_ok_and(|content| content == MARK)
                    {
                        let _ = fs::remove_file(&path);
                        continue;
                    }
                    if begun.elapsed() >= limit {
                        let age = age_of(&path);
                        return Err(LockError::LeftBehind { path, age });
                    }
                    std::thread::sleep(LOOK_AGAIN);
                }
                // Where no file can be made beside it kubectl cannot write either.
                Err(error)
                    if is_closed(&error) && self.queue.as_ref().is_some_and(|queue| queue.is_target) =>
                {
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        for path in &self.created {
            let _ = fs::remove_file(path);
        }
        if let Some(queue) = self.queue.take().filter(|queue| !queue.is_target) {
            let _ = fs::remove_file(&queue.path);
        }
    }
}

impl Queue {
    fn join(target: &Path, limit: Duration) -> Result<Self, LockError> {
        let path = beside(target, ".eksact.lock");
        let begun = Instant::now();
        loop {
            let (file, path, is_target) = match open_private(&path) {
                Ok(file) => (file, path.clone(), false),
                Err(error) if is_closed(&error) && target.exists() => {
                    let file = std::fs::File::open(target)?;
                    (file, target.to_owned(), true)
                }
                Err(error) => return Err(error.into()),
            };
            let left = limit.saturating_sub(begun.elapsed());
            let Some((file, is_locked)) = locked_within(file, left)? else {
                return Err(LockError::Held { path, waited: limit });
            };
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

/// Locks `file`; none when that takes longer than `limit`. A system that knows no locks on this file gives it unlocked,
/// and says so: client-go's lock file is left to keep others out.
fn locked_within(file: std::fs::File, limit: Duration) -> io::Result<Option<(std::fs::File, bool)>> {
    match file.try_lock() {
        Ok(()) => return Ok(Some((file, true))),
        Err(std::fs::TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
            return Ok(Some((file, false)));
        }
        Err(std::fs::TryLockError::Error(error)) => return Err(error),
        Err(std::fs::TryLockError::WouldBlock) => {}
    }
    // The system's own queue is fair, and has no time limit: a thread waits in it. If it is given up, it ends with the
    // process.
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let locked = file.lock().map(|()| (file, true));
        let _ = sender.send(locked);
    });
    match receiver.recv_timeout(limit) {
        Ok(locked) => locked.map(Some),
        Err(_) => Ok(None),
    }
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

fn age_of(path: &Path) -> String {
    let seconds = fs::metadata(path)
        .and_then(|metadata| metadata.modified())
        .ok()
        .and_then(|made| SystemTime::now().duration_since(made).ok())
        .map_or(0, |age| age.as_secs());
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn kubectl_is_kept_out_and_nothing_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        let lock = Lock::take(&file, &file, LIMIT).unwrap();
        assert_eq!(names(folder.path()), ["config.eksact.lock", "config.lock"]);
        drop(lock);
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn writers_take_turns() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        fs::write(&file, "0").unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        let _lock = Lock::take(&file, &file, LIMIT).unwrap();
                        let count: u32 = fs::read_to_string(&file).unwrap().parse().unwrap();
                        // By rename, as the kubeconfig is written.
                        let next = tempfile::NamedTempFile::new_in(folder.path()).unwrap();
                        fs::write(next.path(), (count + 1).to_string()).unwrap();
                        next.persist(&file).unwrap();
                    }
                });
            }
        });
        assert_eq!(fs::read_to_string(&file).unwrap(), "80");
        assert_eq!(names(folder.path()), ["config"]);
    }

    #[test]
    fn a_lock_of_kubectls_is_waited_for_and_named_when_it_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        fs::write(folder.path().join("config.lock"), "").unwrap();
        let error = Lock::take(&file, &file, Duration::from_millis(50)).unwrap_err();
        assert!(matches!(&error, LockError::LeftBehind { path, .. } if path.ends_with("config.lock")));
        assert_eq!(names(folder.path()), ["config.lock"], "it is not ours to remove");
    }

    #[test]
    fn a_lock_that_an_eksact_died_with_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        fs::write(folder.path().join("config.lock"), MARK).unwrap();
        fs::write(folder.path().join("config.eksact.lock"), "").unwrap();
        drop(Lock::take(&file, &file, LIMIT).unwrap());
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn an_eksact_that_hangs_is_not_waited_for_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        let _held = Lock::take(&file, &file, LIMIT).unwrap();
        let error = Lock::take(&file, &file, Duration::from_millis(50)).unwrap_err();
        assert!(matches!(error, LockError::Held { .. }), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn two_names_of_one_file_share_a_lock() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("real"), folder.path().join("link"));
        let _held = Lock::take(&file, &file, LIMIT).unwrap();
        let error = Lock::take(&link, &file, Duration::from_millis(50)).unwrap_err();
        assert!(matches!(error, LockError::Held { .. }), "{error}");
    }
}
