//! `eksact get iamserviceaccount`: the service accounts with a role, of stacks and of annotations.

use clap::Args;
use eksact_identity::service_account::ServiceAccountKey;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

use crate::cli::{
    ExitCode, Failure,
    flags::{
        account::{ClusterFlags, NameFlags},
        global::GlobalFlags,
    },
    nouns::list::ListFlags,
    run::wiring::Connection,
};
use eksact_core::{
    kinds::service_account::{MANAGED_BY, MANAGED_BY_LABEL, ROLE_ANNOTATION},
    live::{is_of_cluster, service_account_of},
    ports::{
        aws::Stack,
        kubernetes::{Selector, ServiceAccount},
    },
    view::{Printer, table::Table},
};
use eksact_identity::iam::WellKnownPolicy;

/// Show the service accounts that eksctl or eksact gave a role
#[derive(Debug, Args)]
#[command(visible_alias = "iamserviceaccounts")]
pub(crate) struct GetServiceAccounts {
    #[command(flatten)]
    cluster: ClusterFlags,
    #[command(flatten)]
    name: NameFlags,
    #[command(flatten)]
    list: ListFlags,
}

/// One service account with a role.
struct Found {
    namespace: String,
    name: String,
    role_arn: String,
    stack: Option<Stack>,
}

impl GetServiceAccounts {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let config = self.cluster.config(global, printer)?;
        let cluster = &config.metadata.name.value;
        let connection = Connection::open(global, &config, printer).await?;
        let (described, stacks) = tokio::join!(connection.cluster(cluster), connection.readers.aws.stacks());
        let mut found: Vec<Found> = stacks?
            .into_iter()
            .filter(|stack| is_of_cluster(stack, cluster))
            .filter_map(|stack| {
                let ServiceAccountKey { namespace, name } = service_account_of(&stack)?;
                // A stack that is broken or being made has no output: it is listed with its status, and hides nobody.
                let role_arn = stack
                    .outputs
                    .get("Role1")
                    .cloned()
                    .unwrap_or_else(|| format!("<{}>", stack.status));
                Some(Found {
                    namespace,
                    name,
                    role_arn,
                    stack: Some(stack),
                })
            })
            .collect();
        // Stacks may outlive their cluster and are worth showing; where there are none either, the name is a mistake.
        if let Err(error) = described
            && found.is_empty()
        {
            return Err(error.into());
        }
        match connection.readers.kubernetes.list::<ServiceAccount>(self.name.namespace.as_deref(), Selector::Everything).await {
            Ok(accounts) => {
                let attached: Vec<Found> = accounts
                    .into_iter()
                    .filter(|account| {
                        !found.iter().any(|one| one.namespace == account.namespace && one.name == account.name)
                    })
                    .filter_map(attached)
                    .collect();
                found.extend(attached);
            }
            Err(error) => printer.note(&format!(
                "service accounts with a role that was given (attachRoleARN) are not shown, because the cluster could not \
                 be read: {error}"
            )),
        }
        found.retain(|one| {
            self.name.name().is_none_or(|name| one.name == name)
                && self
                    .name
                    .namespace
                    .as_deref()
                    .is_none_or(|namespace| one.namespace == namespace)
        });
        found.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        let list: Vec<Row<'_>> = found.iter().map(as_eksctl).collect();
        self.list.show(&list, "No iamserviceaccounts found", printer, || {
            let mut table = Table::new(["NAMESPACE", "NAME", "ROLE ARN"]);
            for one in &found {
                table.row([&one.namespace, &one.name, &one.role_arn]);
            }
            table
        })
    }
}

/// A service account of ours whose role was given rather than made.
fn attached(account: ServiceAccount) -> Option<Found> {
    let ours = account
        .labels
        .get(MANAGED_BY_LABEL)
        .is_some_and(|value| value == MANAGED_BY);
    let role_arn = account.annotations.get(ROLE_ANNOTATION).filter(|_| ours)?.clone();
    Some(Found {
        namespace: account.namespace,
        name: account.name,
        role_arn,
        stack: None,
    })
}

/// The form of eksctl's own output (0.231), with all the tags that its bug leaves out; keys sorted.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row<'a> {
    metadata: MetadataRow<'a>,
    status: StatusRow<'a>,
    /// Each well-known policy of eksctl, and always false.
    well_known_policies: BTreeMap<&'static str, bool>,
}

#[derive(Serialize, JsonSchema)]
struct MetadataRow<'a> {
    name: &'a str,
    namespace: &'a str,
}

#[derive(Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct StatusRow<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    capabilities: Option<&'a [String]>,
    /// Absent where the stack has none yet.
    #[serde(rename = "roleARN", skip_serializing_if = "Option::is_none")]
    role_arn: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stack_name: Option<&'a str>,
    /// There where the stack has no role yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    stack_status: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<&'a BTreeMap<String, String>>,
}

fn as_eksctl(found: &Found) -> Row<'_> {
    let has_role = |stack: &Stack| stack.outputs.contains_key("Role1");
    let stack = found.stack.as_ref();
    Row {
        metadata: MetadataRow {
            name: &found.name,
            namespace: &found.namespace,
        },
        status: StatusRow {
            capabilities: stack.map(|stack| stack.capabilities.as_slice()),
            role_arn: stack.is_none_or(has_role).then_some(found.role_arn.as_str()),
            stack_name: stack.map(|stack| stack.name.as_str()),
            stack_status: stack
                .filter(|stack| !has_role(stack))
                .map(|stack| stack.status.as_str()),
            tags: stack.map(|stack| &stack.tags),
        },
        well_known_policies: WellKnownPolicy::ALL
            .into_iter()
            .map(|policy| (policy.field_name(), false))
            .collect(),
    }
}
