//! What a check of a cluster's access found, for people, as JSON, and as annotations of GitHub Actions.
//!
//! The JSON: `{"format_version": "1.0", "subject", "checked": {"entries", "lines", "associations"}, "summary": {"errors",
//! "warnings"}, "findings": [{"code", "severity", "path", "message", "help", "location"}]}`. `path` is the object
//! (`access-entry/ARN`); `location` is a line of a section of `aws-auth`.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{
    Style,
    aws_auth_check::{Finding, Summary, count, counted, github},
    commands::wrapped,
    errors,
    plan_json::{json, schema_of},
};
use crate::config::{Diagnostic, Severity};

/// Version of the JSON.
const FORMAT_VERSION: &str = "1.0";

/// What was checked, and what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessCheck {
    /// The cluster.
    pub cluster: String,
    /// How many access entries it has.
    pub entries: usize,
    /// How many lines of `aws-auth` it reads.
    pub lines: usize,
    /// How many pod identity associations it has.
    pub associations: usize,
    /// What was found.
    pub findings: Vec<Diagnostic>,
}

/// The JSON Schema of the document.
pub fn schema() -> Value {
    schema_of::<Document<'static>>("What `eksact check access -o json` writes")
}

impl AccessCheck {
    /// Whether something is wrong, rather than worth a look.
    pub fn has_errors(&self) -> bool {
        count(&self.findings, Severity::Error) > 0
    }

    /// For people.
    pub fn human(&self, style: Style) -> String {
        let checked = format!(
            "access to {}: {}, {} of aws-auth and {} checked",
            self.cluster,
            match self.entries {
                1 => "1 access entry".to_owned(),
                count => format!("{count} access entries"),
            },
            counted(self.lines, "line"),
            counted(self.associations, "pod identity association")
        );
        if self.findings.is_empty() {
            return wrapped(&format!("{checked}; no problems found."), style);
        }
        format!(
            "{}\n{}",
            wrapped(&format!("{checked}."), style),
            errors::diagnostics(&self.findings, style).trim_start_matches('\n')
        )
    }

    /// For machines.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        json(&Document {
            format_version: FORMAT_VERSION,
            subject: &self.cluster,
            checked: Checked {
                entries: self.entries,
                lines: self.lines,
                associations: self.associations,
            },
            summary: Summary::of(&self.findings),
            findings: self.findings.iter().map(Finding::of).collect(),
        })
    }

    /// As workflow commands of GitHub Actions.
    pub fn github(&self) -> String {
        github(&self.findings)
    }
}

#[derive(Serialize, JsonSchema)]
struct Document<'a> {
    format_version: &'static str,
    subject: &'a str,
    checked: Checked,
    summary: Summary,
    findings: Vec<Finding<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct Checked {
    entries: usize,
    lines: usize,
    associations: usize,
}
