//! Turns are taken, kubectl is kept out, and nothing is left behind or waited for in vain.

use super::*;

fn waiting(limit: Duration) -> Waiting<'static> {
    Waiting {
        limit,
        is_given_up: &|| false,
        tell: &|_| {},
    }
}

/// Waits for as long as a busy machine may need.
fn take(named: &Path, target: &Path) -> Result<Lock, LockError> {
    Lock::take(named, target, &waiting(Duration::from_secs(20)))
}

/// Waits hardly at all.
fn try_take(named: &Path, target: &Path) -> Result<Lock, LockError> {
    Lock::take(named, target, &waiting(Duration::from_millis(50)))
}

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
    let lock = take(&file, &file).unwrap();
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
                    let _lock = take(&file, &file).unwrap();
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
fn lock_of_kubectls_is_waited_for_and_named_when_it_stays() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    fs::write(folder.path().join("config.lock"), "").unwrap();
    let error = try_take(&file, &file).unwrap_err();
    assert!(matches!(&error, LockError::LeftBehind { path, .. } if path.ends_with("config.lock")));
    assert_eq!(names(folder.path()), ["config.lock"], "it is not ours to remove");
}

#[test]
fn lock_that_an_eksact_died_with_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    fs::write(folder.path().join("config.lock"), MARK).unwrap();
    fs::write(folder.path().join("config.eksact.lock"), "").unwrap();
    drop(take(&file, &file).unwrap());
    assert!(names(folder.path()).is_empty());
}

#[test]
fn eksact_that_hangs_is_not_waited_for_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    let _held = take(&file, &file).unwrap();
    let error = try_take(&file, &file).unwrap_err();
    assert!(matches!(error, LockError::Held { .. }), "{error}");
}

#[cfg(unix)]
#[test]
fn lock_is_shared_by_two_names_of_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("real"), folder.path().join("link"));
    let _held = take(&file, &file).unwrap();
    let error = try_take(&link, &file).unwrap_err();
    assert!(matches!(error, LockError::Held { .. }), "{error}");
}

#[cfg(unix)]
#[test]
fn lock_is_shared_by_two_names_of_one_content() {
    let folder = tempfile::tempdir().unwrap();
    let (file, other) = (folder.path().join("config"), folder.path().join("other"));
    fs::write(&file, "").unwrap();
    fs::hard_link(&file, &other).unwrap();
    let held = take(&file, &file).unwrap();
    let error = try_take(&other, &other).unwrap_err();
    assert!(
        matches!(&error, LockError::Held { path, .. } if *path == other),
        "{error}"
    );
    drop(held);
    try_take(&other, &other).unwrap();
}

#[cfg(unix)]
#[test]
fn while_the_second_lock_is_waited_for_the_first_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("real"), folder.path().join("link"));
    let theirs = folder.path().join("real.lock");
    fs::write(&theirs, "").unwrap();
    let is_first_free = std::cell::Cell::new(false);
    let waiting = Waiting {
        limit: Duration::from_secs(20),
        is_given_up: &|| {
            is_first_free.set(!folder.path().join("link.lock").exists());
            true
        },
        tell: &|_| {},
    };
    let error = Lock::take(&link, &file, &waiting).unwrap_err();
    assert!(
        matches!(&error, LockError::Interrupted { path } if *path == theirs),
        "{error}"
    );
    assert!(is_first_free.get());
    assert_eq!(names(folder.path()), ["real.lock"]);
}

#[test]
fn old_lock_of_kubectls_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    let old = fs::File::create(folder.path().join("config.lock")).unwrap();
    let three_days = Duration::from_hours(72);
    old.file()
        .set_modified(SystemTime::now().checked_sub(three_days).unwrap())
        .unwrap();
    let waiting = Waiting {
        limit: Duration::MAX,
        is_given_up: &|| panic!("it is waited for"),
        tell: &|_| {},
    };
    let error = Lock::take(&file, &file, &waiting).unwrap_err();
    assert!(error.to_string().contains("has been there for 3 days"), "{error}");
}

#[cfg(unix)]
#[test]
fn network_file_systems_without_locks_are_written_all_the_same() {
    let error = |errno: rustix::io::Errno| io::Error::from_raw_os_error(errno.raw_os_error());
    assert!(knows_no_locks(&error(rustix::io::Errno::NOLCK)));
    assert!(knows_no_locks(&error(rustix::io::Errno::NOSYS)));
    assert!(!knows_no_locks(&error(rustix::io::Errno::BADF)));
}
