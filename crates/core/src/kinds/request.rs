//! What is asked for: the desired objects, as a `ClusterConfig`, and what shall become of them. Files and imperative
//! commands both end here, and nothing after this knows which it was.

use eksact_identity::service_account::ServiceAccountKey;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::scope::{Scope, Scopes};
use crate::{
    config::{ClusterConfig, ServiceAccount},
    guard::Guard,
};

/// What shall become of the cluster's OIDC provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderIntent {
    /// It shall exist, with its audience.
    Ensure,
    /// It must be there already: roles are asked for, the provider is not.
    Require,
    /// Nothing of the request needs it.
    Leave,
    /// It shall go.
    Delete,
}

/// Where the thumbprint of a new provider comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ThumbprintSource {
    /// The last certificate that the issuer's host serves.
    Issuer,
    /// Given by the user: lower-case hex SHA-1.
    Given(String),
    /// IAM finds it itself.
    Iam,
}

/// Which attributes of a role are compared and changed: all, or those that flags name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoleAttribute {
    /// The trust policy.
    TrustPolicy,
    /// The attached managed policies.
    ManagedPolicies,
    /// The inline policy of the account's own: the template's `Policy1`.
    OwnInlinePolicy,
    /// The inline policies of well-known policies.
    WellKnownPolicies,
    /// The permissions boundary.
    PermissionsBoundary,
    /// The name.
    Name,
    /// The tags.
    Tags,
    /// The stack's termination protection.
    TerminationProtection,
}

/// How the request is carried out.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own, set by a flag of its own"
)]
pub struct Settings {
    /// Whether role stacks are protected against deletion.
    pub termination_protection: bool,
    /// CloudFormation leaves failed stacks as they are.
    pub disable_rollback: bool,
    /// The role that CloudFormation acts as.
    pub cloudformation_role_arn: Option<String>,
    /// Service accounts that somebody else made are annotated.
    pub override_existing_service_accounts: bool,
    /// Thumbprint of a new provider.
    pub thumbprint: ThumbprintSource,
    /// The thumbprint of an existing provider is compared, too.
    pub check_thumbprint: bool,
    /// How long to wait for stacks that somebody works on before planning, and for our own.
    pub timeout: Duration,
    /// What eksact made and the file no longer says shall go (`--prune`), in every section that the file has.
    pub prune: bool,
    /// Guards that may be passed.
    pub allow: BTreeSet<Guard>,
    /// Makes the client request tokens of this run its own: a repeated write within the run is harmless, a new run
    /// writes anew.
    pub nonce: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            termination_protection: true,
            disable_rollback: false,
            cloudformation_role_arn: None,
            override_existing_service_accounts: false,
            thumbprint: ThumbprintSource::Issuer,
            check_thumbprint: false,
            timeout: Duration::from_mins(25),
            prune: false,
            allow: BTreeSet::new(),
            nonce: String::new(),
        }
    }
}

/// The account whose loss takes the network of a cluster down: prune keeps it unless it is named (eksctl 0.231 protects
/// it too, `filter/iamserviceaccount_filter.go`).
const PROTECTED: (&str, &str) = ("kube-system", "aws-node");

/// Whether prune keeps it unless it is named.
pub fn is_protected(key: &ServiceAccountKey) -> bool {
    (key.namespace.as_str(), key.name.as_str()) == PROTECTED
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The cluster and the service accounts that shall be as it says.
    pub config: ClusterConfig,
    /// What shall become of the OIDC provider.
    pub oidc_provider: ProviderIntent,
    /// The service accounts that shall go, with their roles.
    pub delete: BTreeSet<ServiceAccountKey>,
    /// Those of `delete` whose Kubernetes object was never eksact's business (`roleOnly`): only the role goes.
    pub delete_role_only: BTreeSet<ServiceAccountKey>,
    /// Everything of the cluster that is ours and not in `config` shall go, but for `kube-system/aws-node` unless it
    /// is in the list.
    pub prune: Option<Prune>,
    /// Attributes to which an account's comparison is limited; an account that is absent is compared whole.
    pub only: BTreeMap<ServiceAccountKey, BTreeSet<RoleAttribute>>,
    /// Only what exists is changed: an account without a role is left out, and a role is not replaced from flags that
    /// name a part of it.
    pub update: bool,
    /// What shall become of who gets into the cluster, beyond what `config` says.
    pub access: AccessRequest,
    /// How it is carried out.
    pub settings: Settings,
    /// What is asked of kinds beyond all this, each in its own type.
    scopes: Scopes,
}

/// What shall become of who gets into the cluster, beyond what the configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessRequest {
    /// Identity mappings that shall go.
    pub delete: Vec<MappingSelector>,
    /// Everything that eksact wrote and the configuration no longer says shall go.
    pub prune: bool,
    /// The same for this cluster's statements in the trust policies of shared roles.
    pub prune_shared_roles: bool,
    /// The ConfigMap `aws-auth` shall be as a backup says.
    pub restore: Option<Restore>,
}

