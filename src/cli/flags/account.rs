//! Flags that name a cluster and a service account, and the configuration that they make: the same that a file would.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;

use super::{
    global::GlobalFlags,
    place::{cluster_name, region_of_profile},
};
use crate::cli::{Failure, texts::file};
use eksact_core::{
    config::{ClusterConfig, Located, Metadata, ServiceAccount, WellKnownPolicies, not_a_region},
    kinds::service_account_scope::RoleAttribute,
    view::Printer,
};
use eksact_identity::iam::WellKnownPolicy;

/// The cluster of a command without a file.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Cluster or file")]
pub(crate) struct ClusterFlags {
    /// The EKS cluster
    #[arg(short, long, value_name = "NAME", conflicts_with = "config_file", value_parser = cluster_name)]
    pub cluster: Option<String>,
    /// The ClusterConfig file, or `-` for standard input
    #[arg(short = 'f', long = "config-file", alias = "file", value_name = "PATH")]
    pub config_file: Option<String>,
}

/// The cluster of commands that take it under every name that eksctl gives it.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Cluster or file")]
pub(crate) struct AnyClusterFlags {
    #[command(flatten)]
    flags: ClusterFlags,
    /// The EKS cluster
    #[arg(value_name = "CLUSTER", conflicts_with_all = ["cluster", "config_file"], help_heading = None::<&str>, value_parser = cluster_name)]
    positional: Option<String>,
    /// The EKS cluster, under eksctl's old name of the flag
    #[arg(short = 'n', long = "name", value_name = "NAME", hide = true, conflicts_with_all = ["cluster", "positional", "config_file"], value_parser = cluster_name)]
    old_name: Option<String>,
}

impl AnyClusterFlags {
    /// The configuration that names the cluster: the file's, or one of the flags.
    pub(crate) fn config(&self, global: &GlobalFlags, printer: &Printer) -> Result<ClusterConfig, Failure> {
        self.flags().config(global, printer)
    }

    /// The file, where there is one.
    pub(crate) fn file(&self) -> Option<&str> {
        self.flags.config_file.as_deref()
    }

    /// The same, whichever name the cluster was given under.
    pub(crate) fn flags(&self) -> ClusterFlags {
        let name = self.flags.cluster.as_ref();
        let name = name.or(self.positional.as_ref()).or(self.old_name.as_ref());
        ClusterFlags {
            cluster: name.cloned(),
            config_file: self.flags.config_file.clone(),
        }
    }
}

/// The service account of a command without a file.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Service account")]
pub(crate) struct NameFlags {
    /// Name of the service account
    #[arg(value_name = "NAME", conflicts_with_all = ["name", "config_file"], help_heading = None::<&str>, value_parser = positional_name)]
    pub positional_name: Option<String>,
    /// Name of the service account
    #[arg(long, value_name = "NAME", conflicts_with = "config_file", value_parser = account_name)]
    pub name: Option<String>,
    /// Namespace of the service account; `default` when it is to be created, updated or deleted
    #[arg(long, value_name = "NAMESPACE", conflicts_with = "config_file")]
    pub namespace: Option<String>,
}

