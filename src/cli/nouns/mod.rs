//! Commands of a verb and a noun, `eksact VERB NOUN`: a file or a folder per noun, and here the table of which verbs each has.
//! A noun more is its own file, and here its module and a line per command. The authentication mode has no line: its command is
//! one of `eksact utils`. A kubeconfig has a line and no file: it is of a family of its own, `kubeconfig`.

pub(crate) mod access_entry;
pub(crate) mod authentication_mode;
mod cluster;
mod iam_service_account;
mod identity_mapping;
mod identity_provider;
mod list;
pub(crate) mod oidc_provider;
pub(crate) mod pod_identity_association;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::{ExitCode, Failure, flags::global::GlobalFlags, kubeconfig::delete::DeleteKubeconfig};
use eksact_core::view::{Printer, plan_json::schema_of};

/// What a command of the table is called: the words that a plan which it saves has for whoever needs that plan anew.
pub(crate) trait Called {
    const WORDS: &'static str;
}

/// Makes the command of a verb: a subcommand per noun, in the order of the help.
macro_rules! verb {
    (
        $(#[$about:meta])*
        $verb:literal $command:ident: $nouns:ident { $($name:literal $noun:ident($run:ty)),+ $(,)? }
    ) => {
        $(#[$about])*
        #[derive(Debug, Args)]
        pub(crate) struct $command {
            #[command(subcommand)]
            noun: $nouns,
        }

        #[derive(Debug, Subcommand)]
        enum $nouns {
            $(#[command(name = $name)] $noun(Box<$run>)),+
        }

        impl $command {
            pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
                match self.noun {
                    $($nouns::$noun(command) => command.run(global, printer).await),+
                }
            }
        }

        $(impl Called for $run {
            const WORDS: &'static str = concat!($verb, " ", $name);
        })+
    };
}

/// The same for the verb that lists, with what `-o json` is a list of.
macro_rules! verb_of_lists {
    (
        $(#[$about:meta])*
        $verb:literal $command:ident: $nouns:ident { $($name:literal $noun:ident($run:ty) of $row:ty),+ $(,)? }
    ) => {
        verb! { $(#[$about])* $verb $command: $nouns { $($name $noun($run)),+ } }

        /// The words of each command as `schema --kind` takes them, and the JSON Schema of its list.
        pub(crate) const SCHEMAS_OF_LISTS: &[(&str, fn() -> Value)] = &[
            $((concat!($verb, "-", $name), || {
                schema_of::<Vec<$row>>(concat!("What `eksact ", $verb, " ", $name, " -o json` writes"))
            })),+
        ];
    };
}

verb! {
    /// Create objects by name or from a file
    "create" CreateCommand: Create {
        "iamserviceaccount" IamServiceAccount(iam_service_account::CreateServiceAccount),
        "iamidentitymapping" IdentityMapping(identity_mapping::CreateIdentityMapping),
        "accessentry" AccessEntry(access_entry::CreateAccessEntry),
        "podidentityassociation" PodIdentityAssociation(pod_identity_association::CreatePodIdentityAssociation),
    }
}

verb_of_lists! {
    /// Show what is there
    "get" GetCommand: Get {
        "iamserviceaccount" IamServiceAccount(iam_service_account::GetServiceAccounts)
            of iam_service_account::Row<'static>,
        "iamidentitymapping" IdentityMapping(identity_mapping::GetIdentityMappings) of identity_mapping::Row,
        "accessentry" AccessEntry(access_entry::GetAccessEntries) of access_entry::Row,
        "podidentityassociation" PodIdentityAssociation(pod_identity_association::GetPodIdentityAssociations)
            of pod_identity_association::Row,
        "identityprovider" IdentityProvider(identity_provider::GetIdentityProviders)
            of identity_provider::Row<'static>,
        "cluster" Cluster(cluster::GetCluster) of cluster::Row<'static>,
    }
}

verb! {
    /// Update objects by name or from a file
    "update" UpdateCommand: Update {
        "iamserviceaccount" IamServiceAccount(iam_service_account::UpdateServiceAccount),
        "accessentry" AccessEntry(access_entry::UpdateAccessEntry),
        "podidentityassociation" PodIdentityAssociation(pod_identity_association::UpdatePodIdentityAssociation),
    }
}

verb! {
    /// Delete objects by name or from a file
    "delete" DeleteCommand: Delete {
        "iamserviceaccount" IamServiceAccount(iam_service_account::DeleteServiceAccount),
        "iamidentitymapping" IdentityMapping(identity_mapping::DeleteIdentityMapping),
        "accessentry" AccessEntry(access_entry::DeleteAccessEntry),
        "iam-oidc-provider" OidcProvider(oidc_provider::DeleteProvider),
        "podidentityassociation" PodIdentityAssociation(pod_identity_association::DeletePodIdentityAssociation),
        "kubeconfig" Kubeconfig(DeleteKubeconfig),
    }
}

verb! {
    /// Associate a provider with the cluster
    "associate" AssociateCommand: Associate {
        "iam-oidc-provider" OidcProvider(oidc_provider::AssociateProvider),
        "identityprovider" IdentityProvider(identity_provider::AssociateIdentityProvider),
    }
}

verb! {
    /// Disassociate a provider from the cluster
    "disassociate" DisassociateCommand: Disassociate {
        "identityprovider" IdentityProvider(identity_provider::DisassociateIdentityProvider),
    }
}
