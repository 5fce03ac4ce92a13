//! Reading a kubeconfig and putting a new one in its place, so that nobody ever reads half a file: written beside it,
//! flushed to the disk, renamed. What cannot be renamed over (a file that is mounted into a container) is written in
//! place, with a backup beside it until that is done. What is in the file is no matter of this module's.

use std::{
    fmt,
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
};

use fs_err as fs;

/// The largest file that is read: 16 MiB, some twenty thousand clusters.
pub const MAXIMUM_BYTES: u64 = 16 * 1024 * 1024;
/// The most symbolic links that are followed, as in Linux.
const MAXIMUM_LINKS: usize = 40;

/// Why a file could not be read or written. The system's text names the file.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It is no file that can be read and replaced.
    #[error("{} is {what}, not a file", path.display())]
    NoFile {
        /// The path.
        path: PathBuf,
        /// `a folder`, `a device or a pipe`.
        what: &'static str,
    },
    /// It is larger than any kubeconfig.
    #[error("{} has {bytes} bytes; at most {MAXIMUM_BYTES} are read", path.display())]
    TooLarge {
        /// The path.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// Symbolic links that lead in a circle.
    #[error("{} is a symbolic link that forms a loop", path.display())]
    LinkCircle {
        /// The path.
        path: PathBuf,
    },
    /// It could not be read.
    #[error("the file could not be read: {0}")]
    Read(#[source] io::Error),
    /// It could not be written, and is as it was.
    #[error("the file could not be written, and is unchanged: {0}")]
    Write(#[source] io::Error),
    /// Writing it in place failed half way.
    #[error(
        "{} could not be written: {cause}. It may be incomplete; what was in it is in {}",
        path.display(), backup.display()
    )]
    Incomplete {
        /// The path.
        path: PathBuf,
        /// Where the former content is.
        backup: PathBuf,
        /// The system's words.
        cause: io::Error,
    },
}

/// A file that was found.
#[derive(Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its bytes.
    pub content: Vec<u8>,
    /// Its mode bits, where the system has them.
    pub mode: Option<u32>,
}

impl fmt::Debug for Stored {
    /// Without the content: it may hold credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored")
            .field("bytes", &self.content.len())
            .field("mode", &self.mode)
            .finish()
    }
}

impl Stored {
    /// Whether others than the owner may read or change it.
    pub fn is_open_to_others(&self) -> bool {
        self.mode.is_some_and(|mode| mode & 0o077 != 0)
    }
}

/// How a file was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// By rename.
    Replaced,
    /// In place, because a rename is not possible there or would cut its other names or owner off.
    InPlace,
}

/// The file behind the symbolic links of `path`; it need not exist.
pub fn target_of(path: &Path) -> Result<PathBuf, StoreError> {
    let mut target = path.to_owned();
    for _ in 0..MAXIMUM_LINKS {
        match fs::symlink_metadata(&target) {
            Ok(metadata) if metadata.is_symlink() => {
                let link = fs::read_link(&target).map_err(StoreError::Read)?;
                target = match target.parent() {
                    Some(folder) => folder.join(link),
                    None => link,
                };
            }
            _ => return Ok(target),
        }
    }
    Err(StoreError::LinkCircle {
        path: path.to_owned(),
    })
}

/// The file at `target`; none where there is none.
pub fn read(target: &Path) -> Result<Option<Stored>, StoreError> {
    let metadata = match fs::metadata(target) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::Read(error)),
    };
    if !metadata.is_file() {
        return Err(StoreError::NoFile {
            path: target.to_owned(),
            what: if metadata.is_dir() {
                "a folder"
            } else {
                "a device or a pipe"
            },
        });
    }
    if metadata.len() > MAXIMUM_BYTES {
        return Err(StoreError::TooLarge {
            path: target.to_owned(),
            bytes: metadata.len(),
        });
    }
    let mut content = Vec::new();
    // It may grow while it is read.
    fs::File::open(target)
        .and_then(|file| file.take(MAXIMUM_BYTES + 1).read_to_end(&mut content))
        .map_err(StoreError::Read)?;
    Ok(Some(Stored {
        content,
        mode: mode_of(&metadata),
    }))
}

