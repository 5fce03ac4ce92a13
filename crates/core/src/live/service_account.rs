//! Service accounts of the cluster.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{
    BULK_FROM, Live, LiveReader, Observed, Unreadable,
    query::{Query, one_by_one},
    unreadable,
};
use crate::ports::kubernetes::{ObjectKey, Selector, ServiceAccount};
use eksact_identity::service_account::ServiceAccountKey;

/// A service account, by its namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceAccountByKey(pub ServiceAccountKey);

#[async_trait]
impl Query for ServiceAccountByKey {
    type Answer = Option<ServiceAccount>;

    async fn read(&self, reader: &LiveReader) -> Observed<Option<ServiceAccount>> {
        let Self(key) = self;
        reader
            .readers
            .kubernetes
            .get::<ServiceAccount>(ObjectKey::namespaced(&key.namespace, &key.name))
            .await
    }

    async fn read_all(
        queries: Vec<Self>,
        reader: &LiveReader,
    ) -> Vec<(Self, Observed<Option<ServiceAccount>>)> {
        if queries.len() < BULK_FROM {
            return one_by_one(queries, reader).await;
        }
        let listed = reader.ask(AllServiceAccounts).await;
        match listed.as_ref() {
            Ok(all) => {
                let by_key: BTreeMap<(&str, &str), &ServiceAccount> = all
                    .iter()
                    .map(|found| ((found.namespace.as_str(), found.name.as_str()), found))
                    .collect();
                let found = |query: Self| {
                    let found = by_key.get(&(query.0.namespace.as_str(), query.0.name.as_str()));
                    let found = found.map(|found| (*found).clone());
                    (query, Ok(found))
                };
                queries.into_iter().map(found).collect()
            }
            Err(error) if unreadable(error) == Unreadable::Cluster => queries
                .into_iter()
                .map(|query| (query, Err(error.clone())))
                .collect(),
            Err(_) => one_by_one(queries, reader).await,
        }
    }
}

/// Every service account of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AllServiceAccounts;

#[async_trait]
impl Query for AllServiceAccounts {
    type Answer = Vec<ServiceAccount>;

    async fn read(&self, reader: &LiveReader) -> Observed<Vec<ServiceAccount>> {
        reader
            .readers
            .kubernetes
            .list::<ServiceAccount>(None, Selector::Everything)
            .await
    }
}

impl Live {
    /// A service account.
    pub fn service_account(&self, key: &ServiceAccountKey) -> Option<&Observed<Option<ServiceAccount>>> {
        self.get(&ServiceAccountByKey(key.clone()))
    }

    /// Every service account of the cluster.
    pub fn all_service_accounts(&self) -> Option<&Observed<Vec<ServiceAccount>>> {
        self.get(&AllServiceAccounts)
    }
}
