//! Commands in sentences. They are there to be copied, and are kept on one line.

use super::{
    page::{Page, Span},
    style::Style,
};

/// The programs whose commands are advised.
const PROGRAMS: [&str; 4] = ["eksact", "kubectl", "aws", "eksctl"];

/// `text` in pieces of which each command is a whole one: what begins with a program between back quotes, and what stands
/// behind `run: ` to the end.
pub(super) fn sentence(text: &str) -> Vec<Span> {
    let command = text
        .split_once("run: ")
        .map(|(_, command)| command)
        .filter(|command| is_command(command));
    let before = command
        .and_then(|command| text.strip_suffix(command))
        .unwrap_or(text);
    let mut spans = Vec::new();
    let mut parts = before.split('`').peekable();
    let mut is_quoted = false;
    while let Some(part) = parts.next() {
        let is_closed = parts.peek().is_some();
        if is_quoted && is_closed && is_command(part) {
            spans.push(Span::whole(format!("`{part}`")));
        } else if is_quoted && is_closed {
            spans.push(Span::plain(format!("`{part}`")));
        } else if is_quoted {
            spans.push(Span::plain(format!("`{part}")));
        } else {
            spans.push(Span::plain(part));
        }
        is_quoted = !is_quoted;
    }
    spans.extend(command.map(Span::whole));
    spans
}

/// A sentence on lines of its own, its continuations a little to the right.
pub fn wrapped(text: &str, style: Style) -> String {
    let mut page = Page::new(style);
    page.hanging(0, 2, &sentence(text));
    page.finish()
}

/// Whether `text` is a program with words behind it: a name alone can stand anywhere.
fn is_command(text: &str) -> bool {
    text.split_once(' ')
        .is_some_and(|(program, _)| PROGRAMS.contains(&program))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentence_is_wrapped_and_a_command_is_not() {
        let text =
            "no - nobody of that name is there, and `eksact get accessentry --cluster prod` lists who is";
        assert_eq!(
            wrapped(text, Style::plain(40)),
            "no - nobody of that name is there, and\n  `eksact get accessentry --cluster prod`\n  lists who is\n"
        );
    }

    #[test]
    fn sentences_and_the_commands_in_them() {
        let plain = Span::plain;
        let whole = Span::whole;
        let table: [(&str, Vec<Span>); 7] = [
            ("Nothing to copy.", vec![plain("Nothing to copy.")]),
            (
                "Use `eksact get accessentry`, or `kubectl`.",
                vec![
                    plain("Use "),
                    whole("`eksact get accessentry`"),
                    plain(", or "),
                    plain("`kubectl`"),
                    plain("."),
                ],
            ),
            (
                "Write `a: b c`.",
                vec![plain("Write "), plain("`a: b c`"), plain(".")],
            ),
            (
                "To apply it, run: eksact apply -f 'a`b' --yes",
                vec![plain("To apply it, run: "), whole("eksact apply -f 'a`b' --yes")],
            ),
            ("Then run: it works", vec![plain("Then run: it works")]),
            (
                "one ` and no `aws sts x",
                vec![plain("one "), plain("` and no `"), plain("aws sts x")],
            ),
            ("open `eksact plan", vec![plain("open "), plain("`eksact plan")]),
        ];
        for (text, wanted) in table {
            assert_eq!(sentence(text), wanted, "{text}");
        }
    }
}
