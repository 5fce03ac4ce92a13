//! Where command lines run: eksact's, and those of the tools that help texts name.

use std::process::{Command, Output, Stdio};

use super::{
    complaint::{Complaint, complaints},
    shell, tools,
};
use crate::commands::{
    place::{Ended, PROGRAM, Place, feed},
    terminal::{TERMINAL, python},
};

/// Runs a command with this on its stdin.
fn with_input(command: &mut Command, input: &str) -> std::io::Result<Output> {
    if input.is_empty() {
        return command.output();
    }
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn()?;
    feed(&mut child, input)?;
    child.wait_with_output()
}

/// A place with its variables, where command lines run.
pub(super) struct Stage {
    pub(super) place: Place,
    pub(super) variables: Vec<(&'static str, String)>,
    pub(super) sandbox: bool,
    pub(super) terminal: bool,
}

impl Stage {
    pub(super) fn complaints(&self, line: &str) -> Result<(Vec<Complaint>, String), String> {
        let ended = self.run(line)?;
        let output = format!("{}{}", ended.stdout, ended.stderr);
        Ok((complaints(&output), output))
    }

    pub(super) fn succeed(&self, line: &str) -> Result<(), String> {
        let ended = self.run(line)?;
        if ended.code == 0 {
            return Ok(());
        }
        // A plan that waits for approval says how to give it.
        let approve = ended
            .stderr
            .lines()
            .find_map(|line| line.trim().strip_prefix("help: To apply it, run: "));
        if let Some(line) = approve {
            return self.succeed(line);
        }
        Err(format!(
            "`{line}` is what the help says, and it fails:\n{}{}",
            ended.stdout, ended.stderr
        ))
    }

    /// Runs a command line: eksact's, or one of a tool that works on the simulated account and cluster.
    pub(super) fn run(&self, line: &str) -> Result<Ended, String> {
        let mut last = None;
        for all in line.split("; ") {
            for command in all.split(" && ") {
                let ended = self.piped(command)?;
                let failed = ended.code != 0;
                last = Some(ended);
                if failed {
                    break;
                }
            }
        }
        last.ok_or_else(|| "an empty command line".to_owned())
    }

    /// One command, or several of which each reads what the one before prints.
    fn piped(&self, line: &str) -> Result<Ended, String> {
        let mut before = String::new();
        let mut last = None;
        for part in line.split(" | ") {
            let words = shell::words(part.trim(), |inner| Ok(self.run(inner)?.stdout.trim().to_owned()))?;
            let ended = self.one(&words, &before)?;
            before.clone_from(&ended.stdout);
            last = Some(ended);
        }
        last.ok_or_else(|| "an empty command line".to_owned())
    }

    fn one(&self, words: &[String], piped: &str) -> Result<Ended, String> {
        let Some((program, arguments)) = words.split_first() else {
            return Err("an empty command".to_owned());
        };
        match program.as_str() {
            "eksact" => {
                let mut command = if self.terminal && piped.is_empty() {
                    let mut command = self.place.bare(python());
                    command.args([TERMINAL, "EOF", PROGRAM]).env("TERM", "dumb");
                    command
                } else {
                    self.place.bare(PROGRAM)
                };
                if self.sandbox {
                    command.env("EKSACT_SANDBOX", "1");
                }
                command.env("COLUMNS", "100000").env("EKSACT_RETRY_PAUSE", "0");
                for (name, value) in &self.variables {
                    command.env(
                        name,
                        value.replace("$PLACE", &self.place.path("").display().to_string()),
                    );
                }
                let ended = with_input(command.args(arguments), piped).map_err(|e| e.to_string())?;
                Ok(Ended::of(ended))
            }
            "aws" | "kubectl" => Ok(tools::run(
                &self.place,
                program,
                arguments,
                piped,
                &[self.place.path("kc.yaml")],
            )),
            // What eksctl would do is not ours; that the command is one of its own, `cli/elsewhere.rs` knows.
            "eksctl" => Ok(Ended {
                code: 0,
                stdout: String::new(),
                stderr: String::new(),
            }),
            "grep" => shell::grep(arguments, piped),
            "cat" => shell::cat(&self.place, arguments),
            "chmod" => {
                let ended = self.place.bare("/bin/chmod").args(arguments).output();
                Ok(Ended::of(ended.map_err(|e| e.to_string())?))
            }
            other => Err(format!("there is no {other} here")),
        }
    }
}
