//! What is known of one thing: labels with values, and below them what is wrong with it. For `decode`, `verify`, `whoami`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use super::{
    page::{Page, Span},
    plan_findings::write_finding,
    plan_json::schema_of,
    style::{Label, Style},
    text::cells,
};
use crate::engine::{Finding, Severity};

/// Labels and values in their order, and findings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    rows: Vec<Row>,
    findings: Vec<Finding>,
}

/// A label and what stands behind it.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    label: String,
    values: Vec<String>,
    is_list: bool,
    /// What people are told besides, in brackets.
    remark: Option<String>,
}

/// How [`Facts::json`] is made up: labels of the command beside the findings.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is asked for")]
struct Form {
    /// What is wrong, or worth knowing.
    findings: Vec<Finding>,
    #[serde(flatten)]
    facts: BTreeMap<String, FormValue>,
}

#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is asked for")]
enum FormValue {
    One(String),
    Several(Vec<String>),
}

/// The JSON Schema of [`Facts::json`].
pub fn schema(title: &str) -> Value {
    schema_of::<Form>(title)
}

impl Facts {
    /// Adds a value under a label of lower-case words.
    pub fn add(&mut self, label: &str, value: impl Into<String>) {
        self.row(label, vec![value.into()], false, None);
    }

    /// The same with a remark for people, which JSON leaves out: `2026-01-01T00:00:00Z (5 min ago)`.
    pub fn add_with_remark(&mut self, label: &str, value: impl Into<String>, remark: impl Into<String>) {
        self.row(label, vec![value.into()], false, Some(remark.into()));
    }

    fn row(&mut self, label: &str, values: Vec<String>, is_list: bool, remark: Option<String>) {
        self.rows.push(Row {
            label: label.to_owned(),
            values,
            is_list,
            remark,
        });
    }

    /// The same where there is a value.
    pub fn add_some(&mut self, label: &str, value: Option<impl Into<String>>) {
        if let Some(value) = value {
            self.add(label, value);
        }
    }

    /// Adds a list of values; in JSON it is a list whatever its length. An empty one shows as `none`.
    pub fn add_list(&mut self, label: &str, values: Vec<String>) {
        self.row(label, values, true, None);
    }

    /// Adds what is wrong, or worth knowing.
    pub fn find(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// What is wrong, or worth knowing.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Whether something is wrong, rather than worth knowing.
    pub fn has_errors(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| matches!(finding.severity, Severity::Error | Severity::Refusal))
    }

    /// For people.
    pub fn human(&self, style: Style) -> String {
        let width = self
            .rows
            .iter()
            .map(|row| cells(&row.label))
            .max()
            .unwrap_or_default()
            + 2;
        let mut page = Page::new(style);
        for row in &self.rows {
            let gap = " ".repeat(width.saturating_sub(cells(&row.label)));
            let value = if row.values.is_empty() {
                "none".to_owned()
            } else {
                row.values.join(", ")
            };
            let value = match &row.remark {
                Some(remark) => format!("{value} ({remark})"),
                None => value,
            };
            page.line(
                &[Span::new(Label::Dim, row.label.clone()), Span::plain(gap)],
                &[Span::plain(value)],
            );
        }
        for finding in &self.findings {
            page.blank();
            write_finding(finding, &mut page);
        }
        page.finish()
    }

    /// For machines: one object with the labels in camel case, and the findings under `findings`.
    pub fn json(&self) -> Value {
        let mut object = Map::new();
        for row in &self.rows {
            let value = if row.is_list {
                json!(row.values)
            } else {
                json!(row.values.first())
            };
            object.insert(camel_case(&row.label), value);
        }
        object.insert("findings".to_owned(), json!(self.findings));
        Value::Object(object)
    }
}

fn camel_case(label: &str) -> String {
    let mut words = label.split([' ', '-']);
    let first = words.next().unwrap_or_default().to_lowercase();
    words.fold(first, |mut text, word| {
        let mut letters = word.chars();
        text.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        text.push_str(letters.as_str());
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use eksact_message::code::Code;

    #[test]
    fn people_see_columns_and_machines_an_object() {
        let mut facts = Facts::default();
        facts.add("host", "sts.eu-west-1.amazonaws.com");
        facts.add_with_remark("signed at", "2026-01-01T00:00:00Z", "5 min ago");
        facts.add_list("groups", vec!["a".to_owned(), "b\u{1b}[2J".to_owned()]);
        facts.add_list("audiences", Vec::new());
        assert!(!facts.has_errors());
        facts.find(
            Finding::new(Severity::Error, Code::TokenExpired, "it is too old").with_help("Make a new one."),
        );
        assert!(facts.has_errors());
        insta::assert_snapshot!(facts.human(Style::plain(60)), @r"
        host       sts.eu-west-1.amazonaws.com
        signed at  2026-01-01T00:00:00Z (5 min ago)
        groups     a, b�[2J
        audiences  none

        error[token-expired]: it is too old
          help: Make a new one.
        ");
        assert_eq!(
            facts.json(),
            json!({
                "host": "sts.eu-west-1.amazonaws.com", "signedAt": "2026-01-01T00:00:00Z",
                "groups": ["a", "b\u{1b}[2J"], "audiences": [],
                "findings": [{"severity": "error", "code": "token-expired", "message": "it is too old", "help": "Make a new one."}],
            })
        );
    }
}
