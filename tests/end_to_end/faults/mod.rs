//! What becomes of a command when something around it fails: the table of `docs/faults.md`, made here.
//!
//! Every row is a run of the built program under one fault. The test looks at the world before and after it, and runs the
//! command again without the fault: a write that was begun must come to its end then, and one that was done must not be
//! done again. What the program says of itself is held against what was seen.

mod answers_of_aws;
mod answers_of_kubernetes;
mod clock;
mod disk;
mod ending;
mod network;
mod scene;
mod servers;
mod subject;
mod table;

use std::{fmt, os::unix::process::ExitStatusExt as _, process::Output};

/// One line of the table.
#[derive(Clone, Debug)]
struct Row {
    fault: String,
    command: String,
    ended: Ended,
    /// Within how many seconds it ended; kept by an assertion.
    within: u64,
    world: World,
    told: String,
}

/// How the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Code(i32),
    Signal(i32),
}

impl Ended {
    fn of(output: &Output) -> Self {
        match (output.status.code(), output.status.signal()) {
            (Some(code), _) => Self::Code(code),
            (None, Some(signal)) => Self::Signal(signal),
            (None, None) => panic!("neither a code nor a signal: {output:?}"),
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "{code}"),
            Self::Signal(number) => write!(f, "signal {number}"),
        }
    }
}

/// What the world was after a run, and what running again made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum World {
    /// The command only reads, and nothing was written.
    Read,
    /// Nothing was written; running again does it.
    Untouched,
    /// Some was written; running again ends it.
    Part,
    /// It was done; running again finds nothing to do.
    Done,
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "as before",
            Self::Untouched => "as before; a rerun does it",
            Self::Part => "half; a rerun ends it",
            Self::Done => "done; a rerun finds nothing to do",
        })
    }
}
