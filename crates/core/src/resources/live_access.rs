//! What was read about who gets into the cluster: `aws-auth`, access entries, RBAC, and who the caller is to the cluster.
//! Each is read once, when a kind asks for it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

use futures::future::join_all;
use tokio::sync::OnceCell;

use super::live::Observed;
use crate::ports::{
    Readers,
    access::AccessEntry,
    kubernetes::{ConfigMap, ObjectKey, RbacBinding, RbacRole, Selector, UserInfo},
};

/// The namespace of `aws-auth` and of its backups.
pub const NAMESPACE: &str = "kube-system";
/// The name of the ConfigMap that the authenticator reads.
pub const AWS_AUTH: &str = "aws-auth";
/// The path of the roles that IAM Identity Center makes for its permission sets
/// (<https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html>).
pub const PERMISSION_SET_PATH: &str = "/aws-reserved/sso.amazonaws.com/";

/// The namespace, none for what belongs to the whole cluster, and the name of a role.
pub type RoleKey = (Option<String>, String);

/// What was read; none where nobody needed it.
#[derive(Clone, Debug, Default)]
pub struct LiveAccess {
    /// The ConfigMap `aws-auth`.
    pub aws_auth: Option<Observed<Option<ConfigMap>>>,
    /// The cluster's access entries; empty, unasked, where it reads `aws-auth` only.
    pub access_entries: Option<Observed<Vec<AccessEntry>>>,
    /// Who the caller is to the cluster's API.
    pub user_info: Option<Observed<UserInfo>>,
    /// The ARNs of the roles that IAM Identity Center made in the account.
    pub permission_set_roles: Option<Observed<Vec<String>>>,
    /// Every binding of the cluster.
    pub bindings: Option<Observed<Vec<RbacBinding>>>,
    /// Roles, those that were asked for.
    pub roles: BTreeMap<RoleKey, Observed<Option<RbacRole>>>,
}

/// A reading under way.
pub struct AccessReader {
    readers: Readers,
    cluster: String,
    config_map_only: bool,
    aws_auth: OnceCell<Observed<Option<ConfigMap>>>,
    access_entries: OnceCell<Observed<Vec<AccessEntry>>>,
    user_info: OnceCell<Observed<UserInfo>>,
    permission_set_roles: OnceCell<Observed<Vec<String>>>,
    bindings: OnceCell<Observed<Vec<RbacBinding>>>,
    roles: Mutex<BTreeMap<RoleKey, Observed<Option<RbacRole>>>>,
}

impl AccessReader {
    /// Begins for a cluster with this authentication mode (EKS; none where it is not told).
    pub fn begin(readers: Readers, cluster: &str, authentication_mode: Option<&str>) -> Self {
        Self {
            readers,
            cluster: cluster.to_owned(),
            config_map_only: authentication_mode == Some("CONFIG_MAP"),
            aws_auth: OnceCell::new(),
            access_entries: OnceCell::new(),
            user_info: OnceCell::new(),
            permission_set_roles: OnceCell::new(),
            bindings: OnceCell::new(),
            roles: Mutex::default(),
        }
    }

    /// The ConfigMap.
    pub async fn aws_auth(&self) -> &Observed<Option<ConfigMap>> {
        self.aws_auth
            .get_or_init(|| {
                self.readers
                    .kubernetes
                    .get::<ConfigMap>(ObjectKey::namespaced(NAMESPACE, AWS_AUTH))
            })
            .await
    }

    /// The access entries. EKS refuses to list them where the cluster reads `aws-auth` only: there are none.
    pub async fn access_entries(&self) -> &Observed<Vec<AccessEntry>> {
        self.access_entries
            .get_or_init(|| async {
                if self.config_map_only {
                    return Ok(Vec::new());
                }
                self.readers.aws.access_entries(&self.cluster).await
            })
            .await
    }

    /// Who the caller is to the cluster's API.
    pub async fn user_info(&self) -> &Observed<UserInfo> {
        self.user_info
            .get_or_init(|| self.readers.kubernetes.user_info())
            .await
    }

    /// The roles that IAM Identity Center made.
    pub async fn permission_set_roles(&self) -> &Observed<Vec<String>> {
        self.permission_set_roles
            .get_or_init(|| self.readers.aws.role_arns(PERMISSION_SET_PATH))
            .await
    }

    /// Every binding.
    pub async fn bindings(&self) -> &Observed<Vec<RbacBinding>> {
        self.bindings
            .get_or_init(|| {
                self.readers
                    .kubernetes
                    .list::<RbacBinding>(None, Selector::Everything)
            })
            .await
    }

    /// Reads these roles.
    pub async fn roles(&self, keys: BTreeSet<RoleKey>) {
        let keys: Vec<RoleKey> = keys.into_iter().collect();
        let read = join_all(keys.iter().map(|(namespace, name)| {
            self.readers
                .kubernetes
                .get::<RbacRole>(ObjectKey::new(namespace.as_deref(), name))
        }))
        .await;
        self.roles
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(keys.into_iter().zip(read));
    }

    /// What was read, as plain values.
    pub fn finish(self) -> LiveAccess {
        LiveAccess {
            aws_auth: self.aws_auth.into_inner(),
            access_entries: self.access_entries.into_inner(),
            user_info: self.user_info.into_inner(),
            permission_set_roles: self.permission_set_roles.into_inner(),
            bindings: self.bindings.into_inner(),
            roles: self.roles.into_inner().unwrap_or_else(PoisonError::into_inner),
        }
    }
}
