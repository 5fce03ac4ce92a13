//! A policy made ready for many requests.

use serde_json::Value;

use super::super::{document::Document, matching::Compiled};

/// A policy, or why it is not known what it says.
#[derive(Debug, Clone)]
pub struct Policy {
    pub(super) name: String,
    pub(super) statements: Result<Vec<Compiled>, String>,
}

impl Policy {
    /// Reads a policy. `name` is what answers call it: `policy reader`, `trust policy of role app`.
    pub fn read(name: impl Into<String>, document: &Value) -> Self {
        let compiled = |(version, statements): (_, Vec<_>)| {
            let numbered = statements.into_iter().enumerate();
            numbered
                .map(|(index, (statement, sid))| Compiled::new(statement, version, sid, index + 1))
                .collect()
        };
        Self {
            name: name.into(),
            statements: Document::read_in_order(document)
                .map(compiled)
                .ok_or_else(|| "it is not plain policy language".to_owned()),
        }
    }

    /// A policy that was not read, and why.
    pub fn unread(name: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            statements: Err(why.into()),
        }
    }

    /// Whether it is known what it says.
    pub fn is_readable(&self) -> bool {
        self.statements.is_ok()
    }

    /// What answers call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a statement of it, whatever its effect, is for an action. One that is not known may be.
    pub fn is_for_action(&self, action: &str) -> bool {
        let action = action.to_ascii_lowercase();
        match &self.statements {
            Ok(statements) => statements
                .iter()
                .any(|statement| statement.is_for_action(&action)),
            Err(_) => true,
        }
    }

    /// Whether a statement of it may allow an action. A policy that is not known may.
    pub fn may_allow(&self, action: &str) -> bool {
        let action = action.to_ascii_lowercase();
        match &self.statements {
            Ok(statements) => statements
                .iter()
                .any(|statement| statement.allows() && statement.is_for_action(&action)),
            Err(_) => true,
        }
    }

    /// The resources of its statements that may allow an action, as they are written; `*` for a statement that has none or is for all
    /// but some, and for a policy that is not known.
    pub fn may_allow_on(&self, action: &str) -> Vec<&str> {
        let action = action.to_ascii_lowercase();
        let Ok(statements) = &self.statements else {
            return vec!["*"];
        };
        let allowing = statements
            .iter()
            .filter(|statement| statement.allows() && statement.is_for_action(&action));
        let mut found = Vec::new();
        for statement in allowing {
            match &statement.statement.resources {
                Some(resources) if !resources.negated => {
                    found.extend(resources.words.iter().map(|word| word.key.as_str()));
                }
                _ => found.push("*"),
            }
        }
        found
    }

    /// Whether a statement of it may deny something. A policy that is not known may.
    pub fn may_deny(&self) -> bool {
        match &self.statements {
            Ok(statements) => statements.iter().any(|statement| !statement.allows()),
            Err(_) => true,
        }
    }

    /// The principals of kind `AWS` that its allowing statements name, an account by its id; `*` for everyone, and for a
    /// policy that says everyone but others or is not known.
    pub fn trusted(&self) -> Vec<&str> {
        let Ok(statements) = &self.statements else {
            return vec!["*"];
        };
        let mut found = Vec::new();
        for statement in statements.iter().filter(|statement| statement.allows()) {
            match &statement.statement.principals {
                Some(principals) if principals.negated => found.push("*"),
                Some(principals) => {
                    let members = principals.members.iter();
                    found.extend(
                        members
                            .filter(|(kind, _)| kind == "AWS")
                            .map(|(_, word)| word.key.as_str()),
                    );
                }
                None => {}
            }
        }
        found
    }

    /// The services and identity providers that its allowing statements name, each with its kind.
    pub fn trusted_others(&self) -> Vec<(&str, &str)> {
        let statements = self
            .statements
            .iter()
            .flatten()
            .filter(|statement| statement.allows());
        statements
            .flat_map(|statement| &statement.statement.principals)
            .filter(|principals| !principals.negated)
            .flat_map(|principals| &principals.members)
            .filter(|(kind, _)| kind != "AWS")
            .map(|(kind, word)| (kind.as_str(), word.written.as_str()))
            .collect()
    }
}
