//! `eksact delete iamserviceaccount`.

use std::collections::BTreeSet;

use eksact_identity::service_account::ServiceAccountKey;

use clap::Args;

use crate::cli::{
    ExitCode, Failure,
    flags::{
        account::{ClusterFlags, NameFlags},
        filter::FilterFlags,
        global::GlobalFlags,
        plan::{RoleFlags, ThumbprintFlags, role_arn},
    },
    nouns::Called as _,
    run::{change::ChangeFlags, wiring::Connection},
};
use eksact_core::{
    config::{ClusterConfig, ServiceAccount},
    kinds::{Request, provider_intent::ProviderIntent, service_account_scope::ServiceAccountScope},
    live::{is_of_cluster, service_account_of},
    view::Printer,
};

/// Delete a service account and its role, if eksctl or eksact created them
#[derive(Debug, Args)]
#[command(visible_alias = "iamserviceaccounts")]
pub(crate) struct DeleteServiceAccount {
    #[command(flatten)]
    cluster: ClusterFlags,
    #[command(flatten)]
    name: NameFlags,
    /// Delete those that are not in the file, instead of those that are
    #[arg(long, help_heading = "Service accounts of the file")]
    only_missing: bool,
    #[command(flatten)]
    filter: FilterFlags,
    /// Accepted for eksctl's sake: deletions are always waited for
    #[arg(short, long, hide = true)]
    wait: bool,
    /// Role that CloudFormation acts as
    #[arg(
        long,
        value_name = "ARN",
        help_heading = "Stacks and existing service accounts",
        value_parser = role_arn
    )]
    cfn_role_arn: Option<String>,
    #[command(flatten)]
    change: ChangeFlags,
}

impl DeleteServiceAccount {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let roles = RoleFlags {
            cfn_role_arn: self.cfn_role_arn.clone(),
            termination_protection: true,
            ..RoleFlags::default()
        };
        let settings = self.change.plan.settings(&roles, &ThumbprintFlags::default())?;
        let named = self.named()?;
        let mut config = self.cluster.config(global, printer)?;
        let connection = Connection::open(global, &config, printer).await?;
        let mut scope = ServiceAccountScope::default();
        if let Some(account) = named {
            scope.delete.insert(account.key());
        } else if self.only_missing && !config.iam.lists_service_accounts {
            return Err(Failure::error(format!(
                "'iam.serviceAccounts' is not defined in \"{}\"",
                self.cluster.config_file.as_deref().unwrap_or_default()
            ))
            .with_help(remedy!(
                "List the service accounts to keep; with an empty list, `serviceAccounts: []`, all are \
                 deleted."
            )));
        } else if self.only_missing {
            let (mut kept, named) = self.kept_and_named(&config, &connection).await?;
            kept.extend(config.iam.service_accounts.iter().map(ServiceAccount::key));
            scope.delete_all_but = Some(kept);
            scope.prune_named = named;
        } else {
            let listed = std::mem::take(&mut config.iam.service_accounts);
            let chosen = self.filter.choose(listed, printer)?;
            scope.delete.extend(chosen.iter().map(ServiceAccount::key));
            let role_only = chosen.iter().filter(|account| account.role_only);
            scope.delete_role_only.extend(role_only.map(ServiceAccount::key));
        }
        // What stays in the file is not compared: the command only deletes. Its names are what --only-missing spares.
        config.iam.service_accounts.clear();
        let mut request = Request::ensure(config.about_service_accounts(), settings);
        request.ask(ProviderIntent::Leave);
        request.ask(scope);
        self.change
            .end_over(&connection, Self::WORDS, request, global, printer)
            .await
    }

    /// The service account that the flags name; none where a file does. Mistakes are told before anything is read.
    fn named(&self) -> Result<Option<ServiceAccount>, Failure> {
        if self.cluster.config_file.is_some() {
            return Ok(None);
        }
        if self.filter.is_given() || self.only_missing {
            return Err(Failure::usage(
                "cannot use --include, --exclude or --only-missing unless a config file is specified via --config-file/-f",
            ));
        }
        // Of the two things that are missing the cluster is told first, as eksctl does.
        if self.cluster.cluster.is_none() {
            return Ok(None);
        }
        self.name.account().map(Some)
    }

    /// The service accounts of the cluster that the globs leave out, and those that they name to the letter.
    async fn kept_and_named(
        &self,
        config: &ClusterConfig,
        connection: &Connection,
    ) -> Result<(BTreeSet<ServiceAccountKey>, BTreeSet<ServiceAccountKey>), Failure> {
        let filter = self.filter.compile()?;
        let stacks = connection.readers.aws.stacks().await?;
        let ours = stacks
            .iter()
            .filter(|stack| is_of_cluster(stack, &config.metadata.name.value))
            .filter_map(service_account_of);
        let (mut keep, mut named) = (BTreeSet::new(), BTreeSet::new());
        for key in ours {
            let qualified_name = format!("{key}");
            if !filter.takes(&qualified_name) {
                keep.insert(key);
            } else if self.filter.include.contains(&qualified_name) {
                // Named to the letter: a protected account goes only so.
                named.insert(key);
            }
        }
        Ok((keep, named))
    }
}
