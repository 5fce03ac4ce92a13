//! Characters that look like others, or like none: they come along when text is copied from web pages and documents.

use eksact_message::remedy::Remedy;

/// A character that looks like another, or like none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Misleading {
    character: char,
    name: &'static str,
    /// What it was to be; none where it was to be nothing.
    plain: Option<char>,
}

impl Misleading {
    /// What is misleading about a character; none for all others.
    pub fn of(character: char) -> Option<Self> {
        let (name, plain) = match character {
            '\u{a0}' => ("no-break space", Some(' ')),
            '\u{2000}'..='\u{200a}' => ("typographic space", Some(' ')),
            '\u{202f}' => ("narrow no-break space", Some(' ')),
            '\u{205f}' => ("mathematical space", Some(' ')),
            '\u{3000}' => ("ideographic space", Some(' ')),
            '\u{ad}' => ("soft hyphen", None),
            '\u{200b}' => ("zero-width space", None),
            '\u{200c}' => ("zero-width non-joiner", None),
            '\u{200d}' => ("zero-width joiner", None),
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                ("mark of the writing direction", None)
            }
            '\u{2060}' => ("word joiner", None),
            '\u{feff}' => ("byte order mark", None),
            '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{201f}' => ("typographic quote", Some('"')),
            '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}' => ("typographic quote", Some('\'')),
            '\u{ff1a}' => ("full-width colon", Some(':')),
            _ => return None,
        };
        Some(Self {
            character,
            name,
            plain,
        })
    }

    /// The first in a text, with its column in characters, from 0.
    pub fn first(text: &str) -> Option<(usize, Self)> {
        text.chars()
            .enumerate()
            .find_map(|(column, character)| Some((column, Self::of(character)?)))
    }

    /// Whether it is a space or nothing for the eye, rather than a quote or a colon.
    pub fn is_invisible(self) -> bool {
        matches!(self.plain, None | Some(' '))
    }

    /// Its name and code point: `a no-break space (U+00A0)`.
    pub fn name(self) -> String {
        format!("a {} (U+{:04X})", self.name, u32::from(self.character))
    }

    /// What is said where it stands in the way.
    pub(super) fn problem(self) -> String {
        format!("there is {} here", self.name())
    }

    /// What to do about it.
    pub fn help(self) -> Remedy {
        match self.plain {
            None => remedy!("delete it"),
            Some(' ') => remedy!("write a plain space instead"),
            Some(plain) => remedy!("write a plain {plain} instead"),
        }
    }
}

/// What a character was to be.
pub(super) fn plain(character: char) -> Option<char> {
    match Misleading::of(character) {
        None => Some(character),
        Some(misleading) => misleading.plain,
    }
}
