//! One process and the kernel's account of it, told by `peak.py`.

use std::{
    ffi::OsStr,
    path::Path,
    process::{Command, Stdio},
};

use serde::Deserialize;

/// What `peak.py` tells of a run.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Usage {
    pub(crate) exit: i32,
    pub(crate) seconds: f64,
    pub(crate) processor_seconds: f64,
    pub(crate) peak_mebibytes: f64,
}

/// The command that runs a program with an empty environment and nothing to read, what it prints going to the file `output`.
/// Arguments and variables are the caller's to add.
pub(crate) fn watched(output: &Path, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("python3");
    command
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peak.py"))
        .arg(output)
        .arg(program)
        .env_clear()
        .stdin(Stdio::null());
    command
}

/// Runs such a command to its end.
pub(crate) fn usage(command: &mut Command) -> Usage {
    let told = command.output().unwrap();
    serde_json::from_slice(&told.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&told.stderr)))
}
