//! What a plan has to say besides its changes: what looks wrong, what it could not read, what it refuses.

use eksact_message::code::Code;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Address;
use crate::{config::location::SourceLocation, ports::CallError};
use eksact_message::remedy::Remedy;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Probably not what is wanted; the plan goes on.
    Warning,
    /// A guard says no: nothing of the plan is applied unless the guard's code is allowed.
    Refusal,
    /// The object cannot be planned; the others go on, and the run does not end well.
    Error,
}

/// One thing that a plan has to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// How much it weighs.
    pub severity: Severity,
    /// Stable, kebab-case; what `--allow` takes for refusals.
    pub code: Code,
    /// The object that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// What is the matter, on which object, and why.
    pub message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<Remedy>,
    /// The line of the configuration that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceLocation>,
}

impl Finding {
    /// A finding of this weight and code.
    pub fn new(severity: Severity, code: Code, message: impl Into<String>) -> Self {
        Self {
            severity,
            code,
            address: None,
            message: message.into(),
            help: None,
            source: None,
        }
    }

    /// The same, about this object.
    #[must_use]
    pub fn about(mut self, address: &Address) -> Self {
        self.address = Some(address.clone());
        self
    }

    /// The same with what to do.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<Remedy>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same with what to do about the failed call that it comes from, where there is something.
    #[must_use]
    pub fn with_help_for(self, error: &CallError) -> Self {
        match error.help() {
            Some(help) => self.with_help(help),
            None => self,
        }
    }

    /// The same with the line of the configuration.
    #[must_use]
    pub fn at(mut self, source: Option<&SourceLocation>) -> Self {
        self.source = source.cloned();
        self
    }
}
