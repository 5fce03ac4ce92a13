//! Who gets into the cluster and what they may do there, as plain values: ClusterConfig's `iamIdentityMappings`, and what
//! eksact's own kind `ClusterAccess` adds to them. Built from a file by `decode`, or by hand from flags.

use serde::{Deserialize, Serialize};

use super::assumable_role::AssumableRole;
use super::location::{Located, SourceLocation};
use super::managed_policy::ManagedPolicy;
use crate::ports::kubernetes::PolicyRule;

/// eksctl's name of the only service that it maps (eksctl 0.231, `actions/iamidentitymapping/create.go`).
pub const EMR_CONTAINERS: &str = "emr-containers";

/// Whom a mapping lets in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MappingSubject {
    /// An IAM role, user or federated user by its ARN, as written; or `role:NAME`, a role of the files.
    Arn(String),
    /// Every IAM user and role of an account, each under its own ARN (`mapAccounts`).
    Account(String),
    /// A permission set of IAM Identity Center: the one role that it made in the account.
    PermissionSet {
        /// Its name, as IAM Identity Center shows it.
        name: String,
        /// Account of the role; the cluster's when absent.
        account: Option<String>,
    },
    /// An AWS service, by eksctl's name (`emr-containers`), for one namespace.
    Service {
        /// eksctl's name of the service.
        name: String,
        /// The namespace in which it works.
        namespace: String,
    },
}

/// One entry of `iamIdentityMappings`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityMapping {
    /// Whom it lets in.
    pub subject: MappingSubject,
    /// The user name, a template in the authenticator's sense. Absent: eksctl's default, the ARN's own behaviour.
    pub username: Option<String>,
    /// The groups, in the order of the file.
    pub groups: Vec<String>,
    /// eksctl's `noDuplicateARNs`.
    pub no_duplicate_arns: bool,
    /// Whether the groups of an existing mapping stay: flags that name only a user name say nothing of groups. A file
    /// always states them.
    pub keep_groups: bool,
    /// Where the entry begins in the file.
    pub location: Option<SourceLocation>,
}

/// What a group may do: one binding of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupBinding {
    /// The role that it gets.
    pub role: GroupRole,
    /// The namespaces in which it has it; none for the whole cluster.
    pub namespaces: Option<Vec<Located<String>>>,
    /// Where it begins in the file.
    pub location: Option<SourceLocation>,
}

/// The `ClusterRole` that a binding gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GroupRole {
    /// One that exists: `view`, `edit`, `admin`, or somebody's own.
    Existing(Located<String>),
    /// One of these rules, which eksact makes and keeps as it says.
    Own(Vec<PolicyRule>),
}

/// A group and what it may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupAccess {
    /// Name of the group.
    pub name: Located<String>,
    /// Its bindings, in the order of the file.
    pub bindings: Vec<GroupBinding>,
}

/// How a shared role is named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoleReference {
    /// By its ARN, as written.
    Arn(String),
    /// By its name, in the account of the cluster.
    Name(String),
}

impl RoleReference {
    /// The role's name, without its path.
    pub fn name(&self) -> &str {
        match self {
            Self::Arn(arn) => arn.rsplit('/').next().unwrap_or_default(),
            Self::Name(name) => name,
        }
    }
}

/// Service accounts that a shared role lets in: one, or those whose name fits a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedRoleAccount {
    /// The namespace.
    pub namespace: String,
    /// The name, or the pattern of it.
    pub name: String,
    /// Whether `name` is a pattern.
    pub is_pattern: bool,
}

/// A role that service accounts of several clusters assume: this cluster keeps its own statement in the trust policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedRole {
    /// The role.
    pub role: Located<RoleReference>,
    /// Who may assume it. None in a file stands for the service accounts that attach it; `load` fills them in.
    pub service_accounts: Option<Vec<SharedRoleAccount>>,
    /// Where the entry begins in the file.
    pub location: Option<SourceLocation>,
}

/// Whether a plan that gives more access may be applied. The stricter is the greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AllowBroadening {
    /// It may.
    #[default]
    Always,
    /// Only as a saved plan whose digest was approved.
    Approved,
    /// Never.
    Never,
}

impl AllowBroadening {
    /// Every value, the strictest first.
    pub const ALL: [Self; 3] = [Self::Never, Self::Approved, Self::Always];

    /// As it is written in files and flags.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Approved => "approved",
            Self::Never => "never",
        }
    }

    /// The value that is written like this.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

/// Which AWS account the cluster is in, and how eksact gets there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterAccount {
    /// Twelve digits: credentials of any other account are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Located<String>>,
    /// The profile of the AWS configuration files to begin with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Located<String>>,
    /// ARN of a role to assume, and to make all calls in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<Located<String>>,
    /// The external id that the role's trust policy asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<Located<String>>,
    /// Where it begins in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<SourceLocation>,
}

impl ClusterAccount {
    /// The account, as far as the file says: by its id, or as that of the role. Not where they contradict each other, which
    /// validation refuses.
    pub fn number(&self) -> Option<&str> {
        let id = self.id.as_ref().map(|id| id.value.as_str());
        let role = self.role_arn.as_ref().and_then(|arn| arn.value.split(':').nth(4));
        id.or(role).filter(|account| !account.is_empty())
    }
}

/// Everything that the files say about access to the cluster.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says of another list whether a file has it"
)]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterAccess {
    /// The mappings, those of the ClusterConfig first.
    pub identity_mappings: Vec<IdentityMapping>,
    /// The groups.
    pub groups: Vec<GroupAccess>,
    /// The roles that other clusters share.
    pub shared_roles: Vec<SharedRole>,
    /// Whether a file has a list of shared roles, be it empty: that is all then that this cluster shall share.
    pub states_shared_roles: bool,
    /// The roles that people or pipelines assume.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<AssumableRole>,
    /// Whether a file has a list of them, be it empty: those that eksact made and that are not in it may be pruned.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub states_roles: bool,
    /// The customer managed policies that eksact makes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<ManagedPolicy>,
    /// Whether a file has a list of policies, be it empty: those that eksact made and that are not in it may be pruned.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub states_policies: bool,
    /// Whether this is all that eksact shall have made: so it is for files with a list of mappings, be it empty, or a
    /// `ClusterAccess` that is not about roles and policies of IAM or settings alone. Files about something else, and commands about one mapping, leave the rest as it is.
    pub complete: bool,
    /// What the files let a plan do that gives more access; of several files the strictest.
    #[serde(default)]
    pub allow_broadening: Option<Located<AllowBroadening>>,
    /// Which account it is in, and how eksact gets there; none where no file says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<ClusterAccount>,
}

impl ClusterAccess {
    /// The cluster's account and what a plan may do there, which hold whatever is asked; nothing else.
    #[must_use]
    pub fn place_and_rule(&self) -> Self {
        Self {
            allow_broadening: self.allow_broadening.clone(),
            account: self.account.clone(),
            ..Self::default()
        }
    }

    /// The groups that it binds.
    pub fn bound_groups(&self) -> impl Iterator<Item = &str> {
        let bound = self.groups.iter().filter(|group| !group.bindings.is_empty());
        bound.map(|group| group.name.value.as_str())
    }
}