/// What the role of a service account shall be.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Role")]
pub(crate) struct PermissionFlags {
    /// Managed policies of the role
    #[arg(
        long,
        value_name = "ARN",
        value_delimiter = ',',
        conflicts_with = "config_file"
    )]
    pub attach_policy_arn: Option<Vec<String>>,
    /// Inline policy of the role: a file with the document as JSON
    #[arg(long, value_name = "PATH", conflicts_with = "config_file")]
    pub attach_policy: Option<std::path::PathBuf>,
    /// Well-known policies: imageBuilder, autoScaler, awsLoadBalancerController, externalDNS, certManager,
    /// ebsCSIController, efsCSIController
    #[arg(long, value_name = "POLICY", value_delimiter = ',', conflicts_with = "config_file", value_parser = well_known)]
    pub well_known_policies: Option<Vec<WellKnownPolicy>>,
    /// No policy for the role: all existing ones are removed
    #[arg(long, conflicts_with_all = ["attach_policy_arn", "attach_policy", "well_known_policies", "config_file"])]
    pub no_policies: bool,
    /// Managed policy that bounds the role
    #[arg(
        long,
        value_name = "ARN",
        alias = "permission-boundary-arn",
        conflicts_with = "config_file"
    )]
    pub permissions_boundary: Option<String>,
    /// No boundary for the role: an existing one is removed
    #[arg(long, conflicts_with_all = ["permissions_boundary", "config_file"])]
    pub no_permissions_boundary: bool,
    /// Pattern in place of the name in the role's trust policy
    #[arg(long, value_name = "PATTERN", conflicts_with = "config_file")]
    pub subject_pattern: Option<String>,
    /// The name itself in the role's trust policy, in place of a pattern
    #[arg(long, conflicts_with_all = ["subject_pattern", "config_file"])]
    pub no_subject_pattern: bool,
    /// Tags of the stack and the role
    #[arg(long, value_name = "KEY=VALUE", value_delimiter = ',', value_parser = pair, conflicts_with = "config_file")]
    pub tags: Option<Vec<(String, String)>>,
}

impl ClusterFlags {
    /// The configuration that names the cluster: the file's, or one of the flags.
    pub(crate) fn config(&self, global: &GlobalFlags, printer: &Printer) -> Result<ClusterConfig, Failure> {
        match &self.config_file {
            Some(path) => file::load(path, global.region.as_deref(), printer),
            None => self.named(global),
        }
    }

    /// A configuration that names the cluster of the flags and nothing else.
    pub(crate) fn named(&self, global: &GlobalFlags) -> Result<ClusterConfig, Failure> {
        let Some(cluster) = &self.cluster else {
            return Err(Failure::usage("--cluster must be set").with_help(remedy!(
                "Or name a file with -f that says which cluster it is about."
            )));
        };
        let region = match &global.region {
            Some(region) => region.clone(),
            None => region_of_environment(global)?,
        };
        Ok(ClusterConfig {
            metadata: Metadata {
                name: Located::unlocated(cluster.clone()),
                region: Located::unlocated(region),
                ..Metadata::default()
            },
            ..ClusterConfig::default()
        })
    }
}

/// The region that the environment or the profile names, as the AWS SDKs look for it.
fn region_of_environment(global: &GlobalFlags) -> Result<String, Failure> {
    for variable in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
        if let Ok(region) = std::env::var(variable)
            && !region.is_empty()
        {
            return match not_a_region(&region) {
                None => Ok(region),
                Some(told) => {
                    Err(Failure::usage(format!("{variable}: {}", told.message(&region))).with_help(told.help))
                }
            };
        }
    }
    if global.sandbox {
        return Ok("eu-west-1".to_owned());
    }
    region_of_profile(global.profile.as_deref())?.ok_or_else(|| {
        Failure::usage("no region: pass --region, or set AWS_REGION").with_help(remedy!(
            "A profile's region counts as well: --profile, or AWS_PROFILE."
        ))
    })
}

impl NameFlags {
    /// The name, from the flag or the argument.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref().or(self.positional_name.as_deref())
    }

    /// The service account that the flags name.
    pub(crate) fn account(&self) -> Result<ServiceAccount, Failure> {
        let name = self.name().ok_or_else(|| Failure::usage("--name must be set"))?;
        Ok(ServiceAccount {
            name: name.to_owned(),
            namespace: self
                .namespace
                .clone()
                .unwrap_or_else(|| eksact_core::config::DEFAULT_NAMESPACE.to_owned()),
            ..ServiceAccount::default()
        })
    }
}