/// Makes the folder of `target`, for its user alone, if it is missing.
pub fn make_folder(target: &Path) -> Result<(), StoreError> {
    let folder = folder_of(target);
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder).map_err(|error| {
        let text = format!("failed to create the folder {}: {error}", folder.display());
        StoreError::Write(io::Error::new(error.kind(), text))
    })
}

/// Puts `content` in the place of what is at `target`, whose lock the caller holds. The mode of an existing file is
/// kept, a new one is its user's alone.
pub fn write(target: &Path, content: &[u8]) -> Result<Written, StoreError> {
    let existing = match fs::metadata(target) {
        Ok(metadata) => Some(metadata),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(StoreError::Write(error)),
    };
    // The text of the error names the unfinished file beside it.
    let not_replaced = |error: io::Error| {
        let text = format!("{}: {error}", target.display());
        StoreError::Write(io::Error::new(error.kind(), text))
    };
    let Some(existing) = existing else {
        replace(target, content, None).map_err(not_replaced)?;
        return Ok(Written::Replaced);
    };
    // A rename asks the folder alone. That the file may not be written (`chmod 400`) is its user's wish all the same, and
    // kubectl heeds it.
    fs::OpenOptions::new()
        .write(true)
        .open(target)
        .map_err(StoreError::Write)?;
    if is_one_of_several_names(&existing) {
        return in_place(target, content);
    }
    match replace(target, content, Some(&existing)) {
        Ok(()) => Ok(Written::Replaced),
        Err(error) if cannot_be_renamed_over(&error) => in_place(target, content),
        Err(error) => Err(not_replaced(error)),
    }
}

/// Errors of a mount point, of another file system below it, and of a folder that takes no new files.
fn cannot_be_renamed_over(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ResourceBusy
            | io::ErrorKind::CrossesDevices
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
    )
}

fn replace(target: &Path, content: &[u8], existing: Option<&std::fs::Metadata>) -> io::Result<()> {
    let folder = folder_of(target);
    // Made with mode 0600.
    let mut file = tempfile::Builder::new().prefix(".eksact-").tempfile_in(folder)?;
    if let Some(existing) = existing {
        keep_owner_and_mode(file.as_file(), existing)?;
    }
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(target).map_err(|error| error.error)?;
    // The name is in the folder, which is flushed apart. Where that cannot be done the file is there all the same.
    if let Ok(folder) = fs::File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

fn in_place(target: &Path, content: &[u8]) -> Result<Written, StoreError> {
    // Opened first: a file that may not be written is not half written.
    let mut file = fs::OpenOptions::new()
        .write(true)
        .open(target)
        .map_err(StoreError::Write)?;
    let former = fs::read(target).map_err(StoreError::Write)?;
    let backup = back_up(target, &former).map_err(StoreError::Write)?;
    let written = overwrite(&mut file, content).map_err(|cause| {
        // The disk may be full of what was just written: the former content fits, it was there before.
        match overwrite(&mut file, &former) {
            Ok(()) => StoreError::Write(cause),
            Err(_) => StoreError::Incomplete {
                path: target.to_owned(),
                backup: backup.clone(),
                cause,
            },
        }
    });
    if !matches!(written, Err(StoreError::Incomplete { .. })) {
        // It holds credentials: two copies are one too many.
        let _ = fs::remove_file(&backup);
    }
    written.map(|()| Written::InPlace)
}

/// Keeps `former` beside the file, or where that cannot be, in the folder for temporary files.
fn back_up(target: &Path, former: &[u8]) -> io::Result<PathBuf> {
    let mut prefix = target.file_name().unwrap_or_default().to_owned();
    prefix.push(".backup-");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix);
    let mut file = builder
        .tempfile_in(folder_of(target))
        .or_else(|_| builder.tempfile())?;
    file.write_all(former)?;
    file.as_file().sync_all()?;
    let (_, path) = file.keep().map_err(|error| error.error)?;
    Ok(path)
}

