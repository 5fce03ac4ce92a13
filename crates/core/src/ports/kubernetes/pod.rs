//! Pods: which role they run with, and what restarts them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    api::Selector,
    metadata::{bare, set, set_metadata},
    object::{Fields, Object, WireError},
    resource::{ApiResource, Names, ObjectKey, Resources},
};

/// The variable that the pod identity webhook sets from the annotation.
const ROLE_ARN_VARIABLE: &str = "AWS_ROLE_ARN";
/// The variables by which AWS's SDKs find credentials in a pod.
const CREDENTIAL_VARIABLES: [&str; 4] = [
    "AWS_ACCESS_KEY_ID",
    CONTAINER_VARIABLE,
    ROLE_ARN_VARIABLE,
    TOKEN_VARIABLE,
];
/// The label by which a Deployment's controller tells its `ReplicaSets` apart; the `ReplicaSet`'s name ends with it.
const POD_TEMPLATE_HASH: &str = "pod-template-hash";

/// The variable that the pod identity webhook sets beside it: a file with the token.
const TOKEN_VARIABLE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
/// The variable that the webhook sets where the service account has a pod identity association.
const CONTAINER_VARIABLE: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
/// The label that EKS puts on pods that run on Fargate.
const FARGATE_PROFILE: &str = "eks.amazonaws.com/fargate-profile";
/// How names of nodes begin that Systems Manager registers: hybrid nodes.
const HYBRID_NODE: &str = "mi-";
const WINDOWS: &str = "windows";

/// Where a pod runs, if EKS Pod Identity gives nothing there (EKS user guide, `pod-identities`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PodPlace {
    /// AWS Fargate.
    Fargate,
    /// A node with Windows.
    Windows,
    /// A hybrid node that Systems Manager registered; the agent does not run there unless it is told to.
    HybridNode,
}

/// A pod that runs under a service account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pod {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// `spec.serviceAccountName`.
    pub service_account: String,
    /// `status.phase`.
    pub phase: String,
    /// Kind and name of the controller that restarts it (`deployment/web` when a `ReplicaSet`'s name tells it).
    pub controller: Option<String>,
    /// Value of `AWS_ROLE_ARN` per container; a container without it is absent.
    pub role_arns: BTreeMap<String, String>,
    /// The names of the variables of each container by which AWS's SDKs find credentials; what they hold is not read.
    #[serde(default)]
    pub credential_variables: BTreeMap<String, BTreeSet<String>>,
    /// Where it runs, if that matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<PodPlace>,
}

impl Pod {
    /// Whether it runs or will.
    pub fn is_alive(&self) -> bool {
        matches!(self.phase.as_str(), "Running" | "Pending")
    }

    /// Whether some container gets its credentials by the annotation of the service account, or none by an association.
    pub fn uses_annotation(&self) -> bool {
        let mut containers = self.credential_variables.values();
        let by_association = containers.any(|names| names.contains(CONTAINER_VARIABLE));
        let mut containers = self.credential_variables.values();
        let by_token =
            containers.any(|names| names.contains(ROLE_ARN_VARIABLE) || names.contains(TOKEN_VARIABLE));
        by_token || !by_association
    }

    /// Whether the pod's own template names the role: the webhook sets role and token together, and neither where it sets the
    /// variables of an association. SDKs prefer what the template says.
    pub fn names_role_itself(&self) -> bool {
        self.credential_variables.values().any(|names| {
            let (role, token) = (names.contains(ROLE_ARN_VARIABLE), names.contains(TOKEN_VARIABLE));
            role != token || (role && names.contains(CONTAINER_VARIABLE))
        })
    }

    /// What restarts these pods of one namespace, and which: a command for each controller, and one for those without.
    pub fn restarts<'a>(pods: impl IntoIterator<Item = &'a Self>) -> Vec<(Vec<&'a str>, String)> {
        let mut by_controller: BTreeMap<(&str, Option<&str>), Vec<&str>> = BTreeMap::new();
        for pod in pods {
            let controller = pod.controller.as_deref().filter(|controller| {
                let mut kinds = ["deployment/", "statefulset/", "daemonset/"].into_iter();
                kinds.any(|kind| controller.starts_with(kind))
            });
            let key = (pod.namespace.as_str(), controller);
            by_controller.entry(key).or_default().push(&pod.name);
        }
        let command = |((namespace, controller), pods): ((&str, Option<&str>), Vec<&'a str>)| {
            let command = match controller {
                Some(controller) => format!("kubectl --namespace {namespace} rollout restart {controller}"),
                None => format!("kubectl --namespace {namespace} delete pod {}", pods.join(" ")),
            };
            (pods, command)
        };
        by_controller.into_iter().map(command).collect()
    }

    /// The pods that run under a service account. The server selects, so that a crowded namespace costs no more than
    /// the pods that matter.
    pub fn under(service_account: &str) -> Selector<'_> {
        Selector::Field("spec.serviceAccountName", service_account)
    }
}

impl Object for Pod {
    const RESOURCES: Resources = Resources::Namespaced(ApiResource::core("Pod", "pods", Names::Subdomain));

