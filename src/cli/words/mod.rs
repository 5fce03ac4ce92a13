//! The words of a command line, looked at before clap reads them: what clap has no setting for, decided once from the tree
//! of commands for every flag of every command, so that a new flag cannot forget it.
//!
//! * An empty or blank value is refused: it comes from a variable that is not set, and is never an intent.
//! * A switch takes a value as Go's flags do (`--approve=true`); the last one counts.
//! * `-v 4` and `--verbose=4` are eksctl's levels.
//! * A command of eksctl's that eksact does not have is answered with its name.

mod elsewhere;
pub(crate) mod habits;

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
};

use clap::{
    Arg, ArgAction, Command,
    builder::{BoolishValueParser, Resettable, TypedValueParser as _},
};

use crate::cli::Failure;
use eksact_core::config::{is_blank, is_blank_character};

/// The words for clap.
///
/// # Errors
/// When a value is blank, a switch is neither on nor off, or the command is one that eksact does not have.
pub(crate) fn read(root: &Command, words: &[OsString]) -> Result<Vec<OsString>, Failure> {
    let mut reader = Reader {
        path: vec![root],
        positionals: 0,
        kept: Vec::new(),
    };
    let mut words = words.iter();
    reader.kept.extend(words.next().cloned().map(Kept::Word));
    let mut rest = words.as_slice();
    while let Some((word, following)) = rest.split_first() {
        rest = following;
        match word.to_str() {
            Some("--") => {
                reader.keep(word);
                for word in rest {
                    reader.positional(word)?;
                }
                break;
            }
            Some(text) if text.starts_with("--") => rest = reader.long(word, text, rest)?,
            Some(text) if text.len() > 1 && text.starts_with('-') => rest = reader.short(text, rest)?,
            text => reader.command_or_positional(word, text, rest)?,
        }
    }
    Ok(reader.into_words())
}

/// The commands without the variables of the environment that are empty: they count as not set.
///
/// # Errors
/// When a variable holds nothing but blanks.
pub(crate) fn without_empty_variables(command: Command) -> Result<Command, Failure> {
    let mut empty = Vec::new();
    empty_variables(&command, &mut empty)?;
    Ok(if empty.is_empty() {
        command
    } else {
        without_variables_that(command, &|variable| empty.iter().any(|one| one == variable))
    })
}

/// The commands as they are where no variable of the environment is set.
pub(crate) fn without_variables(command: Command) -> Command {
    without_variables_that(command, &|_| true)
}

fn empty_variables(command: &Command, empty: &mut Vec<OsString>) -> Result<(), Failure> {
    for variable in command.get_arguments().filter_map(Arg::get_env) {
        match std::env::var_os(variable) {
            Some(value) if value.is_empty() => empty.push(variable.to_owned()),
            Some(value) if value.to_str().is_some_and(is_blank) => {
                return Err(Failure::usage(format!(
                    "the variable {} has nothing but blanks",
                    variable.display()
                ))
                .with_help(remedy!("Unset it, or give it a value.")));
            }
            _ => {}
        }
    }
    command
        .get_subcommands()
        .try_for_each(|command| empty_variables(command, empty))
}

fn without_variables_that(command: Command, go: &impl Fn(&OsStr) -> bool) -> Command {
    command
        .mut_args(|argument| match argument.get_env() {
            Some(variable) if go(variable) => argument.env(Resettable::Reset),
            _ => argument,
        })
        .mut_subcommands(|command| without_variables_that(command, go))
}

/// A word for clap, or what becomes one when all words are read.
enum Kept {
    Word(OsString),
    Switch {
        id: String,
        is_on: bool,
        word: String,
    },
    /// The words that stand for a level of eksctl's.
    Level(&'static [&'static str]),
}

struct Reader<'a> {
    /// The commands named so far, the outermost first.
    path: Vec<&'a Command>,
    positionals: usize,
    kept: Vec<Kept>,
}

impl<'a> Reader<'a> {
    fn keep(&mut self, word: impl Into<OsString>) {
        self.kept.push(Kept::Word(word.into()));
    }

