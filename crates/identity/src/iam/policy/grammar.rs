//! Whether IAM would take a policy document: the grammar, with a JSON pointer to each mistake.
//!
//! Sources: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>, the pages of the
//! single elements beside it, and the messages of IAM's own `MalformedPolicyDocument`. Whether an action or a
//! condition key exists is not asked: that would need a list of every service.

use std::collections::BTreeSet;

use eksact_message::remedy::Remedy;
use serde_json::{Map, Value};

use super::document::one_or_many;
use super::operator::Operator;
use crate::iam::Partition;
use crate::iam::arn::is_account_id;

/// What a document is for. It decides whether a statement names resources or principals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyKind {
    /// Attached to a role: says what may be done to which resources.
    Identity,
    /// A role's trust policy: says who may assume the role.
    Trust,
}

/// A mistake in a policy document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {message}")]
pub struct GrammarError {
    /// Where, as a JSON pointer (RFC 6901) into the document. The whole document is the empty text.
    pub pointer: String,
    /// What is wrong and what to write instead.
    pub message: String,
    /// What to do, where the message does not say it.
    pub help: Option<Remedy>,
}

/// Every mistake in a document; none if IAM's grammar takes it.
pub fn check_grammar(document: &Value, kind: PolicyKind) -> Vec<GrammarError> {
    let mut checker = Checker {
        kind,
        errors: Vec::new(),
        sids: BTreeSet::new(),
    };
    checker.document(document);
    checker.errors
}

const DOCUMENT_ELEMENTS: [&str; 3] = ["Version", "Id", "Statement"];
const STATEMENT_ELEMENTS: [&str; 9] = [
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];
const PRINCIPAL_KINDS: [&str; 4] = ["AWS", "Federated", "Service", "CanonicalUser"];

struct Checker {
    kind: PolicyKind,
    errors: Vec<GrammarError>,
    sids: BTreeSet<String>,
}

impl Checker {
    fn error(&mut self, pointer: &str, message: impl Into<String>) {
        self.errors.push(GrammarError {
            pointer: pointer.to_owned(),
            message: message.into(),
            help: None,
        });
    }

    fn no_statement(&mut self, pointer: &str, message: &str) {
        self.errors.push(GrammarError {
            pointer: pointer.to_owned(),
            message: format!("`Statement` is {message}; a policy needs at least one statement"),
            help: Some(remedy!(
                "list at least one statement under `Statement`, with `Effect`, `Action` and `Resource`"
            )),
        });
    }

    fn document(&mut self, document: &Value) {
        let Some(fields) = document.as_object() else {
            return self.error(
                "",
                "a policy document must be an object with `Version` and `Statement`",
            );
        };
        self.known_elements("", fields, &DOCUMENT_ELEMENTS);
        match fields.get("Version") {
            None => {}
            Some(Value::String(version)) if matches!(version.as_str(), "2012-10-17" | "2008-10-17") => {}
            Some(_) => self.error(
                "/Version",
                "`Version` is the version of the policy language; write \"2012-10-17\" (or the older \"2008-10-17\")",
            ),
        }
        if fields.get("Id").is_some_and(|id| !id.is_string()) {
            self.error("/Id", "`Id` must be a string");
        }
        match fields.get("Statement") {
            None => self.no_statement("", "missing"),
            Some(Value::Array(statements)) => {
                if statements.is_empty() {
                    self.no_statement("/Statement", "empty");
                }
                for (index, statement) in statements.iter().enumerate() {
                    self.statement(&format!("/Statement/{index}"), statement);
                }
            }
            Some(statement) => self.statement("/Statement", statement),
        }
    }

