//! Files that a command writes over, kept apart from those that it reads and from each other.

use std::path::{Path, PathBuf};

use clap::ArgMatches;

use crate::cli::{Failure, fleet, run::views::apart};

/// How the names of the flags end whose files are written over.
const INTO: &str = "_into";

/// The names of the words that say which saved plan is read, or which folder of them: `apply PLAN` and `show PLAN`.
const SAVED: [&str; 2] = ["saved_plan", "plan"];

/// The name of the word that says where a plan is saved: a file, or a folder of plans.
const OUT: &str = "out";

/// Refuses a view in the place of a file that `-f` names or of a saved plan, whatever is in it, in every command that has both; in
/// the place of another view or of the plan that this command saves; and beside the plans of a folder, which are all that is in it.
pub(crate) fn check_apart(matches: &ArgMatches) -> Result<(), Failure> {
    let mut matches = matches;
    while let Some((_, below)) = matches.subcommand() {
        matches = below;
    }
    let views: Vec<(String, &PathBuf)> = matches
        .ids()
        .filter(|id| id.as_str().ends_with(INTO))
        .filter_map(|id| {
            let path = matches.try_get_one::<PathBuf>(id.as_str()).ok()??;
            Some((format!("--{}", id.as_str().replace('_', "-")), path))
        })
        .collect();
    if views.is_empty() {
        return Ok(());
    }
    let files = ["config_file", "config_files"].into_iter().filter_map(|id| {
        let values = matches.try_get_many::<String>(id).ok()??;
        Some(values.map(PathBuf::from).collect::<Vec<_>>())
    });
    let saved = SAVED.into_iter().filter_map(|id| {
        let path = matches.try_get_one::<PathBuf>(id).ok()??;
        // What cannot be read is told when it is read.
        Some(fleet::saved_plans(path).unwrap_or_default())
    });
    let files: Vec<PathBuf> = files.flatten().chain(saved.flatten()).collect();
    let views = || views.iter().map(|(flag, path)| (flag.as_str(), path.as_path()));
    apart(views(), &files)?;
    let out = matches.try_get_one::<PathBuf>(OUT).ok().flatten();
    one_place_each(
        out.map(|path| ("--out", path.as_path()))
            .into_iter()
            .chain(views()),
    )?;
    let read = SAVED
        .into_iter()
        .filter_map(|id| matches.try_get_one::<PathBuf>(id).ok()?);
    let folders: Vec<PathBuf> = read
        .filter(|path| path.is_dir())
        .chain(out)
        .map(|path| place(path))
        .collect();
    for (flag, path) in views() {
        if place(path)
            .parent()
            .is_some_and(|parent| folders.iter().any(|folder| folder == parent))
        {
            return Err(Failure::usage(format!(
                "{flag} {} is in the folder of the plans, where every file is taken for a plan; write it to another folder",
                path.display()
            )));
        }
    }
    Ok(())
}

/// Refuses two flags whose files are one.
fn one_place_each<'flag, 'path>(
    files: impl Iterator<Item = (&'flag str, &'path Path)>,
) -> Result<(), Failure> {
    let mut seen: Vec<(&str, PathBuf)> = Vec::new();
    for (flag, path) in files {
        let place = place(path);
        if let Some((other, _)) = seen.iter().find(|(_, known)| *known == place) {
            return Err(Failure::usage(format!(
                "{other} and {flag} name one file, {}; write each to a file of its own",
                path.display()
            )));
        }
        seen.push((flag, place));
    }
    Ok(())
}

/// Where a file is or will be, by whatever name it goes.
fn place(path: &Path) -> PathBuf {
    if let Ok(place) = fs_err::canonicalize(path) {
        return place;
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), _) if parent.as_os_str().is_empty() => {
            fs_err::canonicalize(".").map_or_else(|_| path.to_owned(), |here| here.join(path))
        }
        (Some(parent), Some(name)) => place(parent).join(name),
        // It ends with `..`, behind a folder that is not there yet, and so is no link.
        (Some(parent), None) => place(parent)
            .parent()
            .map_or_else(|| path.to_owned(), Path::to_owned),
        (None, _) => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether it is there or not.
    #[test]
    fn place_has_one_view() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs_err::create_dir(at("folder")).unwrap();
        fs_err::write(at("old"), "").unwrap();
        let refused = |one: &str, other: &str| {
            let (one, other) = (at(one), at(other));
            let views = [("--json-into", one.as_path()), ("--html-into", other.as_path())];
            one_place_each(views.into_iter()).is_err()
        };
        for name in ["old", "new", "missing/new"] {
            assert!(
                refused(name, name) && refused(name, &format!("./{name}")),
                "{name}"
            );
        }
        assert!(refused("folder/../new", "new") && refused("missing/../new", "new"));
        assert!(!refused("old", "new") && !refused("new", "folder/new") && !refused("missing/new", "new"));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(at("folder"), at("link")).unwrap();
            assert!(refused("link/new", "folder/new"));
        }
    }
}
