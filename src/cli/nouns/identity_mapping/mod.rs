//! `eksact create iamidentitymapping` and `eksact delete iamidentitymapping`, with eksctl's flags.

mod get;

pub(crate) use get::{GetIdentityMappings, Row};

use clap::Args;

use super::Called as _;
use crate::cli::{
    ExitCode, Failure,
    flags::{account::AnyClusterFlags, global::GlobalFlags, plan::PlanFlags},
    run::change::ChangeFlags,
    texts::file,
};
use eksact_core::{
    config::{
        ClusterConfig,
        cluster_access::{ClusterAccess, EMR_CONTAINERS, IdentityMapping, MappingSubject},
    },
    kinds::{
        Request,
        identity_mapping::{AwsAuthScope, MappingSelector},
        provider_intent::ProviderIntent,
    },
    view::Printer,
};

impl AnyClusterFlags {
    /// A request about the cluster and nothing else.
    pub(crate) fn request(
        &self,
        plan: &PlanFlags,
        global: &GlobalFlags,
        printer: &Printer,
    ) -> Result<Request, Failure> {
        let settings = plan.settings_alone()?;
        let whole = self.config(global, printer)?;
        let config = ClusterConfig {
            access: whole.access.clone(),
            ..whole.cluster_only()
        };
        let mut request = Request::ensure(config, settings);
        request.ask(ProviderIntent::Leave);
        Ok(request)
    }
}

/// Let an IAM role, user, account or service into the cluster, through aws-auth
#[derive(Debug, Args)]
#[command(visible_alias = "iamidentitymappings")]
pub(crate) struct CreateIdentityMapping {
    #[command(flatten)]
    cluster: AnyClusterFlags,
    /// ARN of the role or user; an existing mapping is changed, never duplicated
    #[arg(
        long,
        alias = "role",
        value_name = "ARN",
        conflicts_with = "config_file",
        help_heading = "Mapping"
    )]
    arn: Option<String>,
    /// User name in the cluster, else an existing mapping's; `{{AccountID}}` and `{{SessionName}}` are filled in by the cluster
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with = "config_file",
        help_heading = "Mapping"
    )]
    username: Option<String>,
    /// Groups in the cluster, else an existing mapping's
    #[arg(
        long,
        value_name = "GROUP",
        value_delimiter = ',',
        conflicts_with = "config_file",
        help_heading = "Mapping"
    )]
    group: Vec<String>,
    /// Account whose users and roles all get in, each under its own ARN
    #[arg(
        long,
        value_name = "ACCOUNT",
        conflicts_with = "config_file",
        help_heading = "Mapping"
    )]
    account: Option<String>,
    /// AWS service that works in a namespace: emr-containers
    #[arg(
        long,
        value_name = "SERVICE",
        conflicts_with = "config_file",
        help_heading = "Mapping"
    )]
    service_name: Option<String>,
    /// Namespace of the service
    #[arg(
        long,
        value_name = "NAMESPACE",
        conflicts_with = "config_file",
        help_heading = "Mapping"
    )]
    namespace: Option<String>,
    /// Accepted for eksctl's sake: eksact never writes a second mapping of an ARN
    #[arg(long, hide = true)]
    no_duplicate_arns: bool,
    #[command(flatten)]
    change: ChangeFlags,
}

impl CreateIdentityMapping {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let mapping = self.mapping()?;
        let mut request = self.cluster.request(&self.change.plan, global, printer)?;
        match mapping {
            Some(mapping) => {
                request.config.access = ClusterAccess {
                    identity_mappings: vec![mapping],
                    ..request.config.access.place_and_rule()
                };
                file::checked(&request.config, &[("iamIdentityMappings[0].", "--")], printer)?;
            }
            None if request.config.access.identity_mappings.is_empty() => {
                return Err(Failure::error("'iamIdentityMappings' is not defined in the file"));
            }
            None => {
                let identity_mappings = std::mem::take(&mut request.config.access.identity_mappings);
                request.config.access = ClusterAccess {
                    identity_mappings,
                    ..request.config.access.place_and_rule()
                };
            }
        }
        self.change.end(Self::WORDS, request, global, printer).await
    }

    /// The mapping that the flags make; none where a file has them.
    fn mapping(&self) -> Result<Option<IdentityMapping>, Failure> {
        if self.cluster.file().is_some() {
            return Ok(None);
        }
        let subject = match (&self.arn, &self.account, &self.service_name) {
            (Some(arn), None, None) => MappingSubject::Arn(arn.clone()),
            (None, Some(account), None) => MappingSubject::Account(account.clone()),
            (None, None, Some(name)) if name != EMR_CONTAINERS => {
                return Err(Failure::usage(format!("invalid service name \"{name}\""))
                    .with_help(remedy!("The only service is {EMR_CONTAINERS}.")));
            }
            (None, None, Some(name)) => MappingSubject::Service {
                name: name.clone(),
                namespace: self
                    .namespace
                    .clone()
                    .ok_or_else(|| Failure::usage(format!("namespace is required for {EMR_CONTAINERS}")))?,
            },
            (None, None, None) => {
                return Err(Failure::usage(
                    "either --arn, --account or --service-name must be set",
                ));
            }
            _ => {
                return Err(Failure::usage(
                    "only one of --arn, --account and --service-name can be set",
                ));
            }
        };
        let is_arn = matches!(subject, MappingSubject::Arn(_));
        if is_arn && self.username.is_none() && self.group.is_empty() {
            return Err(Failure::usage(
                "neither username nor group are set for iam identity",
            ));
        }
        if !is_arn && (self.username.is_some() || !self.group.is_empty()) {
            return Err(Failure::usage(
                "--username and --group go with --arn: an account's identities get in under their ARN, a service under a \
                 name of its own",
            ));
        }
        if self.namespace.is_some() && self.service_name.is_none() {
            return Err(Failure::usage("--namespace goes with --service-name"));
        }
        Ok(Some(IdentityMapping {
            subject,
            username: self.username.clone(),
            groups: self.group.clone(),
            no_duplicate_arns: true,
            keep_groups: self.group.is_empty(),
            location: None,
        }))
    }
}

/// Remove a mapping from aws-auth
#[derive(Debug, Args)]
#[command(visible_alias = "iamidentitymappings")]
pub(crate) struct DeleteIdentityMapping {
    #[command(flatten)]
    cluster: AnyClusterFlags,
    /// ARN of the role or user
    #[arg(
        long,
        alias = "role",
        value_name = "ARN",
        conflicts_with = "account",
        help_heading = "Mapping"
    )]
    arn: Option<String>,
    /// Account of mapAccounts
    #[arg(long, value_name = "ACCOUNT", help_heading = "Mapping")]
    account: Option<String>,
    /// Delete every mapping of the ARN
    #[arg(long, help_heading = "Mapping")]
    all: bool,
    #[command(flatten)]
    change: ChangeFlags,
}

impl DeleteIdentityMapping {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let selector = match (&self.arn, &self.account) {
            (Some(arn), None) => MappingSelector::Arn {
                arn: arn.clone(),
                all: self.all,
            },
            (None, Some(account)) => MappingSelector::Account(account.clone()),
            _ => return Err(Failure::usage("either --arn or --account must be set")),
        };
        let mut request = self.cluster.request(&self.change.plan, global, printer)?;
        // The file says which cluster; what it maps is not compared here.
        request.config.access = request.config.access.place_and_rule();
        request.ask(AwsAuthScope::Delete(vec![selector]));
        self.change.end(Self::WORDS, request, global, printer).await
    }
}
