//! Scanning anchors, aliases, tags and directives.

use super::cursor::Mark;
use super::error::SyntaxError;
use super::scanner::{Scanner, Token, TokenKind};

impl Scanner<'_> {
    fn scan_word(&mut self) -> String {
        let mut word = String::new();
        while self.cursor.is_word() {
            self.cursor.read(&mut word);
        }
        word
    }

    pub(super) fn scan_anchor(&mut self) -> Result<Token, SyntaxError> {
        let start = self.cursor.mark;
        let alias = self.cursor.next() == b'*';
        self.cursor.skip();
        let name = self.scan_word();
        let ends = self.cursor.is_blank_or_end()
            || matches!(
                self.cursor.next(),
                b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`'
            );
        if name.is_empty() || !ends {
            return Err(self.error("did not find expected alphabetic or numeric character", start));
        }
        let kind = if alias {
            TokenKind::Alias
        } else {
            TokenKind::Anchor
        };
        Ok(self.token(kind, start, name))
    }

    pub(super) fn scan_tag(&mut self) -> Result<Token, SyntaxError> {
        let start = self.cursor.mark;
        let (mut handle, mut suffix);
        if self.cursor.at(1) == b'<' {
            self.cursor.skip();
            self.cursor.skip();
            handle = String::new();
            suffix = self.scan_tag_uri("", start)?;
            if self.cursor.next() != b'>' {
                return Err(self.error("did not find the expected '>'", start));
            }
            self.cursor.skip();
        } else {
            handle = self.scan_tag_handle(false, start)?;
            if handle.len() > 1 && handle.ends_with('!') {
                suffix = self.scan_tag_uri("", start)?;
            } else {
                suffix = self.scan_tag_uri(&handle, start)?;
                "!".clone_into(&mut handle);
                if suffix.is_empty() {
                    std::mem::swap(&mut handle, &mut suffix);
                }
            }
        }
        if !self.cursor.is_blank_or_end() {
            return Err(self.error("did not find expected whitespace or line break", start));
        }
        Ok(Token {
            suffix,
            ..self.token(TokenKind::Tag, start, handle)
        })
    }

    fn scan_tag_handle(&mut self, directive: bool, start: Mark) -> Result<String, SyntaxError> {
        if self.cursor.next() != b'!' {
            return Err(self.error("did not find expected '!'", start));
        }
        let mut handle = String::new();
        self.cursor.read(&mut handle);
        handle.push_str(&self.scan_word());
        if self.cursor.next() == b'!' {
            self.cursor.read(&mut handle);
        } else if directive && handle != "!" {
            return Err(self.error("did not find expected '!'", start));
        }
        Ok(handle)
    }

    /// The rest of a tag; `head` is what was taken for a handle and was none.
    fn scan_tag_uri(&mut self, head: &str, start: Mark) -> Result<String, SyntaxError> {
        let mut octets: Vec<u8> = head.as_bytes().get(1..).unwrap_or_default().to_vec();
        let mut found = !head.is_empty();
        loop {
            match self.cursor.next() {
                b'%' => self.scan_uri_escapes(start, &mut octets)?,
                next if self.cursor.is_word() || b";/?:@&=+$,.!~*'()[]".contains(&next) => {
                    octets.push(next);
                    self.cursor.skip();
                }
                _ => break,
            }
            found = true;
        }
        if !found {
            return Err(self.error("did not find expected tag URI", start));
        }
        Ok(String::from_utf8_lossy(&octets).into_owned())
    }

    fn scan_uri_escapes(&mut self, start: Mark, octets: &mut Vec<u8>) -> Result<(), SyntaxError> {
        let mut left = None;
        while left != Some(0) {
            let digit = |ahead| char::from(self.cursor.at(ahead)).to_digit(16);
            let octet = match (self.cursor.next(), digit(1), digit(2)) {
                (b'%', Some(high), Some(low)) => u8::try_from(high * 16 + low).unwrap_or_default(),
                _ => return Err(self.error("did not find URI escaped octet", start)),
            };
            left = match left {
                None => Some(match octet {
                    0..=0x7f => 0,
                    0xc0..=0xdf => 1,
                    0xe0..=0xef => 2,
                    0xf0..=0xf7 => 3,
                    _ => return Err(self.error("found an incorrect leading UTF-8 octet", start)),
                }),
                Some(_) if octet & 0xc0 != 0x80 => {
                    return Err(self.error("found an incorrect trailing UTF-8 octet", start));
                }
                Some(left) => Some(left - 1),
            };
            octets.push(octet);
            for _ in 0..3 {
                self.cursor.skip();
            }
        }
        Ok(())
    }

    pub(super) fn scan_directive(&mut self) -> Result<Token, SyntaxError> {
        let start = self.cursor.mark;
        self.cursor.skip();
        let name = self.scan_word();
        if name.is_empty() {
            return Err(self.error("could not find expected directive name", start));
        }
        if !self.cursor.is_blank_or_end() {
            return Err(self.error("found unexpected non-alphabetical character", start));
        }
        let token = match name.as_str() {
            "YAML" => self.scan_version(start)?,
            "TAG" => self.scan_tag_directive(start)?,
            _ => return Err(self.error("found unknown directive name", start)),
        };
        self.cursor.skip_blanks();
        self.cursor.skip_comment();
        if !self.cursor.is_break_or_end() {
            return Err(self.error("did not find expected comment or line break", start));
        }
        self.cursor.skip_break();
        Ok(token)
    }

    fn scan_version(&mut self, start: Mark) -> Result<Token, SyntaxError> {
        self.cursor.skip_blanks();
        let major = self.scan_version_number(start)?;
        if self.cursor.next() != b'.' {
            return Err(self.error("did not find expected digit or '.' character", start));
        }
        self.cursor.skip();
        let minor = self.scan_version_number(start)?;
        Ok(self.token(TokenKind::Version(major, minor), start, String::new()))
    }

    fn scan_version_number(&mut self, start: Mark) -> Result<u8, SyntaxError> {
        let (mut number, mut length) = (0_u8, 0);
        while self.cursor.next().is_ascii_digit() {
            length += 1;
            if length > 2 {
                return Err(self.error("found extremely long version number", start));
            }
            number = number * 10 + (self.cursor.next() - b'0');
            self.cursor.skip();
        }
        if length == 0 {
            return Err(self.error("did not find expected version number", start));
        }
        Ok(number)
    }

    fn scan_tag_directive(&mut self, start: Mark) -> Result<Token, SyntaxError> {
        self.cursor.skip_blanks();
        let handle = self.scan_tag_handle(true, start)?;
        if !self.cursor.is_blank() {
            return Err(self.error("did not find expected whitespace", start));
        }
        self.cursor.skip_blanks();
        let prefix = self.scan_tag_uri("", start)?;
        if !self.cursor.is_blank_or_end() {
            return Err(self.error("did not find expected whitespace or line break", start));
        }
        Ok(Token {
            suffix: prefix,
            ..self.token(TokenKind::TagDirective, start, handle)
        })
    }
}
