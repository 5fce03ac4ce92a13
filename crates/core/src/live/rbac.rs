//! RBAC roles and bindings of the cluster.

use async_trait::async_trait;

use super::{Live, LiveReader, Observed, Query, addresses};
use crate::ports::kubernetes::{ObjectKey, RbacBinding, RbacRole, Selector};

/// The API group.
pub const RBAC_GROUP: &str = "rbac.authorization.k8s.io";

/// The namespace, none for what belongs to the whole cluster, and the name of a role.
pub type RoleKey = (Option<String>, String);

/// A `Role` or, without a namespace, a `ClusterRole`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RbacRoleByKey(pub RoleKey);

#[async_trait]
impl Query for RbacRoleByKey {
    type Answer = Option<RbacRole>;

    async fn read(&self, reader: &LiveReader) -> Observed<Option<RbacRole>> {
        let Self((namespace, name)) = self;
        reader
            .readers
            .kubernetes
            .get::<RbacRole>(ObjectKey::new(namespace.as_deref(), name))
            .await
    }
}

/// Every role of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AllRbacRoles;

#[async_trait]
impl Query for AllRbacRoles {
    type Answer = Vec<RbacRole>;

    async fn read(&self, reader: &LiveReader) -> Observed<Vec<RbacRole>> {
        reader
            .readers
            .kubernetes
            .list::<RbacRole>(None, Selector::Everything)
            .await
    }
}

/// Every binding of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bindings;

#[async_trait]
impl Query for Bindings {
    type Answer = Vec<RbacBinding>;

    async fn read(&self, reader: &LiveReader) -> Observed<Vec<RbacBinding>> {
        reader
            .readers
            .kubernetes
            .list::<RbacBinding>(None, Selector::Everything)
            .await
    }
}

/// `Role app/reader` or `ClusterRole reader`, for people.
pub fn role_words(namespace: Option<&str>, name: &str) -> String {
    let kind = if namespace.is_some() {
        "Role"
    } else {
        "ClusterRole"
    };
    format!("{kind} {}", addresses::qualified(namespace, name))
}

/// `RoleBinding app/reader` or `ClusterRoleBinding reader`.
pub fn binding_words(namespace: Option<&str>, name: &str) -> String {
    let kind = if namespace.is_some() {
        "RoleBinding"
    } else {
        "ClusterRoleBinding"
    };
    format!("{kind} {}", addresses::qualified(namespace, name))
}

/// The role that a binding gives.
pub fn role_key(binding: &RbacBinding) -> RoleKey {
    let namespace = binding.namespace.clone().filter(|_| binding.role_kind == "Role");
    (namespace, binding.role_name.clone())
}

impl Live {
    /// A `Role` or a `ClusterRole`.
    pub fn rbac_role(&self, key: &RoleKey) -> Option<&Observed<Option<RbacRole>>> {
        self.get(&RbacRoleByKey(key.clone()))
    }

    /// Every binding of the cluster.
    pub fn bindings(&self) -> Option<&Observed<Vec<RbacBinding>>> {
        self.get(&Bindings)
    }
}
