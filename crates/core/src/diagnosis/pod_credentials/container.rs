//! What each container of a pod gets, what it does not get and why, and which credentials SDKs take there.

use schemars::JsonSchema;
use serde::Serialize;

use super::said::{Around, Credentials, credentials};
use eksact_identity::authn::{
    pod_identity_webhook::{
        EnvironmentVariable, InjectedContainer, Injection, Kept, Method, Pod, PodContainer,
    },
    sdk_credentials::{Taken, taken},
};

/// A variable that the webhook sets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SetVariable {
    /// Name.
    pub name: &'static str,
    /// Value.
    pub value: String,
}

/// A container of a pod that is made next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NextContainer {
    /// Its name; none for any plain container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it runs before the others.
    pub is_init: bool,
    /// The variables that it gets, in their order.
    pub variables: Vec<SetVariable>,
    /// Where the token is mounted for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mount_path: Option<&'static str>,
    /// What it does not get, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<String>,
    /// Which credentials SDKs take in it.
    pub credentials: Credentials,
    #[serde(skip)]
    pub(super) why: Vec<Kept>,
    #[serde(skip)]
    pub(super) half_set: Option<&'static str>,
}

/// The containers of a pod, in the order of the injection.
pub(super) fn containers(pod: &Pod, injection: Option<&Injection>, around: Around<'_>) -> Vec<NextContainer> {
    let own = pod.init_containers.iter().map(|own| (own, true));
    let own = own.chain(pod.containers.iter().map(|own| (own, false)));
    let mut injected = injection.map(|injection| injection.containers.iter());
    own.map(|(own, is_init)| {
        let injected = injected.as_mut().and_then(Iterator::next);
        container(own, is_init, injected.zip(injection), around)
    })
    .collect()
}

fn container(
    own: &PodContainer,
    is_init: bool,
    injected: Option<(&InjectedContainer, &Injection)>,
    around: Around<'_>,
) -> NextContainer {
    let taken = taken_in(own, injected.map(|(injected, _)| injected));
    NextContainer {
        name: (!own.name.is_empty()).then(|| own.name.clone()),
        is_init,
        variables: injected
            .iter()
            .flat_map(|(injected, _)| &injected.variables)
            .map(|variable| SetVariable {
                name: variable.name,
                value: variable.value.clone(),
            })
            .collect(),
        mount_path: injected
            .filter(|(injected, _)| injected.gets_mount)
            .map(|(_, injection)| injection.method.mount_path()),
        kept: injected
            .iter()
            .flat_map(|(injected, injection)| {
                injected
                    .kept
                    .iter()
                    .map(|kept| kept_in_words(kept, &injection.method))
            })
            .collect(),
        credentials: credentials(&taken, around),
        why: injected.map_or_else(Vec::new, |(injected, _)| injected.kept.clone()),
        half_set: taken.half_set,
    }
}

/// What SDKs take by the variables of the container and those that it gets.
fn taken_in(own: &PodContainer, injected: Option<&InjectedContainer>) -> Taken {
    let more = injected.into_iter().flat_map(|injected| &injected.variables);
    let more = more.map(|variable| EnvironmentVariable {
        name: variable.name.to_owned(),
        value: Some(variable.value.clone()),
    });
    let environment: Vec<EnvironmentVariable> = own.environment.iter().cloned().chain(more).collect();
    taken(&environment, own.has_more_variables)
}

fn kept_in_words(kept: &Kept, method: &Method) -> String {
    match kept {
        Kept::InSkipList => {
            "it gets nothing: the pod's annotation eks.amazonaws.com/skip-containers names it".to_owned()
        }
        Kept::HasAll => {
            "it gets nothing, the mount neither: it sets credentials, region and endpoints itself".to_owned()
        }
        Kept::OwnCredentials(name) => {
            let [first, second] = method.variables();
            format!("it sets {name} itself, and so gets neither {first} nor {second}")
        }
        Kept::OwnMount => format!("it mounts a volume {} itself", method.volume_name()),
    }
}
