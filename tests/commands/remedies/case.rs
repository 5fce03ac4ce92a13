//! One line of the table: a situation, a command that complains, what its help says, done, and the command again.

use std::ops::Range;

use eksact_simulator::World;

use super::{
    complaint::{Complaint, said},
    shell,
    stage::Stage,
};
use crate::commands::place::Place;

/// One check of the table, and what it is about.
pub(super) struct Check {
    pub(super) about: String,
    /// Gives the help texts that were followed.
    pub(super) run: Box<dyn FnOnce() -> Result<Vec<String>, String> + Send>,
}

/// What is done where the help says so.
enum Deed {
    Replace(String, String, String),
    Write(String, String),
    World(Box<dyn FnOnce(&mut World) + Send>),
    /// A command line as people type it.
    Run(String),
    /// The same; it does what it can, and says that something is left.
    RunInPart(String),
    /// The commands in the help of another complaint, which says so.
    PrintedElsewhere(&'static str),
    /// The command in the help is run; somebody whom the cluster lets in runs those that it advises where it says so.
    Advised(&'static str, Vec<(&'static str, &'static str)>),
    /// What the help says, done by hand with its text at hand.
    ByHand(Box<dyn FnOnce(&mut World, &str) + Send>),
    /// These of the commands in the help itself, with these words in place of its placeholders.
    Printed(Range<usize>, Vec<(&'static str, &'static str)>),
    /// Something outside the place.
    Does(Box<dyn FnOnce() + Send>),
    Variable(&'static str, String),
    /// What this command line prints becomes this file; without one, the command in the help.
    Into(Option<String>, String),
    /// The commands in the help are used in place of the command.
    InItsPlace(Vec<(&'static str, &'static str)>),
    /// The command is now this one.
    Instead(String),
    /// The command again as it is: the help says so, and what was in the way is gone by itself.
    Again,
}

/// A situation and what it leads to.
pub(super) struct Case {
    files: Vec<(String, Vec<u8>)>,
    world: Vec<Box<dyn FnOnce(&mut World) + Send>>,
    first: Vec<String>,
    after_first: Vec<Box<dyn FnOnce(&mut World) + Send>>,
    variables: Vec<(&'static str, String)>,
    sandbox: bool,
    terminal: bool,
    command: String,
    says: String,
    deeds: Vec<Deed>,
    leaves: Vec<&'static str>,
}

/// A case about this command line of eksact's.
pub(super) fn case(command: impl Into<String>) -> Case {
    Case {
        files: Vec::new(),
        world: Vec::new(),
        first: Vec::new(),
        after_first: Vec::new(),
        variables: Vec::new(),
        sandbox: true,
        terminal: false,
        command: command.into(),
        says: String::new(),
        deeds: Vec::new(),
        leaves: Vec::new(),
    }
}

impl Case {
    /// With this file: a text, or bytes.
    pub(super) fn file(mut self, name: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.push((name.to_owned(), content.into()));
        self
    }

    /// In the account and the cluster edited so, before anything runs.
    pub(super) fn world(mut self, edit: impl FnOnce(&mut World) + Send + 'static) -> Self {
        self.world.push(Box::new(edit));
        self
    }

    /// After this command line.
    pub(super) fn first(mut self, command: impl Into<String>) -> Self {
        self.first.push(command.into());
        self
    }

    /// In the account and the cluster edited so, after those.
    pub(super) fn after_first(mut self, edit: impl FnOnce(&mut World) + Send + 'static) -> Self {
        self.after_first.push(Box::new(edit));
        self
    }

    /// About this command line instead.
    pub(super) fn command(mut self, command: impl Into<String>) -> Self {
        self.command = command.into();
        self
    }

    /// With this variable.
    pub(super) fn variable(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// Not in the sandbox.
    pub(super) fn real(mut self) -> Self {
        self.sandbox = false;
        self
    }

    /// With a terminal for its input and its output.
    pub(super) fn on_terminal(mut self) -> Self {
        self.terminal = true;
        self
    }

    /// The command says this in its help.
    pub(super) fn says(mut self, help: impl Into<String>) -> Self {
        self.says = help.into();
        self
    }

    pub(super) fn replace(mut self, file: &str, from: impl Into<String>, to: impl Into<String>) -> Self {
        self.deeds
            .push(Deed::Replace(file.to_owned(), from.into(), to.into()));
        self
    }

    pub(super) fn write(mut self, file: &str, text: impl Into<String>) -> Self {
        self.deeds.push(Deed::Write(file.to_owned(), text.into()));
        self
    }

    pub(super) fn change(mut self, edit: impl FnOnce(&mut World) + Send + 'static) -> Self {
        self.deeds.push(Deed::World(Box::new(edit)));
        self
    }

    pub(super) fn run(mut self, line: impl Into<String>) -> Self {
        self.deeds.push(Deed::Run(line.into()));
        self
    }

    /// A command that has the cause of the complaint left, and does the rest.
    pub(super) fn run_in_part(mut self, line: impl Into<String>) -> Self {
        self.deeds.push(Deed::RunInPart(line.into()));
        self
    }

    pub(super) fn printed(self, words: &[(&'static str, &'static str)]) -> Self {
        self.printed_of(0..usize::MAX, words)
    }

    /// The same where the help names several ways.
    pub(super) fn printed_of(mut self, range: Range<usize>, words: &[(&'static str, &'static str)]) -> Self {
        self.deeds.push(Deed::Printed(range, words.to_vec()));
        self
    }

    pub(super) fn does(mut self, deed: impl FnOnce() + Send + 'static) -> Self {
        self.deeds.push(Deed::Does(Box::new(deed)));
        self
    }

    /// The help points to that of another complaint.
    pub(super) fn printed_elsewhere(mut self, says: &'static str) -> Self {
        self.deeds.push(Deed::PrintedElsewhere(says));
        self
    }

    /// The command in the help explains what to do; what it says there is done.
    pub(super) fn advised(mut self, says: &'static str, words: &[(&'static str, &'static str)]) -> Self {
        self.deeds.push(Deed::Advised(says, words.to_vec()));
        self
    }

    pub(super) fn by_hand(mut self, edit: impl FnOnce(&mut World, &str) + Send + 'static) -> Self {
        self.deeds.push(Deed::ByHand(Box::new(edit)));
        self
    }

    pub(super) fn run_into(mut self, file: &str) -> Self {
        self.deeds.push(Deed::Into(None, file.to_owned()));
        self
    }

    pub(super) fn run_line_into(mut self, line: &str, file: &str) -> Self {
        self.deeds
            .push(Deed::Into(Some(line.to_owned()), file.to_owned()));
        self
    }

    pub(super) fn set(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.deeds.push(Deed::Variable(name, value.into()));
        self
    }

    pub(super) fn instead(mut self, command: impl Into<String>) -> Self {
        self.deeds.push(Deed::Instead(command.into()));
        self
    }

    pub(super) fn again(mut self) -> Self {
        self.deeds.push(Deed::Again);
        self
    }

    /// The help names a command to use in place of this one: it works.
    pub(super) fn in_its_place(mut self, words: &[(&'static str, &'static str)]) -> Self {
        self.deeds.push(Deed::InItsPlace(words.to_vec()));
        self
    }

    /// Complaints with this in them may be new afterwards.
    pub(super) fn leaves(mut self, complaint: &'static str) -> Self {
        self.leaves.push(complaint);
        self
    }

    pub(super) fn check(self) -> Check {
        Check {
            about: format!("eksact {} → {}", self.command, self.says),
            run: Box::new(move || self.tried()),
        }
    }

    fn tried(self) -> Result<Vec<String>, String> {
        if self.says.is_empty() || self.deeds.is_empty() {
            return Err("the case says nothing, or does nothing".to_owned());
        }
        let place = Place::new();
        for (name, content) in &self.files {
            match std::str::from_utf8(content) {
                Ok(text) => place.write(name, text),
                Err(_) => std::fs::write(place.path(name), content).unwrap(),
            }
        }
        for edit in self.world {
            place.edit("quickstart", edit);
        }
        let mut stage = Stage {
            place,
            variables: self.variables,
            sandbox: self.sandbox,
            terminal: self.terminal,
        };
        for line in &self.first {
            let ended = stage.run(line)?;
            if ended.code != 0 {
                return Err(format!("`{line}` comes before it and fails:\n{}", ended.stderr));
            }
        }
        for edit in self.after_first {
            stage.place.edit("quickstart", edit);
        }
        let mut command = format!("eksact {}", self.command);
        let (before, output) = stage.complaints(&command)?;
        let is_it = |complaint: &&Complaint| complaint.help.iter().any(|help| help.contains(&self.says));
        let Some(complaint) = before.iter().find(is_it).cloned() else {
            return Err(format!("it does not say so, but:\n{output}"));
        };
        let help: Vec<String> = complaint
            .help
            .iter()
            .filter(|help| help.contains(&self.says))
            .cloned()
            .collect();
        for deed in self.deeds {
            match deed {
                Deed::Replace(file, from, to) => {
                    let text = std::fs::read_to_string(stage.place.path(&file)).map_err(|e| e.to_string())?;
                    if !text.contains(&from) {
                        return Err(format!("there is no {from:?} in {file}:\n{text}"));
                    }
                    stage.place.write(&file, &text.replacen(&from, &to, 1));
                }
                Deed::Write(file, text) => stage.place.write(&file, &text),
                Deed::World(edit) => stage.place.edit("quickstart", edit),
                Deed::Run(line) => stage.succeed(&line)?,
                Deed::RunInPart(line) => {
                    let ended = stage.run(&line)?;
                    if !ended.stderr.contains("Applied: ") {
                        return Err(format!(
                            "`{line}` does nothing:\n{}{}",
                            ended.stdout, ended.stderr
                        ));
                    }
                }
                Deed::PrintedElsewhere(says) => {
                    let other = before.iter().flat_map(|other| &other.help);
                    let other: Vec<String> = other.filter(|help| help.contains(says)).cloned().collect();
                    for line in commands_in(&other, &[])? {
                        stage.succeed(&line)?;
                    }
                }
                Deed::Advised(says, words) => {
                    for line in commands_in(&help, &words)? {
                        let (told, output) = stage.complaints(&line)?;
                        let mut told = told.into_iter().flat_map(|complaint| complaint.help);
                        let Some(advice) = told.find(|help| help.contains(says)) else {
                            return Err(format!("`{line}` does not say so, but:\n{output}"));
                        };
                        // Somebody else does it, whom the cluster lets in.
                        let own = std::mem::take(&mut stage.variables);
                        for line in commands_in(&[advice], &words)? {
                            stage.succeed(&line)?;
                        }
                        stage.variables = own;
                    }
                }
                Deed::ByHand(edit) => stage
                    .place
                    .edit("quickstart", |world| edit(world, &help.join("\n"))),
                Deed::Printed(range, words) => {
                    let lines = commands_in(&help, &words)?;
                    for line in lines.iter().skip(range.start).take(range.len()) {
                        stage.succeed(line)?;
                    }
                }
                Deed::Does(deed) => deed(),
                Deed::InItsPlace(words) => {
                    for line in commands_in(&help, &words)? {
                        stage.succeed(&line)?;
                    }
                    return Ok(help);
                }
                Deed::Into(line, file) => {
                    let line = match line {
                        Some(line) => line,
                        None => commands_in(&help, &[])?.remove(0),
                    };
                    let ended = stage.run(&line)?;
                    if ended.code != 0 {
                        return Err(format!("`{line}` fails:\n{}", ended.stderr));
                    }
                    stage.place.write(&file, &ended.stdout);
                }
                Deed::Variable(name, value) => {
                    stage.variables.retain(|(other, _)| *other != name);
                    stage.variables.push((name, value));
                }
                Deed::Instead(other) => command = format!("eksact {other}"),
                Deed::Again => {}
            }
        }
        let (after, output) = stage.complaints(&command)?;
        let (was, is) = (said(&before), said(&after));
        let it = said(std::slice::from_ref(&complaint));
        if is.iter().any(|complaint| it.contains(complaint)) {
            return Err(format!(
                "{help:?} was followed, and the complaint is still there:\n{output}"
            ));
        }
        let new: Vec<&String> = is
            .difference(&was)
            // A run without approval ends with this, once nothing else is in its way.
            .filter(|new| !new.contains("there is no terminal to ask on"))
            .filter(|new| !self.leaves.iter().any(|expected| new.contains(expected)))
            .collect();
        if !new.is_empty() {
            return Err(format!("{help:?} was followed, and {new:#?} is new:\n{output}"));
        }
        Ok(help)
    }
}

/// The command lines in help texts, with these words in place of placeholders.
fn commands_in(help: &[String], words: &[(&str, &str)]) -> Result<Vec<String>, String> {
    let mut lines = shell::printed(&help.join("\n"));
    if lines.is_empty() {
        return Err(format!("there is no command in {help:?}"));
    }
    for line in &mut lines {
        for (placeholder, word) in words {
            *line = line.replace(placeholder, word);
        }
    }
    Ok(lines)
}
