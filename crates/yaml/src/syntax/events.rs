//! Tokens to events: the grammar, as a machine with a stack of states so that depth costs no call stack.

use super::cursor::Mark;
use super::error::SyntaxError;
use super::scanner::{Peeked, Scanner, TokenKind};
use super::tree::Style;

/// What happens next in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum EventKind {
    StreamStart,
    StreamEnd,
    DocumentStart,
    DocumentEnd,
    Alias(String),
    Scalar {
        text: String,
        style: Style,
        /// Without a tag, or with `!`, and plain: what it is follows from its text.
        implicit: bool,
    },
    SequenceStart {
        flow: bool,
    },
    MappingStart {
        flow: bool,
    },
    CollectionEnd,
}

/// An event, what belongs to its node, and where it stands.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) kind: EventKind,
    pub(super) anchor: Option<String>,
    /// The whole tag, or nothing.
    pub(super) tag: String,
    /// With anchor and tag.
    pub(super) start: Mark,
    /// Without anchor and tag.
    pub(super) content: Mark,
    pub(super) end: Mark,
    /// The `-` or `:` that this node stands behind.
    pub(super) indicator: Option<Mark>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    StreamStart,
    ImplicitDocumentStart,
    DocumentStart,
    DocumentContent,
    DocumentEnd,
    BlockNode,
    BlockSequenceFirstEntry,
    BlockSequenceEntry,
    IndentlessSequenceEntry,
    BlockMappingFirstKey,
    BlockMappingKey,
    BlockMappingValue,
    FlowSequenceFirstEntry,
    FlowSequenceEntry,
    FlowSequenceEntryMappingKey,
    FlowSequenceEntryMappingValue,
    FlowSequenceEntryMappingEnd,
    FlowMappingFirstKey,
    FlowMappingKey,
    FlowMappingValue,
    FlowMappingEmptyValue,
    End,
}

/// Where a node stands, as far as the grammar depends on it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Flow,
    Block,
    /// As the key or value of a block mapping, where a sequence may begin at the mapping's own column.
    BlockOrIndentless,
}

/// Gives the events of a text one by one.
#[derive(Debug)]
pub(super) struct Events<'t> {
    pub(super) scanner: Scanner<'t>,
    pub(super) state: State,
    states: Vec<State>,
    marks: Vec<Mark>,
    tag_directives: Vec<(String, String)>,
    pub(super) indicator: Option<Mark>,
}

impl<'t> Events<'t> {
    pub(super) fn new(text: &'t str) -> Result<Self, SyntaxError> {
        Ok(Self {
            scanner: Scanner::new(text)?,
            state: State::StreamStart,
            states: Vec::new(),
            marks: Vec::new(),
            tag_directives: Vec::new(),
            indicator: None,
        })
    }

    /// The next event; after the end of the text always [`EventKind::StreamEnd`].
    pub(super) fn next(&mut self) -> Result<Event, SyntaxError> {
        self.indicator = None;
        let mut event = self.step()?;
        event.indicator = self.indicator;
        Ok(event)
    }

