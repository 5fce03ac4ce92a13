//! What a check of aws-auth found, for people, as JSON, and as annotations of GitHub Actions.
//!
//! The JSON: `{"format_version": "1.0", "subject", "mappings": {"roles", "users", "accounts"}, "summary": {"errors",
//! "warnings"}, "findings": [{"code", "severity", "path", "message", "help", "location": {"file", "line", "column"}}]}`.
//! `path` is `data.mapRoles[3]`; `help` and `location` may be absent. Where a live ConfigMap was
//! checked, `file` is the section, and the line one of its text.

use eksact_message::code::Code;
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{
    Style,
    commands::wrapped,
    errors,
    plan_json::{json, schema_of},
    text::harmless,
};
use crate::config::{Diagnostic, Severity, SourceLocation};

/// Version of the JSON.
const FORMAT_VERSION: &str = "1.0";

/// What was checked, and what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsAuthCheck {
    /// What was checked, in words: `aws-auth.yaml`, `aws-auth of prod`.
    pub subject: String,
    /// How many roles are mapped.
    pub roles: usize,
    /// How many users are mapped.
    pub users: usize,
    /// How many accounts are mapped.
    pub accounts: usize,
    /// What was found, in the order of the text.
    pub findings: Vec<Diagnostic>,
}

/// The JSON Schema of the document.
pub fn schema() -> Value {
    schema_of::<Document<'static>>("What `eksact check aws-auth -o json` writes")
}

impl AwsAuthCheck {
    /// How many findings have this weight.
    pub fn count(&self, severity: Severity) -> usize {
        count(&self.findings, severity)
    }

    /// For people. `docs/codes.md` explains the codes.
    pub fn human(&self, style: Style) -> String {
        let mapped = format!(
            "{}: {}, {} and {} mapped",
            self.subject,
            counted(self.roles, "role"),
            counted(self.users, "user"),
            counted(self.accounts, "account")
        );
        if self.findings.is_empty() {
            return wrapped(&format!("{mapped}; no problems found."), style);
        }
        format!(
            "{}\n{}",
            wrapped(&format!("{mapped}."), style),
            errors::diagnostics(&self.findings, style).trim_start_matches('\n')
        )
    }

    /// For machines.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        let document = Document {
            format_version: FORMAT_VERSION,
            subject: &self.subject,
            mappings: Mappings {
                roles: self.roles,
                users: self.users,
                accounts: self.accounts,
            },
            summary: Summary::of(&self.findings),
            findings: self.findings.iter().map(Finding::of).collect(),
        };
        json(&document)
    }

    /// As workflow commands of GitHub Actions.
    pub fn github(&self) -> String {
        github(&self.findings)
    }
}

/// As workflow commands of GitHub Actions, which puts them beside the lines of a pull request
/// (<https://docs.github.com/actions/reference/workflow-commands-for-github-actions>).
pub(super) fn github(findings: &[Diagnostic]) -> String {
    let mut text = String::new();
    for finding in findings {
        let place = finding.location.as_ref().map_or_else(String::new, |at| {
            format!("file={},line={},col={},", property(&at.file), at.line, at.column)
        });
        let message = match &finding.help {
            Some(help) => format!("{}\n{help}", finding.message),
            None => finding.message.clone(),
        };
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "::{} {place}title={}::{}",
            finding.severity,
            property(finding.code.as_str()),
            escaped(&message)
        );
    }
    text
}

