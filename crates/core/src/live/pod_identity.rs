//! Pod identity associations of the cluster, and the agent that hands their credentials to pods.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Live, LiveReader, Observed, Query};
use crate::ports::{
    aws::{Addon, PodIdentityAssociation, PodIdentityAssociationSummary, Role},
    kubernetes::{DaemonSet, ObjectKey},
};
use eksact_identity::{
    iam::pod_identity::{self, PodIdentity, Trust},
    service_account::ServiceAccountKey,
};

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

/// Whether the trust policy of a role lets EKS Pod Identity hand it to the pods of some association, of this cluster or another.
pub fn admits_any_pods(role: &Role) -> bool {
    role.trust_policy.to_string().contains(pod_identity::SERVICE)
}

/// Whether it lets EKS hand the role to the pods of this association, with session tags or without: what only the association itself
/// says.
pub fn admits_pods(cluster_arn: &str, role: &Role, summary: &PodIdentityAssociationSummary) -> bool {
    let account = ServiceAccountKey::new(&summary.namespace, &summary.service_account);
    [true, false].into_iter().any(|has_session_tags| {
        let identity = PodIdentity {
            cluster_arn,
            account: &account,
            has_session_tags,
        };
        identity.judge(&role.trust_policy) == Trust::Given
    })
}

impl LiveReader {
    /// Reads the associations that may use one of these roles, by their trust policies: the listing does not say which role one has.
    /// Roles that were not read are in no association, as far as is known.
    pub async fn read_associations_of(&self, roles: impl Iterator<Item = &str> + Send) {
        let so_far = self.snapshot();
        let roles: Vec<&Arc<Role>> = roles
            .filter_map(|name| so_far.role(name)?.as_ref().ok()?.as_ref())
            .filter(|role| admits_any_pods(role))
            .collect();
        if roles.is_empty() {
            return;
        }
        let listed = self.ask(PodIdentityAssociations).await;
        let Ok(listed) = listed.as_ref() else { return };
        let cluster_arn = &self.cluster().arn;
        let may_use = |summary: &&PodIdentityAssociationSummary| {
            roles.iter().any(|role| admits_pods(cluster_arn, role, summary))
        };
        let ids = listed.values().filter(may_use).map(|summary| summary.id.clone());
        self.read(ids.map(PodIdentityAssociationById)).await;
    }
}

/// How the agent came to the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
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
