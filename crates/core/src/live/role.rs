//! IAM roles: one by one, or all of the account where that costs fewer calls.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;

use super::{
    BULK_FROM, Live, LiveReader, Observed,
    query::{Query, one_by_one},
};
use crate::ports::aws::Role;
use eksact_identity::iam::permission_set;

/// A role, by its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoleByName(pub String);

/// One role out of a listing, or the role's own answer.
type RoleAnswer = (RoleByName, Observed<Option<Arc<Role>>>);

#[async_trait]
impl Query for RoleByName {
    type Answer = Option<Arc<Role>>;

    async fn read(&self, reader: &LiveReader) -> Observed<Option<Arc<Role>>> {
        Ok(reader.readers.aws.role(&self.0).await?.map(Arc::new))
    }

    async fn read_all(queries: Vec<Self>, reader: &LiveReader) -> Vec<RoleAnswer> {
        if queries.len() < BULK_FROM || !bulk_is_cheaper(queries.len(), reader).await {
            return one_by_one(queries, reader).await;
        }
        let listed = reader.ask(AllRoles).await;
        let Ok(all) = listed.as_ref() else {
            return one_by_one(queries, reader).await;
        };
        let by_name: BTreeMap<&str, &Arc<Role>> = all.iter().map(|role| (role.name.as_str(), role)).collect();
        let mut found = Vec::new();
        let mut missing = Vec::new();
        for query in queries {
            match by_name.get(query.0.as_str()) {
                Some(role) => found.push((query, Ok(Some(Arc::clone(role))))),
                None => missing.push(query),
            }
        }
        // The listing lags behind the truth: that a role is gone is believed of the role's own answer only.
        found.extend(one_by_one(missing, reader).await);
        found
    }
}

/// A role costs about four calls to read alone, a hundred roles one page in bulk.
async fn bulk_is_cheaper(wanted: usize, reader: &LiveReader) -> bool {
    match reader.readers.aws.role_count().await {
        Ok(count) => count / 100 < u64::try_from(wanted * 4).unwrap_or(u64::MAX),
        // Without the count: bulk reading is the safer guess for many roles.
        Err(_) => wanted >= 25,
    }
}

/// All roles of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AllRoles;

#[async_trait]
impl Query for AllRoles {
    type Answer = Vec<Arc<Role>>;

    async fn read(&self, reader: &LiveReader) -> Observed<Vec<Arc<Role>>> {
        let roles = reader.readers.aws.roles().await?;
        Ok(roles.into_iter().map(Arc::new).collect())
    }
}

/// How long a trust policy may be in this account; none where IAM does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrustPolicyQuota;

#[async_trait]
impl Query for TrustPolicyQuota {
    type Answer = Option<usize>;

    async fn read(&self, reader: &LiveReader) -> Observed<Option<usize>> {
        reader.readers.aws.trust_policy_quota().await
    }
}

/// The ARNs of the roles that IAM Identity Center made in the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PermissionSetRoles;

#[async_trait]
impl Query for PermissionSetRoles {
    type Answer = Vec<String>;

    async fn read(&self, reader: &LiveReader) -> Observed<Vec<String>> {
        reader.readers.aws.role_arns(permission_set::PATH).await
    }
}

impl Live {
    /// A role.
    pub fn role(&self, name: &str) -> Option<&Observed<Option<Arc<Role>>>> {
        self.get(&RoleByName(name.to_owned()))
    }

    /// All roles of the account.
    pub fn all_roles(&self) -> Option<&Observed<Vec<Arc<Role>>>> {
        self.get(&AllRoles)
    }

    /// How long a trust policy may be in this account.
    pub fn trust_policy_quota(&self) -> Option<&Observed<Option<usize>>> {
        self.get(&TrustPolicyQuota)
    }

    /// The ARNs of the roles that IAM Identity Center made in the account.
    pub fn permission_set_roles(&self) -> Option<&Observed<Vec<String>>> {
        self.get(&PermissionSetRoles)
    }
}
