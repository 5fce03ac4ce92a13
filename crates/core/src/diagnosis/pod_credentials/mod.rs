//! Which AWS credentials the pods of a service account get, link by link, and what the pod identity webhook puts into them: those
//! that run, and those that are made next. Pure, but for [`read`].
//!
//! The webhook's own rules are in `eksact_identity::authn::pod_identity_webhook`, the chain of a web identity in
//! `eksact_identity::authn::irsa`.

mod container;
mod explain;
mod links;
mod manifest;
mod read;
mod running;
mod said;
mod snapshot;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    live::Agent,
    ports::{
        aws::{PodIdentityAssociation, Role},
        kubernetes::Pod as RunningPod,
    },
};
use eksact_identity::{
    authn::{
        irsa::{Chain, Known},
        pod_identity_webhook::Pod,
    },
    service_account::ServiceAccountKey,
};

pub use explain::{PodExplanation, explain};
pub use manifest::{ManifestError, Manifests, manifests};
pub use read::read;
pub use snapshot::of_snapshot;

/// Whose pods, and what is known of them.
#[derive(Clone, Debug)]
pub struct PodQuestion {
    /// The service account.
    pub account: ServiceAccountKey,
    /// A pod that is to be made; none for any plain one.
    pub pod: Option<Pod>,
    /// The region, which the webhook sets as well; none where it is not known.
    pub region: Option<String>,
    /// The annotations of the service account; none where there is no such object.
    pub annotations: Known<Option<BTreeMap<String, String>>>,
    /// The cluster, and what was read of it; none where files alone are asked.
    pub cluster: Option<InCluster>,
}

/// What AWS and the cluster say.
#[derive(Clone, Debug)]
pub struct InCluster {
    /// Name of the cluster.
    pub name: String,
    /// ARN of the cluster.
    pub arn: String,
    /// Its region.
    pub region: String,
    /// The association of the service account; none where it has none.
    pub association: Known<Option<PodIdentityAssociation>>,
    /// The role of the association; none where there is none of that ARN.
    pub associated_role: Known<Option<Arc<Role>>>,
    /// What hands the credentials of associations to pods.
    pub agent: Known<Agent>,
    /// What the chain of a web identity is judged from.
    pub chain: Chain,
    /// The pods that run or will.
    pub running: Known<Vec<RunningPod>>,
}

impl InCluster {
    fn flags(&self) -> String {
        format!("--region {} --cluster-name {}", self.region, self.name)
    }
}

impl PodQuestion {
    /// The association, where one is known.
    fn association(&self) -> Option<&PodIdentityAssociation> {
        self.cluster.as_ref()?.association.as_ref().ok()?.as_ref()
    }

    /// The annotations, where the service account is known to be there.
    fn known_annotations(&self) -> Option<&BTreeMap<String, String>> {
        self.annotations.as_ref().ok()?.as_ref()
    }
}
