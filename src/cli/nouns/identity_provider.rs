//! `eksact associate|get|disassociate identityprovider`: the OIDC identity providers of a cluster.

use std::collections::{BTreeMap, BTreeSet};

use clap::{Args, ValueEnum};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Called as _,
    list::{ListFlags, keep_named},
};
use crate::cli::{
    ExitCode, Failure,
    flags::{account::ClusterFlags, global::GlobalFlags},
    run::{change::ChangeFlags, wiring::Connection},
    texts::file,
};
use eksact_core::{
    config::ClusterConfig,
    kinds::{Request, identity_provider::IdentityProvidersToGo},
    ports::aws::IdentityProviderConfig,
    view::{Printer, table::Table},
};

/// The type of a provider, of which EKS has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ProviderType {
    Oidc,
}

/// Associate the OIDC identity providers of a file with the cluster
#[derive(Debug, Args)]
#[command(visible_alias = "identityproviders")]
pub(crate) struct AssociateIdentityProvider {
    /// The ClusterConfig file with `identityProviders`, or `-` for standard input
    #[arg(
        short = 'f',
        long = "config-file",
        alias = "file",
        value_name = "PATH",
        help_heading = "Cluster or file"
    )]
    config_file: String,
    /// Accepted for eksctl's sake: associations are always waited for
    #[arg(short, long, hide = true)]
    wait: bool,
    #[command(flatten)]
    change: ChangeFlags,
}

/// Disassociate OIDC identity providers: those of a file, or one by name
#[derive(Debug, Args)]
#[command(visible_alias = "identityproviders")]
pub(crate) struct DisassociateIdentityProvider {
    #[command(flatten)]
    cluster: ClusterFlags,
    /// Name of the identity provider
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with = "config_file",
        help_heading = "Identity provider"
    )]
    name: Option<String>,
    /// Type of the identity provider
    #[arg(
        long = "type",
        value_enum,
        value_name = "TYPE",
        conflicts_with = "config_file",
        help_heading = "Identity provider"
    )]
    provider_type: Option<ProviderType>,
    /// Accepted for eksctl's sake: it is always waited for
    #[arg(short, long, hide = true)]
    wait: bool,
    #[command(flatten)]
    change: ChangeFlags,
}

/// Show the OIDC identity providers of a cluster
#[derive(Debug, Args)]
#[command(visible_alias = "identityproviders")]
pub(crate) struct GetIdentityProviders {
    #[command(flatten)]
    cluster: ClusterFlags,
    /// Show only this one
    #[arg(long, value_name = "NAME", help_heading = "Identity provider")]
    name: Option<String>,
    #[command(flatten, next_help_heading = None::<&str>)]
    list: ListFlags,
}

impl AssociateIdentityProvider {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let settings = self.change.plan.settings_alone()?;
        let config = listed(&self.config_file, global, printer)?;
        let request = Request::ensure(config, settings);
        self.change.end(Self::WORDS, request, global, printer).await
    }
}

/// The identity providers of a file, and nothing else of it.
fn listed(path: &str, global: &GlobalFlags, printer: &Printer) -> Result<ClusterConfig, Failure> {
    let file = file::load(path, global.region.as_deref(), printer)?;
    if file.identity_providers.is_empty() {
        return Err(Failure::error(format!(
            "no identity providers provided: 'identityProviders' is empty or not defined in \"{path}\""
        )));
    }
    Ok(ClusterConfig {
        identity_providers: file.identity_providers.clone(),
        ..file.cluster_only()
    })
}

impl DisassociateIdentityProvider {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let settings = self.change.plan.settings_alone()?;
        let (config, names) = if let Some(path) = &self.cluster.config_file {
            let config = listed(path, global, printer)?;
            let names = config.identity_providers.iter();
            let names: BTreeSet<String> = names.map(|provider| provider.config.name.clone()).collect();
            (config.cluster_only(), names)
        } else {
            let config = self.cluster.named(global)?;
            let name = self.name.ok_or_else(|| Failure::usage("--name must be set"))?;
            if self.provider_type.is_none() {
                return Err(Failure::usage("--type must be set").with_help(remedy!("Pass --type oidc.")));
            }
            (config, BTreeSet::from([name]))
        };
        let mut request = Request::ensure(config, settings);
        request.ask(IdentityProvidersToGo(names));
        self.change.end(Self::WORDS, request, global, printer).await
    }
}

impl GetIdentityProviders {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let config = self.cluster.config(global, printer)?;
        let cluster = &config.metadata.name.value;
        let connection = Connection::open(global, &config, printer).await?;
        let mut found = connection.readers.aws.identity_provider_configs(cluster).await?;
        if let Some(name) = &self.name {
            keep_named(
                &mut found,
                |provider| provider.name == *name,
                || format!("cluster {cluster} has no identity provider \"{name}\""),
            )?;
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        let list: Vec<Row<'_>> = found.iter().map(as_eksctl).collect();
        self.list.show(&list, "No identity providers found", printer, || {
            let mut table = Table::new(["NAME", "TYPE", "CLIENT_ID", "ISSUER_URL", "ARN", "STATUS"]);
            for provider in &found {
                table.row([
                    provider.name.as_str(),
                    "oidc",
                    &provider.client_id,
                    &provider.issuer_url,
                    &provider.arn,
                    &provider.status,
                ]);
            }
            table
        })
    }
}

/// The keys of eksctl's own output (0.231), which are the names of its fields in Go; sorted.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Row<'a> {
    arn: &'a str,
    #[serde(rename = "ClientID")]
    client_id: &'a str,
    groups_claim: Option<&'a str>,
    groups_prefix: Option<&'a str>,
    #[serde(rename = "IssuerURL")]
    issuer_url: &'a str,
    name: &'a str,
    required_claims: &'a BTreeMap<String, String>,
    status: &'a str,
    tags: &'a BTreeMap<String, String>,
    #[serde(rename = "Type")]
    provider_type: &'static str,
    username_claim: Option<&'a str>,
    username_prefix: Option<&'a str>,
}

fn as_eksctl(provider: &IdentityProviderConfig) -> Row<'_> {
    Row {
        arn: &provider.arn,
        client_id: &provider.client_id,
        groups_claim: provider.groups_claim.as_deref(),
        groups_prefix: provider.groups_prefix.as_deref(),
        issuer_url: &provider.issuer_url,
        name: &provider.name,
        required_claims: &provider.required_claims,
        status: &provider.status,
        tags: &provider.tags,
        provider_type: "oidc",
        username_claim: provider.username_claim.as_deref(),
        username_prefix: provider.username_prefix.as_deref(),
    }
}
