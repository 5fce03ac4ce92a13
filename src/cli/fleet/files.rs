//! The files behind `-f`, where it names a folder or a glob, and the clusters that they are about.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use globset::{GlobBuilder, GlobMatcher};

use super::FleetFlags;
use crate::cli::{
    ExitCode, Failure,
    run::{config_files::WholeFileFlags, views},
    texts::file::{self, GLOB, is_many, names_many},
};
use eksact_core::{
    config::{self, ClusterConfig, InputFile, Severity, clusters},
    fleet::{ClusterId, Problem},
    view::{Printer, text::counted},
};

/// A cluster of the run, before it is looked at.
pub(crate) struct Member {
    /// Which cluster; none where its files do not say.
    pub(super) cluster: Option<ClusterId>,
    /// Its files as the user named them, the ClusterConfig first.
    pub(super) files: Vec<String>,
    /// The files that were read beside those, whether or not they could be used.
    pub(super) beside: Vec<PathBuf>,
    /// What they say together, or why they cannot be used.
    pub(super) config: Result<ClusterConfig, Problem>,
}

impl Member {
    /// How people know it.
    pub(super) fn label(&self) -> String {
        match &self.cluster {
            Some(cluster) => cluster.to_string(),
            None => self.files.first().cloned().unwrap_or_default(),
        }
    }
}

/// The clusters that the values of `-f` name, where they name many: by a folder, a glob, or several ClusterConfigs. None for
/// the files of one cluster, unless they shall count as many (`is_fleet`).
///
/// # Errors
/// When a folder or a glob names no file, or standard input is among them.
pub(crate) fn members(
    values: &[String],
    is_fleet: bool,
    printer: &Printer,
) -> Result<Option<Vec<Member>>, Failure> {
    let has_many = is_fleet || names_many(values);
    let each: BTreeSet<&String> = values.iter().collect();
    // One file twice is a slip that the road of one cluster reports.
    if !has_many && (each.len() < 2 || each.len() < values.len() || values.iter().any(|value| value == "-")) {
        return Ok(None);
    }
    if values.iter().any(|value| value == "-") {
        return Err(Failure::usage(
            "-f - is the file of one cluster and cannot be used together with a folder or a glob, nor with --metrics-into",
        ));
    }
    let paths = if has_many {
        configurations(values)?
    } else {
        values.to_vec()
    };
    let contents: Vec<Result<Vec<u8>, std::io::Error>> = paths.iter().map(|path| file::read(path)).collect();
    let files: Vec<InputFile<'_>> = paths
        .iter()
        .zip(&contents)
        .map(|(name, content)| InputFile {
            name,
            bytes: content.as_deref().unwrap_or_default(),
        })
        .collect();
    if !has_many && clusters::count(&files) < 2 {
        return Ok(None);
    }
    let sorted = clusters::sort(&files);
    let mut members: Vec<Member> = sorted
        .into_iter()
        .map(|cluster| {
            let own: Vec<InputFile<'_>> = cluster
                .files
                .iter()
                .filter_map(|number| files.get(*number).copied())
                .collect();
            let unread = cluster
                .files
                .iter()
                .find_map(|number| contents.get(*number)?.as_ref().err())
                .map(|error| format!("the configuration file could not be read: {error}"));
            member(&own, unread.or(cluster.problem), printer)
        })
        .collect();
    refuse_twice(&mut members);
    Ok(Some(members))
}

/// Refuses a view in the place of a file of one of the clusters, and says what their files do not do.
pub(super) fn look_at(
    members: &[Member],
    whole: &WholeFileFlags,
    fleet: &FleetFlags,
    printer: &Printer,
) -> Result<(), Failure> {
    let configs = || members.iter().filter_map(|member| member.config.as_ref().ok());
    let named = members.iter().flat_map(|member| &member.files).map(PathBuf::from);
    let beside = members.iter().flat_map(|member| member.beside.iter().cloned());
    let read: Vec<PathBuf> = named.chain(beside).collect();
    let metrics = fleet.metrics_into().map(|path| ("--metrics-into", path));
    views::apart(whole.plan.views.paths().chain(metrics), &read)?;
    file::tell_of_provider(configs(), &[], printer);
    Ok(())
}

