//! `eksact update iamserviceaccount`.

use eksact_identity::service_account::ServiceAccountKey;
use std::collections::BTreeMap;

use clap::Args;

use crate::cli::{
    ExitCode, Failure,
    flags::{
        account::{ClusterFlags, NameFlags, PermissionFlags},
        filter::FilterFlags,
        global::GlobalFlags,
        plan::{RoleFlags, ThumbprintFlags},
    },
    nouns::Called as _,
    run::{change::ChangeFlags, wiring::Connection},
    texts::file,
};
use eksact_core::{
    config::{ClusterConfig, Located},
    kinds::{
        Request, iam_role, provider_intent::ProviderIntent, request::Settings,
        service_account_scope::ServiceAccountScope,
    },
    live::LiveReader,
    view::Printer,
};

/// Update the role of a service account: only what the flags name changes
#[derive(Debug, Args)]
#[command(visible_alias = "iamserviceaccounts")]
pub(crate) struct UpdateServiceAccount {
    #[command(flatten)]
    cluster: ClusterFlags,
    #[command(flatten)]
    name: NameFlags,
    #[command(flatten)]
    permissions: PermissionFlags,
    #[command(flatten)]
    filter: FilterFlags,
    #[command(flatten)]
    roles: RoleFlags,
    #[command(flatten)]
    change: ChangeFlags,
}

impl UpdateServiceAccount {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let settings = self
            .change
            .plan
            .settings(&self.roles, &ThumbprintFlags::default())?;
        let (request, connection) = if let Some(path) = &self.cluster.config_file {
            let mut config = file::load(path, global.region.as_deref(), printer)?;
            config.iam.service_accounts = self.filter.choose(config.iam.service_accounts, printer)?;
            let connection = Connection::open(global, &config, printer).await?;
            let mut request = Request::ensure(config.about_service_accounts(), settings);
            request.ask(ServiceAccountScope {
                update: true,
                ..ServiceAccountScope::default()
            });
            request.ask(ProviderIntent::of_roles(request.service_accounts()));
            (request, connection)
        } else {
            self.filter.refuse_without_file()?;
            self.request_from_live(settings, global, printer).await?
        };
        self.change
            .end_over(&connection, Self::WORDS, request, global, printer)
            .await
    }

    /// The live role with what the flags name set on it; nothing else is compared.
    async fn request_from_live(
        &self,
        settings: Settings,
        global: &GlobalFlags,
        printer: &Printer,
    ) -> Result<(Request, Connection), Failure> {
        let named = self.permissions.named();
        if named.is_empty() {
            return Err(
                Failure::usage("nothing to update: no flag names an attribute of the role").with_help(
                    remedy!("Name at least one of --attach-policy-arn, --attach-policy, --well-known-policies, --no-policies, \
                     --permissions-boundary, --subject-pattern and --tags."),
                ),
            );
        }
        let mut config = self.cluster.named(global)?;
        let key = self.name.account()?.key();
        let connection = Connection::open(global, &config, printer).await?;
        let mut account = live_account(&config, &key, &settings, &connection).await?;
        self.permissions.set_on(&mut account)?;
        // Kubernetes holds nothing that these flags could name.
        account.role_only = true;
        config.iam.with_oidc = Located::unlocated(true);
        config.iam.service_accounts = vec![account];
        file::checked(&config, &[], printer)?;
        let mut request = Request::ensure(config.about_service_accounts(), settings);
        request.ask(ProviderIntent::Require);
        request.ask(ServiceAccountScope {
            update: true,
            only: BTreeMap::from([(key, named)]),
            ..ServiceAccountScope::default()
        });
        Ok((request, connection))
    }
}

/// The service account as its live stack has it.
async fn live_account(
    config: &ClusterConfig,
    key: &ServiceAccountKey,
    settings: &Settings,
    connection: &Connection,
) -> Result<eksact_core::config::ServiceAccount, Failure> {
    let reader = LiveReader::begin(connection.readers.clone(), &config.metadata.name.value).await?;
    let live = iam_role::adopt::read(&reader, key, settings.timeout).await?;
    iam_role::adopt::from_live(&live, key, &config.metadata.tags).map_err(|error| {
        Failure::error(error.to_string()).with_help(remedy!(
            "`eksact get iamserviceaccount --cluster {} --region {}` lists what is there; `eksact create iamserviceaccount` makes \
             a new one.",
            config.metadata.name.value,
            config.metadata.region.value
        ))
    })
}
