//! `eksact migrate …`: from the old half of EKS's access to the new one.

use std::collections::{BTreeMap, BTreeSet};

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::{
    ExitCode, Failure,
    flags::{account::ClusterFlags, filter::FilterFlags, global::GlobalFlags, plan::PlanFlags},
    nouns::access_entry::EntryType,
    run::{
        flow::{self, ApprovalFlags},
        wiring::Connection,
    },
};
use eksact_core::{
    guard::{access::principal_key, standpoint::known_entries},
    kinds::{
        to_access_entries::{self, Extent},
        to_pod_identity,
    },
    live::Live,
    migration::Choices,
    ports::aws::AuthenticationMode,
    view::Printer,
};
use eksact_identity::authn::{
    access_entry::TYPES,
    aws_auth::{AwsAuth, SectionKey},
};

/// Go from aws-auth to access entries, or from annotated service accounts to EKS Pod Identity, without taking access from anyone
#[derive(Debug, Args)]
pub(crate) struct MigrateCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    ToAccessEntries(Box<ToAccessEntries>),
    ToPodIdentity(Box<ToPodIdentity>),
}

impl MigrateCommand {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        match self.what {
            What::ToAccessEntries(command) => command.run(global, printer).await,
            What::ToPodIdentity(command) => command.run(global, printer).await,
        }
    }
}

/// Make an access entry for every principal that aws-auth lets in, with the same user name and rights
#[derive(Debug, Args)]
pub(crate) struct ToAccessEntries {
    #[command(flatten)]
    cluster: ClusterFlags,
    /// Delete the lines of aws-auth whose principals have an entry, once the cluster lets the caller in by its entry
    #[arg(long, help_heading = "Migration")]
    remove_aws_auth: bool,
    /// Go to authentication mode API in the end, in which aws-auth is not read; there is no way back
    #[arg(long, help_heading = "Migration")]
    to_api: bool,
    /// Whole ARN of a role of another account, or of one that IAM does not tell
    #[arg(long, value_name = "ARN", help_heading = "Lines that leave something open")]
    principal_arn: Vec<String>,
    /// User name in place of the one in aws-auth
    #[arg(long, value_name = "ARN=NAME", value_parser = named_user, help_heading = "Lines that leave something open")]
    username: Vec<String>,
    /// Type of the entry of nodes, such as `HYBRID_LINUX`
    #[arg(long = "type", value_name = "ARN=TYPE", value_parser = typed, help_heading = "Lines that leave something open")]
    entry_type: Vec<(String, EntryType)>,
    #[command(flatten)]
    plan: PlanFlags,
    #[command(flatten)]
    approval: ApprovalFlags,
}

/// The same under eksctl's name
#[derive(Debug, Args)]
pub(crate) struct MigrateToAccessEntry {
    /// The mode to end in: API also deletes the lines of aws-auth
    #[arg(long, value_name = "MODE", value_enum, default_value = "API_AND_CONFIG_MAP")]
    target_authentication_mode: Target,
    #[command(flatten)]
    migration: ToAccessEntries,
}

/// The modes that a migration may end in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Target {
    #[value(name = "API")]
    Api,
    #[value(name = "API_AND_CONFIG_MAP")]
    ApiAndConfigMap,
}

impl MigrateToAccessEntry {
    pub(crate) async fn run(mut self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        if self.target_authentication_mode == Target::Api {
            self.migration.remove_aws_auth = true;
            self.migration.to_api = true;
        }
        self.migration.run(global, printer).await
    }
}

impl ToAccessEntries {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let settings = self.plan.settings_alone()?;
        let config = self.cluster.config(global, printer)?.cluster_only();
        let connection = Connection::open(global, &config, printer).await?;
        let name = &config.metadata.name.value;
        let reader = flow::reader(&connection, &config, printer).await?;
        let aws_auth = to_access_entries::read(&reader).await?;
        let live = reader.snapshot();
        if live.cluster.mode() == Ok(AuthenticationMode::Api) {
            printer.note(&format!(
                "cluster {name} is in authentication mode API: aws-auth is not read, and there is nothing to migrate"
            ));
            return Ok(ExitCode::Success);
        }
        if let Some((section, fault)) = aws_auth.dropped().next() {
            return Err(Failure::error(format!(
                "the cluster reads nothing of {} in aws-auth: {}",
                section.as_str(),
                fault.problem
            ))
            .with_help(remedy!(
                "Fix the section first: `eksact check aws-auth --cluster {name}` reports what is wrong with it."
            )));
        }
        let choices = self.choices(&aws_auth, &live, printer)?;
        choices.check(&aws_auth, &live.account).map_err(|error| {
            Failure::usage(error.to_string())
                .with_help(remedy!("Leave the flag out, or choose what its line can have."))
        })?;
        let extent = Extent {
            removes_lines: self.remove_aws_auth,
            to_api: self.to_api,
            choices,
        };
        let request = to_access_entries::request(&config, settings, &live, &aws_auth, &extent);
        flow::apply_over(&reader, &request, &connection, &self.plan, self.approval, printer).await
    }

    /// What the flags decide. One that names no line is a mistake, unless an earlier run has moved the line.
    fn choices(&self, aws_auth: &AwsAuth, live: &Live, printer: &Printer) -> Result<Choices, Failure> {
        let lines: BTreeSet<String> = [SectionKey::Roles, SectionKey::Users]
            .into_iter()
            .flat_map(|section| aws_auth.mappings(section))
            .map(|entry| principal_key(&entry.value.arn))
            .collect();
        let moved: BTreeSet<String> = known_entries(live)
            .unwrap_or_default()
            .iter()
            .map(|entry| principal_key(&entry.principal_arn))
            .collect();
        let put = |chosen: &mut BTreeMap<String, String>, flag: &str, arn: &str, value: &str| {
            let key = principal_key(arn);
            if !lines.contains(&key) && moved.contains(&key) {
                printer.note(&format!(
                    "{flag} {arn} has no effect: aws-auth has no line for it any more, and its access entry is there"
                ));
                return Ok(());
            }
            if !lines.contains(&key) {
                return Err(Failure::usage(format!(
                    "{flag} {arn}: aws-auth has no line for it"
                )));
            }
            match chosen.insert(key, value.to_owned()) {
                Some(other) if other != value => Err(Failure::usage(format!(
                    "{flag} says both {other} and {value} of {arn}"
                ))),
                _ => Ok(()),
            }
        };
        let mut choices = Choices::default();
        for arn in &self.principal_arn {
            put(&mut choices.principal_arns, "--principal-arn", arn, arn)?;
        }
        for text in &self.username {
            let is_known = |arn: &str| {
                let key = principal_key(arn);
                lines.contains(&key) || moved.contains(&key)
            };
            let (arn, name) = user_of(text, is_known)?;
            put(&mut choices.usernames, "--username", arn, name)?;
        }
        for (arn, entry_type) in &self.entry_type {
            put(&mut choices.types, "--type", arn, entry_type.as_str())?;
        }
        Ok(choices)
    }
}

