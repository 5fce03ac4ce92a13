//! The pods that run: which credentials they have by what their own specs say, which were written when they were made.

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    InCluster,
    said::{Around, Credentials, credentials},
};
use crate::ports::kubernetes::Pod;
use eksact_identity::authn::{pod_identity_webhook::EnvironmentVariable, sdk_credentials::taken};

/// A pod that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Running {
    /// Its name.
    pub name: String,
    /// Its containers.
    pub containers: Vec<RunningContainer>,
    /// Whether a pod that is made now would have the same credentials.
    pub is_as_next: bool,
}

/// A container of a pod that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunningContainer {
    /// Its name.
    pub name: String,
    /// Which credentials SDKs take in it.
    pub credentials: Credentials,
}

/// The pods beside a container that is made now.
pub(super) fn running(pods: &[Pod], cluster: &InCluster, next: Option<&Credentials>) -> Vec<Running> {
    let one = |pod: &Pod| {
        let containers: Vec<RunningContainer> = pod
            .credential_variables
            .keys()
            .map(|name| RunningContainer {
                name: name.clone(),
                credentials: of_container(pod, name, cluster),
            })
            .collect();
        let is_as_next =
            next.is_none_or(|next| containers.iter().all(|container| container.credentials.is(next)));
        Running {
            name: pod.name.clone(),
            containers,
            is_as_next,
        }
    };
    pods.iter().map(one).collect()
}

fn of_container(pod: &Pod, container: &str, cluster: &InCluster) -> Credentials {
    let names = pod.credential_variables.get(container).into_iter().flatten();
    let role = pod.role_arns.get(container);
    let mut environment: Vec<EnvironmentVariable> = names
        .map(|name| EnvironmentVariable {
            name: name.clone(),
            value: role.filter(|_| name == "AWS_ROLE_ARN").cloned(),
        })
        .collect();
    // Of keys only the id is read, which has no use without the other.
    if environment
        .iter()
        .any(|variable| variable.name == "AWS_ACCESS_KEY_ID")
    {
        environment.push(EnvironmentVariable {
            name: "AWS_SECRET_ACCESS_KEY".to_owned(),
            value: None,
        });
    }
    let around = Around {
        association: &cluster.association,
        place: pod.place,
        host_network: false,
    };
    credentials(&taken(&environment, false), around)
}