    fn key(&self) -> ObjectKey<'_> {
        ObjectKey::namespaced(&self.namespace, &self.name)
    }

    fn to_wire(&self) -> Value {
        let mut wire = bare(self);
        if let Some((kind, name)) = self.controller.as_deref().and_then(|owner| owner.split_once('/')) {
            let owner = json!([{"kind": kind, "name": name, "controller": true}]);
            set_metadata(&mut wire, "ownerReferences", owner);
        }
        let names: BTreeSet<&String> = self
            .role_arns
            .keys()
            .chain(self.credential_variables.keys())
            .collect();
        let containers: Vec<Value> = names
            .into_iter()
            .map(|name| json!({"name": name, "env": self.environment(name)}))
            .collect();
        let mut spec = json!({"serviceAccountName": self.service_account, "containers": containers});
        match self.place {
            None => {}
            Some(PodPlace::Fargate) => set_metadata(&mut wire, "labels", json!({FARGATE_PROFILE: "default"})),
            Some(PodPlace::Windows) => set(&mut spec, "os", json!({"name": WINDOWS})),
            Some(PodPlace::HybridNode) => set(&mut spec, "nodeName", json!(format!("{HYBRID_NODE}0"))),
        }
        set(&mut wire, "spec", spec);
        set(&mut wire, "status", json!({"phase": self.phase}));
        wire
    }

    fn from_fields(fields: &mut Fields) -> Result<Self, WireError> {
        let namespace: String = fields.take("/metadata/namespace")?;
        let labels: BTreeMap<String, String> = fields.take("/metadata/labels")?;
        let owners: Vec<Owner> = fields.take("/metadata/ownerReferences")?;
        let mut containers: Vec<Container> = fields.take("/spec/initContainers")?;
        containers.extend(fields.take::<Vec<Container>>("/spec/containers")?);
        let service_account: String = fields.take("/spec/serviceAccountName")?;
        let node: String = fields.take("/spec/nodeName")?;
        let os: String = fields.take("/spec/os/name")?;
        let selector: BTreeMap<String, String> = fields.take("/spec/nodeSelector")?;
        let selects_windows = selector.get("kubernetes.io/os").is_some_and(|os| os == WINDOWS);
        let place = if labels.contains_key(FARGATE_PROFILE) {
            Some(PodPlace::Fargate)
        } else if os == WINDOWS || selects_windows {
            Some(PodPlace::Windows)
        } else {
            node.starts_with(HYBRID_NODE).then_some(PodPlace::HybridNode)
        };
        Ok(Self {
            namespace,
            name: fields.required("/metadata/name")?,
            service_account: if service_account.is_empty() {
                "default".to_owned()
            } else {
                service_account
            },
            phase: fields.take("/status/phase")?,
            controller: controller(&owners, labels.get(POD_TEMPLATE_HASH)),
            role_arns: containers.iter().filter_map(role_arn).collect(),
            credential_variables: containers.iter().map(credential_variables).collect(),
            place,
        })
    }
}

impl Pod {
    /// The variables of a container, without what is not kept of them.
    fn environment(&self, container: &str) -> Vec<Value> {
        let role = self.role_arns.get(container);
        let names = self.credential_variables.get(container).into_iter().flatten();
        role.map(|arn| json!({"name": ROLE_ARN_VARIABLE, "value": arn}))
            .into_iter()
            .chain(
                names
                    .filter(|name| role.is_none() || *name != ROLE_ARN_VARIABLE)
                    .map(|name| json!({"name": name})),
            )
            .collect()
    }
}

#[derive(Deserialize)]
struct Owner {
    kind: String,
    name: String,
    controller: Option<bool>,
}

#[derive(Deserialize)]
struct Container {
    name: String,
    env: Option<Vec<Variable>>,
}

#[derive(Deserialize)]
struct Variable {
    name: String,
    value: Option<String>,
}

fn role_arn(container: &Container) -> Option<(String, String)> {
    let mut variables = container.env.iter().flatten();
    let variable = variables.find(|variable| variable.name == ROLE_ARN_VARIABLE)?;
    Some((container.name.clone(), variable.value.clone()?))
}

/// Names only: keys that stand in a pod's environment are not to be carried around.
fn credential_variables(container: &Container) -> (String, BTreeSet<String>) {
    let names = container
        .env
        .iter()
        .flatten()
        .map(|variable| variable.name.as_str())
        .filter(|name| CREDENTIAL_VARIABLES.contains(name));
    (container.name.clone(), names.map(str::to_owned).collect())
}