impl PermissionFlags {
    /// Sets on `account` what the flags name, and leaves the rest as it is.
    pub(crate) fn set_on(&self, account: &mut ServiceAccount) -> Result<(), Failure> {
        if let Some(arns) = &self.attach_policy_arn {
            account.attach_policy_arns = arns.iter().cloned().map(Located::unlocated).collect();
        }
        if self.no_policies {
            account.attach_policy_arns.clear();
            account.attach_policy = None;
            account.well_known_policies = WellKnownPolicies::default();
            account.states_no_policy = true;
        }
        if let Some(path) = &self.attach_policy {
            let text = file::read_text(&path.to_string_lossy(), "--attach-policy")?;
            let document = serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| {
                Failure::usage(format!("--attach-policy {} is not JSON: {error}", path.display()))
            })?;
            account.attach_policy = Some(Located::unlocated(document));
        }
        if let Some(policies) = &self.well_known_policies {
            account.well_known_policies =
                WellKnownPolicies(policies.iter().copied().collect::<BTreeSet<_>>());
        }
        if let Some(boundary) = &self.permissions_boundary {
            account.permissions_boundary = Some(Located::unlocated(boundary.clone()));
        }
        if self.no_permissions_boundary {
            account.permissions_boundary = None;
        }
        if let Some(pattern) = &self.subject_pattern {
            account.subject_pattern = Some(Located::unlocated(pattern.clone()));
        }
        if self.no_subject_pattern {
            account.subject_pattern = None;
        }
        if let Some(tags) = &self.tags {
            account
                .tags
                .extend(tags.iter().cloned().collect::<BTreeMap<_, _>>());
        }
        Ok(())
    }
}

impl PermissionFlags {
    /// The attributes of a role that the flags name.
    pub(crate) fn named(&self) -> BTreeSet<RoleAttribute> {
        let mut named = BTreeSet::new();
        if self.attach_policy_arn.is_some() {
            named.insert(RoleAttribute::ManagedPolicies);
        }
        if self.attach_policy.is_some() {
            named.insert(RoleAttribute::OwnInlinePolicy);
        }
        if self.well_known_policies.is_some() {
            // They stand for managed and for inline policies.
            named.extend([RoleAttribute::WellKnownPolicies, RoleAttribute::ManagedPolicies]);
        }
        if self.no_policies {
            named.extend([
                RoleAttribute::ManagedPolicies,
                RoleAttribute::OwnInlinePolicy,
                RoleAttribute::WellKnownPolicies,
            ]);
        }
        if self.permissions_boundary.is_some() || self.no_permissions_boundary {
            named.insert(RoleAttribute::PermissionsBoundary);
        }
        if self.subject_pattern.is_some() || self.no_subject_pattern {
            named.insert(RoleAttribute::TrustPolicy);
        }
        if self.tags.is_some() {
            named.insert(RoleAttribute::Tags);
        }
        named
    }
}

/// A name, and not the value of a switch: Go's flags take none behind a blank either.
pub(crate) fn positional_name(text: &str) -> Result<String, String> {
    if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
        return Err(format!(
            "a switch takes its value after `=`, as in --approve={text}; if it is the name, pass --name \
             {text}"
        ));
    }
    if text.chars().all(|character| character.is_ascii_digit()) {
        return Err(format!(
            "a number is unlikely to be a name; if it is one, pass --name {text}"
        ));
    }
    account_name(text)
}

/// The name of a service account alone. Other commands take `NAMESPACE/NAME`; here that would be a name that no service
/// account can have, and so one that is never found.
pub(crate) fn account_name(text: &str) -> Result<String, String> {
    // An ARN has slashes, too, and is told as one.
    let is_name = |part: &str| {
        let is_of_names = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.');
        !part.is_empty() && part.chars().all(is_of_names)
    };
    match text.split_once('/') {
        Some((namespace, name)) if is_name(namespace) && is_name(name) => Err(format!(
            "this is NAMESPACE/NAME: write `{name}`, and --namespace {namespace}"
        )),
        _ => Ok(text.to_owned()),
    }
}

/// `key=value`.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .filter(|(key, _)| !key.is_empty())
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .ok_or_else(|| format!("`{text}` is not KEY=VALUE"))
}

pub(crate) fn well_known(text: &str) -> Result<WellKnownPolicy, String> {
    WellKnownPolicy::ALL
        .into_iter()
        .find(|policy| policy.field_name().eq_ignore_ascii_case(text))
        .ok_or_else(|| {
            let names: Vec<&str> = WellKnownPolicy::ALL
                .into_iter()
                .map(WellKnownPolicy::field_name)
                .collect();
            format!("`{text}` is not one of {}", names.join(", "))
        })
}
