//! Scripts of shells, as far as a call for a token is found in them: commands, assignments, positional parameters.

/// Words of the shell that stand before a command.
const RESERVED: [&str; 12] = [
    "if", "then", "else", "elif", "do", "while", "until", "!", "{", "(", "time", "exec",
];

/// The script that a shell is given with `-c`, and its positional parameters.
pub(super) fn of_shell(arguments: &[String]) -> Option<(&str, &[String])> {
    let is_script_flag = |word: &String| {
        ["-command", "--command"].contains(&word.to_ascii_lowercase().as_str())
            || word.strip_prefix('-').is_some_and(|flags| {
                flags.ends_with('c') && flags.bytes().all(|flag| flag.is_ascii_alphabetic())
            })
    };
    let at = arguments.iter().position(is_script_flag)?;
    // Further flags may stand between `-c` and the script.
    let after = arguments.get(at + 1..)?;
    let script = after.iter().position(|word| !word.starts_with('-'))?;
    Some((after.get(script)?, after.get(script + 1..).unwrap_or_default()))
}

/// The simple commands of a script in their order; nothing where its quotes do not match.
pub(super) fn commands(text: &str, parameters: &[String]) -> Option<Vec<Vec<String>>> {
    let words = without_redirections(shlex::split(&with_separators(text))?);
    let mut commands = Vec::new();
    let mut command: Vec<String> = Vec::new();
    for word in words {
        match word.as_str() {
            ";" => commands.push(std::mem::take(&mut command)),
            // `$0` is the first, which names the script.
            "$@" | "$*" | "${@}" => command.extend(parameters.iter().skip(1).cloned()),
            word if command.is_empty() && RESERVED.contains(&word) => {}
            word => command.push(parameter(word, parameters).unwrap_or(word).to_owned()),
        }
    }
    commands.push(command);
    commands.retain(|command| !command.is_empty());
    Some(commands)
}

/// Words without `2>/dev/null`, `> file` and the like.
fn without_redirections(words: Vec<String>) -> Vec<String> {
    let mut kept = Vec::with_capacity(words.len());
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let bare = word.trim_start_matches(|c: char| c.is_ascii_digit() || c == '&');
        let Some(target) = bare.strip_prefix(['<', '>']) else {
            kept.push(word);
            continue;
        };
        if target.trim_start_matches(['<', '>', '&']).is_empty() {
            words.next();
        }
    }
    kept
}

/// The positional parameter that a word is.
fn parameter<'p>(word: &str, parameters: &'p [String]) -> Option<&'p str> {
    let name = word.strip_prefix('$')?;
    let name = name
        .strip_prefix('{')
        .and_then(|name| name.strip_suffix('}'))
        .unwrap_or(name);
    let number: usize = name.parse().ok()?;
    parameters.get(number).map(String::as_str)
}

/// The text with a lone `;` wherever a shell ends a command outside of quotes.
fn with_separators(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut quote = None;
    let mut is_escaped = false;
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        if is_escaped {
            is_escaped = false;
            out.push(c);
            continue;
        }
        match (quote, c) {
            (None | Some('"'), '\\') => is_escaped = true,
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            // `2>&1` ends no command.
            (None, '&') if out.ends_with('>') || letters.peek() == Some(&'>') => {}
            (None, ';' | '|' | '&' | '\n') => {
                out.push_str(" ; ");
                continue;
            }
            _ => {}
        }
        out.push(c);
    }
    out
}

/// `NAME=VALUE`.
pub(super) fn assignment(word: &str) -> Option<(String, String)> {
    let (name, value) = word.split_once('=')?;
    let mut letters = name.bytes();
    let is_name = letters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == b'_');
    is_name.then(|| (name.to_owned(), value.to_owned()))
}

/// The assignments before a command, and the command.
pub(super) fn split_assignments(command: &[String]) -> (Vec<(String, String)>, &[String]) {
    let assignments: Vec<_> = command.iter().map_while(|word| assignment(word)).collect();
    let rest = command.get(assignments.len()..).unwrap_or_default();
    (assignments, rest)
}
