//! Text of a file for people: nothing in it reaches a terminal as a control, and what cannot be seen is named.

use std::fmt::Write as _;

use eksact_message::harmful::is_harmful;

/// A character that a terminal shows as itself: tabs become a space; what it does not show becomes `U+FFFD`.
pub fn harmless(character: char) -> char {
    match character {
        '\t' => ' ',
        other if is_invisible(other) => '\u{fffd}',
        other => other,
    }
}

/// A whole message, cut and made harmless.
pub fn harmless_text(text: &str) -> String {
    const LONGEST: usize = 1_000;
    text.chars()
        .take(LONGEST)
        .map(|c| if c == '\n' { ' ' } else { harmless(c) })
        .collect()
}

/// A value from a file in back quotes, cut and made harmless, for use in a message.
pub fn quoted(value: &str) -> String {
    const LONGEST: usize = 80;
    let is_blank = |c: Option<char>| c.is_some_and(|c| matches!(c, ' ' | '\t' | '\n'));
    let edges = (
        is_blank(value.chars().next()),
        is_blank(value.chars().next_back()),
    );
    let mut text = String::new();
    for character in value.chars().take(LONGEST) {
        match character {
            '\n' if edges != (false, false) => text.push_str("\\n"),
            '\t' if edges != (false, false) => text.push_str("\\t"),
            '\n' | '\t' => text.push(' '),
            other if is_invisible(other) => {
                let _ = write!(text, "<U+{:04X}>", u32::from(other));
            }
            other => text.push(other),
        }
    }
    if value.chars().nth(LONGEST).is_some() {
        text.push('…');
    }
    // In quotes, or nobody would see where it ends.
    match edges {
        (false, false) => format!("`{text}`"),
        (true, false) => format!("`\"{text}\"` (blank at its start)"),
        (false, true) => format!("`\"{text}\"` (blank at its end)"),
        (true, true) if value.trim().is_empty() => format!("`\"{text}\"` (nothing but blanks)"),
        (true, true) => format!("`\"{text}\"` (blanks at both ends)"),
    }
}

/// Characters that a terminal does not show, or shows as a blank that is none.
fn is_invisible(character: char) -> bool {
    is_harmful(character) || (character.is_whitespace() && !matches!(character, ' ' | '\t' | '\n'))
}
