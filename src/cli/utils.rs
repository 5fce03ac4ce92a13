//! `eksact utils …`: commands under the names that eksctl has for them there.

use clap::{Args, Subcommand};

use crate::cli::{
    ExitCode, Failure,
    flags::global::GlobalFlags,
    kubeconfig::update::WriteKubeconfig,
    nouns::{authentication_mode::UpdateAuthenticationMode, oidc_provider::AssociateProvider},
    plans::migrate::{MigrateToAccessEntry, ToPodIdentity},
    program::schema::SchemaCommand,
};
use eksact_core::view::Printer;

/// Commands under eksctl's names
#[derive(Debug, Args)]
pub(crate) struct UtilsCommand {
    #[command(subcommand)]
    what: Utility,
}

#[derive(Debug, Subcommand)]
enum Utility {
    AssociateIamOidcProvider(Box<AssociateProvider>),
    MigrateToAccessEntry(Box<MigrateToAccessEntry>),
    MigrateToPodIdentity(Box<ToPodIdentity>),
    UpdateAuthenticationMode(Box<UpdateAuthenticationMode>),
    WriteKubeconfig(Box<WriteKubeconfig>),
    Schema(SchemaCommand),
}

impl UtilsCommand {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        match self.what {
            Utility::AssociateIamOidcProvider(command) => command.run(global, printer).await,
            Utility::MigrateToAccessEntry(command) => command.run(global, printer).await,
            Utility::MigrateToPodIdentity(command) => command.run(global, printer).await,
            Utility::UpdateAuthenticationMode(command) => command.run(global, printer).await,
            Utility::WriteKubeconfig(command) => command.run(global, printer).await,
            Utility::Schema(command) => command.run(printer),
        }
    }
}
