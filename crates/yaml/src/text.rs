//! From the bytes of a file to text, and back: UTF-8, or UTF-16 with a byte order mark, as go-yaml takes them.
//!
//! The byte order mark stays in the text, where [`super::syntax`] passes over it.

use eksact_message::remedy::Remedy;

/// How a file holds its text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    #[default]
    Utf8,
    /// UTF-16, the low byte first: what `>` of Windows PowerShell writes.
    Utf16LowFirst,
    /// UTF-16, the high byte first.
    Utf16HighFirst,
}

impl Encoding {
    /// The bytes that hold `text`.
    pub fn bytes(self, text: &str) -> Vec<u8> {
        match self {
            Self::Utf8 => text.as_bytes().to_vec(),
            Self::Utf16LowFirst => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Self::Utf16HighFirst => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        }
    }
}

/// Bytes that are no text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct NotText {
    /// What is wrong.
    pub problem: &'static str,
    /// The line where the text ends, from 1.
    pub line: usize,
    /// The column behind the text there, from 1.
    pub column: usize,
}

/// What to do about bytes that are no text.
pub fn not_text_help() -> Remedy {
    remedy!("save the file as UTF-8")
}

/// The text that `bytes` hold.
///
/// # Errors
/// When they are neither UTF-8 nor UTF-16 with a byte order mark.
pub fn decode(bytes: &[u8]) -> Result<(String, Encoding), NotText> {
    match bytes {
        [0xff, 0xfe, ..] => from_utf16(bytes, u16::from_le_bytes).map(|text| (text, Encoding::Utf16LowFirst)),
        [0xfe, 0xff, ..] => {
            from_utf16(bytes, u16::from_be_bytes).map(|text| (text, Encoding::Utf16HighFirst))
        }
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => Ok((text.to_owned(), Encoding::Utf8)),
            Err(error) => {
                let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
                Err(not_text(
                    "the file is not UTF-8 text",
                    &String::from_utf8_lossy(before),
                ))
            }
        },
    }
}

fn from_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, NotText> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(bytes.len());
    let broken = "the file begins as UTF-16 text and is not valid UTF-16 here";
    for character in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        match character {
            Ok(character) => text.push(character),
            Err(_) => return Err(not_text(broken, &text)),
        }
    }
    if rest.is_empty() {
        Ok(text)
    } else {
        Err(not_text(broken, &text))
    }
}

fn not_text(problem: &'static str, before: &str) -> NotText {
    let (line, column) = place_after(before);
    NotText {
        problem,
        line,
        column,
    }
}

/// The line and column, from 1, of what follows `text`.
pub fn place_after(text: &str) -> (usize, usize) {
    let line = text.matches('\n').count() + 1;
    let last = text.rsplit('\n').next().unwrap_or_default();
    let marked = usize::from(line == 1 && last.starts_with('\u{feff}'));
    (line, last.chars().count() - marked + 1)
}

/// Whether a line of YAML 1.1 ends with this character.
pub fn is_line_break(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The lines of a text without their ends, with the byte at which each begins. As the reader counts them: `\r` and the
/// line breaks of Unicode end a line, too.
pub fn lines(text: &str) -> Vec<(usize, &str)> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if !is_line_break(character) {
            continue;
        }
        lines.push((start, text.get(start..at).unwrap_or_default()));
        start = at + character.len_utf8();
        if character == '\r' && characters.next_if(|(_, next)| *next == '\n').is_some() {
            start += 1;
        }
    }
    lines.push((start, text.get(start..).unwrap_or_default()));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_every_encoding_is_read_and_written_back() {
        for (bytes, text) in [
            (&b"a: \xc3\xa9"[..], "a: é"),
            (b"\xef\xbb\xbfa", "\u{feff}a"),
            (b"\xff\xfea\0\xe9\0", "\u{feff}aé"),
            (b"\xfe\xff\0a\0\xe9", "\u{feff}aé"),
            (b"\xff\xfe\x3d\xd8\x00\xde", "\u{feff}😀"),
            (b"", ""),
        ] {
            let (read, encoding) = decode(bytes).unwrap();
            assert_eq!(read, text);
            assert_eq!(encoding.bytes(&read), bytes, "{text:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_have_a_place() {
        let place = |bytes: &[u8]| {
            decode(bytes)
                .map_err(|error| (error.line, error.column))
                .unwrap_err()
        };
        assert_eq!(place(b"a: b\nc: \xff"), (2, 4));
        assert_eq!(place(b"\xff\xfea"), (1, 1));
        assert_eq!(place(b"\xff\xfea\0\n\0\0\xd8"), (2, 1));
    }

    #[test]
    fn lines_are_those_that_the_reader_counts() {
        let texts = |text| -> Vec<&str> { lines(text).into_iter().map(|(_, line)| line).collect() };
        assert_eq!(texts("a\r\nb\rc\n"), ["a", "b", "c", ""]);
        assert_eq!(texts("a\u{2028}b\u{85}"), ["a", "b", ""]);
    }
}
