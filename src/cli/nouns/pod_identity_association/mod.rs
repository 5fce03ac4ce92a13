//! `eksact create|update|delete podidentityassociation`, with eksctl's flags.

mod get;

pub(crate) use get::{GetPodIdentityAssociations, Row};

use std::collections::BTreeMap;

use clap::Args;

use super::Called as _;
use crate::cli::{
    ExitCode, Failure,
    flags::{
        account::{AnyClusterFlags, account_name, pair, well_known},
        global::GlobalFlags,
        plan::{AgentFlags, PlanFlags, RoleFlags, ThumbprintFlags},
    },
    run::{change::ChangeFlags, wiring::Connection},
    texts::file,
};
use eksact_core::{
    config::{
        ClusterConfig, Located, WellKnownPolicies,
        pod_identity_association::{PodIdentityAssociation, PodIdentityAssociations, as_in_a_file},
    },
    kinds::{Request, pod_identity::PodIdentityScope},
    ports::aws,
    view::Printer,
};
use eksact_identity::{cloudformation::tags, iam::WellKnownPolicy, service_account::ServiceAccountKey};

/// The service account of an association.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Association")]
pub(crate) struct AssociationFlags {
    /// Namespace of the service account
    #[arg(long, value_name = "NAMESPACE", conflicts_with = "config_file")]
    pub namespace: Option<String>,
    /// Name of the service account
    #[arg(long, value_name = "NAME", conflicts_with = "config_file", value_parser = account_name)]
    pub service_account_name: Option<String>,
}

impl AssociationFlags {
    /// The service account, which both flags name.
    fn key(&self) -> Result<ServiceAccountKey, Failure> {
        let (Some(namespace), Some(name)) = (&self.namespace, &self.service_account_name) else {
            let missing = if self.namespace.is_none() {
                "--namespace is required"
            } else {
                "--service-account-name is required"
            };
            return Err(Failure::usage(missing));
        };
        Ok(ServiceAccountKey::new(namespace, name))
    }
}

/// What the session of the pods is, besides the role.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Session")]
struct SessionFlags {
    /// Role, mostly of another account, that is assumed from the first
    #[arg(long, value_name = "ARN", conflicts_with = "config_file")]
    target_role_arn: Option<String>,
    /// No tags of cluster, namespace, service account and pod for the session
    #[arg(long, conflicts_with = "config_file")]
    disable_session_tags: bool,
    /// Policy that limits the session, as JSON; needs --disable-session-tags
    #[arg(long, value_name = "JSON", conflicts_with = "config_file")]
    policy: Option<String>,
}

impl SessionFlags {
    fn is_given(&self) -> bool {
        self.target_role_arn.is_some() || self.disable_session_tags || self.policy.is_some()
    }

    fn set_on(&self, association: &mut PodIdentityAssociation) {
        if let Some(arn) = &self.target_role_arn {
            association.target_role_arn = Some(Located::unlocated(arn.clone()));
        }
        if self.disable_session_tags {
            association.disable_session_tags = Some(Located::unlocated(true));
        }
        if let Some(policy) = &self.policy {
            association.policy = Some(Located::unlocated(policy.clone()));
        }
    }
}

/// The request about associations alone, and what the file says of them.
fn request(
    cluster: &AnyClusterFlags,
    plan: &PlanFlags,
    roles: &RoleFlags,
    global: &GlobalFlags,
    printer: &Printer,
) -> Result<(Request, PodIdentityAssociations), Failure> {
    let settings = plan.settings(roles, &ThumbprintFlags::default())?;
    let whole = cluster.config(global, printer)?;
    let listed = whole.pod_identity_associations.clone();
    if let Some(path) = cluster.file().filter(|_| listed.list.is_empty()) {
        return Err(Failure::error(format!(
            "'iam.podIdentityAssociations' is not defined in \"{path}\""
        )));
    }
    let request = Request::ensure(whole.cluster_only(), settings);
    Ok((request, listed))
}

/// These associations, and no more of the list.
fn these(list: Vec<PodIdentityAssociation>) -> PodIdentityAssociations {
    PodIdentityAssociations {
        list,
        is_listed: false,
    }
}

