//! What the pod identity webhook puts into pods, by the service account's annotations or for its pod identity association, as
//! the webhook itself does it. Pure.
//!
//! Source: the pod identity webhook v0.6.17 (`pkg/handler/handler.go`, `pkg/cache/cache.go`, `main.go`). It acts when a pod is
//! made and never again. A test compares the patches with those of its own code (`tests/webhook_agreement`).

mod configuration;
mod container;
mod patch;
mod pod;
mod skip_list;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use configuration::{Configuration, Expiration, Ignored, Method, ignored_annotations};
pub use container::{InjectedContainer, Kept, Variable};
pub use patch::Operation;
pub use pod::{EnvironmentVariable, Pod, PodContainer};

/// The audience of the tokens that STS takes.
const STS_AUDIENCE: &str = "sts.amazonaws.com";
/// Seconds for which a token is valid where nothing says otherwise (`pkg/constants.go`).
const DEFAULT_EXPIRATION: i64 = 86_400;
/// The API server's least (`pkg/constants.go`).
const LEAST_EXPIRATION: i64 = 600;
/// The label of a pod that keeps the webhook from being asked (`deploy/mutatingwebhook.yaml`, `objectSelector`).
pub const SKIP_LABEL: &str = "eks.amazonaws.com/skip-pod-identity-webhook";

/// How the webhook is started: its flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// `--token-audience`.
    pub audience: String,
    /// `--sts-regional-endpoint`.
    pub regional_sts: bool,
    /// `--aws-default-region`; none where it sets no region.
    pub region: Option<String>,
    /// `--token-expiration`, in seconds.
    pub token_expiration: i64,
}

impl Webhook {
    /// As EKS runs it, where no one sees its flags: regional endpoints since 1.22, and the region of the cluster (EKS user
    /// guide, "Configure the AWS Security Token Service endpoint for a service account", and what its pods have).
    pub fn of_eks(region: Option<&str>) -> Self {
        Self {
            audience: STS_AUDIENCE.to_owned(),
            regional_sts: true,
            region: region.map(str::to_owned),
            token_expiration: DEFAULT_EXPIRATION,
        }
    }

    /// What it makes of the pods of a service account; none where it leaves them as they are.
    ///
    /// `annotations` are those of the service account, none where there is no such object. An association wins over the
    /// annotation (`buildPodPatchConfig`).
    pub fn configuration(
        &self,
        annotations: Option<&BTreeMap<String, String>>,
        has_association: bool,
    ) -> Option<Configuration> {
        configuration::of(self, annotations, has_association)
    }

    /// What it puts into this pod.
    pub fn injection(&self, configuration: &Configuration, pod: &Pod) -> Injection {
        let skipped = pod.skip_list();
        let inject = |container: &PodContainer, is_init| {
            if skipped.contains(&container.name) {
                return InjectedContainer::skipped(container, is_init);
            }
            container::inject(self, configuration, container, is_init, pod.is_windows())
        };
        let containers = pod
            .init_containers
            .iter()
            .map(|container| inject(container, true));
        let containers = containers.chain(pod.containers.iter().map(|container| inject(container, false)));
        let volume_name = configuration.method.volume_name();
        Injection {
            method: configuration.method.clone(),
            audience: configuration.audience.clone(),
            expiration: configuration.expiration_in(pod),
            volume_is_there: pod.volumes.iter().flatten().any(|volume| volume == volume_name),
            containers: containers.collect(),
        }
    }
}

/// What is put into a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Injection {
    /// By which way its containers get credentials.
    pub method: Method,
    /// The audience of the token.
    pub audience: String,
    /// For how long the token is valid.
    pub expiration: Expiration,
    /// Whether the pod has a volume of that name, which is then left as it is.
    pub volume_is_there: bool,
    /// Its containers, those of the start first.
    pub containers: Vec<InjectedContainer>,
}
