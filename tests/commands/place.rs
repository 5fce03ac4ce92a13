//! A place of its own for each test: an empty folder that is home and working directory, an empty environment, and a
//! record of the commands run there and of what they said.

use std::{
    cell::RefCell,
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};

use eksact_simulator::{Sandbox, Seed, World};
use tempfile::TempDir;

use crate::support::{kept_kubeconfigs, schemas};

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_eksact");

/// The managed policy that most tests attach.
pub(crate) const READ_ONLY: &str = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";

/// How one command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A folder, and the story of what was run in it.
pub(crate) struct Place {
    folder: TempDir,
    story: String,
    /// The texts that the test itself wrote.
    given: RefCell<Vec<String>>,
}

/// Writes to the stdin of a program, which may have ended before it read that, and closes it.
pub(super) fn feed(child: &mut Child, input: &str) -> io::Result<()> {
    let Some(mut stdin) = child.stdin.take() else {
        return Ok(());
    };
    match stdin.write_all(input.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

impl Place {
    /// An empty folder; the sandbox in it begins with the first command.
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            story: String::new(),
            given: RefCell::default(),
        }
    }

    /// A folder with the quickstart example in it.
    pub(crate) fn quickstart() -> Self {
        let place = Self::new();
        place.write("quickstart.yaml", include_str!("../../examples/quickstart.yaml"));
        place
    }

    /// The same, applied.
    pub(crate) fn applied() -> Self {
        let place = Self::quickstart();
        let ended = place.run(&["apply", "-f", "quickstart.yaml", "--yes"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        self.given.borrow_mut().push(text.to_owned());
    }

    /// A ClusterConfig for the quickstart cluster with these service accounts, each a flow mapping.
    pub(crate) fn write_accounts(&self, name: &str, accounts: &[&str]) {
        let mut text = "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\n\
                        metadata: {name: quickstart, region: eu-west-1}\niam:\n  withOIDC: true\n  serviceAccounts:\n"
            .to_owned();
        for account in accounts {
            writeln!(text, "    - {account}").unwrap();
        }
        self.write(name, &text);
    }

    /// Edits the simulated world by hand, as someone with a console would.
    pub(crate) fn edit(&self, cluster: &str, edit: impl FnOnce(&mut World)) {
        let seed = Seed {
            cluster: cluster.to_owned(),
            region: "eu-west-1".to_owned(),
            account: None,
        };
        let sandbox = Sandbox::open(&self.path(".eksact-sandbox.json"), &seed).unwrap();
        sandbox.edit(edit).unwrap();
    }

    /// The program with these arguments, in this place, on the sandbox, without a terminal.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare(PROGRAM);
        command.env("EKSACT_SANDBOX", "1").args(arguments);
        command
    }

    /// Any program in this place, with nothing of the developer's environment.
    pub(crate) fn bare(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", self.folder.path())
            .env("COLUMNS", "80")
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs the program; nothing is recorded.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        let before = schemas::files(arguments, self.folder.path());
        let ended = Ended::of(self.command(arguments).output().unwrap());
        schemas::hold(arguments, self.folder.path(), &before, &ended.stdout);
        self.keep_kubeconfigs();
        ended
    }

    /// Keeps the kubeconfigs that were written here, for the test that shows them to kubectl. What a test wrote itself is not
    /// among them.
    pub(crate) fn keep_kubeconfigs(&self) {
        for file in fs::read_dir(self.folder.path()).unwrap() {
            let text = fs::read_to_string(file.unwrap().path()).unwrap_or_default();
            let is_ours =
                text.contains("client.authentication.k8s.io/") && text.contains("installHint: Install ");
            if is_ours && !self.given.borrow().contains(&text) {
                kept_kubeconfigs::keep(&text);
            }
        }
    }

    /// Runs the program with `input` on its stdin; nothing is recorded.
    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Ended {
        let before = schemas::files(arguments, self.folder.path());
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        feed(&mut child, input).unwrap();
        let ended = Ended::of(child.wait_with_output().unwrap());
        schemas::hold(arguments, self.folder.path(), &before, &ended.stdout);
        ended
    }

    /// Runs the program and adds what it said to the story.
    pub(crate) fn tell(&mut self, arguments: &[&str]) -> Ended {
        let ended = self.run(arguments);
        self.record(arguments, &ended);
        ended
    }

    /// Adds how a command ended to the story.
    pub(crate) fn record(&mut self, arguments: &[&str], ended: &Ended) {
        self.keep_kubeconfigs();
        let Ended { code, stdout, stderr } = ended;
        writeln!(self.story, "$ eksact {}", arguments.join(" ")).unwrap();
        self.story.push_str(stdout);
        if !stderr.is_empty() {
            writeln!(self.story, "[stderr]\n{}", steady(stderr).trim_end()).unwrap();
        }
        writeln!(self.story, "[exit code {code}]\n").unwrap();
    }

    /// The story so far.
    pub(crate) fn story(&self) -> &str {
        &self.story
    }
}

/// Progress lines tell when each step began and ended, and steps run side by side: without times and in one order they
/// say the same on every run.
fn steady(stderr: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut progress: Vec<String> = Vec::new();
    let mut first = None;
    for line in stderr.lines() {
        // Of many clusters each line begins with its cluster.
        let (about, line_of_one) = match line.split_once(":  ") {
            Some((about, rest)) if !about.trim_start().contains(' ') => (format!("{about}: "), rest),
            _ => (String::new(), line),
        };
        let timed = line_of_one
            .trim_start()
            .split_once(" s  ")
            .filter(|(time, _)| time.parse::<f64>().is_ok());
        if let Some((_, what)) = timed {
            let what = match what.rsplit_once("  ") {
                Some((what, time)) if time.ends_with(" s") => what,
                _ => what,
            };
            first.get_or_insert(lines.len());
            progress.push(format!("    {about}{what}"));
        } else {
            lines.push(line.to_owned());
        }
    }
    progress.sort();
    let first = first.unwrap_or(lines.len());
    lines.splice(first..first, progress);
    lines.join("\n")
}

/// Compares the story with the snapshot of this name.
macro_rules! assert_story {
    ($name:expr, $text:expr) => {
        insta::with_settings!({
            snapshot_path => "snapshots",
            prepend_module_to_snapshot => false,
            omit_expression => true,
            filters => vec![
                // CloudFormation's random part of a role's name, and ids of requests and stacks.
                (r"Role1-[A-Z0-9]{12}", "Role1-ABCDEFGHIJKL"),
                // Tokens that make each run's calls its own are part of what a plan's digest is over.
                (r"sha256:[0-9a-f]{64}", "sha256:DIGEST"),
                (r"(taken at\s+)[0-9-]{10}T[0-9:]{8}Z", "${1}2026-11-29T12:00:00Z"),
                (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "01234567-89ab-cdef-0123-456789abcdef"),
            ],
        }, { insta::assert_snapshot!($name, $text) });
    };
}
pub(crate) use assert_story;