    fn step(&mut self) -> Result<Event, SyntaxError> {
        match self.state {
            State::StreamStart => {
                let token = self.scanner.peek()?;
                self.scanner.take();
                self.state = State::ImplicitDocumentStart;
                Ok(event(EventKind::StreamStart, token.start, token.end))
            }
            State::ImplicitDocumentStart => self.document_start(true),
            State::DocumentStart => self.document_start(false),
            State::DocumentContent => self.document_content(),
            State::DocumentEnd => self.document_end(),
            State::BlockNode => self.node(Place::Block),
            State::BlockSequenceFirstEntry => {
                self.open()?;
                self.block_sequence_entry()
            }
            State::BlockSequenceEntry => self.block_sequence_entry(),
            State::IndentlessSequenceEntry => self.indentless_sequence_entry(),
            State::BlockMappingFirstKey => {
                self.open()?;
                self.block_mapping_key()
            }
            State::BlockMappingKey => self.block_mapping_key(),
            State::BlockMappingValue => self.block_mapping_value(),
            State::FlowSequenceFirstEntry => {
                self.open()?;
                self.flow_sequence_entry(true)
            }
            State::FlowSequenceEntry => self.flow_sequence_entry(false),
            State::FlowSequenceEntryMappingKey => self.flow_sequence_entry_mapping_key(),
            State::FlowSequenceEntryMappingValue => self.flow_sequence_entry_mapping_value(),
            State::FlowSequenceEntryMappingEnd => {
                let token = self.scanner.peek()?;
                self.state = State::FlowSequenceEntry;
                Ok(event(EventKind::CollectionEnd, token.start, token.start))
            }
            State::FlowMappingFirstKey => {
                self.open()?;
                self.flow_mapping_key(true)
            }
            State::FlowMappingKey => self.flow_mapping_key(false),
            State::FlowMappingValue => self.flow_mapping_value(),
            State::FlowMappingEmptyValue => {
                let token = self.scanner.peek()?;
                self.state = State::FlowMappingKey;
                Ok(empty_scalar(token.start))
            }
            State::End => {
                let token = self.scanner.peek()?;
                Ok(event(EventKind::StreamEnd, token.start, token.end))
            }
        }
    }

    /// Goes behind the token that opens a collection.
    fn open(&mut self) -> Result<(), SyntaxError> {
        let token = self.scanner.peek()?;
        self.marks.push(token.start);
        self.scanner.take();
        Ok(())
    }

    /// Goes behind the token that closes a collection.
    pub(super) fn close(&mut self, token: Peeked) -> Event {
        self.pop_state();
        self.marks.pop();
        self.scanner.take();
        event(EventKind::CollectionEnd, token.start, token.end)
    }

    fn pop_state(&mut self) {
        self.state = self.states.pop().unwrap_or(State::End);
    }

    pub(super) fn node_then(&mut self, place: Place, then: State) -> Result<Event, SyntaxError> {
        self.states.push(then);
        self.node(place)
    }

    pub(super) fn empty_then(&mut self, mark: Mark, then: State) -> Event {
        self.state = then;
        empty_scalar(mark)
    }

    fn document_start(&mut self, implicit: bool) -> Result<Event, SyntaxError> {
        let mut token = self.scanner.peek()?;
        while !implicit && token.kind == TokenKind::DocumentEnd {
            self.scanner.take();
            token = self.scanner.peek()?;
        }
        let explicit = matches!(
            token.kind,
            TokenKind::Version(..) | TokenKind::TagDirective | TokenKind::DocumentStart
        );
        if token.kind == TokenKind::StreamEnd {
            self.state = State::End;
            return Ok(event(EventKind::StreamEnd, token.start, token.end));
        }
        self.process_directives()?;
        self.states.push(State::DocumentEnd);
        if implicit && !explicit {
            self.state = State::BlockNode;
            return Ok(event(EventKind::DocumentStart, token.start, token.end));
        }
        let start = token.start;
        let token = self.scanner.peek()?;
        if token.kind != TokenKind::DocumentStart {
            return Err(SyntaxError::parser(
                "did not find expected <document start>",
                None,
                token.start,
            ));
        }
        self.scanner.take();
        self.state = State::DocumentContent;
        Ok(event(EventKind::DocumentStart, start, token.end))
    }

    fn process_directives(&mut self) -> Result<(), SyntaxError> {
        let mut version = false;
        let wrong = |problem: &str, at: Mark| Err(SyntaxError::parser(problem, None, at));
        loop {
            let token = self.scanner.peek()?;
            match token.kind {
                TokenKind::Version(major, minor) => {
                    if version {
                        return wrong("found duplicate %YAML directive", token.start);
                    }
                    if (major, minor) != (1, 1) {
                        return wrong("found incompatible YAML document", token.start);
                    }
                    version = true;
                    self.scanner.take();
                }
                TokenKind::TagDirective => {
                    let (handle, prefix) = self.scanner.take();
                    if self.tag_directives.iter().any(|(known, _)| *known == handle) {
                        return wrong("found duplicate %TAG directive", token.start);
                    }
                    self.tag_directives.push((handle, prefix));
                }
                _ => break,
            }
        }
        for (handle, prefix) in [("!", "!"), ("!!", super::resolve::TAG_PREFIX)] {
            if !self.tag_directives.iter().any(|(known, _)| known == handle) {
                self.tag_directives.push((handle.to_owned(), prefix.to_owned()));
            }
        }
        Ok(())
    }

