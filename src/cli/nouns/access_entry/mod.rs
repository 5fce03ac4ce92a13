//! `eksact create`, `update` and `delete accessentry`: eksctl's flags, and access policies besides.

mod get;

pub(crate) use get::{GetAccessEntries, Row};

use clap::{Args, ValueEnum, builder::PossibleValue};

use super::Called as _;
use crate::cli::{
    ExitCode, Failure,
    flags::{account::AnyClusterFlags, global::GlobalFlags, plan::PlanFlags},
    run::change::ChangeFlags,
    texts::file,
};
use eksact_core::{
    config::{
        ClusterConfig, Located,
        access_entry::{AccessEntries, AccessEntry, AccessPolicy, CLUSTER_SCOPE, Keeps, NAMESPACE_SCOPE},
    },
    kinds::{Request, access_entry::AccessEntryScope},
    view::Printer,
};
use eksact_identity::{
    authn::{
        access_entry::{STANDARD, TYPES},
        access_policy::policy_arn,
    },
    iam::Partition,
};

/// Give an IAM role or user an access entry: let it into the cluster, and say what it may do
#[derive(Debug, Args)]
#[command(visible_alias = "accessentries")]
pub(crate) struct CreateAccessEntry {
    #[command(flatten)]
    cluster: AnyClusterFlags,
    #[command(flatten)]
    entry: EntryFlags,
    #[command(flatten)]
    change: ChangeFlags,
}

/// Change an access entry: only what the flags name
#[derive(Debug, Args)]
#[command(visible_alias = "accessentries")]
pub(crate) struct UpdateAccessEntry {
    #[command(flatten)]
    cluster: AnyClusterFlags,
    #[command(flatten)]
    entry: EntryFlags,
    /// No groups: all are taken away
    #[arg(long, conflicts_with_all = ["kubernetes_groups", "config_file"], help_heading = "Access entry")]
    no_kubernetes_groups: bool,
    /// The user name that EKS derives
    #[arg(long, conflicts_with_all = ["kubernetes_username", "config_file"], help_heading = "Access entry")]
    no_kubernetes_username: bool,
    /// No access policies: all are taken away
    #[arg(long, conflicts_with_all = ["access_policy", "config_file"], help_heading = "Access entry")]
    no_access_policies: bool,
    #[command(flatten)]
    change: ChangeFlags,
}

/// Delete access entries, with their access policies
#[derive(Debug, Args)]
#[command(visible_alias = "accessentries")]
pub(crate) struct DeleteAccessEntry {
    #[command(flatten)]
    cluster: AnyClusterFlags,
    /// ARN of the role or user, with its path, or `permissionSet:NAME`; with -f, all entries of the file
    #[arg(
        long,
        value_name = "ARN",
        conflicts_with = "config_file",
        help_heading = "Access entry"
    )]
    principal_arn: Option<String>,
    #[command(flatten)]
    change: ChangeFlags,
}

/// An access entry in flags. What is not named stays as it is on an entry that is there.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Access entry")]
struct EntryFlags {
    /// ARN of the role or user, with its path; `permissionSet:NAME` is the role of a permission set
    #[arg(long, value_name = "ARN", conflicts_with = "config_file")]
    principal_arn: Option<String>,
    /// Type of the entry: STANDARD for people and programs, another one for the role of nodes
    #[arg(
        long = "type",
        value_name = "TYPE",
        value_enum,
        conflicts_with = "config_file"
    )]
    entry_type: Option<EntryType>,
    /// Groups in the cluster
    #[arg(
        long,
        value_name = "GROUP",
        value_delimiter = ',',
        conflicts_with = "config_file"
    )]
    kubernetes_groups: Option<Vec<String>>,
    /// User name in the cluster; EKS derives one where it is left out
    #[arg(long, value_name = "NAME", conflicts_with = "config_file")]
    kubernetes_username: Option<String>,
    /// Access policy, by its name or ARN, for the whole cluster or for namespaces (repeatable); those that are named take the place of
    /// all that the entry has
    #[arg(long, value_name = "POLICY[:NAMESPACE,…]", conflicts_with = "config_file")]
    access_policy: Option<Vec<String>>,
}

