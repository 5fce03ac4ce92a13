//! `eksact check irsa`: reads every link between a service account and its role, and says which is broken.

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::{
    ExitCode, Failure,
    account_flags::ClusterFlags,
    decode::{FactsFormat, read_token},
    file,
    global::GlobalFlags,
    irsa_facts::{Chain, explain, role_of},
    wiring::Connection,
};
use crate::{
    authn::token_decode::{DecodedToken, JsonWebToken, decode},
    iam::trust::provider_arn,
    ports::CallError,
    view::Printer,
};

/// Find what is wrong
#[derive(Debug, Args)]
pub(super) struct CheckCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Irsa(Box<CheckIrsa>),
}

/// Check each link between a service account and its role
#[derive(Debug, Args)]
struct CheckIrsa {
    /// The service account
    #[arg(value_name = "NAMESPACE/NAME", value_parser = namespaced)]
    service_account: (String, String),
    #[command(flatten)]
    cluster: ClusterFlags,
    /// A token of the service account, or `-` for standard input; what it says is checked as well
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// How to show it
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: FactsFormat,
}

fn namespaced(text: &str) -> Result<(String, String), String> {
    match text.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
            Ok((namespace.to_owned(), name.to_owned()))
        }
        _ => Err(format!("`{text}` is not NAMESPACE/NAME")),
    }
}

impl CheckCommand {
    pub(super) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        match self.what {
            What::Irsa(command) => command.run(global, printer).await,
        }
    }
}

impl CheckIrsa {
    async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let token = self.token.as_deref().map(web_identity).transpose()?;
        let config = match &self.cluster.config_file {
            Some(path) => file::load(path, global, printer)?,
            None => self.cluster.config(global)?,
        };
        let (namespace, name) = &self.service_account;
        let readers = Connection::open(global, &config, printer).await?.readers;
        let (cluster, service_account, pods) = tokio::join!(
            readers.aws.cluster(&config.metadata.name.value),
            readers.kubernetes.service_account(namespace, name),
            readers.kubernetes.pods(namespace, name),
        );
        let cluster = cluster?;
        let role_arn = service_account
            .as_ref()
            .ok()
            .and_then(Option::as_ref)
            .and_then(role_of);
        let role_name = role_arn
            .as_ref()
            .and_then(|arn| arn.role_name())
            .unwrap_or_default();
        let provider = role_arn
            .as_ref()
            .zip(cluster.oidc_issuer.as_deref())
            .and_then(|(role, issuer)| provider_arn(role.partition, &role.account, issuer).ok())
            .map(|arn| arn.to_string())
            .unwrap_or_default();
        let (role, provider) = if role_arn.is_some() {
            tokio::join!(readers.aws.role(role_name), readers.aws.oidc_provider(&provider))
        } else {
            (Ok(None), Ok(None))
        };
        let chain = Chain {
            cluster: &cluster,
            namespace,
            name,
            service_account: found(&service_account),
            role: found(&role),
            provider: found(&provider),
            pods: pods.as_deref().map_err(ToString::to_string),
            token: token.as_ref(),
            now: Timestamp::now(),
        };
        self.output.show(&explain(&chain), printer)
    }
}

fn found<T>(read: &Result<Option<T>, CallError>) -> Result<Option<&T>, String> {
    read.as_ref().map(Option::as_ref).map_err(ToString::to_string)
}

fn web_identity(argument: &str) -> Result<JsonWebToken, Failure> {
    match decode(&read_token(argument)?)? {
        DecodedToken::ServiceAccount(token) => Ok(token),
        DecodedToken::Cluster(_) => Err(Failure::usage(
            "--token is a token for the cluster; the token of a service account is needed",
        )),
    }
}
