//! `eksact get accessentry`: who gets in by an access entry, as whom and with which access policies.

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

use crate::cli::{
    ExitCode, Failure,
    flags::{account::AnyClusterFlags, global::GlobalFlags},
    nouns::list::{ListFlags, keep_named},
    run::wiring::Connection,
};
use eksact_core::{
    config::access_entry::{CLUSTER_SCOPE, NAMESPACE_SCOPE, permission_set},
    ports::aws::{AccessEntry, AccessPolicy},
    view::{Printer, table::Table},
};
use eksact_identity::{authn::access_policy::policy_name, iam::permission_set::permission_set_of_principal};

/// Show the access entries of the cluster, with their access policies
#[derive(Debug, Args)]
#[command(visible_alias = "accessentries")]
pub(crate) struct GetAccessEntries {
    #[command(flatten)]
    cluster: AnyClusterFlags,
    /// Only the entry of this role or user, or with `permissionSet:NAME` those of a permission set's roles; an error when there is
    /// none
    #[arg(long, value_name = "ARN", help_heading = "Access entry")]
    principal_arn: Option<String>,
    #[command(flatten)]
    list: ListFlags,
}

/// One entry, in the words of `accessConfig.accessEntries`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    #[serde(rename = "principalARN")]
    principal_arn: String,
    #[serde(rename = "type")]
    entry_type: String,
    kubernetes_username: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    kubernetes_groups: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    access_policies: Vec<PolicyRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PolicyRow {
    #[serde(rename = "policyARN")]
    policy_arn: String,
    access_scope: ScopeRow,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
struct ScopeRow {
    #[serde(rename = "type")]
    scope: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    namespaces: Vec<String>,
}

impl GetAccessEntries {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let config = self.cluster.config(global, printer)?;
        let name = &config.metadata.name.value;
        let connection = Connection::open(global, &config, printer).await?;
        let aws = &connection.readers.aws;
        let mode = aws.cluster(name).await?.authentication_mode;
        let mut entries = if mode.as_deref() == Some("CONFIG_MAP") {
            printer.warning(
                "the cluster has no access entries: its authentication mode is CONFIG_MAP, in which only aws-auth lets \
                 anyone in",
            );
            Vec::new()
        } else {
            aws.access_entries(name).await?
        };
        if let Some(arn) = &self.principal_arn {
            let is_named = |entry: &AccessEntry| match permission_set(arn) {
                Some(name) => permission_set_of_principal(&entry.principal_arn).as_deref() == Some(name),
                None => entry.principal_arn == *arn,
            };
            keep_named(&mut entries, is_named, || {
                format!("no access entry with principal ARN \"{arn}\" found")
            })?;
        }
        entries.sort_by(|one, other| one.principal_arn.cmp(&other.principal_arn));
        let rows: Vec<Row> = entries.into_iter().map(Row::from).collect();
        self.list.show(&rows, "No access entries found", printer, || {
            let mut table = Table::new(["PRINCIPAL ARN", "TYPE", "USERNAME", "GROUPS", "ACCESS POLICIES"]);
            for row in &rows {
                let policies: Vec<String> = row.access_policies.iter().map(PolicyRow::in_words).collect();
                table.row([
                    &row.principal_arn,
                    &row.entry_type,
                    &row.kubernetes_username,
                    &row.kubernetes_groups.join(","),
                    &policies.join(" "),
                ]);
            }
            table
        })
    }
}

impl From<AccessEntry> for Row {
    fn from(entry: AccessEntry) -> Self {
        let mut policies: Vec<PolicyRow> = entry.policies.into_iter().map(PolicyRow::from).collect();
        policies.sort_by(|one, other| one.policy_arn.cmp(&other.policy_arn));
        Self {
            principal_arn: entry.principal_arn,
            entry_type: entry.entry_type,
            kubernetes_username: entry.username,
            kubernetes_groups: entry.groups,
            access_policies: policies,
            created_at: entry.created_at.map(|time| time.to_string()),
            tags: entry.tags,
        }
    }
}

impl From<AccessPolicy> for PolicyRow {
    fn from(policy: AccessPolicy) -> Self {
        let scope = if policy.namespaces.is_some() {
            NAMESPACE_SCOPE
        } else {
            CLUSTER_SCOPE
        };
        Self {
            policy_arn: policy.arn,
            access_scope: ScopeRow {
                scope,
                namespaces: policy.namespaces.unwrap_or_default(),
            },
        }
    }
}

impl PolicyRow {
    /// As `--access-policy` takes it.
    fn in_words(&self) -> String {
        let name = policy_name(&self.policy_arn).unwrap_or(&self.policy_arn);
        match self.access_scope.namespaces.as_slice() {
            [] => name.to_owned(),
            namespaces => format!("{name}:{}", namespaces.join(",")),
        }
    }
}
