//! `eksact update-kubeconfig`, `utils write-kubeconfig` and `apply --update-kubeconfig`.

use eksact_message::code::Code;
use std::collections::BTreeMap;

use clap::{ArgAction, Args};

use super::{
    aws_profile::ProfileFlags,
    file::{ChosenFile, FileChange, ShowFlags, candidates_for_cluster},
    flags::{EntryFlags, PROFILE_VARIABLES, role_name},
};
use crate::cli::{
    ExitCode, Failure,
    flags::{
        account::{AnyClusterFlags, ClusterFlags},
        global::GlobalFlags,
        place::cluster_name,
        signing::role,
    },
    run::wiring::Connection,
};
use eksact_cloud::aws::{RoleToAssume, SessionName};
use eksact_core::{
    config::ClusterConfig,
    engine::{Finding, Severity},
    kubeconfig::{
        Candidates, Entries, ExecEntry, Merge, Names, NamingStyle, SignIn, Taken, Wanted,
        changes::{Target, address, plan_of_merge},
        merge::merge,
        place,
        value::Section,
    },
    ports::aws::Cluster,
    view::Printer,
};
use eksact_identity::iam::Arn;

/// Write a cluster's context into a kubeconfig, for kubectl to sign in with eksact
#[derive(Debug, Args)]
pub(crate) struct UpdateKubeconfig {
    /// The EKS cluster
    #[arg(
        short = 'c',
        long,
        visible_alias = "cluster",
        alias = "cluster-name",
        value_name = "NAME",
        value_parser = cluster_name
    )]
    name: String,
    /// Name of the context; the user's name, if not given
    #[arg(long, value_name = "NAME")]
    alias: Option<String>,
    /// Name of the user; the cluster's ARN, if not given
    #[arg(long, value_name = "NAME")]
    user_alias: Option<String>,
    /// Role for kubectl to assume
    #[arg(long, value_name = "ARN")]
    role_arn: Option<String>,
    /// The same by the name of a role in the cluster's account, or by its ARN; --write-aws-profile writes a profile with it
    #[arg(long, value_name = "NAME|ARN", conflicts_with = "role_arn")]
    assume_role: Option<String>,
    /// Role to look up the cluster with; it is not written
    #[arg(long, visible_alias = "describe-as", value_name = "ARN")]
    assume_role_arn: Option<String>,
    /// Leave the current context as it is
    #[arg(long, help_heading = "Kubeconfig")]
    keep_current_context: bool,
    #[command(flatten)]
    entry: EntryFlags,
    #[command(flatten)]
    profile: ProfileFlags,
    #[command(flatten)]
    show: ShowFlags,
}

/// Write a cluster's context into a kubeconfig under eksctl's names
#[derive(Debug, Args)]
pub(crate) struct WriteKubeconfig {
    #[command(flatten)]
    cluster: AnyClusterFlags,
    /// Role for kubectl to assume
    #[arg(long, visible_alias = "role-arn", value_name = "ARN")]
    authenticator_role_arn: Option<String>,
    /// Make the context the current one
    #[arg(
        long,
        value_name = "BOOL",
        default_value = "true",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        overrides_with = "set_kubeconfig_context",
        action = ArgAction::Set,
        value_parser = clap::builder::BoolishValueParser::new(),
        help_heading = "Kubeconfig"
    )]
    set_kubeconfig_context: bool,
    /// Write to a file for this cluster alone, ~/.kube/eksctl/clusters/NAME
    #[arg(long, conflicts_with = "kubeconfig", help_heading = "Kubeconfig")]
    auto_kubeconfig: bool,
    /// Accepted for eksctl's sake
    #[arg(long, hide = true, value_name = "DURATION")]
    timeout: Option<String>,
    #[command(flatten)]
    entry: EntryFlags,
    #[command(flatten)]
    show: ShowFlags,
}

