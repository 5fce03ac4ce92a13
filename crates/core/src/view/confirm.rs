//! The question before an apply. Whether to ask at all is the command's decision.

use std::io::{self, BufRead, Read as _, Write};

/// Asks `question`, which names its answers (`Apply these changes? [y/N] `), on stderr and reads the answer from stdin: only `y` or `yes` is yes. It waits for a line.
pub fn confirm(question: &str) -> io::Result<bool> {
    ask(question, &mut io::stdin().lock(), &mut io::stderr().lock())
}

/// Writes `question` to `output` and reads one line of `input`. An empty line, the end of the input and
/// anything else that is not yes, is no.
fn ask(question: &str, input: &mut impl BufRead, output: &mut impl Write) -> io::Result<bool> {
    write!(output, "{question}")?;
    output.flush()?;
    let mut answer = String::new();
    let ended = input.by_ref().take(LONGEST_ANSWER).read_line(&mut answer)? == 0;
    if ended {
        // What follows must not stand behind the question.
        writeln!(output)?;
    }
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

/// Nobody types more; a stream without line ends shall not fill the memory.
const LONGEST_ANSWER: u64 = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confirmation_is_yes_and_nothing_else() {
        for (typed, yes) in [
            ("y\n", true),
            (" YES \r\n", true),
            ("yes", true),
            ("\n", false),
            ("", false),
            ("n\n", false),
            ("yess\n", false),
            ("no\ny\n", false),
        ] {
            let mut output = Vec::new();
            let answer = ask("Apply these changes? [y/N] ", &mut typed.as_bytes(), &mut output).unwrap();
            assert_eq!(answer, yes, "{typed:?}");
            assert!(output.starts_with(b"Apply these changes? [y/N] "));
        }
    }
}
