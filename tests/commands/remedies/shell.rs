//! Command lines as a help text prints them, taken apart as a shell does.

use crate::commands::place::{Ended, Place};

/// The commands in a help text: on a line of their own, in back quotes, or from the tool's name to the end of the sentence.
pub(super) fn printed(help: &str) -> Vec<String> {
    const TOOLS: [&str; 5] = ["eksact ", "aws ", "kubectl ", "chmod ", "eksctl "];
    let is_command = |text: &&str| TOOLS.iter().any(|tool| text.starts_with(tool));
    let mut found = Vec::new();
    for line in help.lines() {
        match line.strip_prefix("    ") {
            // How help texts indent what is to be copied.
            Some(own) => found.extend(Some(own).filter(is_command)),
            None => found.extend(line.split('`').skip(1).step_by(2).filter(is_command)),
        }
    }
    if !found.is_empty() {
        return found.into_iter().map(ToOwned::to_owned).collect();
    }
    let starts = TOOLS.iter().filter_map(|tool| help.find(tool));
    let Some(start) = starts.min() else {
        return Vec::new();
    };
    let line = &help[start..];
    let end = line.find(". ").or_else(|| line.find('\n')).unwrap_or(line.len());
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

/// `cat FILE`.
pub(super) fn cat(place: &Place, arguments: &[String]) -> Result<Ended, String> {
    let [file] = arguments else {
        return Err(format!("not simulated: cat {}", arguments.join(" ")));
    };
    Ok(Ended {
        code: 0,
        stdout: std::fs::read_to_string(place.path(file)).map_err(|error| error.to_string())?,
        stderr: String::new(),
    })
}

/// `grep -v '^…'` on what was piped to it.
pub(super) fn grep(arguments: &[String], piped: &str) -> Result<Ended, String> {
    let [invert, pattern] = arguments else {
        return Err(format!("not simulated: grep {}", arguments.join(" ")));
    };
    let start = pattern
        .strip_prefix('^')
        .filter(|_| invert == "-v")
        .ok_or("not simulated: this grep")?;
    let kept = piped.lines().filter(|line| !line.starts_with(start));
    Ok(Ended {
        code: 0,
        stdout: kept.map(|line| line.to_owned() + "\n").collect(),
        stderr: String::new(),
    })
}