    /// The flag that `is_meant` finds: one of the command, or a global one of a command above.
    fn flag(&self, is_meant: impl Fn(&Arg) -> bool) -> Option<&'a Arg> {
        let (here, above) = self.path.split_last()?;
        let above = above.iter().rev().flat_map(|command| command.get_arguments());
        here.get_arguments()
            .chain(above.filter(|argument| argument.is_global_set()))
            .find(|argument| !argument.is_positional() && is_meant(argument))
    }

    /// `--name`, `--name=value` or `--name value`. Gives the words behind it.
    fn long<'w>(
        &mut self,
        word: &OsString,
        text: &str,
        rest: &'w [OsString],
    ) -> Result<&'w [OsString], Failure> {
        let (shown, value) = match text.split_once('=') {
            Some((shown, value)) => (shown, Some(value)),
            None => (text, None),
        };
        let name = shown.trim_start_matches("--");
        let Some(flag) = self.flag(|flag| {
            flag.get_long() == Some(name)
                || flag
                    .get_all_aliases()
                    .is_some_and(|aliases| aliases.contains(&name))
        }) else {
            self.keep(word);
            return Ok(rest);
        };
        match flag.get_action() {
            ArgAction::SetTrue => self.switch(flag, shown, value).map(|()| rest),
            ArgAction::Count => self.level(shown, value, rest),
            _ => {
                self.keep(word);
                match value {
                    Some(value) => self.check(flag, shown, value).map(|()| rest),
                    None => self.value_behind(flag, shown, rest),
                }
            }
        }
    }

    /// `-y`, `-yq`, `-c value`, `-cvalue`, `-c=value`. Gives the words behind it.
    fn short<'w>(&mut self, text: &str, rest: &'w [OsString]) -> Result<&'w [OsString], Failure> {
        let mut letters = text.trim_start_matches('-').chars();
        while let Some(letter) = letters.next() {
            let behind = letters.as_str();
            let value = behind.strip_prefix('=');
            let shown = format!("-{letter}");
            let Some(flag) = self.flag(|flag| {
                flag.get_short() == Some(letter)
                    || flag
                        .get_all_short_aliases()
                        .is_some_and(|aliases| aliases.contains(&letter))
            }) else {
                self.keep(format!("-{letter}{behind}"));
                return Ok(rest);
            };
            match flag.get_action() {
                ArgAction::SetTrue => {
                    self.switch(flag, &shown, value)?;
                    if value.is_some() {
                        return Ok(rest);
                    }
                }
                ArgAction::Count => {
                    let digits = behind.starts_with(|first: char| first.is_ascii_digit());
                    let value = value.or(digits.then_some(behind));
                    if value.is_some() || behind.is_empty() {
                        return self.level(&shown, value, rest);
                    }
                    self.keep(shown);
                }
                _ => {
                    self.keep(format!("-{letter}{behind}"));
                    return if behind.is_empty() {
                        self.value_behind(flag, &shown, rest)
                    } else {
                        self.check(flag, &shown, value.unwrap_or(behind)).map(|()| rest)
                    };
                }
            }
        }
        Ok(rest)
    }

    /// The next word as the value of `flag`, where clap takes it as one.
    fn value_behind<'w>(
        &mut self,
        flag: &Arg,
        shown: &str,
        rest: &'w [OsString],
    ) -> Result<&'w [OsString], Failure> {
        let takes = |word: &OsString| {
            !flag.is_require_equals_set()
                && word
                    .to_str()
                    .is_none_or(|text| text == "-" || !text.starts_with('-'))
        };
        let Some((value, rest)) = rest.split_first().filter(|(word, _)| takes(word)) else {
            return Ok(rest);
        };
        if let Some(value) = value.to_str() {
            self.check(flag, shown, value)?;
        }
        self.keep(value);
        Ok(rest)
    }

    fn switch(&mut self, flag: &Arg, shown: &str, value: Option<&str>) -> Result<(), Failure> {
        let is_on = match value {
            None => true,
            Some(value) => self.boolean(shown, value)?,
        };
        self.kept.push(Kept::Switch {
            id: flag.get_id().to_string(),
            is_on,
            word: shown.to_owned(),
        });
        Ok(())
    }

    fn boolean(&self, shown: &str, value: &str) -> Result<bool, Failure> {
        self.path
            .first()
            .and_then(|root| {
                BoolishValueParser::new()
                    .parse_ref(root, None, value.as_ref())
                    .ok()
            })
            .ok_or_else(|| {
                Failure::usage(format!("{shown}={value} is neither on nor off"))
                    .with_help(remedy!("Write {shown}, {shown}=true or {shown}=false."))
            })
    }

    /// A level as eksctl counts them: 0 is silent, 3 is what is said by default, 4 and 5 log.
    fn level<'w>(
        &mut self,
        shown: &str,
        value: Option<&str>,
        rest: &'w [OsString],
    ) -> Result<&'w [OsString], Failure> {
        let number = |text: &str| text.parse::<u8>().ok();
        let (level, rest) = match value {
            Some(value) => {
                let level = number(value).ok_or_else(|| {
                    Failure::usage(format!(
                        "{shown} takes a level from 0 to 5, and this is `{value}`"
                    ))
                    .with_help(remedy!("-v logs what is done, -vv every call."))
                })?;
                (level, rest)
            }
            None => match rest.split_first() {
                Some((word, rest)) if word.to_str().and_then(number).is_some() => {
                    (word.to_str().and_then(number).unwrap_or_default(), rest)
                }
                _ => {
                    self.keep(shown);
                    return Ok(rest);
                }
            },
        };
        self.kept.push(match level {
            0 | 1 => Kept::Switch {
                id: "quiet".to_owned(),
                is_on: true,
                word: "--quiet".to_owned(),
            },
            2 | 3 => Kept::Level(&[]),
            4 => Kept::Level(&["-v"]),
            _ => Kept::Level(&["-vv"]),
        });
        Ok(rest)
    }

    fn command_or_positional(
        &mut self,
        word: &OsString,
        text: Option<&str>,
        rest: &[OsString],
    ) -> Result<(), Failure> {
        let here = self.path.last().copied();
        let Some((here, text)) = here.zip(text).filter(|(here, _)| here.has_subcommands()) else {
            return self.positional(word);
        };
        not_blank("an argument", text, None).map_err(stray)?;
        self.keep(word);
        if let Some(command) = here.find_subcommand(text) {
            self.path.push(command);
            return Ok(());
        }
        let verbs: Vec<&str> = self
            .path
            .iter()
            .skip(1)
            .map(|command| command.get_name())
            .collect();
        let next = rest
            .iter()
            .find_map(|word| word.to_str().filter(|text| !text.starts_with('-')));
        match elsewhere::answer(&verbs, text, next) {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }

    fn positional(&mut self, word: &OsString) -> Result<(), Failure> {
        let argument = self
            .path
            .last()
            .and_then(|command| command.get_positionals().nth(self.positionals));
        if let Some(text) = word.to_str() {
            let name = argument.and_then(|argument| argument.get_value_names()?.first());
            let shown = name.map_or_else(|| "an argument".to_owned(), |name| format!("the argument {name}"));
            not_blank(&shown, text, None).map_err(stray)?;
            hyphen(text)?;
            if let Some(argument) = argument {
                not_padded(argument, &shown, text)?;
            }
        }
        self.positionals += 1;
        self.keep(word);
        Ok(())
    }

    /// Refuses a value that is no value.
    fn check(&self, flag: &Arg, shown: &str, value: &str) -> Result<(), Failure> {
        not_blank(shown, value, self.opposite(flag))?;
        if let Some(delimiter) = flag.get_value_delimiter() {
            for item in value.split(delimiter) {
                if is_blank(item) {
                    return Err(
                        Failure::usage(format!("{shown} has an empty item: `{value}`")).with_help(remedy!(
                            "A variable was probably not set, or there is an extra comma."
                        )),
                    );
                }
                not_padded(flag, shown, item)?;
            }
            return Ok(());
        }
        not_padded(flag, shown, value)
    }

    /// The switch that says in words what an empty value of `flag` cannot: `--no-policies`.
    fn opposite(&self, flag: &Arg) -> Option<&'a Arg> {
        let command = self.path.last()?;
        command.get_arguments().find(|other| {
            other.get_long().is_some_and(|long| long.starts_with("no-"))
                && command
                    .get_arg_conflicts_with(other)
                    .iter()
                    .any(|excluded| excluded.get_id() == flag.get_id())
        })
    }

    fn into_words(self) -> Vec<OsString> {
        let mut last_switch: BTreeMap<String, usize> = BTreeMap::new();
        let mut last_level = 0;
        for (place, kept) in self.kept.iter().enumerate() {
            match kept {
                Kept::Switch { id, .. } => {
                    last_switch.insert(id.clone(), place);
                }
                Kept::Level(_) => last_level = place,
                Kept::Word(_) => {}
            }
        }
        let mut words = Vec::new();
        for (place, kept) in self.kept.into_iter().enumerate() {
            match kept {
                Kept::Word(word) => words.push(word),
                // A switch that is off is as if it were not there: it excludes nothing and demands nothing.
                Kept::Switch { id, is_on, word } => {
                    words.extend((is_on && last_switch.get(&id) == Some(&place)).then(|| word.into()));
                }
                Kept::Level(level) if place == last_level => words.extend(level.iter().map(Into::into)),
                Kept::Level(_) => {}
            }
        }
        words
    }
}

