//! `eksact utils …`: commands under the names that eksctl has for them there.

use clap::{Args, Subcommand};

use super::{
    ExitCode, Failure,
    global::GlobalFlags,
    kubeconfig::WriteKubeconfig,
    migrate::{MigrateToAccessEntry, ToPodIdentity},
    oidc_provider::AssociateProvider,
    schema::SchemaCommand,
    update_authentication_mode::UpdateAuthenticationMode,
};
use eksact_core::view::Printer;

/// Commands under eksctl's names
#[derive(Debug, Args)]
pub(super) struct UtilsCommand {
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
    pub(super) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
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