#[derive(Serialize, JsonSchema)]
struct Document<'a> {
    format_version: &'static str,
    subject: &'a str,
    mappings: Mappings,
    summary: Summary,
    findings: Vec<Finding<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct Mappings {
    roles: usize,
    users: usize,
    accounts: usize,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Summary {
    errors: usize,
    warnings: usize,
}

impl Summary {
    pub(super) fn of(findings: &[Diagnostic]) -> Self {
        Self {
            errors: count(findings, Severity::Error),
            warnings: count(findings, Severity::Warning),
        }
    }
}

/// How many findings have this weight.
pub(super) fn count(findings: &[Diagnostic], severity: Severity) -> usize {
    findings
        .iter()
        .filter(|finding| finding.severity == severity)
        .count()
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Finding<'a> {
    code: Code,
    severity: Severity,
    path: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<&'a SourceLocation>,
}

impl<'a> Finding<'a> {
    pub(super) fn of(diagnostic: &'a Diagnostic) -> Self {
        Self {
            code: diagnostic.code,
            severity: diagnostic.severity,
            path: &diagnostic.path,
            message: &diagnostic.message,
            help: diagnostic.help.as_deref(),
            location: diagnostic.location.as_ref(),
        }
    }
}

pub(super) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn escaped(text: &str) -> String {
    // Line ends are what the log shows as such; the rest is for no terminal.
    let lines: Vec<_> = text
        .replace('%', "%25")
        .lines()
        .map(|line| harmless(line).into_owned())
        .collect();
    lines.join("%0A")
}

fn property(text: &str) -> String {
    escaped(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check() -> AwsAuthCheck {
        let location = SourceLocation {
            file: "a,b.yaml".into(),
            line: 9,
            column: 7,
        };
        AwsAuthCheck {
            subject: "a,b.yaml".to_owned(),
            roles: 2,
            users: 1,
            accounts: 0,
            findings: vec![
                Diagnostic::new(
                    Severity::Error,
                    Code::RoleArnWithPath,
                    "data.mapRoles[1]",
                    "`arn:aws:iam::111122223333:role/a/b` has a path",
                )
                .with_help("write 100% of it: `b`")
                .at(
                    location,
                    Some("    - rolearn: arn:aws:iam::111122223333:role/a/b"),
                ),
                Diagnostic::new(
                    Severity::Warning,
                    Code::AwsAuthNotRead,
                    "",
                    "the cluster does not read it",
                ),
            ],
        }
    }

    #[test]
    fn people_get_the_line_and_the_code() {
        insta::assert_snapshot!(check().human(Style::plain(100)), @r#"
    a,b.yaml: 2 roles, 1 user and 0 accounts mapped.

    a,b.yaml:9:7: error[role-arn-with-path]: `arn:aws:iam::111122223333:role/a/b` has a path
            - rolearn: arn:aws:iam::111122223333:role/a/b
              ^
        help: write 100% of it: `b`

    warning[aws-auth-not-read]: the cluster does not read it

    1 error and 1 warning.
    "#);
        let clean = AwsAuthCheck {
            findings: Vec::new(),
            ..check()
        };
        assert_eq!(
            clean.human(Style::plain(80)),
            "a,b.yaml: 2 roles, 1 user and 0 accounts mapped; no problems found.\n"
        );
    }

    #[test]
    fn machines_get_the_same() {
        insta::assert_snapshot!(check().json().unwrap(), @r#"
    {
      "format_version": "1.0",
      "subject": "a,b.yaml",
      "mappings": {
        "roles": 2,
        "users": 1,
        "accounts": 0
      },
      "summary": {
        "errors": 1,
        "warnings": 1
      },
      "findings": [
        {
          "code": "role-arn-with-path",
          "severity": "error",
          "path": "data.mapRoles[1]",
          "message": "`arn:aws:iam::111122223333:role/a/b` has a path",
          "help": "write 100% of it: `b`",
          "location": {
            "file": "a,b.yaml",
            "line": 9,
            "column": 7
          }
        },
        {
          "code": "aws-auth-not-read",
          "severity": "warning",
          "path": "",
          "message": "the cluster does not read it"
        }
      ]
    }
    "#);
        insta::assert_snapshot!(check().github(), @r#"
    ::error file=a%2Cb.yaml,line=9,col=7,title=role-arn-with-path::`arn:aws:iam::111122223333:role/a/b` has a path%0Awrite 100%25 of it: `b`
    ::warning title=aws-auth-not-read::the cluster does not read it
    "#);
    }
}
