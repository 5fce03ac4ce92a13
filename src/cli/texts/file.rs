//! Reads the files that `-f` names and shows what is wrong with them.

use std::{
    collections::BTreeSet,
    io::Read as _,
    path::{Path, PathBuf},
};

use super::shell::joined;
use crate::cli::{ExitCode, Failure};
use eksact_core::{
    config::{self, ClusterConfig, Diagnostic, InputFile, Loaded, Severity},
    view::{Printer, errors, text::harmless},
};
use eksact_yaml::text;

/// The characters that make a glob of a path.
pub(crate) const GLOB: [char; 4] = ['*', '?', '[', '{'];

/// The configuration in the file `path`, or on standard input for `-`. Warnings and notes go to stderr. `region` is that of `--region`.
pub(crate) fn load(path: &str, region: Option<&str>, printer: &Printer) -> Result<ClusterConfig, Failure> {
    load_all(&[path], region, printer)
}

/// The configuration that several files make together.
pub(crate) fn load_all(
    paths: &[impl AsRef<str>],
    region: Option<&str>,
    printer: &Printer,
) -> Result<ClusterConfig, Failure> {
    if names_many(paths) {
        return Err(Failure::usage(
            "-f names a folder or a glob, and this command is about one cluster: name its file",
        ));
    }
    let paths = || paths.iter().map(AsRef::as_ref);
    let mut seen = BTreeSet::new();
    if let Some(path) = paths().find(|path| !seen.insert(*path)) {
        let which = if path == "-" { "standard input" } else { path };
        return Err(Failure::usage(format!("{which} is named twice with -f")));
    }
    let contents = paths()
        .map(read)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| {
            Failure::error(format!("the configuration file could not be read: {error}"))
                .with_code(ExitCode::Configuration)
        })?;
    let files: Vec<InputFile<'_>> = paths()
        .zip(&contents)
        .map(|(name, bytes)| InputFile { name, bytes })
        .collect();
    let loaded =
        config::load_all_with(&files, &beside).map_err(|diagnostics| shown(&diagnostics, printer))?;
    tell(&loaded, printer);
    let config = loaded.config;
    if let Some(region) = region.filter(|region| *region != config.metadata.region.value) {
        return Err(Failure::usage(format!(
            "--region {region} is not the region of the file, {}",
            config.metadata.region.value
        ))
        .with_help(remedy!("Leave --region out: the file names its region.")));
    }
    Ok(config)
}

/// Whether one of the values of `-f` names many files.
pub(crate) fn names_many(values: &[impl AsRef<str>]) -> bool {
    values.iter().any(|value| is_many(value.as_ref()))
}

/// Whether a value of `-f` does: a folder, or a glob that is no file itself.
pub(crate) fn is_many(value: &str) -> bool {
    let path = Path::new(value);
    value != "-" && (path.is_dir() || (value.contains(GLOB) && !path.exists()))
}

/// What someone should look at in a configuration that can be used.
pub(crate) fn tell(loaded: &Loaded, printer: &Printer) {
    show(&loaded.warnings, printer);
    let unmanaged = &loaded.config.unmanaged_sections;
    if !unmanaged.is_empty() {
        printer.note(&format!(
            "eksact does not manage these sections and ignores them: {}",
            unmanaged.join(", ")
        ));
    }
}

/// Says of a plan over whole files what `iam.withOIDC: false` does not do. Once for all files of a run: what every cluster has is not
/// told of each. `place` are the words that lead to the account and the cluster.
pub(crate) fn tell_of_provider<'a>(
    configs: impl Iterator<Item = &'a ClusterConfig>,
    place: &[String],
    printer: &Printer,
) {
    let files: Vec<&str> = configs
        .map(|config| &config.iam.with_oidc)
        .filter(|with_oidc| !with_oidc.value)
        .filter_map(|with_oidc| Some(&*with_oidc.location.as_ref()?.file))
        .collect();
    let Some(first) = files.first() else {
        return;
    };
    let (count, words) = match files.len() {
        1 => (
            String::new(),
            [&["-f".to_owned(), (*first).to_owned()], place].concat(),
        ),
        count => (
            format!(" ({count} files)"),
            ["-f", "FILE"].map(str::to_owned).to_vec(),
        ),
    };
    printer.note(&format!(
        "iam.withOIDC: false{count} makes no OIDC provider and deletes none; `eksact delete iam-oidc-provider {}` deletes one",
        harmless(&joined(&words))
    ));
}

