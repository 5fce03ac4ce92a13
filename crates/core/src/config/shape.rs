//! Whether the tree has the shape of the format: known keys, right kinds of values, allowed words. Nothing about meaning.
//!
//! What eksctl takes is taken: null is absence everywhere, any scalar is text, and in sections that eksact does not
//! manage a word outside its list is only a warning, since a newer eksctl may know it.

use super::anchors::{Holder, holder};
use super::diagnostic::{Severity, quoted};
use super::document::DocumentKind;
use super::fields::{Field, FieldType, ObjectType, is_acted_on, types};
use super::finding::{Finding, Findings};
use super::path::FieldPath;
use super::suggest;
use eksact_message::code::Code;
use eksact_message::remedy::Remedy;
use eksact_yaml::explain::{self, Misleading};
use eksact_yaml::{Content, Node, Resolved, Style};

/// Checks the whole document.
pub(super) fn check(kind: DocumentKind, root: &Node) -> Findings {
    let mut checker = Checker {
        kind,
        findings: Findings::default(),
    };
    checker.object(root, kind.name(), &FieldPath::default());
    required_at_the_root(kind, root, &mut checker.findings);
    checker.findings
}

struct Checker {
    kind: DocumentKind,
    findings: Findings,
}

impl Checker {
    fn value(&mut self, node: &Node, field_type: &FieldType, path: &FieldPath) {
        if node.is_null() || self.findings.is_full() {
            return;
        }
        match (field_type, node.content()) {
            (FieldType::Object(name), Content::Mapping(_)) => self.object(node, name, path),
            (FieldType::List(item), Content::Sequence(items)) => self.list(items, item, path),
            (FieldType::Map(value), Content::Mapping(entries)) => {
                for entry in entries {
                    self.value(&entry.value, value, &path.key(&entry.key));
                }
            }
            (FieldType::Taints, Content::Sequence(items)) => {
                self.list(items, &FieldType::Object("NodeGroupTaint".to_owned()), path);
            }
            (FieldType::Document | FieldType::Taints, Content::Mapping(_))
            | (FieldType::Text, Content::Scalar { .. }) => {}
            (FieldType::Boolean, Content::Scalar { .. }) => {
                if !matches!(node.resolved(), Some(Resolved::Bool(_))) {
                    self.wrong(node, field_type, path);
                }
            }
            (FieldType::Integer, Content::Scalar { .. }) => {
                let whole = match node.resolved() {
                    Some(Resolved::Integer(_) | Resolved::Unsigned(_)) => true,
                    Some(Resolved::Float(number)) => number.is_finite() && number.fract() == 0.0,
                    _ => false,
                };
                if !whole {
                    self.wrong(node, field_type, path);
                }
            }
            (FieldType::Number, Content::Scalar { .. }) => {
                if !matches!(
                    node.resolved(),
                    Some(Resolved::Integer(_) | Resolved::Unsigned(_) | Resolved::Float(_))
                ) {
                    self.wrong(node, field_type, path);
                }
            }
            _ => self.wrong(node, field_type, path),
        }
    }

    fn list(&mut self, items: &[Node], item_type: &FieldType, path: &FieldPath) {
        for (index, item) in items.iter().enumerate() {
            let path = path.index(index);
            if item.is_null() && matches!(item_type, FieldType::Object(_)) {
                self.wrong(item, item_type, &path);
            } else {
                self.value(item, item_type, &path);
            }
            if self.findings.is_full() {
                return;
            }
        }
    }

    fn object(&mut self, node: &Node, type_name: &str, path: &FieldPath) {
        let Some(object) = types(self.kind).get(type_name) else {
            return;
        };
        if !matches!(node.content(), Content::Mapping(_)) {
            if !node.is_null() {
                self.wrong(node, &FieldType::Object(type_name.to_owned()), path);
            }
            return;
        }
        for entry in node.entries() {
            let here = path.key(&entry.key);
            match object.field(&entry.key) {
                Some(field) => {
                    self.value(&entry.value, &field.holds, &here);
                    self.allowed(&entry.value, field, &here);
                }
                None if path.depth() == 0 => match holder(self.kind, node, &entry.key) {
                    Some(Holder::Used) => {}
                    Some(Holder::Unused) => self.unused_holder(&entry.key, here),
                    None => self.unknown_key(&entry.key, type_name, path, here),
                },
                None => self.unknown_key(&entry.key, type_name, path, here),
            }
            if self.findings.is_full() {
                return;
            }
        }
    }

