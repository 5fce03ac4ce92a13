//! What hands that know eksctl, kubectl or Terraform type, and eksact does not take: answered with what to type here.

use std::{ffi::OsString, path::Path};

use clap::{
    Arg, Command,
    builder::StyledStr,
    error::{ContextKind, ContextValue, ErrorKind},
};

use crate::cli::{Failure, Refused, texts::shell::quoted};
use eksact_message::remedy::Remedy;

/// Why `words` are not run: in the words of clap, which found it, or in better ones where it is known what was meant. `root`
/// is the tree of commands.
pub(crate) fn refused(error: clap::Error, root: &Command, words: &[OsString]) -> Refused {
    match answer(&error, root, words) {
        Some(failure) => Refused::Words(failure),
        None => Refused::Clap(without_doubtful_tips(error)),
    }
}

/// A flag that is misspelt, or of another command, was not meant as the name of an object: `-- --dry-run` is no advice.
fn without_doubtful_tips(mut error: clap::Error) -> clap::Error {
    if let Some(ContextValue::StyledStrs(tips)) = error.remove(ContextKind::Suggested) {
        let is_doubtful = |tip: &StyledStr| tip.to_string().contains("as a value, use");
        let kept: Vec<StyledStr> = tips.into_iter().filter(|tip| !is_doubtful(tip)).collect();
        if !kept.is_empty() {
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(kept));
        }
    }
    error
}

fn answer(error: &clap::Error, root: &Command, words: &[OsString]) -> Option<Failure> {
    let line = Line::new(root, words);
    let of = |kind| match error.get(kind) {
        Some(ContextValue::String(word)) => Some(word.as_str()),
        _ => None,
    };
    match error.kind() {
        ErrorKind::InvalidSubcommand if line.path.is_empty() => command(of(ContextKind::InvalidSubcommand)?),
        ErrorKind::UnknownArgument => line.argument(of(ContextKind::InvalidArg)?),
        _ => None,
    }
}

/// A command that other tools have.
fn command(word: &str) -> Option<Failure> {
    let help = match word {
        "diff" | "preview" | "validate" | "lint" => {
            remedy!("`eksact plan -f FILE` checks a file and shows what it would change.")
        }
        "destroy" => to_delete(),
        _ => return None,
    };
    Some(Failure::usage(format!("there is no command `{word}`")).with_help(help))
}

fn to_delete() -> Remedy {
    remedy!(
        "`eksact delete iamserviceaccount -f FILE` deletes the service accounts of a file with their roles; `eksact apply -f \
         FILE --prune` deletes what a file no longer has."
    )
}

/// The flags with a value that lead to an account and a cluster, as [`crate::cli::flags::global::GlobalFlags`] has them.
const PLACE: [&str; 6] = [
    "--region",
    "--profile",
    "--sandbox-file",
    "--sandbox-caller",
    "--kubeconfig",
    "--context",
];

/// `-r` and `-p`, whose value may be in the same word.
fn is_short_place(word: &str) -> bool {
    (word.starts_with("-r") || word.starts_with("-p")) && !word.starts_with("--")
}

/// A command line, as far as its commands go.
struct Line<'a> {
    words: Vec<&'a str>,
    /// The commands that it names, without the program.
    path: Vec<&'a str>,
    /// The last of them.
    here: &'a Command,
}

impl<'a> Line<'a> {
    fn new(root: &'a Command, words: &'a [OsString]) -> Self {
        let words: Vec<&str> = words.iter().skip(1).filter_map(|word| word.to_str()).collect();
        let (mut here, mut path) = (root, Vec::new());
        for word in &words {
            if let Some(command) = here.find_subcommand(word) {
                here = command;
                path.push(*word);
            }
        }
        Self { words, path, here }
    }

    /// A word that the command has no place for.
    fn argument(&self, word: &str) -> Option<Failure> {
        let has = |long: &str| self.here.get_arguments().any(|one| is_long(one, long));
        let verb = *self.path.first()?;
        let unexpected = Failure::usage(format!("unexpected argument '{word}'"));
        match word {
            "--dry-run" if has("allow") => Some(unexpected.with_help(remedy!(
                "Leave it out, and --yes with it: the plan is shown first, and nothing is changed that was not approved."
            ))),
            "-n" | "--namespace" if has("include") => Some(unexpected.with_help(remedy!(
                "A file has objects of many namespaces: `--include 'NAMESPACE/*'` chooses service accounts of one, `--target \
                 GLOB` any objects by their addresses."
            ))),
            "--cluster" | "--name" | "-c" | "-n" if has("config-file") && !has("cluster") => Some(
                unexpected.with_help(remedy!("The file says which cluster it is about: leave {word} out.")),
            ),
            "--any-namespace" if has("all-namespaces") => Some(
                unexpected.with_help(remedy!("`eksact who-can` has it, and lists who may in which namespaces.")),
            ),
            "-f" | "--file" | "--filename" | "--config-file" if self.here.has_subcommands() => {
                let help = match verb {
                    "create" | "update" => {
                        let file = self.behind(word) + &self.place();
                        remedy!(
                            "Name the kind of object: `eksact {verb} iamserviceaccount -f {file}`; `eksact apply -f {file}` is \
                             about all that is in the file."
                        )
                    }
                    "delete" => to_delete(),
                    _ => return None,
                };
                Some(unexpected.with_help(help))
            }
            file if has("config-file") && is_configuration(file) => {
                Some(unexpected.with_help(remedy!("A file is named with -f: `-f {}`.", quoted(file))))
            }
            _ => None,
        }
    }

    /// The flags that lead to an account and a cluster as they were typed, each with a blank before it: what is to be typed in place
    /// of this goes to the same.
    fn place(&self) -> String {
        let mut place = String::new();
        let mut words = self.words.iter();
        while let Some(word) = words.next() {
            let name = word.split_once('=').map_or(*word, |(name, _)| name);
            let takes_next = match name {
                "--sandbox" => false,
                _ if PLACE.contains(&name) => name == *word,
                _ if is_short_place(word) => word.len() == 2,
                _ => continue,
            };
            let value = if takes_next { words.next() } else { None };
            for word in std::iter::once(word).chain(value) {
                place.push(' ');
                place.push_str(&quoted(word));
            }
        }
        place
    }

    /// The word behind `flag`, for a shell.
    fn behind(&self, flag: &str) -> String {
        let mut words = self.words.iter().skip_while(|word| **word != flag).skip(1);
        words
            .next()
            .map_or_else(|| "FILE".to_owned(), |file| quoted(file))
    }
}

fn is_long(argument: &Arg, long: &str) -> bool {
    argument.get_long() == Some(long)
}

fn is_configuration(word: &str) -> bool {
    let is = |extension: &str| ["yaml", "yml", "json"].contains(&extension.to_lowercase().as_str());
    !word.starts_with('-')
        && Path::new(word)
            .extension()
            .is_some_and(|extension| extension.to_str().is_some_and(is))
}