fn overwrite(file: &mut fs::File, content: &[u8]) -> io::Result<()> {
    file.rewind()?;
    file.write_all(content)?;
    file.set_len(u64::try_from(content.len()).unwrap_or(u64::MAX))?;
    file.sync_all()
}

fn folder_of(target: &Path) -> &Path {
    target
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

#[cfg(unix)]
#[allow(clippy::unnecessary_wraps, reason = "other systems have no mode")]
fn mode_of(metadata: &std::fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;
    Some(metadata.mode() & 0o7777)
}

#[cfg(not(unix))]
fn mode_of(_: &std::fs::Metadata) -> Option<u32> {
    None
}

/// Whether a rename would leave other names (hard links) with the old content.
#[cfg(unix)]
fn is_one_of_several_names(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    metadata.nlink() > 1
}

#[cfg(not(unix))]
fn is_one_of_several_names(_: &std::fs::Metadata) -> bool {
    false
}

/// A file of somebody else's (root at work in a home) stays theirs; where that may not be said, it is not renamed over.
#[cfg(unix)]
fn keep_owner_and_mode(file: &std::fs::File, existing: &std::fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, fchown};
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (existing.uid(), existing.gid()) {
        fchown(file, Some(existing.uid()), Some(existing.gid()))?;
    }
    file.set_permissions(existing.permissions())
}

#[cfg(not(unix))]
fn keep_owner_and_mode(_: &std::fs::File, _: &std::fs::Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
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
    fn new_file_is_its_users_alone_and_an_old_one_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".kube/config");
        make_folder(&path).unwrap();
        assert_eq!(write(&path, b"a").unwrap(), Written::Replaced);
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert!(!read(&path).unwrap().unwrap().is_open_to_others());
        fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        write(&path, b"bb").unwrap();
        let stored = read(&path).unwrap().unwrap();
        assert_eq!(
            (stored.content.as_slice(), stored.mode),
            (b"bb".as_slice(), Some(0o640))
        );
        assert!(stored.is_open_to_others());
        assert_eq!(names(path.parent().unwrap()), ["config"]);
    }

    #[test]
    fn links_are_followed_and_stay_links() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("dotfiles")).unwrap();
        let (link, real) = (folder.path().join("config"), folder.path().join("dotfiles/kube"));
        symlink("dotfiles/middle", &link).unwrap();
        symlink("kube", folder.path().join("dotfiles/middle")).unwrap();
        let target = target_of(&link).unwrap();
        assert_eq!(target, real, "it need not exist");
        write(&target, b"a").unwrap();
        assert_eq!(fs::read(&link).unwrap(), b"a");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        symlink("round", folder.path().join("round")).unwrap();
        assert!(matches!(
            target_of(&folder.path().join("round")),
            Err(StoreError::LinkCircle { .. })
        ));
    }

    #[test]
    fn file_with_another_name_is_written_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("config"), folder.path().join("other"));
        fs::write(&one, "a longer text than the next").unwrap();
        fs::hard_link(&one, &other).unwrap();
        assert_eq!(write(&one, b"short").unwrap(), Written::InPlace);
        assert_eq!(fs::read(&other).unwrap(), b"short");
        assert_eq!(names(folder.path()), ["config", "other"], "no backup is left");
    }

    #[test]
    fn file_that_its_user_may_not_write_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        fs::write(&path, "a").unwrap();
        fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).unwrap();
        // The superuser may write everything.
        let may = fs::OpenOptions::new().write(true).open(&path).is_ok();
        assert_eq!(write(&path, b"b").is_ok(), may);
        assert_eq!(fs::read(&path).unwrap(), if may { b"b" } else { b"a" });
    }

    #[test]
    fn kubeconfig_that_is_no_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(
            read(folder.path()),
            Err(StoreError::NoFile { what: "a folder", .. })
        ));
        assert!(matches!(
            read(Path::new("/dev/null")),
            Err(StoreError::NoFile { .. })
        ));
        assert_eq!(read(&folder.path().join("none")).unwrap(), None);
    }
}
