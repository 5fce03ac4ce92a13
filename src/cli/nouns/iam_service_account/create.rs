//! `eksact create iamserviceaccount`.

use std::collections::BTreeMap;

use clap::Args;

use crate::cli::{
    ExitCode, Failure,
    flags::{
        account::{ClusterFlags, NameFlags, PermissionFlags, pair},
        filter::FilterFlags,
        global::GlobalFlags,
        plan::{RoleFlags, ThumbprintFlags},
    },
    nouns::Called as _,
    run::change::ChangeFlags,
    texts::file,
};
use eksact_core::{
    config::Located,
    kinds::{
        Request,
        provider_intent::ProviderIntent,
        service_account_scope::{RoleAttribute, ServiceAccountScope},
    },
    view::Printer,
};

/// Create an IAM role for a Kubernetes service account, and the service account
#[derive(Debug, Args)]
#[command(visible_alias = "iamserviceaccounts")]
pub(crate) struct CreateServiceAccount {
    #[command(flatten)]
    cluster: ClusterFlags,
    #[command(flatten)]
    name: NameFlags,
    #[command(flatten)]
    permissions: PermissionFlags,
    /// Existing role to use instead of making one
    #[arg(
        long,
        value_name = "ARN",
        conflicts_with_all = ["config_file", "no_policies"],
        help_heading = "Role"
    )]
    attach_role_arn: Option<String>,
    /// Name of the role
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with = "config_file",
        help_heading = "Role"
    )]
    role_name: Option<String>,
    /// Create only the role, and nothing in Kubernetes
    #[arg(long, help_heading = "Role")]
    role_only: bool,
    /// Labels of the service account
    #[arg(long, value_name = "KEY=VALUE", value_delimiter = ',', value_parser = pair, conflicts_with = "config_file", help_heading = "Service account")]
    labels: Vec<(String, String)>,
    /// Annotations of the service account
    #[arg(long, value_name = "KEY=VALUE", value_delimiter = ',', value_parser = pair, conflicts_with = "config_file", help_heading = "Service account")]
    annotations: Vec<(String, String)>,
    #[command(flatten)]
    filter: FilterFlags,
    #[command(flatten)]
    roles: RoleFlags,
    #[command(flatten)]
    change: ChangeFlags,
}

impl CreateServiceAccount {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let settings = self
            .change
            .plan
            .settings(&self.roles, &ThumbprintFlags::default())?;
        let mut only = BTreeMap::new();
        let config = if let Some(path) = &self.cluster.config_file {
            let mut config = file::load(path, global.region.as_deref(), printer)?;
            if config.iam.service_accounts.is_empty() {
                return Err(Failure::error(format!(
                    "'iam.serviceAccounts' is not defined in \"{path}\""
                )));
            }
            config.iam.service_accounts = self.filter.choose(config.iam.service_accounts, printer)?;
            if self.role_only {
                for account in &mut config.iam.service_accounts {
                    account.role_only = true;
                }
            }
            config
        } else {
            self.filter.refuse_without_file()?;
            let mut config = self.cluster.named(global)?;
            let mut account = self.name.account()?;
            self.permissions.set_on(&mut account)?;
            account.attach_role_arn = self.attach_role_arn.clone().map(Located::unlocated);
            account.role_name = self.role_name.clone().map(Located::unlocated);
            account.role_only = self.role_only;
            account.labels = self.labels.iter().cloned().collect::<BTreeMap<_, _>>();
            account.annotations = self.annotations.iter().cloned().collect::<BTreeMap<_, _>>();
            if account.attach_role_arn.is_none() && !account.has_policy() && !account.states_no_policy {
                return Err(
                    Failure::usage("--attach-policy-arn or --attach-role-arn must be set").with_help(
                        remedy!(
                            "--attach-policy and --well-known-policies also work; --no-policies \
                         makes a role without any policy."
                        ),
                    ),
                );
            }
            // Where the role is there already, what the flags do not name stays: a boundary that is not repeated is not
            // dropped.
            let mut named = self.permissions.named();
            if self.role_name.is_some() {
                named.insert(RoleAttribute::Name);
            }
            only.insert(account.key(), named);
            config.iam.with_oidc = Located::unlocated(true);
            config.iam.service_accounts = vec![account];
            file::checked(&config, &[], printer)?;
            config
        };
        let mut request = Request::ensure(config.about_service_accounts(), settings);
        request.ask(ServiceAccountScope {
            only,
            ..ServiceAccountScope::default()
        });
        request.ask(ProviderIntent::of_roles(request.service_accounts()));
        self.change.end(Self::WORDS, request, global, printer).await
    }
}
