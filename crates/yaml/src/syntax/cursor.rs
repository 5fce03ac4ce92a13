//! A place in the text that moves on character by character.

use super::error::{ErrorKind, SyntaxError};

/// A place in a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// Bytes before it.
    pub byte: usize,
    /// Characters before it.
    pub(super) index: usize,
    /// Lines before it.
    pub line: usize,
    /// Characters before it on its line.
    pub column: usize,
}

/// The text and how far it is read. Past the end every byte is zero, which no text holds.
#[derive(Debug)]
pub(super) struct Cursor<'t> {
    text: &'t str,
    pub(super) mark: Mark,
}

impl<'t> Cursor<'t> {
    /// Begins at the start of `text`, behind a byte order mark.
    pub(super) fn new(text: &'t str) -> Result<Self, SyntaxError> {
        let mut mark = Mark::default();
        if text.starts_with('\u{feff}') {
            mark.byte = '\u{feff}'.len_utf8();
        }
        let refused = |character: char| {
            !matches!(character,
                '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
        };
        if let Some((byte, _)) = text.char_indices().find(|(_, character)| refused(*character)) {
            let before = text.get(..byte).unwrap_or_default();
            let line_start = before.rfind('\n').map_or(0, |at| at + 1);
            let at = Mark {
                byte,
                index: 0,
                line: before.matches('\n').count(),
                column: before.get(line_start..).unwrap_or_default().chars().count(),
            };
            return Err(SyntaxError::value(
                ErrorKind::Character,
                "control characters are not allowed",
                at,
            ));
        }
        Ok(Self { text, mark })
    }

    /// The byte `ahead` bytes further on.
    pub(super) fn at(&self, ahead: usize) -> u8 {
        self.text
            .as_bytes()
            .get(self.mark.byte + ahead)
            .copied()
            .unwrap_or(0)
    }

    /// The next byte.
    pub(super) fn next(&self) -> u8 {
        self.at(0)
    }

    /// Whether the text ends here.
    pub(super) fn is_end(&self) -> bool {
        self.next() == 0
    }

    /// Whether a byte order mark follows the one that the text begins with: the scanner leaves it out, too.
    pub(super) fn is_second_byte_order_mark(&self) -> bool {
        self.mark.index == 0 && self.mark.byte > 0 && self.character() == Some('\u{feff}')
    }

    /// Whether a space or tab stands `ahead` bytes further on.
    pub(super) fn is_blank_at(&self, ahead: usize) -> bool {
        matches!(self.at(ahead), b' ' | b'\t')
    }

    /// Whether a space or tab comes next.
    pub(super) fn is_blank(&self) -> bool {
        self.is_blank_at(0)
    }

    /// Whether a line break of YAML 1.1 stands `ahead` bytes further on.
    pub(super) fn is_break_at(&self, ahead: usize) -> bool {
        match self.at(ahead) {
            b'\r' | b'\n' => true,
            0xc2 => self.at(ahead + 1) == 0x85,
            0xe2 => self.at(ahead + 1) == 0x80 && matches!(self.at(ahead + 2), 0xa8 | 0xa9),
            _ => false,
        }
    }

    /// Whether a line break comes next.
    pub(super) fn is_break(&self) -> bool {
        self.is_break_at(0)
    }

    /// Whether a line break or the end comes next.
    pub(super) fn is_break_or_end(&self) -> bool {
        self.is_end() || self.is_break()
    }

    /// Whether a space, a tab, a line break or the end stands `ahead` bytes further on.
    pub(super) fn is_blank_or_end_at(&self, ahead: usize) -> bool {
        self.at(ahead) == 0 || self.is_blank_at(ahead) || self.is_break_at(ahead)
    }

    /// Whether a space, a tab, a line break or the end comes next.
    pub(super) fn is_blank_or_end(&self) -> bool {
        self.is_blank_or_end_at(0)
    }

    /// Whether what comes next may be part of an anchor's or directive's name.
    pub(super) fn is_word(&self) -> bool {
        let next = self.next();
        next.is_ascii_alphanumeric() || next == b'_' || next == b'-'
    }

    /// Whether `---` or `...` stands alone at the start of this line.
    pub(super) fn is_document_indicator(&self) -> bool {
        self.mark.column == 0 && (self.is_three_of(b'-') || self.is_three_of(b'.'))
    }

    /// Whether three of `byte`, and then a blank or the end, come next.
    pub(super) fn is_three_of(&self, byte: u8) -> bool {
        (0..3).all(|ahead| self.at(ahead) == byte) && self.is_blank_or_end_at(3)
    }

    /// Goes on by one character, which is no line break.
    pub(super) fn skip(&mut self) {
        let width = self.character().map_or(0, char::len_utf8);
        self.mark.byte += width;
        self.mark.index += 1;
        self.mark.column += 1;
    }

    /// Goes on by one character and keeps it.
    pub(super) fn read(&mut self, into: &mut String) {
        if let Some(character) = self.character() {
            into.push(character);
        }
        self.skip();
    }

    /// Goes on behind the line break that comes next, if one does.
    pub(super) fn skip_break(&mut self) {
        let (bytes, characters) = if self.next() == b'\r' && self.at(1) == b'\n' {
            (2, 2)
        } else if self.is_break() {
            (self.character().map_or(0, char::len_utf8), 1)
        } else {
            return;
        };
        self.mark.byte += bytes;
        self.mark.index += characters;
        self.mark.line += 1;
        self.mark.column = 0;
    }

    /// Goes on behind the line break and keeps it: as `\n`, but for the two that Unicode adds.
    pub(super) fn read_break(&mut self, into: &mut String) {
        match self.character() {
            Some(separator @ ('\u{2028}' | '\u{2029}')) => into.push(separator),
            Some('\r' | '\n' | '\u{85}') => into.push('\n'),
            _ => return,
        }
        self.skip_break();
    }

    /// Goes on to the end of the line if a comment begins here.
    pub(super) fn skip_comment(&mut self) {
        if self.next() == b'#' {
            while !self.is_break_or_end() {
                self.skip();
            }
        }
    }

    /// Goes on behind spaces and tabs.
    pub(super) fn skip_blanks(&mut self) {
        while self.is_blank() {
            self.skip();
        }
    }

    fn character(&self) -> Option<char> {
        let rest = self.text.get(self.mark.byte..)?;
        rest.chars().next()
    }
}