/// What one run writes, but for the flags about the entry itself.
struct Request<'a> {
    role_arn: Option<String>,
    /// Its name, where only that is given.
    role_name: Option<String>,
    profile: ProfileFlags,
    command: String,
    alias: Option<&'a str>,
    user_alias: Option<&'a str>,
    eksctl_names: bool,
    set_current: bool,
    candidates: Candidates,
}

/// What a run works with.
pub(crate) struct Way<'a> {
    pub connection: &'a Connection,
    pub global: &'a GlobalFlags,
    pub printer: &'a Printer,
}

impl UpdateKubeconfig {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let cluster = ClusterFlags {
            cluster: Some(self.name.clone()),
            config_file: None,
        };
        let request = Request {
            role_arn: match (&self.role_arn, &self.assume_role) {
                (Some(arn), _) => Some(role("--role-arn", arn)?),
                (None, Some(arn)) if arn.starts_with("arn:") => Some(role("--assume-role", arn)?),
                (None, _) => None,
            },
            role_name: match &self.assume_role {
                Some(name) if !name.starts_with("arn:") => Some(role_name(name)?),
                _ => None,
            },
            profile: self.profile,
            command: self.entry.command()?,
            alias: self.alias.as_deref(),
            user_alias: self.user_alias.as_deref(),
            eksctl_names: false,
            set_current: !self.keep_current_context,
            candidates: candidates_for_cluster(self.entry.kubeconfig.clone(), global)?,
        };
        let config = cluster.named(global)?;
        let describe_as = self
            .assume_role_arn
            .as_deref()
            .map(|arn| role("--assume-role-arn", arn))
            .transpose()?
            .map(|arn| RoleToAssume {
                arn,
                external_id: None,
                // The AWS CLI's name for it.
                session_name: SessionName::Named("EKSDescribeClusterSession".to_owned()),
            });
        let connection = Connection::open_in(describe_as, global, &config, printer).await?;
        let way = Way {
            connection: &connection,
            global,
            printer,
        };
        write(request, &self.entry, self.show, &config, &way).await
    }
}

impl WriteKubeconfig {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let config = self.cluster.config(global, printer)?;
        let candidates = if self.auto_kubeconfig {
            let home = std::env::home_dir()
                .ok_or_else(|| Failure::usage("there is no home folder (HOME is not set)"))?;
            Candidates::only(place::automatic(&home, &config.metadata.name.value))
        } else {
            candidates_for_cluster(self.entry.kubeconfig.clone(), global)?
        };
        let request = Request {
            role_arn: self
                .authenticator_role_arn
                .as_deref()
                .map(|arn| role("--authenticator-role-arn", arn))
                .transpose()?,
            role_name: None,
            profile: ProfileFlags::default(),
            command: self.entry.command()?,
            alias: None,
            user_alias: None,
            eksctl_names: true,
            set_current: self.set_kubeconfig_context,
            candidates,
        };
        let connection = Connection::open(global, &config, printer).await?;
        let way = Way {
            connection: &connection,
            global,
            printer,
        };
        write(request, &self.entry, self.show, &config, &way).await
    }
}

/// `apply --update-kubeconfig`: the context of the file's cluster, as `update-kubeconfig` without further flags writes it.
/// Before the apply it is rehearsed: a kubeconfig that cannot be changed is told before anything is made.
pub(crate) async fn update_with_apply(
    config: &ClusterConfig,
    show: ShowFlags,
    way: &Way<'_>,
) -> Result<ExitCode, Failure> {
    let entry = EntryFlags::default();
    let request = Request {
        role_arn: None,
        role_name: None,
        profile: ProfileFlags::default(),
        command: entry.command()?,
        alias: None,
        user_alias: None,
        eksctl_names: false,
        set_current: true,
        candidates: candidates_for_cluster(None, way.global)?,
    };
    write(request, &entry, show, config, way).await
}