/// What restarts the pod. A `ReplicaSet` is not what people restart: where its name ends with the template's hash, a
/// Deployment of the name before it made it. (Argo's Rollouts use another label, so they stay `ReplicaSets` here.)
fn controller(owners: &[Owner], hash: Option<&String>) -> Option<String> {
    let owner = owners.iter().find(|owner| owner.controller == Some(true))?;
    if owner.kind == "ReplicaSet" {
        let deployment = hash
            .and_then(|hash| owner.name.strip_suffix(hash.as_str()))
            .and_then(|rest| rest.strip_suffix('-'));
        if let Some(deployment) = deployment {
            return Some(format!("deployment/{deployment}"));
        }
    }
    Some(format!("{}/{}", owner.kind.to_lowercase(), owner.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod_owned_by(kind: &str, name: &str, hash: Option<&str>) -> Pod {
        let labels = hash
            .map(|hash| json!({ POD_TEMPLATE_HASH: hash }))
            .unwrap_or(json!({}));
        Pod::from_wire(json!({
            "metadata": {
                "name": "web-1", "namespace": "app", "labels": labels,
                "ownerReferences": [
                    {"apiVersion": "v1", "kind": "ConfigMap", "name": "not-the-controller", "uid": "1"},
                    {"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": "2", "controller": true}
                ]
            }
        }))
        .unwrap()
    }

    #[test]
    fn controller_is_what_people_restart() {
        for (kind, name, hash, expected) in [
            (
                "ReplicaSet",
                "web-api-5d4f8c7b9",
                Some("5d4f8c7b9"),
                "deployment/web-api",
            ),
            // No Deployment made this one.
            ("ReplicaSet", "web-5d4f8c7b9", None, "replicaset/web-5d4f8c7b9"),
            ("ReplicaSet", "by-hand", Some("5d4f8c7b9"), "replicaset/by-hand"),
            ("StatefulSet", "db", None, "statefulset/db"),
            ("DaemonSet", "agent", Some("x"), "daemonset/agent"),
            ("Job", "nightly-29", None, "job/nightly-29"),
        ] {
            let pod = pod_owned_by(kind, name, hash);
            assert_eq!(pod.controller.as_deref(), Some(expected));
            assert_eq!(Pod::from_wire(pod.to_wire()), Ok(pod));
        }
    }

    #[test]
    fn pods_roles_are_read_per_container() {
        let pod = Pod::from_wire(json!({
            "metadata": {"name": "web-1", "namespace": "app"},
            "spec": {
                "serviceAccountName": "s3-reader",
                "initContainers": [{"name": "migrate", "env": [{"name": "AWS_ROLE_ARN", "value": "arn:old"}]}],
                "containers": [
                    {"name": "web", "env": [{"name": "A", "value": "b"}, {"name": "AWS_ROLE_ARN", "value": "arn:new"}]},
                    {"name": "sidecar"},
                    {"name": "from-field", "env": [{"name": "AWS_ROLE_ARN", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]}
                ]
            },
            "status": {"phase": "Running"}
        }))
        .unwrap();
        let expected = [("migrate", "arn:old"), ("web", "arn:new")];
        assert_eq!(
            pod.role_arns,
            expected
                .map(|(name, arn)| (name.to_owned(), arn.to_owned()))
                .into()
        );
        assert_eq!(
            (pod.service_account.as_str(), pod.phase.as_str()),
            ("s3-reader", "Running")
        );
        assert_eq!(pod.controller, None);
        assert_eq!(Pod::from_wire(pod.to_wire()), Ok(pod));
    }

    #[test]
    fn pods_variables_tell_how_it_gets_its_role() {
        let (role, token, container) = (ROLE_ARN_VARIABLE, TOKEN_VARIABLE, CONTAINER_VARIABLE);
        for (containers, uses_annotation, names_role_itself) in [
            (vec![vec![role, token]], true, false),
            (vec![vec![container]], false, false),
            (vec![vec![container], vec![]], false, false),
            (vec![vec![container], vec![role, token]], true, false),
            (vec![vec![]], true, false),
            (vec![], true, false),
            (vec![vec![role]], true, true),
            (vec![vec![token]], true, true),
            (vec![vec![role, token, container]], true, true),
        ] {
            let named = |(number, names): (usize, &Vec<&str>)| {
                let names = names.iter().map(|name| (*name).to_owned()).collect();
                (format!("c{number}"), names)
            };
            let pod = Pod {
                credential_variables: containers.iter().enumerate().map(named).collect(),
                ..Pod::default()
            };
            assert_eq!(
                (pod.uses_annotation(), pod.names_role_itself()),
                (uses_annotation, names_role_itself),
                "{containers:?}"
            );
        }
    }

    #[test]
    fn pods_place_is_read_where_associations_give_nothing() {
        for (labels, spec, expected) in [
            (json!({}), json!({"nodeName": "ip-10-0-0-1"}), None),
            (json!({FARGATE_PROFILE: "fp"}), json!({}), Some(PodPlace::Fargate)),
            (
                json!({}),
                json!({"os": {"name": "windows"}}),
                Some(PodPlace::Windows),
            ),
            (
                json!({}),
                json!({"nodeSelector": {"kubernetes.io/os": "windows"}}),
                Some(PodPlace::Windows),
            ),
            (
                json!({}),
                json!({"nodeName": "mi-0a1b"}),
                Some(PodPlace::HybridNode),
            ),
        ] {
            let pod = Pod::from_wire(json!({
                "metadata": {"name": "web-1", "namespace": "app", "labels": labels}, "spec": spec
            }))
            .unwrap();
            assert_eq!(pod.place, expected, "{spec}");
            assert_eq!(Pod::from_wire(pod.to_wire()), Ok(pod));
        }
    }
}
