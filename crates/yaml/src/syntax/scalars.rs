//! Scanning scalars: plain, quoted and block style, with their folding and escapes.

use super::cursor::Mark;
use super::error::SyntaxError;
use super::scanner::{Scanner, Token, TokenKind};
use super::tree::Style;

/// What block scalars do with the line breaks at their end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomping {
    Clip,
    Strip,
    Keep,
}

/// The line breaks and blanks between two words, until it is known what they become.
#[derive(Default)]
struct Between {
    on_new_line: bool,
    blanks: String,
    first_break: String,
    more_breaks: String,
}

impl Between {
    /// What the text between the words means: one break is a space, more are themselves less one.
    fn fold(&mut self, into: &mut String) {
        if self.on_new_line {
            if self.first_break.starts_with('\n') {
                if self.more_breaks.is_empty() {
                    into.push(' ');
                } else {
                    into.push_str(&self.more_breaks);
                }
            } else {
                into.push_str(&self.first_break);
                into.push_str(&self.more_breaks);
            }
            self.first_break.clear();
            self.more_breaks.clear();
        } else {
            into.push_str(&self.blanks);
            self.blanks.clear();
        }
    }
}

impl Scanner<'_> {
    /// Takes one blank or line break.
    fn take_between(&mut self, between: &mut Between) {
        if self.cursor.is_blank() {
            if between.on_new_line {
                self.cursor.skip();
            } else {
                self.cursor.read(&mut between.blanks);
            }
        } else if between.on_new_line {
            self.cursor.read_break(&mut between.more_breaks);
        } else {
            between.blanks.clear();
            self.cursor.read_break(&mut between.first_break);
            between.on_new_line = true;
        }
    }

    pub(super) fn scan_plain_scalar(&mut self) -> Result<Token, SyntaxError> {
        let start = self.cursor.mark;
        let mut end = start;
        let indent = self.indent.map_or(0, |indent| indent + 1);
        let mut text = String::new();
        let mut between = Between::default();
        loop {
            if self.cursor.is_document_indicator() || self.cursor.next() == b'#' {
                break;
            }
            while !self.cursor.is_blank_or_end() {
                let next = self.cursor.next();
                let ends = (next == b':' && self.cursor.is_blank_or_end_at(1))
                    || (self.flow_level > 0 && matches!(next, b',' | b'?' | b'[' | b']' | b'{' | b'}'));
                if ends {
                    break;
                }
                if between.on_new_line || !between.blanks.is_empty() {
                    between.fold(&mut text);
                    between.on_new_line = false;
                }
                self.cursor.read(&mut text);
                end = self.cursor.mark;
            }
            if !(self.cursor.is_blank() || self.cursor.is_break()) {
                break;
            }
            while self.cursor.is_blank() || self.cursor.is_break() {
                if between.on_new_line && self.cursor.mark.column < indent && self.cursor.next() == b'\t' {
                    return Err(self.error("found a tab character that violates indentation", start));
                }
                self.take_between(&mut between);
            }
            if self.flow_level == 0 && self.cursor.mark.column < indent {
                break;
            }
        }
        if between.on_new_line {
            self.simple_key_allowed = true;
        }
        Ok(Token {
            end,
            ..self.token(TokenKind::Scalar(Style::Plain), start, text)
        })
    }

    pub(super) fn scan_quoted_scalar(&mut self, single: bool) -> Result<Token, SyntaxError> {
        let start = self.cursor.mark;
        let quote = if single { b'\'' } else { b'"' };
        self.cursor.skip();
        let mut text = String::new();
        let mut between = Between::default();
        loop {
            if self.cursor.is_document_indicator() {
                return Err(self.error("found unexpected document indicator", start));
            }
            if self.cursor.is_end() {
                return Err(self.error("found unexpected end of stream", start));
            }
            between.on_new_line = false;
            while !self.cursor.is_blank_or_end() {
                let next = self.cursor.next();
                if single && next == quote && self.cursor.at(1) == quote {
                    text.push('\'');
                    self.cursor.skip();
                    self.cursor.skip();
                } else if next == quote {
                    break;
                } else if !single && next == b'\\' && self.cursor.is_break_at(1) {
                    self.cursor.skip();
                    self.cursor.skip_break();
                    between.on_new_line = true;
                    break;
                } else if !single && next == b'\\' {
                    self.scan_escape(start, &mut text)?;
                } else {
                    self.cursor.read(&mut text);
                }
            }
            if self.cursor.next() == quote {
                break;
            }
            while self.cursor.is_blank() || self.cursor.is_break() {
                self.take_between(&mut between);
            }
            between.fold(&mut text);
        }
        self.cursor.skip();
        let style = if single {
            Style::SingleQuoted
        } else {
            Style::DoubleQuoted
        };
        Ok(self.token(TokenKind::Scalar(style), start, text))
    }

    fn scan_escape(&mut self, start: Mark, text: &mut String) -> Result<(), SyntaxError> {
        let digits = match self.cursor.at(1) {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            _ => 0,
        };
        if digits == 0 {
            text.push(match self.cursor.at(1) {
                b'0' => '\0',
                b'a' => '\u{7}',
                b'b' => '\u{8}',
                b't' | b'\t' => '\t',
                b'n' => '\n',
                b'v' => '\u{b}',
                b'f' => '\u{c}',
                b'r' => '\r',
                b'e' => '\u{1b}',
                same @ (b' ' | b'"' | b'\'' | b'\\') => char::from(same),
                b'N' => '\u{85}',
                b'_' => '\u{a0}',
                b'L' => '\u{2028}',
                b'P' => '\u{2029}',
                _ => return Err(self.error("found unknown escape character", start)),
            });
        }
        self.cursor.skip();
        self.cursor.skip();
        if digits == 0 {
            return Ok(());
        }
        let mut code: u32 = 0;
        for ahead in 0..digits {
            let Some(digit) = char::from(self.cursor.at(ahead)).to_digit(16) else {
                return Err(self.error("did not find expected hexdecimal number", start));
            };
            code = (code << 4) | digit;
        }
        let Some(character) = char::from_u32(code) else {
            return Err(self.error("found invalid Unicode character escape code", start));
        };
        text.push(character);
        for _ in 0..digits {
            self.cursor.skip();
        }
        Ok(())
    }

    pub(super) fn scan_block_scalar(&mut self, literal: bool) -> Result<Token, SyntaxError> {
        let start = self.cursor.mark;
        self.cursor.skip();
        let (chomping, increment) = self.scan_block_header(start)?;
        let mut end = self.cursor.mark;
        let mut indent = increment.map_or(0, |increment| self.indent.unwrap_or(0) + increment);
        let (mut text, mut leading_break, mut trailing_breaks) =
            (String::new(), String::new(), String::new());
        self.scan_block_breaks(&mut indent, &mut trailing_breaks, start, &mut end)?;
        let mut leading_blank = false;
        while self.cursor.mark.column == indent && !self.cursor.is_end() {
            let trailing_blank = self.cursor.is_blank();
            if !literal && !leading_blank && !trailing_blank && leading_break.starts_with('\n') {
                if trailing_breaks.is_empty() {
                    text.push(' ');
                }
            } else {
                text.push_str(&leading_break);
            }
            leading_break.clear();
            text.push_str(&trailing_breaks);
            trailing_breaks.clear();
            leading_blank = self.cursor.is_blank();
            while !self.cursor.is_break_or_end() {
                self.cursor.read(&mut text);
            }
            self.cursor.read_break(&mut leading_break);
            self.scan_block_breaks(&mut indent, &mut trailing_breaks, start, &mut end)?;
        }
        if chomping != Chomping::Strip {
            text.push_str(&leading_break);
        }
        if chomping == Chomping::Keep {
            text.push_str(&trailing_breaks);
        }
        let style = if literal { Style::Literal } else { Style::Folded };
        Ok(Token {
            end,
            ..self.token(TokenKind::Scalar(style), start, text)
        })
    }

    /// What stands behind `|` or `>` on its line, in either order.
    fn scan_block_header(&mut self, start: Mark) -> Result<(Chomping, Option<usize>), SyntaxError> {
        let (mut chomping, mut increment) = (None, None);
        for _ in 0..2 {
            match self.cursor.next() {
                b'+' if chomping.is_none() => chomping = Some(Chomping::Keep),
                b'-' if chomping.is_none() => chomping = Some(Chomping::Strip),
                b'0' if increment.is_none() => {
                    return Err(self.error("found an indentation indicator equal to 0", start));
                }
                digit @ b'1'..=b'9' if increment.is_none() => increment = Some(usize::from(digit - b'0')),
                _ => break,
            }
            self.cursor.skip();
        }
        self.cursor.skip_blanks();
        self.cursor.skip_comment();
        if !self.cursor.is_break_or_end() {
            return Err(self.error("did not find expected comment or line break", start));
        }
        self.cursor.skip_break();
        Ok((chomping.unwrap_or(Chomping::Clip), increment))
    }

    /// Takes indentation and empty lines; without an indentation so far, the deepest of them sets it.
    fn scan_block_breaks(
        &mut self,
        indent: &mut usize,
        breaks: &mut String,
        start: Mark,
        end: &mut Mark,
    ) -> Result<(), SyntaxError> {
        *end = self.cursor.mark;
        let mut deepest = 0;
        loop {
            while (*indent == 0 || self.cursor.mark.column < *indent) && self.cursor.next() == b' ' {
                self.cursor.skip();
            }
            deepest = deepest.max(self.cursor.mark.column);
            if (*indent == 0 || self.cursor.mark.column < *indent) && self.cursor.next() == b'\t' {
                let problem = "found a tab character where an indentation space is expected";
                return Err(self.error(problem, start));
            }
            if !self.cursor.is_break() {
                break;
            }
            self.cursor.read_break(breaks);
            *end = self.cursor.mark;
        }
        if *indent == 0 {
            *indent = deepest.max(self.indent.map_or(0, |indent| indent + 1)).max(1);
        }
        Ok(())
    }
}