fn not_blank(shown: &str, value: &str, opposite: Option<&Arg>) -> Result<(), Failure> {
    if !is_blank(value) {
        return Ok(());
    }
    let what = if value.is_empty() { "is empty" } else { "is blank" };
    let failure = Failure::usage(format!("{shown} {what}")).with_help(remedy!(
        "A variable was probably not set: set it, or leave the flag out."
    ));
    Err(
        match opposite.and_then(|other| Some((other.get_long()?, other.get_help()?))) {
            Some((long, help)) => failure.with_help(remedy!("If it is intended: --{long} ({help}).")),
            None => failure,
        },
    )
}

/// Programs that format text make one dash of two hyphens, and the line does not mean what it shows.
fn hyphen(text: &str) -> Result<(), Failure> {
    let is_dash = |character: char| matches!(character, '\u{2010}'..='\u{2015}' | '\u{2212}');
    if !text.starts_with(is_dash) {
        return Ok(());
    }
    let name = text.trim_start_matches(|character| is_dash(character) || character == '-');
    let hyphens = if name.chars().count() > 1 { "--" } else { "-" };
    Err(
        Failure::usage(format!("`{text}` begins with a dash that is not a hyphen"))
            .with_help(remedy!("Write `{hyphens}{name}`.")),
    )
}

