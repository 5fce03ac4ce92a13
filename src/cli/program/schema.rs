//! `eksact schema`.

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::version;
use crate::cli::{
    ExitCode, Failure, check,
    nouns::{
        access_entry, cluster, iam_service_account, identity_mapping, identity_provider,
        pod_identity_association,
    },
    plans::{permissions, restore},
};
use eksact_core::{
    config::{self, DocumentKind},
    diagnosis::{
        access_map::AccessMap,
        authorization::{Explanation, WhoCan, snapshot_schema},
        pod_credentials::PodExplanation,
    },
    engine::AccessDelta,
    saved,
    view::{
        Printer, access_check, apply_events, apply_json, aws_auth_check, explain_change, facts, fleet_json,
        plan_json,
    },
};

/// Print the JSON Schema of configuration files, or of what a command writes for machines
#[derive(Debug, Args)]
pub(crate) struct SchemaCommand {
    /// The kind of document: a file's kind, or the words of a command
    #[arg(long, value_enum, default_value_t, value_name = "KIND", ignore_case = true)]
    kind: Kind,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// eksctl's: one cluster and what belongs to it
    #[default]
    #[value(name = "ClusterConfig")]
    ClusterConfig,
    /// eksact's own: who gets into the cluster and what they may do there
    #[value(name = "ClusterAccess")]
    ClusterAccess,
    /// A plan, of `plan` and every command that changes something
    Plan,
    /// An apply, of the same commands when they are over
    Apply,
    /// A plan that is saved, of `plan --out` and `show`
    SavedPlan,
    /// A run over many clusters, of `plan` and `apply`
    Fleet,
    /// One line of `-o ndjson`
    ApplyNdjson,
    CanI,
    CheckAccess,
    CheckAwsAuth,
    CheckIrsa,
    DecodeToken,
    DiffAccess,
    /// `explain ADDRESS`
    Explain,
    ExplainAccess,
    ExplainPod,
    GetAccessentry,
    GetCluster,
    GetIamidentitymapping,
    GetIamserviceaccount,
    GetIdentityprovider,
    GetPodidentityassociation,
    Map,
    Permissions,
    /// `restore aws-auth --list`
    RestoreAwsAuth,
    /// The file of `snapshot`
    Snapshot,
    VerifyToken,
    Version,
    WhoCan,
    Whoami,
}

impl Kind {
    fn schema(self) -> Value {
        match self {
            Self::ClusterConfig => config::json_schema(DocumentKind::ClusterConfig),
            Self::ClusterAccess => config::json_schema(DocumentKind::ClusterAccess),
            Self::Plan => plan_json::schema(),
            Self::Apply => apply_json::schema(),
            Self::SavedPlan => saved::schema(),
            Self::Fleet => fleet_json::schema(),
            Self::ApplyNdjson => apply_events::schema(),
            Self::CanI => plan_json::schema_of::<Explanation>("What `eksact can-i -o json` writes"),
            Self::CheckAccess => access_check::schema(),
            Self::CheckAwsAuth => aws_auth_check::schema(),
            Self::CheckIrsa => check::irsa::schema(),
            Self::DecodeToken => facts::schema("What `eksact decode token -o json` writes"),
            Self::DiffAccess => {
                plan_json::schema_of::<AccessDelta>("What `eksact diff-access -o json` writes")
            }
            Self::Explain => explain_change::schema(),
            Self::ExplainAccess => {
                plan_json::schema_of::<Explanation>("What `eksact explain access -o json` writes")
            }
            Self::ExplainPod => {
                plan_json::schema_of::<PodExplanation>("What `eksact explain pod -o json` writes")
            }
            Self::GetAccessentry => access_entry::get::schema(),
            Self::GetCluster => cluster::schema(),
            Self::GetIamidentitymapping => identity_mapping::get::schema(),
            Self::GetIamserviceaccount => iam_service_account::get::schema(),
            Self::GetIdentityprovider => identity_provider::schema(),
            Self::GetPodidentityassociation => pod_identity_association::get::schema(),
            Self::Map => plan_json::schema_of::<AccessMap>("What `eksact map -o json` writes"),
            Self::Permissions => permissions::schema(),
            Self::RestoreAwsAuth => restore::schema(),
            Self::Snapshot => snapshot_schema(),
            Self::VerifyToken => facts::schema("What `eksact verify token -o json` writes"),
            Self::Version => version::schema(),
            Self::WhoCan => plan_json::schema_of::<WhoCan>("What `eksact who-can -o json` writes"),
            Self::Whoami => facts::schema("What `eksact whoami -o json` writes"),
        }
    }
}

impl SchemaCommand {
    pub(crate) fn run(&self, printer: &Printer) -> Result<ExitCode, Failure> {
        printer.data(&format!("{:#}\n", self.kind.schema()))?;
        Ok(ExitCode::Success)
    }
}
