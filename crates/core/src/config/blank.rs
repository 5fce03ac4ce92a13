//! Text that says nothing where eksact would act on it: `roleName: ""`, `attachPolicyARNs: [""]`, a label without a key. It is
//! what a variable leaves that was not set, and never an intent.
//!
//! Blank text is an error. A key without any value is absence, as in eksctl, and so a warning; in eksact's own kind, where
//! absence can mean more than the value would (`namespaces:`), it is an error, too. The values of labels, annotations and
//! tags may be empty, and so may what the field list marks so: `apiGroups`, whose empty item is the core group, and the version, with
//! which eksact does nothing.

use super::diagnostic::Severity;
use super::document::DocumentKind;
use super::fields::{Field, FieldType, is_acted_on, types};
use super::finding::{Finding, Findings};
use super::path::FieldPath;
use super::suggest;
use eksact_message::code::Code;
use eksact_message::remedy::Remedy;
use eksact_yaml::{Content, Node};

/// What may be done with a value besides filling it in.
enum Otherwise<'a> {
    Nothing,
    /// One of these keys has to be there.
    Instead(&'a [String]),
    LeaveOut,
    Remove,
}

impl<'a> Otherwise<'a> {
    /// What may be done with the whole field of `object`.
    fn of(field: &'a Field, object: &Node) -> Self {
        if field.must_be_set() {
            Self::Nothing
        } else if field.or.is_empty() || field.or.iter().any(|other| says_something(object.get(other))) {
            Self::LeaveOut
        } else {
            Self::Instead(&field.or)
        }
    }

    /// What may be done with one of `count` items of the field.
    fn of_item(field: &'a Field, object: &Node, count: usize) -> Self {
        if count > 1 {
            return Self::Remove;
        }
        match Self::of(field, object) {
            Self::LeaveOut => Self::Remove,
            other => other,
        }
    }

    fn help(&self) -> Remedy {
        match self {
            Self::Nothing => remedy!("a variable was probably not set: fill it in"),
            Self::Instead(others) => remedy!(
                "a variable was probably not set: fill it in, or write {} instead",
                suggest::one_of(others.iter().map(String::as_str))
            ),
            Self::LeaveOut => remedy!("a variable was probably not set: fill it in, or leave the key out"),
            Self::Remove => {
                remedy!("a variable was probably not set: fill it in, or remove it from the list")
            }
        }
    }
}

/// The findings about everything that eksact acts on.
pub(super) fn check(kind: DocumentKind, root: &Node) -> Findings {
    let mut walk = Walk {
        kind,
        findings: Findings::default(),
    };
    walk.object(root, kind.name(), &FieldPath::default());
    walk.findings
}

struct Walk {
    kind: DocumentKind,
    findings: Findings,
}

impl Walk {
    fn object(&mut self, node: &Node, type_name: &str, path: &FieldPath) {
        let Some(object) = types(self.kind).get(type_name) else {
            return;
        };
        for entry in node.entries() {
            let here = path.key(&entry.key);
            if self.findings.is_full() {
                return;
            }
            if let Some(field) = object.field(&entry.key).filter(|_| is_acted_on(self.kind, &here)) {
                self.field(&entry.value, field, node, &here);
            }
        }
    }

    /// A `field` of `object`, whose value is `node`.
    fn field(&mut self, node: &Node, field: &Field, object: &Node, path: &FieldPath) {
        match (&field.holds, node.content()) {
            _ if node.is_null() => self.without_value(field, object, path),
            (FieldType::Text, Content::Scalar { text, .. }) => {
                self.text(text, field, &Otherwise::of(field, object), path);
            }
            (FieldType::List(item), Content::Sequence(items)) if **item == FieldType::Text => {
                let otherwise = Otherwise::of_item(field, object, items.len());
                for (index, item) in items.iter().enumerate() {
                    if matches!(item.content(), Content::Scalar { .. }) {
                        let text = item.text().unwrap_or_default();
                        self.text(text, field, &otherwise, &path.index(index));
                    }
                }
            }
            (FieldType::Map(_), Content::Mapping(entries)) => {
                for entry in entries.iter().filter(|entry| is_blank(&entry.key)) {
                    let message = format!("{path} has an empty key");
                    let finding = Finding::error(Code::Empty, path.key(&entry.key), message);
                    self.findings
                        .push(finding.at_key().help(Otherwise::LeaveOut.help()));
                }
            }
            (FieldType::Object(name), Content::Mapping(_)) => self.object(node, name, path),
            (FieldType::List(item), Content::Sequence(items)) => {
                if let FieldType::Object(name) = &**item {
                    for (index, item) in items.iter().enumerate() {
                        self.object(item, name, &path.index(index));
                    }
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str, field: &Field, otherwise: &Otherwise<'_>, path: &FieldPath) {
        if is_blank(text) && !(field.may_be_empty && text.is_empty()) {
            let what = if text.is_empty() { "empty" } else { "blank" };
            let finding = Finding::error(Code::Empty, path.clone(), format!("{path} is {what}"));
            self.findings.push(finding.help(otherwise.help()));
        }
    }

    fn without_value(&mut self, field: &Field, object: &Node, path: &FieldPath) {
        // Lists of objects have no value when all of their items are commented out.
        if matches!(&field.holds, FieldType::List(item) if **item != FieldType::Text) {
            return;
        }
        let own = self.kind == DocumentKind::ClusterAccess;
        let message = format!("{path} has no value");
        let mut finding = Finding::error(Code::Empty, path.clone(), message)
            .at_key()
            .help(Otherwise::of(field, object).help());
        if !own {
            finding.severity = Severity::Warning;
            finding.message.push_str(" and is treated as left out");
        }
        self.findings.push(finding);
    }
}

fn says_something(value: Option<&Node>) -> bool {
    value.is_some_and(|value| !value.is_empty() && value.text().is_none_or(|text| !is_blank(text)))
}

/// Whether a text says nothing.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(is_blank_character)
}

/// White space, and what looks like it: a zero-width space, a byte order mark.
pub fn is_blank_character(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}
