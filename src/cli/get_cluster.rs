//! `eksact get cluster`: one cluster as EKS describes it.

use clap::Args;
use serde_json::{Value, json};

use super::{
    ExitCode, Failure,
    account_flags::AnyClusterFlags,
    get::{Format, show_list},
    global::GlobalFlags,
    wiring::Connection,
};
use eksact_core::{
    ports::aws::Cluster,
    view::{Printer, table::Table},
};

/// Show a cluster: its version, its status, and what decides who gets in
#[derive(Debug, Args)]
#[command(visible_alias = "clusters")]
pub(super) struct GetCluster {
    #[command(flatten)]
    cluster: AnyClusterFlags,
    /// How to show it
    #[arg(short, long, help_heading = None::<&str>, value_enum, default_value_t, value_name = "FORMAT")]
    output: Format,
    /// Accepted for eksctl's sake
    #[arg(long, hide = true, value_name = "N")]
    chunk_size: Option<u32>,
}

impl GetCluster {
    pub(super) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        if self.cluster.file().is_none() && self.cluster.named().cluster.is_none() {
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
        show_list(&[as_eksctl(&cluster)], self.output, "", printer, || {
            let mut table = Table::new(["NAME", "VERSION", "STATUS", "AUTHENTICATION MODE", "OIDC ISSUER"]);
            table.row([
                &cluster.name,
                cluster.version.as_deref().unwrap_or("-"),
                &cluster.status,
                cluster.authentication_mode.as_deref().unwrap_or("CONFIG_MAP"),
                cluster.oidc_issuer.as_deref().unwrap_or("-"),
            ]);
            table
        })?;
        Ok(ExitCode::Success)
    }
}

/// The keys of eksctl's own output (0.231), which are those of the AWS SDK for Go, as far as eksact reads a cluster.
fn as_eksctl(cluster: &Cluster) -> Value {
    json!({
        "Name": cluster.name,
        "Arn": cluster.arn,
        "Version": cluster.version,
        "Status": cluster.status,
        "Endpoint": cluster.endpoint,
        "CertificateAuthority": {"Data": cluster.certificate_authority_data},
        "Identity": {"Oidc": {"Issuer": cluster.oidc_issuer}},
        "AccessConfig": {"AuthenticationMode": cluster.authentication_mode},
        "Tags": cluster.tags,
    })
}