    fn document_content(&mut self) -> Result<Event, SyntaxError> {
        let token = self.scanner.peek()?;
        match token.kind {
            TokenKind::Version(..)
            | TokenKind::TagDirective
            | TokenKind::DocumentStart
            | TokenKind::DocumentEnd
            | TokenKind::StreamEnd => {
                self.pop_state();
                Ok(empty_scalar(token.start))
            }
            _ => self.node(Place::Block),
        }
    }

    fn document_end(&mut self) -> Result<Event, SyntaxError> {
        let token = self.scanner.peek()?;
        let mut end = token.start;
        if token.kind == TokenKind::DocumentEnd {
            end = token.end;
            self.scanner.take();
        }
        self.tag_directives.clear();
        self.state = State::DocumentStart;
        Ok(event(EventKind::DocumentEnd, token.start, end))
    }

    pub(super) fn node(&mut self, place: Place) -> Result<Event, SyntaxError> {
        let mut token = self.scanner.peek()?;
        if token.kind == TokenKind::Alias {
            self.pop_state();
            let name = self.scanner.take().0;
            return Ok(event(EventKind::Alias(name), token.start, token.end));
        }
        let start = token.start;
        let mut end = token.start;
        let (mut anchor, mut tag) = (None, None);
        // One of each, in either order.
        loop {
            match token.kind {
                TokenKind::Anchor if anchor.is_none() => anchor = Some(self.scanner.take().0),
                TokenKind::Tag if tag.is_none() => tag = Some((self.scanner.take(), token.start)),
                _ => break,
            }
            end = token.end;
            token = self.scanner.peek()?;
        }
        let tag = match tag {
            None => String::new(),
            Some(((handle, suffix), at)) => self.whole_tag(&handle, suffix, start, at)?,
        };
        let implicit = tag.is_empty();
        let (kind, content, end) = match token.kind {
            TokenKind::BlockEntry if place == Place::BlockOrIndentless => {
                self.state = State::IndentlessSequenceEntry;
                (EventKind::SequenceStart { flow: false }, token.start, token.end)
            }
            TokenKind::Scalar(style) => {
                self.pop_state();
                let text = self.scanner.take().0;
                let implicit = (implicit && style == Style::Plain) || tag == "!";
                let kind = EventKind::Scalar {
                    text,
                    style,
                    implicit,
                };
                (kind, token.start, token.end)
            }
            TokenKind::FlowSequenceStart => {
                self.state = State::FlowSequenceFirstEntry;
                (EventKind::SequenceStart { flow: true }, token.start, token.end)
            }
            TokenKind::FlowMappingStart => {
                self.state = State::FlowMappingFirstKey;
                (EventKind::MappingStart { flow: true }, token.start, token.end)
            }
            TokenKind::BlockSequenceStart if place != Place::Flow => {
                self.state = State::BlockSequenceFirstEntry;
                (EventKind::SequenceStart { flow: false }, token.start, token.end)
            }
            TokenKind::BlockMappingStart if place != Place::Flow => {
                self.state = State::BlockMappingFirstKey;
                (EventKind::MappingStart { flow: false }, token.start, token.end)
            }
            _ if anchor.is_some() || !implicit => {
                self.pop_state();
                let kind = EventKind::Scalar {
                    text: String::new(),
                    style: Style::Plain,
                    implicit,
                };
                (kind, end, end)
            }
            _ => {
                let problem = "did not find expected node content";
                return Err(SyntaxError::parser(problem, Some(start), token.start));
            }
        };
        Ok(Event {
            kind,
            anchor,
            tag,
            start,
            content,
            end,
            indicator: None,
        })
    }