    fn statement(&mut self, at: &str, statement: &Value) {
        let Some(fields) = statement.as_object() else {
            return self.error(
                at,
                "a statement must be an object with `Effect`, `Action` and what it applies to",
            );
        };
        self.known_elements(at, fields, &STATEMENT_ELEMENTS);
        if let Some(sid) = fields.get("Sid") {
            self.sid(&format!("{at}/Sid"), sid);
        }
        match fields.get("Effect").map(Value::as_str) {
            Some(Some("Allow" | "Deny")) => {}
            Some(_) => self.error(
                &format!("{at}/Effect"),
                "`Effect` must be \"Allow\" or \"Deny\", spelled exactly so",
            ),
            None => self.error(at, "`Effect` is missing; it must be \"Allow\" or \"Deny\""),
        }
        self.one_of_two(at, fields, "Action", "NotAction", Self::action);
        match self.kind {
            PolicyKind::Identity => {
                self.one_of_two(at, fields, "Resource", "NotResource", Self::resource);
                self.forbidden(
                    at,
                    fields,
                    ["Principal", "NotPrincipal"],
                    "belongs in a trust policy; a policy of a role applies to that role",
                );
            }
            PolicyKind::Trust => {
                self.principals(at, fields);
                self.forbidden(
                    at,
                    fields,
                    ["Resource", "NotResource"],
                    "does not belong in a trust policy; the resource is the role itself",
                );
            }
        }
        if let Some(condition) = fields.get("Condition") {
            self.condition(&format!("{at}/Condition"), condition);
        }
    }

