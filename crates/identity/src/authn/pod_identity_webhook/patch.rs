//! The JSON patch (RFC 6902) with which the webhook answers the API server (`getPodSpecPatch`).

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{InjectedContainer, Injection, Method, Pod, PodContainer};

/// The label that says by which way a pod gets credentials; its domain is fixed.
const LABEL: &str = "eks.amazonaws.com/pod-identity";

/// One operation of the patch; all of them add.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Operation {
    /// `add`.
    pub op: &'static str,
    /// Where, as a JSON pointer.
    pub path: &'static str,
    /// What.
    pub value: Value,
}

impl Operation {
    fn add(path: &'static str, value: Value) -> Self {
        let op = "add";
        Self { op, path, value }
    }
}

impl Injection {
    /// The patch of the pod that this was made for. Where the expiration is random, it has the most that it can be.
    pub fn patch(&self, pod: &Pod) -> Vec<Operation> {
        let mut patch = Vec::new();
        if self.method == Method::Association {
            patch.push(match pod.labels {
                None => Operation::add("/metadata/labels", json!({LABEL: "enabled"})),
                Some(_) => Operation::add(
                    "/metadata/labels/eks.amazonaws.com~1pod-identity",
                    json!("enabled"),
                ),
            });
        }
        if !self.volume_is_there {
            let volume = self.volume();
            patch.push(match pod.volumes {
                None => Operation::add("/spec/volumes", json!([volume])),
                Some(_) => Operation::add("/spec/volumes/0", volume),
            });
        }
        let (init, others): (Vec<_>, Vec<_>) = self.containers.iter().partition(|injected| injected.is_init);
        patch.push(Operation::add(
            "/spec/containers",
            self.list(&pod.containers, &others),
        ));
        if !pod.init_containers.is_empty() {
            patch.push(Operation::add(
                "/spec/initContainers",
                self.list(&pod.init_containers, &init),
            ));
        }
        patch
    }

    /// The volume with the token.
    pub fn volume(&self) -> Value {
        let mut token = json!({
            "expirationSeconds": self.expiration.at_most(),
            "path": self.method.token_path(),
        });
        // Without one it is a token for the API server itself.
        if let Some(token) = token.as_object_mut().filter(|_| !self.audience.is_empty()) {
            token.insert("audience".to_owned(), json!(self.audience));
        }
        json!({"name": self.method.volume_name(), "projected": {"sources": [{"serviceAccountToken": token}]}})
    }

    fn list(&self, containers: &[PodContainer], injected: &[&InjectedContainer]) -> Value {
        let one = |(container, injected): (&PodContainer, &&InjectedContainer)| {
            let mut fields = written(&container.fields);
            let variables = injected
                .variables
                .iter()
                .map(|variable| json!({"name": variable.name, "value": variable.value}));
            extend(&mut fields, "env", variables);
            let mount = json!({
                "name": self.method.volume_name(),
                "readOnly": true,
                "mountPath": self.method.mount_path(),
            });
            extend(&mut fields, "volumeMounts", injected.gets_mount.then_some(mount));
            Value::Object(fields)
        };
        containers.iter().zip(injected).map(one).collect()
    }
}

/// Adds to a list, which is made where there is none.
fn extend(fields: &mut Map<String, Value>, key: &str, more: impl IntoIterator<Item = Value>) {
    let more: Vec<Value> = more.into_iter().collect();
    if more.is_empty() {
        return;
    }
    if let Value::Array(list) = fields.entry(key).or_insert_with(|| json!([])) {
        list.extend(more);
    }
}

/// How Kubernetes writes an object again: with these fields always, these where they are set at all, and of others none that says
/// nothing (`k8s.io/api/core/v1`, `types.go`, the JSON tags and pointers of `Container`, `EnvVar`, `VolumeMount`).
struct Written {
    always: &'static [&'static str],
    where_set: &'static [&'static str],
}

const CONTAINER: Written = Written {
    always: &["name"],
    where_set: &["restartPolicy"],
};
const VARIABLE: Written = Written {
    always: &["name"],
    where_set: &[],
};
const MOUNT: Written = Written {
    always: &["name", "mountPath"],
    where_set: &["recursiveReadOnly", "mountPropagation"],
};

/// A container as Kubernetes writes it again; `resources` is always there.
fn written(container: &Map<String, Value>) -> Map<String, Value> {
    let mut fields = CONTAINER.of(container);
    for (key, form) in [("env", VARIABLE), ("volumeMounts", MOUNT)] {
        if let Some(Value::Array(list)) = fields.get_mut(key) {
            for item in list {
                if let Value::Object(object) = item {
                    *object = form.of(object);
                }
            }
        }
    }
    fields.entry("resources").or_insert_with(|| json!({}));
    fields
}

impl Written {
    fn of(&self, object: &Map<String, Value>) -> Map<String, Value> {
        let is_kept = |(key, value): &(&String, &Value)| match value {
            Value::Null => false,
            Value::Bool(false) => self.where_set.contains(&key.as_str()),
            Value::String(text) => !text.is_empty() || self.where_set.contains(&key.as_str()),
            Value::Array(list) => !list.is_empty(),
            Value::Bool(true) | Value::Number(_) | Value::Object(_) => true,
        };
        let own = |(key, value): (&String, &Value)| (key.clone(), value.clone());
        let mut fields: Map<String, Value> = object.iter().filter(is_kept).map(own).collect();
        for key in self.always {
            fields.entry(*key).or_insert_with(|| json!(""));
        }
        fields
    }
}