/// The files that a configuration was read from beside those that `-f` names.
pub(crate) fn read_beside(config: &ClusterConfig) -> impl Iterator<Item = PathBuf> {
    let named = config
        .access
        .policies
        .iter()
        .filter_map(|policy| policy.file.as_ref());
    named.filter_map(|file| Some(at(&file.location.as_ref()?.file, &file.value)))
}

/// The content of a file, or of standard input for `-`. One byte over the limit tells the loader that there is too much,
/// without reading the rest.
pub(crate) fn read(path: &str) -> std::io::Result<Vec<u8>> {
    let limit = u64::try_from(config::MAXIMUM_BYTES)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let mut bytes = Vec::new();
    if path == "-" {
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes)?;
    } else {
        fs_err::File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// The content of a file that a configuration file names, by its path from the folder of that one; of one on standard input,
/// from the working directory.
pub(crate) fn beside(named_in: &str, path: &str) -> Result<Vec<u8>, String> {
    // On Windows `/x` is not absolute, and yet of no folder.
    if path == "-" || Path::new(path).is_absolute() || Path::new(path).has_root() {
        return Err("write its path from the folder of the file that names it".to_owned());
    }
    let full = at(named_in, path);
    // A pipe or a device may have no end, and opening one may do something.
    let metadata = std::fs::metadata(&full).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => format!(
            "there is no file {}: paths begin in the folder of the file that names them",
            full.display()
        ),
        _ => format!("{}: {error}", full.display()),
    })?;
    if !metadata.is_file() {
        return Err(format!("{} is not a regular file", full.display()));
    }
    let bytes = read(&full.to_string_lossy()).map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// Where such a file is.
pub(crate) fn at(named_in: &str, path: &str) -> PathBuf {
    let folder = match named_in {
        "-" => None,
        file => Path::new(file).parent(),
    };
    folder.map_or_else(|| Path::new(path).to_owned(), |folder| folder.join(path))
}

/// The text of a file, or of standard input for `-`: UTF-8, or UTF-16 as Windows PowerShell writes it.
/// `what` is what the file is for, in messages.
pub(crate) fn read_text(path: &str, what: &str) -> Result<String, Failure> {
    let unread = |why: String| Failure::usage(format!("{what} could not be read: {why}"));
    let bytes = read(path).map_err(|error| unread(error.to_string()))?;
    let (text, _) = text::decode(&bytes).map_err(|error| {
        unread(format!("{path}:{}:{}: {error}", error.line, error.column)).with_help(text::not_text_help())
    })?;
    Ok(text)
}

fn show(diagnostics: &[Diagnostic], printer: &Printer) {
    if !diagnostics.is_empty() {
        printer.always(&errors::diagnostics(diagnostics, printer.stderr_style()));
    }
}

/// Shows diagnostics and gives the failure that ends the command.
pub(crate) fn shown(diagnostics: &[Diagnostic], printer: &Printer) -> Failure {
    show(diagnostics, printer);
    Failure::error("the configuration cannot be used as it is; nothing was read or changed")
        .with_code(ExitCode::Configuration)
}

/// Checks a configuration that was built from flags. There is no file to look into: each of `flags` is a key and the flag that stands
/// for it in what is told.
pub(crate) fn checked(
    config: &ClusterConfig,
    flags: &[(&str, &str)],
    printer: &Printer,
) -> Result<(), Failure> {
    let (errors, warnings): (Vec<Diagnostic>, Vec<Diagnostic>) = config::validate(config)
        .into_iter()
        .map(|mut diagnostic| {
            for (key, flag) in flags {
                diagnostic.message = diagnostic.message.replace(key, flag);
            }
            diagnostic
        })
        .partition(|diagnostic| diagnostic.severity == Severity::Error);
    if errors.is_empty() {
        show(&warnings, printer);
        return Ok(());
    }
    show(&errors, printer);
    Err(Failure::usage(
        "the flags describe something that EKS would not accept",
    ))
}
