//! `eksact get cluster`: one cluster as EKS describes it.

use clap::{Arg, Args};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

use super::list::ListFlags;
use crate::cli::{
    ExitCode, Failure,
    flags::{account::AnyClusterFlags, global::GlobalFlags},
    run::wiring::Connection,
};
use eksact_core::{
    ports::aws::Cluster,
    view::{Printer, table::Table},
};

/// Show a cluster: its version, its status, and what decides who gets in
#[derive(Debug, Args)]
#[command(visible_alias = "clusters", mut_args(about_one))]
pub(crate) struct GetCluster {
    #[command(flatten)]
    cluster: AnyClusterFlags,
    #[command(flatten, next_help_heading = None::<&str>)]
    list: ListFlags,
}

/// The flag of lists, in the words of what is none. `mut_arg` would place it behind the others.
fn about_one(flag: Arg) -> Arg {
    if flag.get_id() == "output" {
        flag.help("How to show it")
    } else {
        flag
    }
}

impl GetCluster {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        if self.cluster.file().is_none() && self.cluster.flags().cluster.is_none() {
            return Err(
                Failure::usage("no cluster is named, and eksact does not list them").with_help(remedy!(
                    "Name one with --cluster. `aws eks list-clusters` lists those of a region."
                )),
            );
        }
        let config = self.cluster.config(global, printer)?;
        let connection = Connection::open(global, &config, printer).await?;
        let cluster = connection
            .readers
            .aws
            .cluster(&config.metadata.name.value)
            .await?;
        self.list.show(&[as_eksctl(&cluster)], "", printer, || {
            let mut table = Table::new(["NAME", "VERSION", "STATUS", "AUTHENTICATION MODE", "OIDC ISSUER"]);
            table.row([
                &cluster.name,
                cluster.version.as_deref().unwrap_or("-"),
                &cluster.status,
                cluster.authentication_mode.as_deref().unwrap_or("CONFIG_MAP"),
                cluster.oidc_issuer.as_deref().unwrap_or("-"),
            ]);
            table
        })
    }
}

/// The keys of eksctl's own output (0.231), which are those of the AWS SDK for Go, as far as eksact reads a cluster; sorted.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Row<'a> {
    access_config: AccessConfigRow<'a>,
    arn: &'a str,
    certificate_authority: CertificateAuthorityRow<'a>,
    endpoint: Option<&'a str>,
    identity: IdentityRow<'a>,
    name: &'a str,
    status: &'a str,
    tags: &'a BTreeMap<String, String>,
    version: Option<&'a str>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct AccessConfigRow<'a> {
    authentication_mode: Option<&'a str>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct CertificateAuthorityRow<'a> {
    data: Option<&'a str>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct IdentityRow<'a> {
    oidc: OidcRow<'a>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct OidcRow<'a> {
    issuer: Option<&'a str>,
}

fn as_eksctl(cluster: &Cluster) -> Row<'_> {
    Row {
        access_config: AccessConfigRow {
            authentication_mode: cluster.authentication_mode.as_deref(),
        },
        arn: &cluster.arn,
        certificate_authority: CertificateAuthorityRow {
            data: cluster.certificate_authority_data.as_deref(),
        },
        endpoint: cluster.endpoint.as_deref(),
        identity: IdentityRow {
            oidc: OidcRow {
                issuer: cluster.oidc_issuer.as_deref(),
            },
        },
        name: &cluster.name,
        status: &cluster.status,
        tags: &cluster.tags,
        version: cluster.version.as_deref(),
    }
}