async fn write(
    request: Request<'_>,
    entry: &EntryFlags,
    show: ShowFlags,
    config: &ClusterConfig,
    way: &Way<'_>,
) -> Result<ExitCode, Failure> {
    let Way {
        connection,
        global,
        printer,
    } = *way;
    let name = &config.metadata.name.value;
    let proxy_url = entry.proxy_url()?;
    let variables = entry.variables(global)?;
    let cluster = connection.readers.aws.cluster(name).await?;
    let style = if request.eksctl_names {
        NamingStyle::Eksctl {
            caller_arn: connection.readers.aws.caller_identity().await?.arn,
            cluster: cluster.name.clone(),
        }
    } else {
        NamingStyle::ClusterArn
    };
    let arn: Arn = cluster
        .arn
        .parse()
        .map_err(|error| Failure::error(format!("the ARN of cluster {name} cannot be used: {error}")))?;
    let role_arn = match &request.role_name {
        None => request.role_arn.clone(),
        Some(role) => Some(arn_of_role(role, &arn, connection, printer).await?),
    };
    let profile = request
        .profile
        .begin(role_arn.as_deref(), entry.force, show, global, printer)?;
    // kubectl takes the role from the same credentials as the profile.
    let source = request
        .profile
        .source_profile
        .clone()
        .filter(|_| !entry.no_profile);
    let mut sign_in = SignIn {
        cluster: cluster.name_in_tokens().to_owned(),
        region: Some(arn.region.clone()),
        role_arn,
        profile: entry.profile(global).or(source),
    };
    let mut exec = ExecEntry::new(
        entry.exec.into(),
        request.command.clone(),
        &sign_in,
        entry.exec_api_version.into(),
    );
    // A profile in a variable is one, too, by which users are told apart.
    let mut profiles = PROFILE_VARIABLES.iter().filter_map(|name| variables.get(*name));
    sign_in.profile = sign_in
        .profile
        .or_else(|| profiles.find(|name| !name.is_empty()).cloned());
    exec.environment.extend(variables);
    let wanted = Wanted {
        names: Names::new(&style, &cluster.arn, &sign_in, request.alias, request.user_alias),
        server: endpoint(&cluster)?,
        certificate_authority_data: cluster
            .certificate_authority_data
            .clone()
            .filter(|data| !data.is_empty()),
        proxy_url,
        namespace: entry.namespace(),
        exec,
        sign_in,
        set_current: request.set_current,
        force: entry.force,
    };
    let has_cluster = |file: &Entries| file.find(Section::Clusters, &wanted.names.cluster).is_some();
    let chosen = ChosenFile::among(&request.candidates, &[&has_cluster]);
    chosen.change(show, printer, |file, target| {
        let merged = merge(file, &wanted).map_err(|taken| refused(&taken))?;
        let names = [
            (Section::Clusters, merged.cluster.name.as_str()),
            (Section::Contexts, merged.context.name.as_str()),
            (Section::Users, merged.user.name.as_str()),
        ];
        let current = wanted.set_current.then_some(merged.context.name.as_str());
        let mut findings = chosen.findings_about(&names, current);
        findings.extend(findings_of(&merged, &wanted, entry));
        let target = Target {
            cluster: BTreeMap::from([
                ("cluster", cluster.name.clone()),
                ("clusterARN", cluster.arn.clone()),
                ("account", arn.account.clone()),
                ("region", arn.region.clone()),
            ]),
            ..target.clone()
        };
        let change = profile.as_ref().map(|profile| &profile.change);
        let plan = plan_of_merge(&target, file, &merged, wanted.set_current, change, findings)?;
        Ok(FileChange {
            edits: merged.edits,
            plan,
            before: profile,
        })
    })
}

/// The ARN of a role in the cluster's account. Where IAM may not be asked it is taken to have no path.
async fn arn_of_role(
    name: &str,
    cluster: &Arn,
    connection: &Connection,
    printer: &Printer,
) -> Result<String, Failure> {
    match connection.readers.aws.role(name).await {
        Ok(Some(role)) => Ok(role.arn),
        Ok(None) => Err(
            Failure::error(format!("account {} has no role {name}", cluster.account)).with_help(remedy!(
                "Write the ARN of a role of another account: --assume-role ARN."
            )),
        ),
        Err(error) => {
            let arn = Arn::iam(cluster.partition, &cluster.account, &format!("role/{name}")).to_string();
            printer.warning(&format!(
                "whether the role is there is not known, and {arn} is taken for it: {error}"
            ));
            Ok(arn)
        }
    }
}