/// What to do about a blank word that belongs to no flag.
fn stray(failure: Failure) -> Failure {
    Failure {
        help: vec![remedy!(
            "A variable was probably not set, or a line ends with a backslash and a blank: the backslash must be the last \
             character of its line."
        )],
        ..failure
    }
}

/// A blank at an end of a value comes from a line that ends with `\ `, or from `a, b`; names with it are other names.
fn not_padded(argument: &Arg, shown: &str, value: &str) -> Result<(), Failure> {
    let names = argument.get_value_names().unwrap_or_default();
    let is = |wanted: &[&str]| names.iter().any(|name| wanted.contains(&name.as_str()));
    // What is copied from a terminal may have them, and they are taken off.
    let is_pasted = is(&["TOKEN"]);
    let trimmed = value.trim_matches(is_blank_character);
    if trimmed == value || is_pasted {
        return Ok(());
    }
    let end = if value.starts_with(trimmed) {
        "ends"
    } else {
        "begins"
    };
    // A URL may have a password in it, and a variable may be one.
    let (value, help) = if is(&["URL", "NAME=VALUE"]) {
        let help = remedy!("Remove it; a backslash at the end of a line must be its last character.");
        (String::new(), help)
    } else {
        let help = remedy!("Write `{trimmed}`; a backslash at the end of a line must be its last character.");
        (format!(": `{value}`"), help)
    };
    Err(Failure::usage(format!("{shown} {end} with a blank{value}")).with_help(help))
}

#[cfg(test)]
mod tests;