/// A type of access entries on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EntryType(&'static str);

impl EntryType {
    /// EKS's word for it.
    pub(crate) fn as_str(self) -> &'static str {
        self.0
    }
}

impl ValueEnum for EntryType {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [EntryType; TYPES.len()] = {
            let mut all = [EntryType(STANDARD); TYPES.len()];
            let mut index = 0;
            while index < all.len() {
                all[index] = EntryType(TYPES[index]);
                index += 1;
            }
            all
        };
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0))
    }
}

impl EntryFlags {
    /// The entry that the flags make.
    fn entry(&self, partition: Partition) -> Result<AccessEntry, Failure> {
        let principal_arn = self
            .principal_arn
            .clone()
            .ok_or_else(|| Failure::usage("--principal-arn must be set"))?;
        let texts = |values: &Option<Vec<String>>| -> Vec<Located<String>> {
            let values = values.iter().flatten().cloned();
            values.map(Located::unlocated).collect()
        };
        Ok(AccessEntry {
            principal_arn: Located::unlocated(principal_arn),
            entry_type: Located::unlocated(self.entry_type.map_or(STANDARD, |given| given.0).to_owned()),
            groups: texts(&self.kubernetes_groups),
            username: self.kubernetes_username.clone().map(Located::unlocated),
            policies: self
                .access_policy
                .iter()
                .flatten()
                .map(|text| policy(text, partition))
                .collect(),
            keeps: Keeps {
                entry_type: self.entry_type.is_none(),
                username: self.kubernetes_username.is_none(),
                groups: self.kubernetes_groups.is_none(),
                policies: self.access_policy.is_none(),
            },
            location: None,
        })
    }
}

/// `AmazonEKSViewPolicy`, its ARN, and namespaces behind either.
fn policy(text: &str, partition: Partition) -> AccessPolicy {
    let name_begins = text.rfind('/').map_or(0, |slash| slash + 1);
    let (start, rest) = text.split_at(name_begins);
    let (name, namespaces) = match rest.split_once(':') {
        Some((name, namespaces)) => (name, Some(namespaces)),
        None => (rest, None),
    };
    let arn = if start.is_empty() {
        policy_arn(partition, name)
    } else {
        format!("{start}{name}")
    };
    let scope = if namespaces.is_some() {
        NAMESPACE_SCOPE
    } else {
        CLUSTER_SCOPE
    };
    AccessPolicy {
        arn: Located::unlocated(arn),
        scope: Located::unlocated(scope.to_owned()),
        namespaces: namespaces
            .into_iter()
            .flat_map(|namespaces| namespaces.split(','))
            .map(str::trim)
            .filter(|namespace| !namespace.is_empty())
            .map(|namespace| Located::unlocated(namespace.to_owned()))
            .collect(),
    }
}

/// Keys of the one entry that flags made, and those flags.
const FLAGS: [(&str, &str); 4] = [
    ("accessConfig.accessEntries[0].principalARN", "--principal-arn"),
    (
        "accessConfig.accessEntries[0].kubernetesGroups",
        "--kubernetes-groups",
    ),
    (
        "accessConfig.accessEntries[0].kubernetesUsername",
        "--kubernetes-username",
    ),
    ("accessConfig.accessEntries[0].accessPolicies", "--access-policy"),
];

/// A request about access entries and nothing else of the file.
fn request_about(
    config: &ClusterConfig,
    entries: Vec<AccessEntry>,
    scope: AccessEntryScope,
    plan: &PlanFlags,
) -> Result<Request, Failure> {
    let settings = plan.settings_alone()?;
    let config = ClusterConfig {
        access_entries: AccessEntries {
            entries,
            is_listed: false,
        },
        ..config.cluster_only()
    };
    let mut request = Request::ensure(config, settings);
    request.ask(scope);
    Ok(request)
}

fn not_defined() -> Failure {
    Failure::error("'accessConfig.accessEntries' is not defined in the file")
}