    fn whole_tag(&self, handle: &str, suffix: String, start: Mark, at: Mark) -> Result<String, SyntaxError> {
        if handle.is_empty() {
            return Ok(suffix);
        }
        let known = self.tag_directives.iter().find(|(known, _)| known == handle);
        match known.map(|(_, prefix)| format!("{prefix}{suffix}")) {
            Some(tag) if !tag.is_empty() => Ok(tag),
            _ => Err(SyntaxError::parser("found undefined tag handle", Some(start), at)),
        }
    }

    fn block_sequence_entry(&mut self) -> Result<Event, SyntaxError> {
        let entry = self.scanner.peek()?;
        match entry.kind {
            TokenKind::BlockEntry => {
                self.scanner.take();
                self.indicator = Some(entry.start);
                let token = self.scanner.peek()?;
                if matches!(token.kind, TokenKind::BlockEntry | TokenKind::BlockEnd) {
                    return Ok(self.empty_then(entry.end, State::BlockSequenceEntry));
                }
                self.node_then(Place::Block, State::BlockSequenceEntry)
            }
            TokenKind::BlockEnd => Ok(self.close(entry)),
            _ => Err(self.unexpected("did not find expected '-' indicator", entry)),
        }
    }

    fn indentless_sequence_entry(&mut self) -> Result<Event, SyntaxError> {
        let entry = self.scanner.peek()?;
        if entry.kind != TokenKind::BlockEntry {
            self.pop_state();
            return Ok(event(EventKind::CollectionEnd, entry.start, entry.start));
        }
        self.scanner.take();
        self.indicator = Some(entry.start);
        let token = self.scanner.peek()?;
        match token.kind {
            TokenKind::BlockEntry | TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => {
                Ok(self.empty_then(entry.end, State::IndentlessSequenceEntry))
            }
            _ => self.node_then(Place::Block, State::IndentlessSequenceEntry),
        }
    }

    fn block_mapping_key(&mut self) -> Result<Event, SyntaxError> {
        let key = self.scanner.peek()?;
        match key.kind {
            TokenKind::Key => {
                self.scanner.take();
                let token = self.scanner.peek()?;
                match token.kind {
                    TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => {
                        Ok(self.empty_then(key.end, State::BlockMappingValue))
                    }
                    _ => self.node_then(Place::BlockOrIndentless, State::BlockMappingValue),
                }
            }
            TokenKind::BlockEnd => Ok(self.close(key)),
            _ => Err(self.unexpected("did not find expected key", key)),
        }
    }

    fn block_mapping_value(&mut self) -> Result<Event, SyntaxError> {
        let value = self.scanner.peek()?;
        if value.kind != TokenKind::Value {
            return Ok(self.empty_then(value.start, State::BlockMappingKey));
        }
        self.scanner.take();
        self.indicator = Some(value.start);
        let token = self.scanner.peek()?;
        match token.kind {
            TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => {
                Ok(self.empty_then(value.end, State::BlockMappingKey))
            }
            _ => self.node_then(Place::BlockOrIndentless, State::BlockMappingKey),
        }
    }

    pub(super) fn unexpected(&self, problem: &str, token: Peeked) -> SyntaxError {
        SyntaxError::parser(problem, self.marks.last().copied(), token.start)
    }
}

pub(super) fn event(kind: EventKind, start: Mark, end: Mark) -> Event {
    Event {
        kind,
        anchor: None,
        tag: String::new(),
        start,
        content: start,
        end,
        indicator: None,
    }
}

fn empty_scalar(mark: Mark) -> Event {
    let kind = EventKind::Scalar {
        text: String::new(),
        style: Style::Plain,
        implicit: true,
    };
    event(kind, mark, mark)
}
