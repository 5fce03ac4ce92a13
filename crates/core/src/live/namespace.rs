//! Namespaces of the cluster.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{
    BULK_FROM, Live, LiveReader, Observed, Unreadable,
    query::{Query, one_by_one},
    unreadable,
};
use crate::ports::kubernetes::{Namespace, ObjectKey, Selector};

/// A namespace, by its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamespaceByName(pub String);

#[async_trait]
impl Query for NamespaceByName {
    type Answer = Option<Namespace>;

    async fn read(&self, reader: &LiveReader) -> Observed<Option<Namespace>> {
        reader
            .readers
            .kubernetes
            .get::<Namespace>(ObjectKey::cluster(&self.0))
            .await
    }

    async fn read_all(queries: Vec<Self>, reader: &LiveReader) -> Vec<(Self, Observed<Option<Namespace>>)> {
        if queries.len() < BULK_FROM {
            return one_by_one(queries, reader).await;
        }
        match reader
            .readers
            .kubernetes
            .list::<Namespace>(None, Selector::Everything)
            .await
        {
            Ok(all) => {
                let mut by_name: BTreeMap<String, Namespace> = all
                    .into_iter()
                    .map(|namespace| (namespace.name.clone(), namespace))
                    .collect();
                let found = |query: Self| {
                    let namespace = by_name.remove(&query.0);
                    (query, Ok(namespace))
                };
                queries.into_iter().map(found).collect()
            }
            Err(error) if unreadable(&error) == Unreadable::Cluster => queries
                .into_iter()
                .map(|query| (query, Err(error.clone())))
                .collect(),
            Err(_) => one_by_one(queries, reader).await,
        }
    }
}

/// Every namespace of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AllNamespaces;

#[async_trait]
impl Query for AllNamespaces {
    type Answer = Vec<Namespace>;

    async fn read(&self, reader: &LiveReader) -> Observed<Vec<Namespace>> {
        reader
            .readers
            .kubernetes
            .list::<Namespace>(None, Selector::Everything)
            .await
    }
}

impl Live {
    /// Every namespace of the cluster.
    pub fn all_namespaces(&self) -> Option<&Observed<Vec<Namespace>>> {
        self.get(&AllNamespaces)
    }

    /// A namespace.
    pub fn namespace(&self, name: &str) -> Option<&Observed<Option<Namespace>>> {
        self.get(&NamespaceByName(name.to_owned()))
    }
}
