//! `eksact fleet shard`: a share of many clusters for one of several machines. What runs the machines is somebody else's.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::files::configurations;
use crate::cli::{ExitCode, Failure, run::flow, texts::file};
use eksact_core::{
    config::{InputFile, clusters},
    fleet::shard::Shard,
    view::Printer,
};

/// Work on many clusters with many machines
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct FleetCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Shard(ShardCommand),
}

/// Print the files of one share of the clusters, a file a line
///
/// Each cluster is in exactly one share, with all its files; shares differ by one cluster at most. A file that cannot be used
/// is in a share like any other.
#[derive(Debug, Args)]
struct ShardCommand {
    /// Which share, counted from 0: `JOB_COMPLETION_INDEX` of an indexed Job
    #[arg(long, value_name = "I")]
    index: usize,
    /// How many shares there are
    #[arg(long, value_name = "N")]
    of: usize,
    /// A folder, a glob or a file (repeatable)
    #[arg(
        short = 'f',
        long = "config-file",
        alias = "file",
        value_name = "PATH",
        required = true
    )]
    config_files: Vec<String>,
    /// Also copy the files of the share into this folder, which must have no other
    #[arg(long, value_name = "FOLDER")]
    into: Option<PathBuf>,
    /// End each name with a NUL in place of a line end, for `xargs -0`
    #[arg(short = '0', long)]
    null: bool,
}

impl FleetCommand {
    pub(crate) fn run(&self, printer: &Printer) -> Result<ExitCode, Failure> {
        match &self.what {
            What::Shard(command) => command.run(printer),
        }
    }
}

impl ShardCommand {
    fn run(&self, printer: &Printer) -> Result<ExitCode, Failure> {
        let shard = Shard::new(self.index, self.of).map_err(|error| Failure::usage(error.to_string()))?;
        if self.config_files.iter().any(|value| value == "-") {
            return Err(Failure::usage(
                "-f - is the file of one cluster, of which there are no shares",
            ));
        }
        let paths = configurations(&self.config_files)?;
        // What cannot be read is a cluster of its own: the run over the share says why.
        let contents: Vec<Vec<u8>> = paths
            .iter()
            .map(|path| file::read(path).unwrap_or_default())
            .collect();
        let files: Vec<InputFile<'_>> = paths
            .iter()
            .zip(&contents)
            .map(|(name, bytes)| InputFile { name, bytes })
            .collect();
        let groups = clusters::sort(&files).into_iter().map(|cluster| {
            let names = cluster.files.iter().filter_map(|number| paths.get(*number));
            names.map(String::as_str).collect::<Vec<_>>()
        });
        let own = shard.of(groups);
        if own.is_empty() {
            printer.note(&format!(
                "share {} of {} is empty: there are fewer clusters than shares",
                self.index, self.of
            ));
        }
        if let Some(folder) = &self.into {
            copy(&own.concat(), folder)?;
        }
        let end = if self.null { '\0' } else { '\n' };
        let mut text = String::new();
        for name in own.into_iter().flatten() {
            if !self.null && name.contains('\n') {
                return Err(Failure::error(format!(
                    "the name of a file has a line end, which no list of lines can have: use --null ({name:?})"
                )));
            }
            text.push_str(name);
            text.push(end);
        }
        flow::deliver(&text, printer)?;
        Ok(ExitCode::Success)
    }
}

/// Copies files into a folder, under names of their own: a run over the folder is a run over the share.
fn copy(files: &[&str], folder: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::error(format!("--into {}: {error}", folder.display()));
    fs_err::create_dir_all(folder).map_err(failed)?;
    if let Some(other) = fs_err::read_dir(folder).map_err(failed)?.next() {
        let other = other.map_err(failed)?;
        return Err(Failure::usage(format!(
            "--into {} has {} already: name a new folder, so that nothing else is in the share",
            folder.display(),
            other.file_name().to_string_lossy()
        )));
    }
    let base = |file: &str| {
        Path::new(file)
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    for file in files {
        let name = base(file);
        let is_alone = files.iter().filter(|other| base(other) == name).count() == 1;
        // Files of one name in several folders are told apart by the folders.
        let name = if is_alone {
            name
        } else {
            file.trim_start_matches(['.', '/']).replace('/', "-")
        };
        fs_err::copy(file, folder.join(name)).map_err(failed)?;
    }
    Ok(())
}