    fn unused_holder(&mut self, key: &str, here: FieldPath) {
        let message = format!("no alias in this file refers to what {} holds", quoted(key));
        self.findings.push(
            Finding::warning(Code::NoEffect, here, message)
                .help(remedy!("it holds anchors (`&name`) for aliases (`*name`) elsewhere, and eksctl refuses it; leave it out"))
                .at_key(),
        );
    }

    fn unknown_key(&mut self, key: &str, type_name: &str, parent: &FieldPath, here: FieldPath) {
        let place = match parent.to_string() {
            root if root.is_empty() => "at the root of the file".to_owned(),
            parent => format!("in {parent}"),
        };
        let mut finding = Finding::error(
            Code::UnknownKey,
            here,
            format!("there is no key {} {place}", quoted(key)),
        )
        .at_key();
        let object = types(self.kind).get(type_name);
        if let Some(suggestion) =
            object.and_then(|object| suggest::for_unknown_key(key, self.kind, object, parent))
        {
            finding.help = Some(suggestion.help);
            finding.meant = suggestion.meant;
        }
        let is_spelling = |object: &ObjectType| {
            object
                .fields
                .iter()
                .any(|field| field.name.eq_ignore_ascii_case(key))
        };
        // eksact never makes a duplicate, whatever eksctl's `noDuplicateARNs` says.
        let is_idle = !is_acted_on(self.kind, parent)
            || (self.kind == DocumentKind::ClusterConfig && key.eq_ignore_ascii_case("noDuplicateARNs"));
        if is_idle && object.is_some_and(is_spelling) {
            // eksctl's strict reading (encoding/json) passes over case and its second reading over the key: such files exist.
            finding.severity = Severity::Warning;
            finding.message.push_str("; eksctl ignores it");
        }
        finding.help = misleading(key).or(finding.help);
        if key.starts_with("Fn::") || key == "Ref" {
            finding.help = Some(remedy!(
                "this looks like CloudFormation; eksact does not expand it; write the value itself"
            ));
        }
        self.findings.push(finding);
    }

    fn allowed(&mut self, node: &Node, field: &Field, path: &FieldPath) {
        let Some(text) = node
            .text()
            .filter(|text| !text.is_empty() && !field.allowed.is_empty())
        else {
            return;
        };
        let is_acted_on = is_acted_on(self.kind, path);
        // eksctl compares many of these without regard to case.
        if !is_acted_on && field.allowed.iter().any(|word| word.eq_ignore_ascii_case(text)) {
            return;
        }
        if field.allowed.iter().any(|word| word == text) {
            return;
        }
        let words = || field.allowed.iter().map(String::as_str);
        let severity = if is_acted_on {
            Severity::Error
        } else {
            Severity::Warning
        };
        let mut finding = Finding::error(
            Code::WrongValue,
            path.clone(),
            format!("{path} cannot be {}", quoted(text)),
        );
        finding.severity = severity;
        finding.help = Some(match (field.allowed.len(), suggest::nearest(text, words())) {
            (1, _) => remedy!("write {}; eksact supports no other", suggest::list(words())),
            (_, Some(word)) => suggest::did_you_mean([word]),
            (_, None) => remedy!("use one of {}", suggest::list(words())),
        });
        self.findings.push(finding);
    }

