//! Characters by which a text could write to the terminal or pass for another text. One list, for every place that shows, quotes or
//! escapes what somebody else wrote.

/// Whether a character is a control, is invisible, or changes how others are shown.
#[inline]
pub fn is_harmful(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_control();
    }
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{fff9}'..='\u{fffb}'
            // Tags and further variation selectors: invisible, and known to carry hidden text.
            | '\u{e0000}'..='\u{e0fff}')
}

/// Whether no character of a text is harmful, line ends apart.
pub fn is_harmless(text: &str) -> bool {
    let is_plain = |byte: &u8| matches!(byte, b'\n' | b' '..=b'~');
    // Nearly all text is ASCII, and a block of it is looked through at once.
    let mut blocks = text.as_bytes().chunks(64);
    blocks.all(|block| block.iter().fold(true, |plain, byte| plain & is_plain(byte)))
        || !text.contains(|character| character != '\n' && is_harmful(character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_harmless_where_each_of_its_characters_is() {
        for code in (0..=u32::from(char::MAX)).filter_map(char::from_u32) {
            let wanted = code == '\n' || !is_harmful(code);
            for text in [
                code.to_string(),
                format!("{}{code}{}", "a".repeat(70), "\u{e9}\n".repeat(3)),
            ] {
                assert_eq!(is_harmless(&text), wanted, "{code:?}");
            }
        }
        assert!(is_harmless(""));
    }

    #[test]
    fn harm_is_done_by_what_is_not_seen() {
        for character in [
            '\u{1b}',
            '\u{7}',
            '\r',
            '\u{9b}',
            '\u{202e}',
            '\u{2066}',
            '\u{200b}',
            '\u{e0041}',
        ] {
            assert!(is_harmful(character), "{character:?}");
        }
        for character in ['a', ' ', 'ä', '日', '…', '😀'] {
            assert!(!is_harmful(character), "{character:?}");
        }
    }
}