/// An entry that is not taken from its owner unasked.
fn refused(taken: &Taken) -> Failure {
    Failure::error(taken.to_string()).with_help(match taken {
        Taken::ContextOfCluster { .. } => {
            remedy!("Choose another name with --alias, or replace it with --force. The file was not changed.")
        }
        Taken::ContextOfUser { .. } => {
            remedy!(
                "Choose another name with --alias, pass its role and profile, or use --force to give \
             the context another user. The file was not changed."
            )
        }
        Taken::Cluster { .. } => {
            remedy!(
                "Another account may have a cluster of this name, and eksctl's names do not distinguish \
             them: update-kubeconfig names the ARN. --force replaces the entry. The file was not changed."
            )
        }
    })
}

/// What is worth knowing about a merge.
fn findings_of(merged: &Merge, wanted: &Wanted, entry: &EntryFlags) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(other) = &merged.displaced_by {
        findings.push(
            Finding::new(
                Severity::Note,
                Code::KubeconfigUserBeside,
                format!("the user {other} signs in with another role or profile, and is left as it is"),
            )
            .about(&address(Section::Users, &merged.user.name))
            .with_help(remedy!(
                "--user-alias {other} --force replaces it, for every context that uses it."
            )),
        );
    }
    if !merged.replaced_under.is_empty() {
        findings.push(
            Finding::new(
                Severity::Warning,
                Code::KubeconfigUserReplaced,
                format!(
                    "other contexts use the user that is replaced, and now sign in as this one: {}",
                    merged.replaced_under.join(", ")
                ),
            )
            .about(&address(Section::Users, &merged.user.name)),
        );
    }
    if !merged.taken_over.is_empty() {
        findings.push(
            Finding::new(
                Severity::Note,
                Code::KubeconfigUserTakenOver,
                format!(
                    "other contexts use the user, and sign in as the same by {} from now on: {}",
                    wanted.exec.tool.program(),
                    merged.taken_over.join(", ")
                ),
            )
            .about(&address(Section::Users, &merged.user.name))
            .with_help(remedy!("--user-alias NAME makes a user of its own.")),
        );
    }
    if merged.is_insecure {
        findings.push(
            Finding::new(
                Severity::Warning,
                Code::KubeconfigInsecureCluster,
                "insecure-skip-tls-verify is set: kubectl does not check whose certificate the server has, and accepts \
                 no certificate authority beside it, so none was written",
            )
            .about(&address(Section::Clusters, &merged.cluster.name))
            .with_help(remedy!(
                "Remove `insecure-skip-tls-verify` from the cluster's entry, and run the same command again."
            )),
        );
    }
    if wanted.sign_in.profile.is_none()
        && !entry.no_profile
        && let Some(profile) = std::env::var("AWS_PROFILE")
            .ok()
            .or_else(|| std::env::var("AWS_DEFAULT_PROFILE").ok())
            .filter(|profile| !profile.is_empty())
    {
        findings.push(
            Finding::new(
                Severity::Note,
                Code::KubeconfigAmbientProfile,
                format!("the profile {profile} of this environment was not written: kubectl uses whichever is set when it runs"),
            )
            .with_help(remedy!("--profile {profile} writes it; --no-profile confirms that no profile is \
                 intended.")),
        );
    }
    findings
}

fn endpoint(cluster: &Cluster) -> Result<String, Failure> {
    let name = &cluster.name;
    let status = cluster.status.as_str();
    cluster
        .endpoint
        .clone()
        .filter(|endpoint| !endpoint.is_empty() && matches!(status, "ACTIVE" | "UPDATING"))
        .ok_or_else(|| {
            Failure::error(format!("cluster {name} has no endpoint yet: it is {status}"))
                .with_help(remedy!("Run this again once the cluster is ACTIVE."))
        })
}