/// One cluster, from its files.
fn member(files: &[InputFile<'_>], problem: Option<String>, printer: &Printer) -> Member {
    let names: Vec<String> = files.iter().map(|file| file.name.to_owned()).collect();
    let problem_of = |message: String| Problem {
        message,
        help: Vec::new(),
    };
    let beside = RefCell::new(Vec::new());
    let read = |named_in: &str, path: &str| {
        beside.borrow_mut().push(file::at(named_in, path));
        file::beside(named_in, path)
    };
    let config = match problem {
        Some(problem) => Err(problem_of(problem)),
        None => config::load_all_with(files, &read).map_err(|diagnostics| {
            let errors = diagnostics
                .iter()
                .filter(|one| one.severity == Severity::Error)
                .count();
            let mut message = format!(
                "the configuration cannot be used as it is: {}",
                counted(errors, "error", "errors")
            );
            for diagnostic in &diagnostics {
                message.push('\n');
                message.push_str(&diagnostic.with_code());
            }
            problem_of(message)
        }),
    };
    let mut member = Member {
        cluster: None,
        files: names,
        beside: beside.into_inner(),
        config: Err(problem_of(String::new())),
    };
    member.config = config.map(|loaded| {
        member.cluster = Some(ClusterId::of(&loaded.config));
        file::tell(&loaded, &printer.about(&member.label()));
        loaded.config
    });
    member
}

/// Two files that are about one cluster contradict each other, or one is a copy: neither is applied.
fn refuse_twice(members: &mut [Member]) {
    let mut of: BTreeMap<ClusterId, Vec<String>> = BTreeMap::new();
    for member in members.iter() {
        if let Some(cluster) = &member.cluster {
            of.entry(cluster.clone())
                .or_default()
                .extend(member.files.first().cloned());
        }
    }
    for member in members.iter_mut() {
        let files = member.cluster.as_ref().and_then(|cluster| of.get(cluster));
        if let Some(files) = files.filter(|files| files.len() > 1) {
            member.config = Err(Problem {
                message: format!(
                    "{} ClusterConfigs are about this cluster: {}. Leave all but one out; where they are clusters of several \
                     accounts, name each one's `account.id` in a ClusterAccess",
                    files.len(),
                    files.join(", ")
                ),
                help: Vec::new(),
            });
        }
    }
}

/// Every file that these values of `-f` name, each once: those of a folder and of a glob in their order by name.
///
/// # Errors
/// When a folder or a glob names none, or cannot be read.
pub(super) fn configurations(values: &[String]) -> Result<Vec<String>, Failure> {
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for value in values {
        let found = if Path::new(value).is_dir() {
            in_folder(value)?
        } else if is_many(value) {
            matching(value)?
        } else {
            vec![value.clone()]
        };
        all.extend(found.into_iter().filter(|path| seen.insert(path.clone())));
    }
    Ok(all)
}

/// The configurations in a folder, not in those below it, as kubectl has it.
fn in_folder(folder: &str) -> Result<Vec<String>, Failure> {
    let mut found: Vec<String> = entries(Path::new(folder))
        .map_err(|error| unread(folder, &error))?
        .into_iter()
        .filter(|path| {
            path.is_file()
                && path
                    .file_name()
                    .is_some_and(|name| clusters::is_named_as_one(&name.to_string_lossy()))
        })
        .map(|path| path.to_string_lossy().into_owned())
        .collect();
    found.sort();
    if found.is_empty() {
        return Err(Failure::error(format!(
            "the folder {folder} has no file that ends in .yaml, .yml or .json; folders below it are not searched: a glob, \
             such as '{}', names those",
            Path::new(folder).join("**/*.yaml").display()
        ))
        .with_code(ExitCode::Configuration));
    }
    Ok(found)
}

/// The files that a glob matches. `*` does not cross a slash; `**` does.
fn matching(glob: &str) -> Result<Vec<String>, Failure> {
    let built = GlobBuilder::new(glob).literal_separator(true).build();
    let matcher = built
        .map_err(|error| Failure::usage(format!("-f {glob} is not a glob: {}", error.kind())))?
        .compile_matcher();
    let parts: Vec<&str> = glob.split('/').collect();
    let fixed = parts.iter().take_while(|part| !part.contains(GLOB)).count();
    // A glob of many folders is as deep as it says, and one with `**` as deep as they are.
    let depth = if parts.contains(&"**") {
        usize::MAX
    } else {
        parts.len().saturating_sub(fixed)
    };
    let base = match parts.get(..fixed).unwrap_or_default().join("/") {
        base if base.is_empty() && glob.starts_with('/') => "/".to_owned(),
        base => base,
    };
    let mut found = Vec::new();
    walk(Path::new(&base), depth, &matcher, &mut found).map_err(|error| unread(glob, &error))?;
    found.sort();
    if found.is_empty() {
        return Err(Failure::error(format!(
            "-f {glob}: there is no such file, and as a glob it matches none"
        ))
        .with_code(ExitCode::Configuration));
    }
    Ok(found)
}

fn walk(folder: &Path, depth: usize, matcher: &GlobMatcher, found: &mut Vec<String>) -> std::io::Result<()> {
    let listed = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    for path in entries(listed)? {
        let path = path.strip_prefix(".").map(Path::to_owned).unwrap_or(path);
        let is_hidden = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if is_hidden {
            continue;
        }
        // A link to a folder may lead round in a circle.
        let is_folder = fs_err::symlink_metadata(&path)?.is_dir();
        if is_folder {
            if depth > 1 {
                walk(&path, depth.saturating_sub(1), matcher, found)?;
            }
        } else if matcher.is_match(&path) && path.is_file() {
            found.push(path.to_string_lossy().into_owned());
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    fs_err::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
}

fn unread(what: &str, error: &std::io::Error) -> Failure {
    Failure::error(format!("-f {what} could not be read: {error}")).with_code(ExitCode::Configuration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_globs_name_their_files_in_order() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| format!("{}/{name}", root.path().display());
        for folder in ["eu/prod", "us", "..2026", "empty"] {
            std::fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        for file in [
            "b.yaml",
            "a.yml",
            "README.md",
            ".hidden.yaml",
            "eu/c.yaml",
            "eu/prod/d.yaml",
            "us/e.json",
            "..2026/f.yaml",
        ] {
            std::fs::write(root.path().join(file), "").unwrap();
        }
        let found = |values: &[String]| configurations(values).unwrap();
        assert_eq!(found(&[at("")]), [at("a.yml"), at("b.yaml")]);
        assert_eq!(found(&[at("*.yaml")]), [at("b.yaml")]);
        assert_eq!(found(&[at("*/*.yaml")]), [at("eu/c.yaml")]);
        assert_eq!(
            found(&[at("**/*.yaml")]),
            [at("b.yaml"), at("eu/c.yaml"), at("eu/prod/d.yaml")]
        );
        assert_eq!(found(&[at("{eu,us}/*")]), [at("eu/c.yaml"), at("us/e.json")]);
        // Each once, whatever names it.
        assert_eq!(found(&[at("b.yaml"), at("*.yaml")]), [at("b.yaml")]);
        for (value, says) in [
            (at("empty"), "has no file that ends in"),
            (at("*.toml"), "as a glob it matches none"),
            (at("[.yaml"), "is not a glob"),
        ] {
            let failure = configurations(&[value]).unwrap_err();
            assert!(failure.message.contains(says), "{}", failure.message);
        }
        // A path with the characters of a glob that is there is that file.
        std::fs::write(root.path().join("[x].yaml"), "").unwrap();
        assert_eq!(found(&[at("[x].yaml")]), [at("[x].yaml")]);
    }
}