/// The entries of the file, or the one of the flags, as `change` makes it.
fn entries(
    cluster: &AnyClusterFlags,
    flags: &EntryFlags,
    config: &ClusterConfig,
    change: impl FnOnce(&mut AccessEntry),
    printer: &Printer,
) -> Result<Vec<AccessEntry>, Failure> {
    if cluster.file().is_some() {
        let entries = config.access_entries.entries.clone();
        return if entries.is_empty() {
            Err(not_defined())
        } else {
            Ok(entries)
        };
    }
    let mut entry = flags.entry(Partition::of_region(&config.metadata.region.value))?;
    change(&mut entry);
    let checked = ClusterConfig {
        access_entries: AccessEntries {
            entries: vec![entry.clone()],
            is_listed: false,
        },
        ..config.cluster_only()
    };
    file::checked(&checked, &FLAGS, printer)?;
    Ok(vec![entry])
}

impl CreateAccessEntry {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let config = self.cluster.config(global, printer)?;
        let entries = entries(&self.cluster, &self.entry, &config, |_| {}, printer)?;
        let request = request_about(&config, entries, AccessEntryScope::default(), &self.change.plan)?;
        self.change.end(Self::WORDS, request, global, printer).await
    }
}

impl UpdateAccessEntry {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let config = self.cluster.config(global, printer)?;
        let flags = &self.entry;
        let is_named = flags.entry_type.is_some()
            || flags.kubernetes_groups.is_some()
            || flags.kubernetes_username.is_some()
            || flags.access_policy.is_some()
            || self.no_kubernetes_groups
            || self.no_kubernetes_username
            || self.no_access_policies;
        if self.cluster.file().is_none() && !is_named {
            return Err(Failure::usage(
                "nothing to change: pass --kubernetes-groups, --kubernetes-username, --access-policy or --type",
            ));
        }
        let clear = |entry: &mut AccessEntry| {
            entry.keeps.groups &= !self.no_kubernetes_groups;
            entry.keeps.username &= !self.no_kubernetes_username;
            entry.keeps.policies &= !self.no_access_policies;
        };
        let entries = entries(&self.cluster, flags, &config, clear, printer)?;
        let scope = AccessEntryScope {
            is_update: true,
            ..AccessEntryScope::default()
        };
        let request = request_about(&config, entries, scope, &self.change.plan)?;
        self.change.end(Self::WORDS, request, global, printer).await
    }
}

impl DeleteAccessEntry {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let config = self.cluster.config(global, printer)?;
        let delete: Vec<String> = match (&self.principal_arn, self.cluster.file()) {
            (Some(arn), _) => vec![arn.clone()],
            (None, Some(_)) => {
                let entries = config.access_entries.entries.iter();
                entries.map(|entry| entry.principal_arn.value.clone()).collect()
            }
            (None, None) => return Err(Failure::usage("--principal-arn must be set")),
        };
        if delete.is_empty() {
            return Err(not_defined());
        }
        let scope = AccessEntryScope {
            delete,
            ..AccessEntryScope::default()
        };
        let request = request_about(&config, Vec::new(), scope, &self.change.plan)?;
        self.change.end(Self::WORDS, request, global, printer).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_policies_by_name_and_arn_with_namespaces_behind() {
        const VIEW: &str = "arn:aws-cn:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";
        for (text, arn, scope, namespaces) in [
            ("AmazonEKSViewPolicy", VIEW, "cluster", &[][..]),
            ("AmazonEKSViewPolicy:a,b-*", VIEW, "namespace", &["a", "b-*"]),
            (VIEW, VIEW, "cluster", &[]),
            (
                "arn:aws-cn:eks::aws:cluster-access-policy/AmazonEKSViewPolicy:a",
                VIEW,
                "namespace",
                &["a"],
            ),
            ("AmazonEKSViewPolicy:", VIEW, "namespace", &[]),
        ] {
            let policy = policy(text, Partition::China);
            let names: Vec<&str> = policy.namespaces.iter().map(|name| name.value.as_str()).collect();
            assert_eq!(
                (
                    policy.arn.value.as_str(),
                    policy.scope.value.as_str(),
                    names.as_slice()
                ),
                (arn, scope, namespaces),
                "{text}"
            );
        }
    }
}
