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
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
];
/// The label by which a Deployment's controller tells its `ReplicaSets` apart; the `ReplicaSet`'s name ends with it.
const POD_TEMPLATE_HASH: &str = "pod-template-hash";

/// A pod that runs under a service account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
}

impl Pod {
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
        let spec = json!({"serviceAccountName": self.service_account, "containers": containers});
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
    fn the_controller_is_what_people_restart() {
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
    fn a_pods_roles_are_read_per_container() {
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
}
