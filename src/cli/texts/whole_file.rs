//! A file that is written whole or not at all.

use std::{
    io::{self, Write as _},
    path::Path,
};

/// Writes `text` to the file beside itself, then in its place. A link stays one: what it leads to is replaced. Where it may
/// not be replaced, one that came meanwhile stays.
pub(crate) fn write(path: &Path, text: &str, replace: bool) -> io::Result<()> {
    let path = &fs_err::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let before = fs_err::metadata(path).ok();
    if before.as_ref().is_some_and(|before| !before.is_file()) {
        return Err(io::Error::other("it is not a regular file"));
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut file = readable().tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    let persisted = if replace {
        if let Some(before) = before {
            file.as_file().set_permissions(before.permissions())?;
        }
        file.persist(path)
    } else {
        file.persist_noclobber(path)
    };
    persisted.map(drop).map_err(|error| error.error)
}

/// A new file that others may read as far as the user's mask lets them: there is no secret in it.
fn readable() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder
}
