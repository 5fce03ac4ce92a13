//! Text to tokens: indentation, simple keys and indicators. Scalars, tags and directives have their own files.

use std::collections::{HashMap, VecDeque};

use super::cursor::{Cursor, Mark};
use super::error::SyntaxError;
use super::tree::Style;

/// The most characters from the start of a key to its colon.
const MAXIMUM_KEY: usize = 1024;

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    StreamStart,
    StreamEnd,
    Version(u8, u8),
    TagDirective,
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias,
    Anchor,
    Tag,
    Scalar(Style),
}

/// What comes next and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peeked {
    pub(super) kind: TokenKind,
    pub(super) start: Mark,
    pub(super) end: Mark,
}

/// A piece of text and where it stands.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    /// A scalar's text, a name, or the handle of a tag.
    pub(super) text: String,
    /// What follows the handle of a tag, or what a directive makes of it.
    pub(super) suffix: String,
    pub(super) start: Mark,
    pub(super) end: Mark,
}

/// A place where a key without `?` may have begun.
#[derive(Debug, Clone, Copy, Default)]
struct SimpleKey {
    possible: bool,
    required: bool,
    token: usize,
    mark: Mark,
}

/// Takes tokens from a text, as few as are needed to know the next one.
#[derive(Debug)]
pub(super) struct Scanner<'t> {
    pub(super) cursor: Cursor<'t>,
    started: bool,
    tokens: VecDeque<Token>,
    parsed: usize,
    available: bool,
    /// The column of the enclosing block collection; nothing outside all of them.
    pub(super) indent: Option<usize>,
    indents: Vec<Option<usize>>,
    pub(super) flow_level: usize,
    pub(super) simple_key_allowed: bool,
    simple_keys: Vec<SimpleKey>,
    simple_keys_by_token: HashMap<usize, usize>,
}

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str) -> Result<Self, SyntaxError> {
        Ok(Self {
            cursor: Cursor::new(text)?,
            started: false,
            tokens: VecDeque::new(),
            parsed: 0,
            available: false,
            indent: None,
            indents: Vec::new(),
            flow_level: 0,
            simple_key_allowed: true,
            simple_keys: vec![SimpleKey::default()],
            simple_keys_by_token: HashMap::new(),
        })
    }

    /// The next token, which stays next.
    pub(super) fn peek(&mut self) -> Result<Peeked, SyntaxError> {
        if !self.available {
            self.fetch_more()?;
        }
        let end = Peeked {
            kind: TokenKind::StreamEnd,
            start: self.cursor.mark,
            end: self.cursor.mark,
        };
        Ok(self.tokens.front().map_or(end, |token| Peeked {
            kind: token.kind,
            start: token.start,
            end: token.end,
        }))
    }

    /// Takes the token that `peek` gave: its text and its suffix.
    pub(super) fn take(&mut self) -> (String, String) {
        self.available = false;
        let Some(token) = self.tokens.pop_front() else {
            return Default::default();
        };
        self.parsed += 1;
        (token.text, token.suffix)
    }

    /// A key that is not yet known to be one may stand first in the queue: then more must be read.
    fn fetch_more(&mut self) -> Result<(), SyntaxError> {
        loop {
            if !self.tokens.is_empty() {
                let Some(&at) = self.simple_keys_by_token.get(&self.parsed) else {
                    break;
                };
                if !self.is_valid_key(at)? {
                    break;
                }
            }
            self.fetch_next()?;
        }
        self.available = true;
        Ok(())
    }

    fn fetch_next(&mut self) -> Result<(), SyntaxError> {
        if !self.started {
            self.started = true;
            self.append(TokenKind::StreamStart, self.cursor.mark);
            return Ok(());
        }
        self.skip_to_next_token();
        self.unroll_indent(Some(self.cursor.mark.column));
        if self.cursor.is_end() {
            return self.fetch_stream_end();
        }
        let line_start = self.cursor.mark.column == 0;
        let (next, in_flow) = (self.cursor.next(), self.flow_level > 0);
        let blank_follows = self.cursor.is_blank_or_end_at(1);
        match next {
            b'%' if line_start => {
                self.reset_block()?;
                let token = self.scan_directive()?;
                self.tokens.push_back(token);
                Ok(())
            }
            b'-' if line_start && self.cursor.is_three_of(b'-') => {
                self.fetch_document_indicator(TokenKind::DocumentStart)
            }
            b'.' if line_start && self.cursor.is_three_of(b'.') => {
                self.fetch_document_indicator(TokenKind::DocumentEnd)
            }
            b'[' => self.fetch_flow_start(TokenKind::FlowSequenceStart),
            b'{' => self.fetch_flow_start(TokenKind::FlowMappingStart),
            b']' => self.fetch_flow_end(TokenKind::FlowSequenceEnd),
            b'}' => self.fetch_flow_end(TokenKind::FlowMappingEnd),
            b',' => {
                self.remove_simple_key()?;
                self.simple_key_allowed = true;
                self.append_indicator(TokenKind::FlowEntry);
                Ok(())
            }
            b'-' if blank_follows => self.fetch_block_entry(),
            b'?' if in_flow || blank_follows => self.fetch_key(),
            b':' if in_flow || blank_follows => self.fetch_value(),
            b'*' | b'&' => {
                self.save_simple_key()?;
                self.simple_key_allowed = false;
                let token = self.scan_anchor()?;
                self.tokens.push_back(token);
                Ok(())
            }
            b'!' => {
                self.save_simple_key()?;
                self.simple_key_allowed = false;
                let token = self.scan_tag()?;
                self.tokens.push_back(token);
                Ok(())
            }
            b'|' | b'>' if !in_flow => {
                self.remove_simple_key()?;
                self.simple_key_allowed = true;
                let token = self.scan_block_scalar(next == b'|')?;
                self.tokens.push_back(token);
                Ok(())
            }
            b'\'' | b'"' => {
                self.save_simple_key()?;
                self.simple_key_allowed = false;
                let token = self.scan_quoted_scalar(next == b'\'')?;
                self.tokens.push_back(token);
                Ok(())
            }
            _ if self.begins_plain_scalar() => {
                self.save_simple_key()?;
                self.simple_key_allowed = false;
                let token = self.scan_plain_scalar()?;
                self.tokens.push_back(token);
                Ok(())
            }
            _ => Err(self.error("found character that cannot start any token", self.cursor.mark)),
        }
    }

    fn begins_plain_scalar(&self) -> bool {
        let indicator = b"-?:,[]{}#&*!|>'\"%@`".contains(&self.cursor.next());
        match self.cursor.next() {
            b'-' => !self.cursor.is_blank_at(1),
            b'?' | b':' => self.flow_level == 0 && !self.cursor.is_blank_or_end_at(1),
            _ => !(indicator || self.cursor.is_blank_or_end()),
        }
    }

    /// An error of the scanner at the place that it has come to.
    pub(super) fn error(&self, problem: &str, context: Mark) -> SyntaxError {
        SyntaxError::scanner(problem, context, self.cursor.mark)
    }

    fn append(&mut self, kind: TokenKind, start: Mark) {
        let token = self.token(kind, start, String::new());
        self.tokens.push_back(token);
    }

    /// The token that begins at `start` and ends here.
    pub(super) fn token(&self, kind: TokenKind, start: Mark, text: String) -> Token {
        Token {
            kind,
            text,
            suffix: String::new(),
            start,
            end: self.cursor.mark,
        }
    }

    /// A token of one character.
    fn append_indicator(&mut self, kind: TokenKind) {
        let start = self.cursor.mark;
        self.cursor.skip();
        self.append(kind, start);
    }

    /// Puts a token without text at a place in the queue that is counted from the first token of the text.
    fn insert(&mut self, kind: TokenKind, mark: Mark, number: Option<usize>) {
        let token = Token {
            end: mark,
            ..self.token(kind, mark, String::new())
        };
        let place = number.map_or(self.tokens.len(), |number| number.saturating_sub(self.parsed));
        self.tokens.insert(place.min(self.tokens.len()), token);
    }

    fn is_valid_key(&mut self, at: usize) -> Result<bool, SyntaxError> {
        let here = self.cursor.mark;
        let Some(key) = self.simple_keys.get_mut(at) else {
            return Ok(false);
        };
        if !key.possible {
            return Ok(false);
        }
        if key.mark.line < here.line || key.mark.index + MAXIMUM_KEY < here.index {
            if key.required {
                let context = key.mark;
                return Err(self.error("could not find expected ':'", context));
            }
            key.possible = false;
            return Ok(false);
        }
        Ok(true)
    }

    fn save_simple_key(&mut self) -> Result<(), SyntaxError> {
        if !self.simple_key_allowed {
            return Ok(());
        }
        let key = SimpleKey {
            possible: true,
            required: self.flow_level == 0 && self.indent == Some(self.cursor.mark.column),
            token: self.parsed + self.tokens.len(),
            mark: self.cursor.mark,
        };
        self.remove_simple_key()?;
        let place = self.simple_keys.len().saturating_sub(1);
        if let Some(last) = self.simple_keys.last_mut() {
            *last = key;
        }
        self.simple_keys_by_token.insert(key.token, place);
        Ok(())
    }

    fn remove_simple_key(&mut self) -> Result<(), SyntaxError> {
        let Some(key) = self.simple_keys.last_mut().filter(|key| key.possible) else {
            return Ok(());
        };
        if key.required {
            let context = key.mark;
            return Err(self.error("could not find expected ':'", context));
        }
        key.possible = false;
        self.simple_keys_by_token.remove(&key.token);
        Ok(())
    }

    fn roll_indent(&mut self, column: usize, number: Option<usize>, kind: TokenKind, mark: Mark) {
        if self.flow_level > 0 || self.indent.is_some_and(|indent| indent >= column) {
            return;
        }
        self.indents.push(self.indent);
        self.indent = Some(column);
        self.insert(kind, mark, number);
    }

    fn unroll_indent(&mut self, column: Option<usize>) {
        if self.flow_level > 0 {
            return;
        }
        while self.indent > column {
            self.append(TokenKind::BlockEnd, self.cursor.mark);
            self.indent = self.indents.pop().flatten();
        }
    }

    /// What ends every open block collection.
    fn reset_block(&mut self) -> Result<(), SyntaxError> {
        self.unroll_indent(None);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        Ok(())
    }

    fn fetch_stream_end(&mut self) -> Result<(), SyntaxError> {
        if self.cursor.mark.column != 0 {
            self.cursor.mark.column = 0;
            self.cursor.mark.line += 1;
        }
        self.reset_block()?;
        self.append(TokenKind::StreamEnd, self.cursor.mark);
        Ok(())
    }

    fn fetch_document_indicator(&mut self, kind: TokenKind) -> Result<(), SyntaxError> {
        self.reset_block()?;
        let start = self.cursor.mark;
        for _ in 0..3 {
            self.cursor.skip();
        }
        self.append(kind, start);
        Ok(())
    }

    fn fetch_flow_start(&mut self, kind: TokenKind) -> Result<(), SyntaxError> {
        self.save_simple_key()?;
        self.simple_keys.push(SimpleKey {
            token: self.parsed + self.tokens.len(),
            mark: self.cursor.mark,
            ..SimpleKey::default()
        });
        self.flow_level += 1;
        self.simple_key_allowed = true;
        self.append_indicator(kind);
        Ok(())
    }

    fn fetch_flow_end(&mut self, kind: TokenKind) -> Result<(), SyntaxError> {
        self.remove_simple_key()?;
        if self.flow_level > 0 {
            self.flow_level -= 1;
            if let Some(key) = self.simple_keys.pop() {
                self.simple_keys_by_token.remove(&key.token);
            }
        }
        self.simple_key_allowed = false;
        self.append_indicator(kind);
        Ok(())
    }

    fn fetch_block_entry(&mut self) -> Result<(), SyntaxError> {
        let mark = self.cursor.mark;
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return Err(self.error("block sequence entries are not allowed in this context", mark));
            }
            self.roll_indent(mark.column, None, TokenKind::BlockSequenceStart, mark);
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.append_indicator(TokenKind::BlockEntry);
        Ok(())
    }

    fn fetch_key(&mut self) -> Result<(), SyntaxError> {
        let mark = self.cursor.mark;
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return Err(self.error("mapping keys are not allowed in this context", mark));
            }
            self.roll_indent(mark.column, None, TokenKind::BlockMappingStart, mark);
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = self.flow_level == 0;
        self.append_indicator(TokenKind::Key);
        Ok(())
    }

    fn fetch_value(&mut self) -> Result<(), SyntaxError> {
        let last = self.simple_keys.len().saturating_sub(1);
        if self.is_valid_key(last)? {
            let key = self.simple_keys.get(last).copied().unwrap_or_default();
            self.insert(TokenKind::Key, key.mark, Some(key.token));
            self.roll_indent(
                key.mark.column,
                Some(key.token),
                TokenKind::BlockMappingStart,
                key.mark,
            );
            if let Some(key) = self.simple_keys.last_mut() {
                key.possible = false;
            }
            self.simple_keys_by_token.remove(&key.token);
            self.simple_key_allowed = false;
        } else {
            if self.flow_level == 0 {
                let mark = self.cursor.mark;
                if !self.simple_key_allowed {
                    return Err(self.error("mapping values are not allowed in this context", mark));
                }
                self.roll_indent(mark.column, None, TokenKind::BlockMappingStart, mark);
            }
            self.simple_key_allowed = self.flow_level == 0;
        }
        self.append_indicator(TokenKind::Value);
        Ok(())
    }

    fn skip_to_next_token(&mut self) {
        if self.cursor.is_second_byte_order_mark() {
            self.cursor.skip();
        }
        loop {
            let tabs = self.flow_level > 0 || !self.simple_key_allowed;
            while self.cursor.next() == b' ' || (tabs && self.cursor.next() == b'\t') {
                self.cursor.skip();
            }
            self.cursor.skip_comment();
            if !self.cursor.is_break() {
                return;
            }
            self.cursor.skip_break();
            if self.flow_level == 0 {
                self.simple_key_allowed = true;
            }
        }
    }
}