/// Names mappings of `aws-auth`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MappingSelector {
    /// Those of this ARN, in whatever case.
    Arn {
        /// The ARN, as given.
        arn: String,
        /// Whether several may go at once.
        all: bool,
    },
    /// An account of `mapAccounts`.
    Account(String),
}

/// A backup that `aws-auth` shall be taken back to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restore {
    /// Its name, or the path of its file.
    pub name: String,
    /// The ConfigMap's `data` as it was.
    pub data: BTreeMap<String, String>,
    /// What the ConfigMap recorded then of the mappings that eksact wrote.
    pub ownership: Option<String>,
}

/// Removing what is ours and no longer in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prune {
    /// Accounts that are kept although the file does not name them (`--exclude`), by predicate on `namespace/name`.
    pub keep: BTreeSet<ServiceAccountKey>,
    /// Protected accounts that were named and may go.
    pub named: BTreeSet<ServiceAccountKey>,
    /// Whether service accounts without a role of ours (`attachRoleARN`) are looked for as well.
    pub attached: bool,
}

impl Request {
    /// A request that everything of `config` be as it says.
    pub fn ensure(config: ClusterConfig, settings: Settings) -> Self {
        let needs_provider =
            config.iam.service_accounts.iter().any(owns_role) || !config.access.shared_roles.is_empty();
        let oidc_provider = match (config.iam.with_oidc.value, needs_provider) {
            (true, _) => ProviderIntent::Ensure,
            (false, true) => ProviderIntent::Require,
            (false, false) => ProviderIntent::Leave,
        };
        Self {
            config,
            oidc_provider,
            delete: BTreeSet::new(),
            delete_role_only: BTreeSet::new(),
            prune: None,
            only: BTreeMap::new(),
            update: false,
            access: AccessRequest::default(),
            settings,
            scopes: Scopes::default(),
        }
    }

    /// Asks this of the kind that knows the type; what was asked of it before in that type is replaced.
    pub fn ask<S: Scope>(&mut self, scope: S) {
        self.scopes.put(scope);
    }

    /// What is asked of the kind that knows the type; none where it shall do what the file says.
    pub fn scope<S: Scope>(&self) -> Option<&S> {
        self.scopes.get()
    }

    /// The same with only what the configuration says of service accounts and the OIDC provider: for commands about them.
    #[must_use]
    pub fn about_service_accounts(mut self) -> Self {
        self.config = ClusterConfig {
            iam: self.config.iam.clone(),
            unmanaged_sections: self.config.unmanaged_sections.clone(),
            ..self.config.cluster_only()
        };
        self
    }

    /// The service accounts that shall be there.
    pub fn service_accounts(&self) -> &[ServiceAccount] {
        &self.config.iam.service_accounts
    }

    /// Whether this attribute of this account's role is compared.
    pub fn compares(&self, key: &ServiceAccountKey, attribute: RoleAttribute) -> bool {
        self.only.get(key).is_none_or(|only| only.contains(&attribute))
    }

    /// Whether the request wants this service account gone.
    pub fn is_to_go(&self, key: &ServiceAccountKey) -> bool {
        self.to_go(key, |account| key_of(account) == *key)
    }

    /// Whether the request wants this account's role gone: an account that is given a role no longer needs its own.
    pub fn role_is_to_go(&self, key: &ServiceAccountKey) -> bool {
        self.to_go(key, |account| owns_role(account) && key_of(account) == *key)
    }

    fn to_go(&self, key: &ServiceAccountKey, wants: impl Fn(&ServiceAccount) -> bool) -> bool {
        if self.delete.contains(key) {
            return true;
        }
        let Some(prune) = &self.prune else {
            return false;
        };
        let wanted = self.service_accounts().iter().any(wants);
        !wanted && !prune.keep.contains(key) && (!is_protected(key) || prune.named.contains(key))
    }

    /// The service accounts that are written; those that are `roleOnly` are not.
    pub fn in_kubernetes(&self) -> impl Iterator<Item = &ServiceAccount> {
        self.service_accounts()
            .iter()
            .filter(|account| !account.role_only)
    }

    /// Whether the request has anything to do with stacks and roles.
    pub fn needs_roles(&self) -> bool {
        !self.delete.is_empty() || self.prune.is_some() || self.service_accounts().iter().any(owns_role)
    }
}

/// Whether eksact makes this account's role, rather than being given one.
pub fn owns_role(account: &ServiceAccount) -> bool {
    account.attach_role_arn.is_none()
}

/// The account's namespace and name.
pub fn key_of(account: &ServiceAccount) -> ServiceAccountKey {
    ServiceAccountKey::new(&account.namespace, &account.name)
}
