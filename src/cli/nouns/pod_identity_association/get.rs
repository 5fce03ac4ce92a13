//! `eksact get podidentityassociation`: which roles the pods of which service accounts get through EKS Pod Identity.

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::AssociationFlags;
use crate::cli::{
    ExitCode, Failure,
    flags::{account::AnyClusterFlags, global::GlobalFlags},
    nouns::list::ListFlags,
    run::wiring::Connection,
};
use eksact_core::{
    ports::aws::{PodIdentityAssociation, described},
    view::{Printer, table::Table},
};

/// Show which roles the pods of which service accounts get through EKS Pod Identity
#[derive(Debug, Args)]
#[command(visible_alias = "podidentityassociations")]
pub(crate) struct GetPodIdentityAssociations {
    #[command(flatten)]
    cluster: AnyClusterFlags,
    #[command(flatten)]
    association: AssociationFlags,
    #[command(flatten)]
    list: ListFlags,
}

/// One association, in the form of eksctl's own output (0.231); what that leaves out comes behind.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Row {
    #[serde(rename = "AssociationARN")]
    association_arn: String,
    namespace: String,
    service_account_name: String,
    #[serde(rename = "RoleARN")]
    role_arn: String,
    #[serde(rename = "OwnerARN")]
    owner_arn: String,
    #[serde(rename = "TargetRoleARN", skip_serializing_if = "Option::is_none")]
    target_role_arn: Option<String>,
    #[serde(rename = "ExternalID", skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    disable_session_tags: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    tags: std::collections::BTreeMap<String, String>,
}

impl GetPodIdentityAssociations {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let AssociationFlags {
            namespace,
            service_account_name,
        } = &self.association;
        if service_account_name.is_some() && namespace.is_none() {
            return Err(Failure::usage(
                "--namespace must be set in order to specify --service-account-name",
            ));
        }
        let config = self.cluster.config(global, printer)?;
        let connection = Connection::open(global, &config, printer).await?;
        let (aws, cluster) = (&connection.readers.aws, &config.metadata.name.value);
        let of = namespace.as_deref().zip(service_account_name.as_deref());
        let mut listed = aws.pod_identity_associations(cluster, of).await?;
        listed.retain(|one| {
            namespace
                .as_ref()
                .is_none_or(|namespace| one.namespace == *namespace)
        });
        let described = described(aws.as_ref(), cluster, &listed).await?;
        let mut rows: Vec<Row> = described.into_iter().map(Row::from).collect();
        rows.sort_by(|a, b| {
            (&a.namespace, &a.service_account_name).cmp(&(&b.namespace, &b.service_account_name))
        });
        self.list
            .show(&rows, "No podidentityassociations found", printer, || {
                let mut table = Table::new([
                    "ASSOCIATION ARN",
                    "NAMESPACE",
                    "SERVICE ACCOUNT NAME",
                    "IAM ROLE ARN",
                    "OWNER ARN",
                ]);
                for row in &rows {
                    table.row([
                        &row.association_arn,
                        &row.namespace,
                        &row.service_account_name,
                        &row.role_arn,
                        &row.owner_arn,
                    ]);
                }
                table
            })
    }
}

impl From<PodIdentityAssociation> for Row {
    fn from(association: PodIdentityAssociation) -> Self {
        Self {
            association_arn: association.arn,
            namespace: association.namespace,
            service_account_name: association.service_account,
            role_arn: association.role_arn,
            owner_arn: association.owner_arn.unwrap_or_default(),
            target_role_arn: association.target_role_arn,
            external_id: association.external_id,
            disable_session_tags: association.disable_session_tags,
            policy: association.policy,
            tags: association.tags,
        }
    }
}