    fn sid(&mut self, at: &str, sid: &Value) {
        let Some(sid) = sid.as_str() else {
            return self.error(at, "`Sid` must be a string");
        };
        if !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            self.error(
                at,
                format!("Sid `{sid}` may have only the letters A-Z and a-z and the digits 0-9"),
            );
        }
        if !sid.is_empty() && !self.sids.insert(sid.to_owned()) {
            self.error(
                at,
                format!("Sid `{sid}` is used by another statement; each is used once"),
            );
        }
    }

    /// Checks an element that stands either as it is or in its `Not…` form.
    fn one_of_two(
        &mut self,
        at: &str,
        fields: &Map<String, Value>,
        name: &str,
        negated: &str,
        check: fn(&mut Self, &str, &str),
    ) {
        match (fields.get(name), fields.get(negated)) {
            (None, None) => self.error(at, format!("`{name}` is missing (or `{negated}`)")),
            (Some(_), Some(_)) => self.error(
                at,
                format!("`{name}` and `{negated}` cannot be used together; keep one"),
            ),
            (Some(values), None) => self.texts(&format!("{at}/{name}"), name, values, check),
            (None, Some(values)) => self.texts(&format!("{at}/{negated}"), negated, values, check),
        }
    }

    fn forbidden(&mut self, at: &str, fields: &Map<String, Value>, names: [&str; 2], why: &str) {
        for name in names.into_iter().filter(|name| fields.contains_key(*name)) {
            self.error(&format!("{at}/{name}"), format!("`{name}` {why}"));
        }
    }

    /// Checks a text or a list of texts.
    fn texts(&mut self, at: &str, name: &str, values: &Value, check: fn(&mut Self, &str, &str)) {
        if values.as_array().is_some_and(Vec::is_empty) {
            return self.error(
                at,
                format!("`{name}` is an empty list; it needs at least one value"),
            );
        }
        for (index, value) in one_or_many(values).iter().enumerate() {
            let at = if values.is_array() {
                format!("{at}/{index}")
            } else {
                at.to_owned()
            };
            match value.as_str() {
                Some(text) => check(self, &at, text),
                None => self.error(&at, format!("`{name}` must be a string or a list of strings")),
            }
        }
    }

    fn action(&mut self, at: &str, action: &str) {
        let is_name = |name: &str| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"*?-_.".contains(&byte))
        };
        let is_service = |service: &str| {
            service == "*"
                || !service.is_empty()
                    && service
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let well_formed = action == "*"
            || action
                .split_once(':')
                .is_some_and(|(service, name)| is_service(service) && is_name(name));
        if !well_formed {
            return self.error(
                at,
                format!("action `{action}` is not written service:Name, such as s3:GetObject or s3:*"),
            );
        }
        let is_sts = action
            .get(..4)
            .is_some_and(|service| service.eq_ignore_ascii_case("sts:"));
        if self.kind == PolicyKind::Trust && !is_sts {
            self.error(
                at,
                format!("action `{action}` does not belong in a trust policy; only sts: actions do"),
            );
        }
    }

    fn resource(&mut self, at: &str, resource: &str) {
        if resource == "*" {
            return;
        }
        // IAM fills up an ARN that ends early with `*`, so six parts are not asked for.
        let mut parts = resource.split(':');
        let (Some("arn"), Some(partition), Some(_)) = (parts.next(), parts.next(), parts.next()) else {
            return self.error(at, format!("resource `{resource}` is neither an ARN nor \"*\""));
        };
        if !partition.contains(['*', '?', '$']) && partition.parse::<Partition>().is_err() {
            self.error(
                at,
                format!("resource `{resource}`: `{partition}` is not an AWS partition"),
            );
        }
    }

    fn principals(&mut self, at: &str, fields: &Map<String, Value>) {
        let (name, principals) = match (fields.get("Principal"), fields.get("NotPrincipal")) {
            (None, None) => {
                return self.error(at, "`Principal` is missing; a trust policy says who it trusts");
            }
            (Some(_), Some(_)) => {
                return self.error(
                    at,
                    "`Principal` and `NotPrincipal` cannot be used together; keep one",
                );
            }
            (Some(principals), None) => ("Principal", principals),
            (None, Some(principals)) => ("NotPrincipal", principals),
        };
        let at = format!("{at}/{name}");
        match principals {
            Value::String(everyone) if everyone == "*" => {}
            Value::Object(kinds) if !kinds.is_empty() => {
                self.known_elements(&at, kinds, &PRINCIPAL_KINDS);
                for (kind, values) in kinds {
                    let check = if kind == "AWS" {
                        Self::aws_principal
                    } else {
                        Self::other_principal
                    };
                    self.texts(&child(&at, kind), kind, values, check);
                }
            }
            _ => self.error(
                &at,
                format!("`{name}` must be \"*\" or an object such as {{\"Federated\": \"arn:…\"}}"),
            ),
        }
    }

    fn aws_principal(&mut self, at: &str, principal: &str) {
        let digits = !principal.is_empty() && principal.bytes().all(|byte| byte.is_ascii_digit());
        if digits && !is_account_id(principal) {
            self.error(
                at,
                format!("principal `{principal}` is not an account; an account is twelve digits"),
            );
        } else if principal != "*" && principal.contains(['*', '?']) {
            self.error(
                at,
                format!("principal `{principal}` has a wildcard; IAM allows it only alone, as \"*\""),
            );
        } else {
            self.other_principal(at, principal);
        }
    }

    fn other_principal(&mut self, at: &str, principal: &str) {
        if principal.is_empty() {
            self.error(at, "a principal must not be empty");
        }
    }

    fn condition(&mut self, at: &str, condition: &Value) {
        let Some(operators) = condition.as_object() else {
            return self.error(
                at,
                "`Condition` must be an object of operators, such as {\"StringEquals\": {…}}",
            );
        };
        for (name, keys) in operators {
            let at = child(at, name);
            let Some(operator) = Operator::read(name) else {
                self.error(&at, format!("`{name}` is not a condition operator"));
                continue;
            };
            let Some(keys) = keys.as_object() else {
                self.error(
                    &at,
                    format!("`{name}` must be an object of condition keys and their values"),
                );
                continue;
            };
            for (key, values) in keys {
                let at = child(&at, key);
                if !key.contains(':') {
                    self.error(
                        &at,
                        format!("condition key `{key}` is not written prefix:name, such as aws:SourceArn"),
                    );
                }
                self.condition_values(&at, operator, values);
            }
        }
    }

    fn condition_values(&mut self, at: &str, operator: Operator, values: &Value) {
        if values.as_array().is_some_and(Vec::is_empty) {
            return self.error(at, "a condition needs at least one value");
        }
        for value in one_or_many(values) {
            let truth = match value {
                Value::Bool(_) => true,
                Value::String(text) => {
                    matches!(text.to_ascii_lowercase().as_str(), "true" | "false") || text.contains("${")
                }
                Value::Number(_) => false,
                _ => {
                    self.error(
                        at,
                        "a condition's value must be a string, a number, true or false, or a list of them",
                    );
                    continue;
                }
            };
            if matches!(operator.name, "Bool" | "Null") && !truth {
                self.error(
                    at,
                    format!("`{}` compares only with true or false", operator.name),
                );
            }
        }
    }

    fn known_elements(&mut self, at: &str, fields: &Map<String, Value>, known: &[&str]) {
        for name in fields.keys().filter(|name| !known.contains(&name.as_str())) {
            let nearest = known
                .iter()
                .find(|candidate| strsim::damerau_levenshtein(candidate, name) <= 2);
            let hint = nearest
                .map(|nearest| format!("; did you mean `{nearest}`?"))
                .unwrap_or_default();
            self.error(
                &child(at, name),
                format!("`{name}` is not an element of a policy here{hint}"),
            );
        }
    }
}

/// A pointer one step further down.
fn child(at: &str, name: &str) -> String {
    format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests;