    fn wrong(&mut self, node: &Node, wanted: &FieldType, path: &FieldPath) {
        let message = format!(
            "{path} must be {}, and this is {}",
            describe(wanted),
            description(node)
        );
        let mut finding = Finding::error(Code::WrongType, path.clone(), message);
        if path.to_string().is_empty() {
            finding = Finding::error(
                Code::WrongType,
                path.clone(),
                format!(
                    "the file must be {}, and this is {}",
                    describe(wanted),
                    description(node)
                ),
            );
        }
        finding.help = match (wanted, node.content()) {
            (
                FieldType::Object(_) | FieldType::Document | FieldType::Map(_),
                Content::Scalar { text, .. },
            ) => explain::missing_space_help(text).or_else(|| misleading(text)),
            (FieldType::Boolean, Content::Scalar { text, style, .. })
                if *style != Style::Plain && is_boolean_word(text) =>
            {
                Some(remedy!("write it without quotes"))
            }
            (FieldType::List(_), Content::Scalar { .. }) => {
                Some(remedy!("write a list: `- ` before each item, or `[a, b]`"))
            }
            (FieldType::List(_), Content::Mapping(_)) => {
                Some(remedy!("write `- ` before each item of the list"))
            }
            (FieldType::Text, Content::Mapping(entries))
                if entries.iter().any(|entry| is_cloudformation(&entry.key)) =>
            {
                Some(remedy!(
                    "eksact does not expand CloudFormation functions; write the value itself"
                ))
            }
            _ => None,
        };
        self.findings.push(finding);
    }
}

/// What to do about a text with a character in it that looks like another, or like none.
fn misleading(text: &str) -> Option<Remedy> {
    let (_, character) = Misleading::first(text)?;
    Some(remedy!(
        "there is {} in it: {}",
        character.name(),
        character.help()
    ))
}

fn is_cloudformation(key: &str) -> bool {
    key.starts_with("Fn::") || key == "Ref"
}

fn is_boolean_word(text: &str) -> bool {
    matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n"
    )
}

/// What a value is, for a message: `a list`, `the number 3`.
fn description(node: &Node) -> String {
    let Content::Scalar { text, value, .. } = node.content() else {
        return match node.content() {
            Content::Sequence(_) => "a list".to_owned(),
            _ => "a mapping".to_owned(),
        };
    };
    let kind = match value {
        Resolved::Null => return "nothing".to_owned(),
        Resolved::Bool(_) => "the boolean",
        Resolved::Integer(_) | Resolved::Unsigned(_) | Resolved::Float(_) => "the number",
        Resolved::Timestamp(_) | Resolved::Text(_) | Resolved::Binary(_) => "the string",
    };
    format!("{kind} {}", quoted(text))
}

fn describe(field_type: &FieldType) -> String {
    match field_type {
        FieldType::Text => "text".to_owned(),
        FieldType::Boolean => "true or false".to_owned(),
        FieldType::Integer => "a whole number".to_owned(),
        FieldType::Number => "a number".to_owned(),
        FieldType::Document | FieldType::Object(_) => "a mapping".to_owned(),
        FieldType::Map(_) => "a mapping of names to values".to_owned(),
        FieldType::Taints => "a list of taints, or a mapping of keys to `value:effect`".to_owned(),
        FieldType::List(item) => match &**item {
            FieldType::Text => "a list of strings".to_owned(),
            _ => "a list".to_owned(),
        },
    }
}

/// The fields without which nothing else can be understood. A ClusterAccess has its cluster from the ClusterConfig.
fn required_at_the_root(kind: DocumentKind, root: &Node, findings: &mut Findings) {
    if !matches!(root.content(), Content::Mapping(_)) {
        return;
    }
    let mut require = |present: bool, path: &str, help: Remedy| {
        if !present {
            findings.push(
                Finding::error(Code::Missing, FieldPath::of(path), format!("{path} must be set"))
                    .help(help)
                    .explained_from_below(),
            );
        }
    };
    let has = |node: &Node, key| node.get(key).is_some_and(|value| !value.is_empty());
    require(
        has(root, "apiVersion"),
        "apiVersion",
        remedy!("write `apiVersion: {}`", kind.api_version()),
    );
    require(
        has(root, "kind"),
        "kind",
        remedy!("write `kind: {}`", kind.name()),
    );
    if kind == DocumentKind::ClusterAccess {
        return;
    }
    match root.get("metadata") {
        None => require(
            false,
            "metadata",
            remedy!("write `metadata:` with the `name` and the `region` of the cluster"),
        ),
        // What is no mapping is reported as that.
        Some(metadata) if !matches!(metadata.content(), Content::Mapping(_)) => {}
        Some(metadata) => {
            require(
                has(metadata, "name"),
                "metadata.name",
                remedy!("write the name of the EKS cluster"),
            );
            require(
                has(metadata, "region"),
                "metadata.region",
                remedy!("write the AWS region of the cluster, such as `region: eu-west-1`"),
            );
        }
    }
}
