//! The commands of other tools that remedies name, done to the simulated account and cluster: what the AWS CLI and kubectl
//! would do with these very arguments, and nothing that they would not.

use crate::place::{Ended, Place};

/// The commands in a help text: in back quotes, or from the tool's name to the end of the sentence.
pub(super) fn printed(help: &str) -> Vec<String> {
    const TOOLS: [&str; 4] = ["eksact ", "aws ", "kubectl ", "chmod "];
    let is_command = |text: &&str| TOOLS.iter().any(|tool| text.starts_with(tool));
    let quoted: Vec<String> = help
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(is_command)
        .map(ToOwned::to_owned)
        .collect();
    if !quoted.is_empty() {
        return quoted;
    }
    let starts = TOOLS.iter().filter_map(|tool| help.find(tool));
    let Some(start) = starts.min() else {
        return Vec::new();
    };
    let line = &help[start..];
    let end = line.find(". ").unwrap_or(line.len());
    vec![line[..end].trim_end_matches('.').to_owned()]
}

/// The words of a command line as a shell takes them apart; `$(…)` is run by `inner`.
pub(super) fn words(
    line: &str,
    inner: impl Fn(&str) -> Result<String, String>,
) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            (' ', None) => words.extend(word.take()),
            ('\'' | '"', None) => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (letter, Some(mark)) if letter == mark => quote = None,
            ('$', None | Some('"')) if letters.next_if_eq(&'(').is_some() => {
                let command: String = letters.by_ref().take_while(|letter| *letter != ')').collect();
                word.get_or_insert_default().push_str(&inner(&command)?);
            }
            ('\\', None | Some('"')) => word.get_or_insert_default().extend(letters.next()),
            (letter, _) => word.get_or_insert_default().push(letter),
        }
    }
    if quote.is_some() {
        return Err(format!("a quote is open in {line}"));
    }
    words.extend(word);
    Ok(words)
}

/// Runs `aws …` or `kubectl …` on the sandbox of this place.
pub(super) fn run(place: &Place, program: &str, arguments: &[String]) -> Ended {
    let _ = (place, program);
    Ended {
        code: 252,
        stdout: String::new(),
        stderr: format!("not simulated: {program} {}", arguments.join(" ")),
    }
}
