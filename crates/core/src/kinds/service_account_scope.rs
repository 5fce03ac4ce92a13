//! What commands ask of service accounts beyond the file: one scope for all kinds that serve them, the role, the namespace
//! and the Kubernetes object.

use std::collections::{BTreeMap, BTreeSet};

use eksact_identity::service_account::ServiceAccountKey;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Request, scope::saved_scope};
use crate::config::ServiceAccount;

/// Which attributes of a role are compared and changed: all, or those that flags name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoleAttribute {
    /// The trust policy.
    TrustPolicy,
    /// The attached managed policies.
    ManagedPolicies,
    /// The inline policy of the service account's own: the template's `Policy1`.
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

/// What a command asks of service accounts and their roles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceAccountScope {
    /// Those that go, with their roles.
    pub delete: BTreeSet<ServiceAccountKey>,
    /// Those of `delete` whose Kubernetes object was never eksact's business (`roleOnly`): only the role goes.
    pub delete_role_only: BTreeSet<ServiceAccountKey>,
    /// Those that stay and no longer name a role, whoever made them.
    pub forget_role: BTreeSet<ServiceAccountKey>,
    /// Every one of the cluster with a role of ours goes, but for these (`--only-missing`).
    pub delete_all_but: Option<BTreeSet<ServiceAccountKey>>,
    /// Protected ones that were named and so may go with those that the file no longer has.
    pub prune_named: BTreeSet<ServiceAccountKey>,
    /// Attributes to which the comparison of a role is limited; one that is absent here is compared whole.
    #[serde(serialize_with = "write_only", deserialize_with = "read_only")]
    pub only: BTreeMap<ServiceAccountKey, BTreeSet<RoleAttribute>>,
    /// Only what exists is changed: a service account without a role is left out, and a role is not replaced from flags that
    /// name a part of it.
    pub update: bool,
}

saved_scope!(ServiceAccountScope, "service-accounts");

type Only = BTreeMap<ServiceAccountKey, BTreeSet<RoleAttribute>>;

// A key of two parts is no key of a JSON object: pairs.
fn write_only<S: Serializer>(only: &Only, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(only)
}

fn read_only<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Only, D::Error> {
    Ok(Vec::deserialize(deserializer)?.into_iter().collect())
}

/// What is asked where no command asks for anything.
static NOTHING: ServiceAccountScope = ServiceAccountScope {
    delete: BTreeSet::new(),
    delete_role_only: BTreeSet::new(),
    forget_role: BTreeSet::new(),
    delete_all_but: None,
    prune_named: BTreeSet::new(),
    only: BTreeMap::new(),
    update: false,
};

/// The service account whose loss takes the network of a cluster down: prune keeps it unless it is named (eksctl 0.231
/// protects it too, `filter/iamserviceaccount_filter.go`).
const PROTECTED: (&str, &str) = ("kube-system", "aws-node");

/// Whether prune keeps it unless it is named.
pub(super) fn is_protected(key: &ServiceAccountKey) -> bool {
    (key.namespace.as_str(), key.name.as_str()) == PROTECTED
}

impl Request {
    /// What a command asks of service accounts.
    pub(super) fn service_account_scope(&self) -> &ServiceAccountScope {
        self.scope().unwrap_or(&NOTHING)
    }

    /// The service accounts that shall be there.
    pub fn service_accounts(&self) -> &[ServiceAccount] {
        &self.config.iam.service_accounts
    }

    /// The service accounts that are written; those that are `roleOnly` are not.
    pub(super) fn in_kubernetes(&self) -> impl Iterator<Item = &ServiceAccount> {
        self.service_accounts()
            .iter()
            .filter(|account| !account.role_only)
    }

    /// Whether what is ours goes although nothing names it. A file without the list says nothing of service accounts.
    pub(super) fn prunes_service_accounts(&self) -> bool {
        self.service_account_scope().delete_all_but.is_some() || self.prunes_attached()
    }

    /// Whether that is so of service accounts without a role of ours (`attachRoleARN`) as well.
    pub(super) fn prunes_attached(&self) -> bool {
        self.settings.prune && self.config.iam.lists_service_accounts
    }

    /// Whether the request wants this service account gone.
    pub(super) fn is_to_go(&self, key: &ServiceAccountKey) -> bool {
        self.to_go(key, |account| account.key() == *key)
    }

    /// Whether the request wants this service account's role gone: one that is given a role no longer needs its own.
    pub(super) fn role_is_to_go(&self, key: &ServiceAccountKey) -> bool {
        self.to_go(key, |account| account.owns_role() && account.key() == *key)
    }

    fn to_go(&self, key: &ServiceAccountKey, wants: impl Fn(&ServiceAccount) -> bool) -> bool {
        let scope = self.service_account_scope();
        if scope.delete.contains(key) {
            return true;
        }
        if !self.prunes_service_accounts() {
            return false;
        }
        let kept = scope
            .delete_all_but
            .as_ref()
            .is_some_and(|kept| kept.contains(key));
        let wanted = self.service_accounts().iter().any(wants);
        !wanted && !kept && (!is_protected(key) || scope.prune_named.contains(key))
    }

    /// Whether the request has anything to do with stacks and roles.
    pub(super) fn needs_roles(&self) -> bool {
        !self.service_account_scope().delete.is_empty()
            || self.prunes_service_accounts()
            || self.service_accounts().iter().any(ServiceAccount::owns_role)
    }
}