/// `ARN=NAME`, of which only aws-auth tells where the ARN ends.
fn named_user(text: &str) -> Result<String, String> {
    match text.split_once('=') {
        Some((arn, _)) if !arn.is_empty() => Ok(text.to_owned()),
        _ => Err(format!("`{text}` is not ARN=NAME")),
    }
}

/// The two parts of `ARN=NAME`. Names of roles and users may have a `=` (IAM, `CreateRole`: `[\w+=,.@-]+`), and user names in the cluster
/// as well: the ARN is what has a line or an entry.
fn user_of(text: &str, is_known: impl Fn(&str) -> bool) -> Result<(&str, &str), Failure> {
    let parts = |at: usize| Some((text.get(..at)?, text.get(at + 1..)?));
    let places = text.match_indices('=').filter_map(|(at, _)| parts(at));
    let mut fitting = places.filter(|(arn, _)| is_known(arn));
    match (fitting.next(), fitting.next()) {
        (Some((one, _)), Some((other, _))) => Err(Failure::usage(format!(
            "--username {text} is either of {one} or of {other}, and both have a line in aws-auth or an access entry: change the \
             user name in aws-auth instead"
        ))),
        (Some(found), None) => Ok(found),
        // Of nobody: what is said of it names the shortest.
        (None, _) => Ok(text.split_once('=').unwrap_or((text, ""))),
    }
}

/// `ARN=TYPE`. A name may have a `=`, and no type has one.
fn typed(text: &str) -> Result<(String, EntryType), String> {
    let (arn, entry_type) = text
        .rsplit_once('=')
        .filter(|(arn, _)| !arn.is_empty())
        .ok_or_else(|| format!("`{text}` is not ARN=TYPE"))?;
    match EntryType::from_str(entry_type, false) {
        Ok(entry_type) => Ok((arn.to_owned(), entry_type)),
        Err(_) => Err(format!(
            "`{entry_type}` is not one of the types {}",
            TYPES.join(", ")
        )),
    }
}

/// Make a pod identity association for every service account that names a role by its annotation
#[derive(Debug, Args)]
pub(crate) struct ToPodIdentity {
    #[command(flatten)]
    cluster: ClusterFlags,
    /// Only service accounts whose `namespace/name` matches a glob
    #[arg(
        long,
        value_name = "GLOB",
        value_delimiter = ',',
        help_heading = "Service accounts"
    )]
    include: Vec<String>,
    /// All but service accounts whose `namespace/name` matches a glob
    #[arg(
        long,
        value_name = "GLOB",
        value_delimiter = ',',
        help_heading = "Service accounts"
    )]
    exclude: Vec<String>,
    /// Remove annotations and what the trust policies have for them, of service accounts whose pods all use their association
    #[arg(
        long,
        alias = "remove-oidc-provider-trust-relationship",
        help_heading = "Migration"
    )]
    remove_irsa: bool,
    /// Install the add-on eks-pod-identity-agent where the cluster has no agent
    #[arg(long, help_heading = "Migration")]
    install_agent: bool,
    #[command(flatten)]
    plan: PlanFlags,
    #[command(flatten)]
    approval: ApprovalFlags,
}

impl ToPodIdentity {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let settings = self.plan.settings_alone()?;
        let filter = FilterFlags {
            include: self.include.clone(),
            exclude: self.exclude.clone(),
        }
        .compile()?;
        let config = self.cluster.config(global, printer)?.cluster_only();
        let connection = Connection::open(global, &config, printer).await?;
        let name = &config.metadata.name.value;
        let reader = flow::reader(&connection, &config, printer).await?;
        let annotated = to_pod_identity::read(&reader, |account| filter.takes(account)).await?;
        if annotated.is_empty() {
            if !self.include.is_empty() {
                return Err(Failure::error(format!(
                    "no service account with a role annotation matches --include {}",
                    self.include.join(",")
                )));
            }
            printer.note(&format!(
                "no service account of cluster {name} has a role annotation: there is nothing to migrate"
            ));
            return Ok(ExitCode::Success);
        }
        let extent = to_pod_identity::Extent {
            removes_irsa: self.remove_irsa,
            installs_agent: self.install_agent,
        };
        let request = to_pod_identity::request(&config, settings, &reader.snapshot(), &annotated, extent);
        flow::apply_over(&reader, &request, &connection, &self.plan, self.approval, printer).await
    }
}
