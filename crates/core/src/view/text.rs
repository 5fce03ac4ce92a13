//! Text from elsewhere, made harmless for terminals, and measured in terminal cells.

use std::{borrow::Cow, fmt::Write as _, time::Duration};

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use eksact_message::duration::in_words;
pub use eksact_message::harmful::is_harmful;
use eksact_message::harmful::is_harmless;

/// `text` on one line as a terminal shows it: line ends and tabs become spaces; control characters, escapes, invisible
/// and direction-changing characters become `U+FFFD`, so that text can neither write to the terminal nor pass for other text.
pub fn harmless(text: &str) -> Cow<'_, str> {
    if text.contains('\n') || !is_harmless(text) {
        // A carriage return before a line end is part of the line end.
        Cow::Owned(text.replace("\r\n", "\n").chars().map(shown).collect())
    } else {
        Cow::Borrowed(text)
    }
}

fn shown(character: char) -> char {
    match character {
        '\t' | '\n' => ' ',
        other if is_harmful(other) => '\u{fffd}',
        other => other,
    }
}

/// Width in terminal cells.
pub fn cells(text: &str) -> usize {
    text.width()
}

/// Width of one character in terminal cells.
pub fn cells_of(character: char) -> usize {
    character.width().unwrap_or(0)
}

/// `text` cut to `width` cells, with an ellipsis where something is missing. Only for lines that pass, such as those of
/// progress: what stays on the screen is wrapped instead.
pub fn cut(text: &str, width: usize) -> String {
    if cells(text) <= width {
        return text.to_owned();
    }
    let mut used = 1;
    let mut kept: String = text
        .chars()
        .take_while(|character| {
            used += cells_of(*character);
            used <= width
        })
        .collect();
    if width > 0 {
        kept.push('…');
    }
    kept
}

/// `count` with its noun: `1 step`, `2 steps`.
pub fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// `text` with every byte as `%XX` that is not unreserved in a URI (RFC 3986, 2.3) or one of `kept`.
pub fn percent_encoded(text: &str, kept: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || kept.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// How long a step took, in milliseconds: always with tenths below a minute (`0.3 s`, `5.0 s`), so that a number that grows
/// keeps its width.
pub fn duration(milliseconds: u64) -> String {
    let tenths = milliseconds / 100;
    if tenths < 600 {
        format!("{}.{} s", tenths / 10, tenths % 10)
    } else {
        in_words(Duration::from_millis(milliseconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_reaches_no_terminal_as_a_command() {
        for (text, safe) in [
            ("plain äé 日本", "plain äé 日本"),
            ("a\u{1b}]0;title\u{7}b", "a\u{fffd}]0;title\u{fffd}b"),
            ("\u{9b}31mred", "\u{fffd}31mred"),
            ("one\r\ntwo\tthree", "one two three"),
            ("over\rwritten", "over\u{fffd}written"),
            ("ad\u{200b}min\u{202e}nimda", "ad\u{fffd}min\u{fffd}nimda"),
            ("tag\u{e0041}", "tag\u{fffd}"),
        ] {
            assert_eq!(harmless(text), safe);
        }
    }

    #[test]
    fn cuts_by_cells_not_by_characters() {
        assert_eq!(cut("日本語", 6), "日本語");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("abc", 0), "");
    }

    #[test]
    fn url_keeps_only_what_is_unreserved() {
        assert_eq!(percent_encoded("prod-2_eu.x", b""), "prod-2_eu.x");
        assert_eq!(percent_encoded("--> <b>/ü", b"/"), "--%3E%20%3Cb%3E/%C3%BC");
    }

    #[test]
    fn durations() {
        assert_eq!(duration(0), "0.0 s");
        assert_eq!(duration(5_149), "5.1 s");
        assert_eq!(duration(123_999), "2 min 3 s");
    }
}
