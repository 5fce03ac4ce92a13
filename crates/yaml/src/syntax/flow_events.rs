//! The grammar of lists in brackets and mappings in braces.

use super::error::SyntaxError;
use super::events::{Event, EventKind, Events, Place, State, event};
use super::scanner::TokenKind;

impl Events<'_> {
    pub(super) fn flow_sequence_entry(&mut self, first: bool) -> Result<Event, SyntaxError> {
        let mut token = self.scanner.peek()?;
        if token.kind != TokenKind::FlowSequenceEnd {
            if !first {
                if token.kind != TokenKind::FlowEntry {
                    return Err(self.unexpected("did not find expected ',' or ']'", token));
                }
                self.scanner.take();
                token = self.scanner.peek()?;
            }
            if token.kind == TokenKind::Key {
                self.scanner.take();
                self.state = State::FlowSequenceEntryMappingKey;
                return Ok(event(
                    EventKind::MappingStart { flow: true },
                    token.start,
                    token.end,
                ));
            }
            if token.kind != TokenKind::FlowSequenceEnd {
                return self.node_then(Place::Flow, State::FlowSequenceEntry);
            }
        }
        Ok(self.close(token))
    }

    pub(super) fn flow_sequence_entry_mapping_key(&mut self) -> Result<Event, SyntaxError> {
        let token = self.scanner.peek()?;
        match token.kind {
            TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowSequenceEnd => {
                // The token is lost here in go-yaml, too.
                self.scanner.take();
                Ok(self.empty_then(token.end, State::FlowSequenceEntryMappingValue))
            }
            _ => self.node_then(Place::Flow, State::FlowSequenceEntryMappingValue),
        }
    }

    pub(super) fn flow_sequence_entry_mapping_value(&mut self) -> Result<Event, SyntaxError> {
        let value = self.scanner.peek()?;
        if value.kind == TokenKind::Value {
            self.scanner.take();
            self.indicator = Some(value.start);
            let token = self.scanner.peek()?;
            if !matches!(token.kind, TokenKind::FlowEntry | TokenKind::FlowSequenceEnd) {
                return self.node_then(Place::Flow, State::FlowSequenceEntryMappingEnd);
            }
        }
        Ok(self.empty_then(value.start, State::FlowSequenceEntryMappingEnd))
    }

    pub(super) fn flow_mapping_key(&mut self, first: bool) -> Result<Event, SyntaxError> {
        let mut token = self.scanner.peek()?;
        if token.kind != TokenKind::FlowMappingEnd {
            if !first {
                if token.kind != TokenKind::FlowEntry {
                    return Err(self.unexpected("did not find expected ',' or '}'", token));
                }
                self.scanner.take();
                token = self.scanner.peek()?;
            }
            if token.kind == TokenKind::Key {
                self.scanner.take();
                let token = self.scanner.peek()?;
                return match token.kind {
                    TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowMappingEnd => {
                        Ok(self.empty_then(token.start, State::FlowMappingValue))
                    }
                    _ => self.node_then(Place::Flow, State::FlowMappingValue),
                };
            }
            if token.kind != TokenKind::FlowMappingEnd {
                return self.node_then(Place::Flow, State::FlowMappingEmptyValue);
            }
        }
        Ok(self.close(token))
    }

    pub(super) fn flow_mapping_value(&mut self) -> Result<Event, SyntaxError> {
        let mut token = self.scanner.peek()?;
        if token.kind == TokenKind::Value {
            self.scanner.take();
            self.indicator = Some(token.start);
            token = self.scanner.peek()?;
            if !matches!(token.kind, TokenKind::FlowEntry | TokenKind::FlowMappingEnd) {
                return self.node_then(Place::Flow, State::FlowMappingKey);
            }
        }
        Ok(self.empty_then(token.start, State::FlowMappingKey))
    }
}
