//! RBAC roles and bindings of the cluster.

use async_trait::async_trait;

use super::{Live, LiveReader, Observed, Query};
use crate::ports::kubernetes::{ObjectKey, RbacBinding, RbacRole, Selector};

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
