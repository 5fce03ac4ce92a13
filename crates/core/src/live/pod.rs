//! Pods of service accounts.

use async_trait::async_trait;

use super::{Live, LiveReader, Observed, Query};
use crate::ports::kubernetes::Pod;
use eksact_identity::service_account::ServiceAccountKey;

/// The pods of a service account that run or will.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PodsOf(pub ServiceAccountKey);

#[async_trait]
impl Query for PodsOf {
    type Answer = Vec<Pod>;

    async fn read(&self, reader: &LiveReader) -> Observed<Vec<Pod>> {
        let Self(key) = self;
        let pods = reader
            .readers
            .kubernetes
            .list::<Pod>(Some(&key.namespace), Pod::under(&key.name))
            .await?;
        Ok(pods.into_iter().filter(Pod::is_alive).collect())
    }
}

impl Live {
    /// The pods of a service account that run or will.
    pub fn pods_of(&self, key: &ServiceAccountKey) -> Option<&Observed<Vec<Pod>>> {
        self.get(&PodsOf(key.clone()))
    }
}