/// Give the pods of a service account an IAM role, through EKS Pod Identity
#[derive(Debug, Args)]
#[command(visible_alias = "podidentityassociations")]
pub(crate) struct CreatePodIdentityAssociation {
    #[command(flatten)]
    cluster: AnyClusterFlags,
    #[command(flatten)]
    association: AssociationFlags,
    /// Existing role of the cluster's account to use instead of making one
    #[arg(
        long,
        value_name = "ARN",
        conflicts_with = "config_file",
        help_heading = "Role"
    )]
    role_arn: Option<String>,
    /// Name of the role
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with = "config_file",
        help_heading = "Role"
    )]
    role_name: Option<String>,
    /// Managed policies of the role
    #[arg(
        long,
        value_name = "ARN",
        value_delimiter = ',',
        conflicts_with = "config_file",
        help_heading = "Role"
    )]
    permission_policy_arns: Vec<String>,
    /// Well-known policies: imageBuilder, autoScaler, awsLoadBalancerController, externalDNS, certManager,
    /// ebsCSIController, efsCSIController
    #[arg(long, value_name = "POLICY", value_delimiter = ',', conflicts_with = "config_file", value_parser = well_known, help_heading = "Role")]
    well_known_policies: Vec<WellKnownPolicy>,
    /// Managed policy that bounds the role
    #[arg(
        long,
        value_name = "ARN",
        alias = "permissions-boundary-arn",
        conflicts_with = "config_file",
        help_heading = "Role"
    )]
    permission_boundary_arn: Option<String>,
    #[command(flatten)]
    session: SessionFlags,
    /// Make the service account, and its namespace, where they are missing
    #[arg(long, conflicts_with = "config_file", help_heading = "Association")]
    create_service_account: bool,
    #[command(flatten)]
    agent: AgentFlags,
    /// Tags of the association, the stack and the role
    #[arg(long, value_name = "KEY=VALUE", value_delimiter = ',', value_parser = pair, conflicts_with = "config_file", help_heading = "Association")]
    tags: Vec<(String, String)>,
    #[command(flatten)]
    roles: RoleFlags,
    #[command(flatten)]
    change: ChangeFlags,
}

impl CreatePodIdentityAssociation {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let named = match self.cluster.file() {
            Some(_) => None,
            None => Some(self.named()?),
        };
        let (mut request, listed) = request(&self.cluster, &self.change.plan, &self.roles, global, printer)?;
        let is_named = named.is_some();
        request.config.pod_identity_associations = these(named.map_or(listed.list, |one| vec![one]));
        self.agent.ask(&mut request);
        if is_named {
            file::checked(&request.config, &[], printer)?;
        }
        self.change.end(Self::WORDS, request, global, printer).await
    }

    /// The association that the flags make. What is missing or does not go together is said in eksctl's words.
    fn named(&self) -> Result<PodIdentityAssociation, Failure> {
        let key = self.association.key()?;
        let permissions = [
            (
                "--permission-policy-arns",
                !self.permission_policy_arns.is_empty(),
            ),
            ("--well-known-policies", !self.well_known_policies.is_empty()),
        ];
        if self.role_arn.is_some() {
            if let Some((flag, _)) = permissions.into_iter().find(|(_, is_given)| *is_given) {
                return Err(Failure::usage(format!(
                    "{flag} cannot be specified when --role-arn is set"
                )));
            }
        } else if !permissions.into_iter().any(|(_, is_given)| is_given) {
            return Err(Failure::usage(
                "at least one of the following flags must be specified: --role-arn, --permission-policy-arns, \
                 --well-known-policies",
            ));
        }
        if self.session.policy.is_some() && !self.session.disable_session_tags {
            return Err(Failure::usage(
                "--disable-session-tags must be set to true when using --policy",
            ));
        }
        let located = |text: &Option<String>| text.clone().map(Located::unlocated);
        let mut association = PodIdentityAssociation {
            namespace: key.namespace,
            service_account: key.name,
            create_service_account: self.create_service_account,
            role_arn: located(&self.role_arn),
            role_name: located(&self.role_name),
            permissions_boundary: located(&self.permission_boundary_arn),
            permission_policy_arns: self
                .permission_policy_arns
                .iter()
                .cloned()
                .map(Located::unlocated)
                .collect(),
            well_known_policies: WellKnownPolicies(self.well_known_policies.iter().copied().collect()),
            tags: self.tags.iter().cloned().collect::<BTreeMap<_, _>>(),
            ..PodIdentityAssociation::default()
        };
        self.session.set_on(&mut association);
        Ok(association)
    }
}

