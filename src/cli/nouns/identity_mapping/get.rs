//! `eksact get iamidentitymapping`: the entries of aws-auth, with what the server makes of each.

use clap::Args;
use eksact_message::code::Code;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cli::{
    ExitCode, Failure,
    flags::{account::AnyClusterFlags, global::GlobalFlags},
    nouns::list::{ListFlags, keep_named},
    run::wiring::Connection,
};
use eksact_core::{
    config::Severity,
    ports::kubernetes::{ConfigMap, ObjectKey},
    view::{Printer, table::Table},
};
use eksact_identity::{
    authn::{
        aws_auth::{
            AwsAuth, Mapping, SectionKey,
            lint::{LintFinding, Surroundings, lint},
            parse,
        },
        aws_auth_manifest::{NAME, NAMESPACE},
    },
    iam::Partition,
};

/// Show whom aws-auth lets in, and as whom
#[derive(Debug, Args)]
#[command(visible_alias = "iamidentitymappings")]
pub(crate) struct GetIdentityMappings {
    #[command(flatten)]
    cluster: AnyClusterFlags,
    /// Only the mappings of this ARN; an error when there is none
    #[arg(long, alias = "role", value_name = "ARN", help_heading = "Mapping")]
    arn: Option<String>,
    #[command(flatten)]
    list: ListFlags,
}

/// One entry, in the form of eksctl's own output (0.231); `problems` is added where there are any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Row {
    #[serde(skip_serializing_if = "String::is_empty")]
    rolearn: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    userarn: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    username: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    groups: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    account: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<Problem>,
}

const NOT_READ: &str = "the cluster's authentication mode is API: it does not read aws-auth";

/// Why the server does not do with an entry what is written there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct Problem {
    code: Code,
    severity: Severity,
    message: String,
}

impl GetIdentityMappings {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let config = self.cluster.config(global, printer)?;
        let connection = Connection::open(global, &config, printer).await?;
        let cluster = connection.cluster(&config.metadata.name.value).await?;
        let config_map = connection
            .readers
            .kubernetes
            .get::<ConfigMap>(ObjectKey::namespaced(NAMESPACE, NAME))
            .await;
        let is_unread = cluster.authentication_mode.as_deref() == Some("API");
        if is_unread {
            printer.warning(&format!(
                "{NOT_READ}, which lets no one in; access entries do: `eksact create accessentry --cluster {} --region {} \
                 --principal-arn ARN --yes`",
                config.metadata.name.value, config.metadata.region.value
            ));
        }
        let data = config_map?.map(|map| map.data).unwrap_or_default();
        let partition = Partition::of_region(&config.metadata.region.value);
        let aws_auth = parse(&data);
        for (section, fault) in aws_auth.dropped() {
            printer.warning(&format!(
                "the server reads nothing of {}: {}; everyone in it is locked out",
                section.as_str(),
                fault.problem
            ));
        }
        let findings = findings(&aws_auth, partition);
        let about_no_entry =
            |finding: &&LintFinding| finding.item.is_none() && finding.code != Code::SectionDropped;
        for finding in findings.iter().filter(about_no_entry) {
            printer.warning(&format!("{}: {}", finding.message, finding.suggestion));
        }
        let mut rows = rows(&aws_auth, &findings);
        if is_unread {
            for row in &mut rows {
                row.problems.insert(0, Problem::not_read());
            }
        }
        if let Some(arn) = &self.arn {
            let is_named = |row: &Row| row.arn().eq_ignore_ascii_case(arn);
            keep_named(&mut rows, is_named, || {
                format!("no iamidentitymapping with arn \"{arn}\" found")
            })?;
        }
        self.list
            .show(&rows, "No iamidentitymappings found", printer, || {
                let mut table = Table::new(["ARN", "USERNAME", "GROUPS", "ACCOUNT", "THE SERVER"]);
                for row in &rows {
                    table.row([
                        row.arn(),
                        &row.username,
                        &row.groups.join(","),
                        &row.account,
                        &row.verdict(),
                    ]);
                }
                table
            })
    }
}

impl Problem {
    fn not_read() -> Self {
        Self {
            code: Code::AwsAuthNotRead,
            severity: Severity::Error,
            message: NOT_READ.to_owned(),
        }
    }
}

impl Row {
    fn arn(&self) -> &str {
        if self.rolearn.is_empty() {
            &self.userarn
        } else {
            &self.rolearn
        }
    }

