//! Pod identity associations of the cluster, and the agent that hands their credentials to pods.

use std::collections::HashMap;

use async_trait::async_trait;

use super::{Live, LiveReader, Observed, Query};
use crate::ports::{
    aws::{Addon, PodIdentityAssociation, PodIdentityAssociationSummary},
    kubernetes::{DaemonSet, ObjectKey},
};
use eksact_identity::service_account::ServiceAccountKey;

/// The name of the agent: of the add-on, and of the `DaemonSet` however it came there (EKS user guide,
/// `pod-id-agent-setup`; its chart).
pub const AGENT: &str = "eks-pod-identity-agent";
const AGENT_NAMESPACE: &str = "kube-system";

/// The associations of the cluster, as the listing has them: by service account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PodIdentityAssociations;

#[async_trait]
impl Query for PodIdentityAssociations {
    type Answer = HashMap<ServiceAccountKey, PodIdentityAssociationSummary>;

    async fn read(&self, reader: &LiveReader) -> Observed<Self::Answer> {
        let cluster = &reader.cluster().name;
        let listed = reader
            .readers
            .aws
            .pod_identity_associations(cluster, None)
            .await?;
        let by_account = |summary: PodIdentityAssociationSummary| {
            let key = ServiceAccountKey::new(&summary.namespace, &summary.service_account);
            (key, summary)
        };
        Ok(listed.into_iter().map(by_account).collect())
    }
}

/// An association with its role, by its id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PodIdentityAssociationById(pub String);

#[async_trait]
impl Query for PodIdentityAssociationById {
    type Answer = Option<PodIdentityAssociation>;

    async fn read(&self, reader: &LiveReader) -> Observed<Self::Answer> {
        let cluster = &reader.cluster().name;
        reader
            .readers
            .aws
            .pod_identity_association(cluster, &self.0)
            .await
    }
}

/// How the agent came to the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agent {
    /// EKS Auto Mode has it built in.
    AutoMode,
    /// As an add-on of EKS.
    Addon(Addon),
    /// Somebody installed it, with its chart or otherwise.
    Own(DaemonSet),
    /// There is none.
    Missing,
}

/// The agent of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PodIdentityAgent;

#[async_trait]
impl Query for PodIdentityAgent {
    type Answer = Agent;

    async fn read(&self, reader: &LiveReader) -> Observed<Agent> {
        if reader.cluster().auto_mode {
            return Ok(Agent::AutoMode);
        }
        let cluster = &reader.cluster().name;
        if let Some(addon) = reader.readers.aws.addon(cluster, AGENT).await? {
            return Ok(Agent::Addon(addon));
        }
        let key = ObjectKey::namespaced(AGENT_NAMESPACE, AGENT);
        let daemon_set = reader.readers.kubernetes.get::<DaemonSet>(key).await?;
        Ok(daemon_set.map_or(Agent::Missing, Agent::Own))
    }
}

impl Live {
    /// The associations of the cluster by service account.
    pub fn pod_identity_associations(
        &self,
    ) -> Option<&Observed<HashMap<ServiceAccountKey, PodIdentityAssociationSummary>>> {
        self.get(&PodIdentityAssociations)
    }

    /// The association of a service account, where it was read; one that vanished between the calls is none.
    pub fn pod_identity_association(
        &self,
        key: &ServiceAccountKey,
    ) -> Option<Observed<Option<&PodIdentityAssociation>>> {
        let listed = match self.pod_identity_associations()? {
            Ok(listed) => listed,
            Err(error) => return Some(Err(error.clone())),
        };
        let Some(summary) = listed.get(key) else {
            return Some(Ok(None));
        };
        let read = self.get(&PodIdentityAssociationById(summary.id.clone()))?;
        Some(read.as_ref().map(Option::as_ref).map_err(Clone::clone))
    }
}