/// Change the role or the session of an association: only what the flags name changes
#[derive(Debug, Args)]
#[command(visible_alias = "podidentityassociations")]
pub(crate) struct UpdatePodIdentityAssociation {
    #[command(flatten)]
    cluster: AnyClusterFlags,
    #[command(flatten)]
    association: AssociationFlags,
    /// Role of the cluster's account that the pods get instead
    #[arg(
        long,
        value_name = "ARN",
        conflicts_with = "config_file",
        help_heading = "Role"
    )]
    role_arn: Option<String>,
    #[command(flatten)]
    session: SessionFlags,
    /// Tags of cluster, namespace, service account and pod for the session again
    #[arg(long, conflicts_with_all = ["disable_session_tags", "config_file"], help_heading = "Session")]
    no_disable_session_tags: bool,
    /// No target role: the pods get the first role
    #[arg(long, conflicts_with_all = ["target_role_arn", "config_file"], help_heading = "Session")]
    no_target_role: bool,
    /// No policy that limits the session
    #[arg(long, conflicts_with_all = ["policy", "config_file"], help_heading = "Session")]
    no_policy: bool,
    #[command(flatten)]
    roles: RoleFlags,
    #[command(flatten)]
    change: ChangeFlags,
}

impl UpdatePodIdentityAssociation {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let key = match self.cluster.file() {
            Some(_) => None,
            None => Some(self.association.key()?),
        };
        if key.is_some()
            && self.role_arn.is_none()
            && !self.session.is_given()
            && !(self.no_disable_session_tags || self.no_target_role || self.no_policy)
        {
            return Err(Failure::usage(
                "nothing to update: no flag names the role or an attribute of the session",
            ));
        }
        let (mut request, listed) = request(&self.cluster, &self.change.plan, &self.roles, global, printer)?;
        let connection = Connection::open(global, &request.config, printer).await?;
        let list = match key {
            None => listed.list,
            Some(key) => {
                let mut association = live(&request.config, &key, &connection).await?;
                if let Some(arn) = &self.role_arn {
                    association.role_arn = Some(Located::unlocated(arn.clone()));
                }
                self.session.set_on(&mut association);
                if self.no_target_role {
                    association.target_role_arn = None;
                }
                if self.no_policy {
                    association.policy = None;
                }
                if self.no_disable_session_tags {
                    association.disable_session_tags = Some(Located::unlocated(false));
                }
                vec![association]
            }
        };
        request.config.pod_identity_associations = these(list);
        file::checked(&request.config, &[], printer)?;
        self.change
            .end_over(&connection, Self::WORDS, request, global, printer)
            .await
    }
}

/// The association as it is.
async fn live(
    config: &ClusterConfig,
    key: &ServiceAccountKey,
    connection: &Connection,
) -> Result<PodIdentityAssociation, Failure> {
    let cluster = &config.metadata.name.value;
    let of = Some((key.namespace.as_str(), key.name.as_str()));
    let reader = &connection.readers.aws;
    let listed = reader.pod_identity_associations(cluster, of).await?;
    let association = aws::described(reader.as_ref(), cluster, &listed)
        .await?
        .into_iter()
        .next();
    let is_mark = |tag: &str| tags::is_mark(tag) || tags::is_reserved(tag);
    association
        .map(|association| as_in_a_file(&association, is_mark))
        .ok_or_else(|| {
            Failure::error(format!(
                "the service account {key} has no pod identity association"
            ))
            .with_help(remedy!(
                "`eksact get podidentityassociation --cluster {cluster} --region {}` lists what is there.",
                config.metadata.region.value
            ))
        })
}

/// Delete associations, and the roles that eksctl or eksact made for them
#[derive(Debug, Args)]
#[command(visible_alias = "podidentityassociations")]
pub(crate) struct DeletePodIdentityAssociation {
    #[command(flatten)]
    cluster: AnyClusterFlags,
    #[command(flatten)]
    association: AssociationFlags,
    #[command(flatten)]
    roles: RoleFlags,
    #[command(flatten)]
    change: ChangeFlags,
}

impl DeletePodIdentityAssociation {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let key = match self.cluster.file() {
            Some(_) => None,
            None => Some(self.association.key()?),
        };
        let (mut request, listed) = request(&self.cluster, &self.change.plan, &self.roles, global, printer)?;
        let delete = match key {
            Some(key) => [key].into(),
            None => listed.list.iter().map(PodIdentityAssociation::key).collect(),
        };
        request.ask(PodIdentityScope { delete });
        self.change.end(Self::WORDS, request, global, printer).await
    }
}