    /// What the server makes of it, in a word: the codes of its problems, which `docs/codes.md` explains.
    fn verdict(&self) -> String {
        let mut codes: Vec<&str> = self
            .problems
            .iter()
            .map(|problem| problem.code.as_str())
            .collect();
        codes.dedup();
        let codes = codes.join(",");
        let has_error = self
            .problems
            .iter()
            .any(|problem| problem.severity == Severity::Error);
        match (codes.as_str(), has_error) {
            ("", _) => "lets in".to_owned(),
            (codes, true) => codes.to_owned(),
            (codes, false) => format!("lets in ({codes})"),
        }
    }

    fn of(section: SectionKey, mapping: &Mapping) -> Self {
        let arn = mapping.arn.clone();
        let (rolearn, userarn) = match section {
            SectionKey::Users => (String::new(), arn),
            _ => (arn, String::new()),
        };
        Self {
            rolearn,
            userarn,
            username: mapping.username.clone(),
            groups: mapping.groups.clone(),
            ..Self::default()
        }
    }
}

/// What is wrong with the ConfigMap, as far as it tells by itself.
fn findings(aws_auth: &AwsAuth, partition: Partition) -> Vec<LintFinding> {
    let surroundings = Surroundings {
        partition: Some(partition.as_str()),
        ..Surroundings::default()
    };
    lint(aws_auth, &surroundings)
}

/// Roles, users and accounts, each in the order of its section; what the server leaves out stands at its place.
fn rows(aws_auth: &AwsAuth, findings: &[LintFinding]) -> Vec<Row> {
    let problems = |section: SectionKey, item: usize| -> Vec<Problem> {
        findings
            .iter()
            .filter(|finding| finding.section == Some(section) && finding.item == Some(item))
            .map(|finding| Problem {
                code: finding.code,
                severity: finding.weight.into(),
                message: finding.message.clone(),
            })
            .collect()
    };
    let mut rows = Vec::new();
    for (key, section) in [
        (SectionKey::Roles, &aws_auth.roles),
        (SectionKey::Users, &aws_auth.users),
    ] {
        let kept = section.entries.iter().map(|entry| {
            let row = Row {
                problems: problems(key, entry.item),
                ..Row::of(key, &entry.value)
            };
            (entry.item, row)
        });
        let left_out = section.refused.iter().map(|refused| {
            let row = Row {
                problems: problems(key, refused.item),
                ..Row::of(key, &refused.mapping)
            };
            (refused.item, row)
        });
        let mut of_section: Vec<(usize, Row)> = kept.chain(left_out).collect();
        of_section.sort_by_key(|(item, _)| *item);
        rows.extend(of_section.into_iter().map(|(_, row)| row));
    }
    rows.extend(aws_auth.accounts.entries.iter().map(|entry| Row {
        account: entry.value.clone(),
        problems: problems(SectionKey::Accounts, entry.item),
        ..Row::default()
    }));
    rows
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::*;

    fn rows_of(data: &BTreeMap<String, String>) -> Vec<Row> {
        let aws_auth = parse(data);
        rows(&aws_auth, &findings(&aws_auth, Partition::Aws))
    }

    /// The ConfigMap that eksctl wrote, read here, is what eksctl printed of it.
    #[test]
    fn json_is_eksctls() {
        let map: Value = serde_json::from_str(include_str!(
            "../../../../tests/fixtures/eksctl-0.231/aws-auth-after.json"
        ))
        .unwrap();
        let data = map.get("data").unwrap_or(&map);
        let data = serde_json::from_value(data.clone()).unwrap();
        let printed: Value = serde_json::from_str(include_str!(
            "../../../../tests/fixtures/eksctl-0.231/get-iamidentitymapping.json"
        ))
        .unwrap();
        let rows = rows_of(&data);
        assert_eq!(serde_json::to_value(&rows).unwrap(), printed);
    }

    #[test]
    fn entry_says_what_the_server_makes_of_it() {
        let roles = "- rolearn: arn:aws:iam::111122223333:role/a\n  username: old\n- rolearn: arn:aws:iam::111122223333:role/teams/b\n  username: b\n- username: nobody\n- rolearn: arn:aws:iam::111122223333:role/a\n  username: new\n  groups: system:masters\n";
        let data = [
            ("mapRoles".to_owned(), roles.to_owned()),
            ("mapAccounts".to_owned(), "- '1'\n".to_owned()),
        ];
        let said: Vec<String> = rows_of(&data.into())
            .iter()
            .map(|row| format!("{} {} {}", row.arn(), row.username, row.verdict()))
            .collect();
        assert_eq!(
            said,
            [
                "arn:aws:iam::111122223333:role/a old duplicate-overridden",
                "arn:aws:iam::111122223333:role/teams/b b role-arn-with-path",
                " nobody entry-dropped",
                "arn:aws:iam::111122223333:role/a new wrong-type",
                "  bad-account",
            ]
        );
    }
}
