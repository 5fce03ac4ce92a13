//! Processes that run side by side.

use std::process::{Command, Output, Stdio};

/// Starts all of these commands, and gives how each ended as one asks for it.
pub(crate) fn at_once(commands: impl IntoIterator<Item = Command>) -> impl Iterator<Item = Output> {
    let started: Vec<_> = commands
        .into_iter()
        .map(|mut command| {
            command
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    started.into_iter().map(|child| child.wait_with_output().unwrap())
}
