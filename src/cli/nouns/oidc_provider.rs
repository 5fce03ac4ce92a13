//! `eksact associate iam-oidc-provider`, also under `utils`, and `delete iam-oidc-provider`.

use clap::Args;

use super::Called as _;
use crate::cli::{
    ExitCode, Failure,
    flags::{
        account::{AnyClusterFlags, ClusterFlags},
        global::GlobalFlags,
        plan::{RoleFlags, ThumbprintFlags},
    },
    run::change::ChangeFlags,
};
use eksact_core::{
    config::Located,
    kinds::{Request, provider_intent::ProviderIntent},
    view::Printer,
};

/// Create the IAM OIDC provider of the cluster's issuer
#[derive(Debug, Args)]
pub(crate) struct AssociateProvider {
    #[command(flatten)]
    cluster: AnyClusterFlags,
    #[command(flatten)]
    thumbprint: ThumbprintFlags,
    #[command(flatten)]
    change: ChangeFlags,
}

/// Delete the IAM OIDC provider of the cluster's issuer; refused while roles trust it
#[derive(Debug, Args)]
pub(crate) struct DeleteProvider {
    #[command(flatten)]
    cluster: ClusterFlags,
    #[command(flatten)]
    change: ChangeFlags,
}

impl AssociateProvider {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let settings = self
            .change
            .plan
            .settings(&RoleFlags::default(), &self.thumbprint)?;
        let mut config = self.cluster.config(global, printer)?;
        if let Some(path) = self.cluster.file().filter(|_| !config.iam.with_oidc.value) {
            return Err(Failure::error(format!(
                "'iam.withOIDC' is not enabled in \"{path}\""
            )));
        }
        config.iam.service_accounts.clear();
        if config.iam.with_oidc.location.is_none() {
            config.iam.with_oidc = Located::unlocated(true);
        }
        let mut request = Request::ensure(config.about_service_accounts(), settings);
        request.ask(ProviderIntent::Ensure);
        self.change.end(Self::WORDS, request, global, printer).await
    }
}

impl DeleteProvider {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let settings = self.change.plan.settings_alone()?;
        let mut config = self.cluster.config(global, printer)?;
        config.iam.service_accounts.clear();
        let mut request = Request::ensure(config.about_service_accounts(), settings);
        request.ask(ProviderIntent::Delete);
        self.change.end(Self::WORDS, request, global, printer).await
    }
}
