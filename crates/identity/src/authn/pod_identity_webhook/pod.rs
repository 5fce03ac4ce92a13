//! A pod as the webhook reads it: no more than decides what it gets, and its containers as they are.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{SKIP_LABEL, skip_list};

/// The list of containers that get nothing.
const SKIP_CONTAINERS: &str = "eks.amazonaws.com/skip-containers";
/// What a node's operating system is selected by; node affinity does not count (`getPodSpecPatch`).
const OPERATING_SYSTEM: [&str; 2] = ["kubernetes.io/os", "beta.kubernetes.io/os"];

/// A pod that is to be made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pod {
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// Labels; none where the pod has no map of them.
    pub labels: Option<BTreeMap<String, String>>,
    /// `spec.serviceAccountName`, or its older name.
    pub service_account: Option<String>,
    /// `spec.hostNetwork`.
    pub host_network: bool,
    /// Containers that run before the others.
    pub init_containers: Vec<PodContainer>,
    /// Containers.
    pub containers: Vec<PodContainer>,
    /// The names of its volumes; none where the pod has no list of them.
    pub(super) volumes: Option<Vec<String>>,
    pub(super) node_selector: BTreeMap<String, String>,
}

/// A container.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PodContainer {
    /// Name.
    pub name: String,
    /// Its variables.
    pub environment: Vec<EnvironmentVariable>,
    /// Whether it has variables from a ConfigMap or Secret as a whole.
    pub has_more_variables: bool,
    /// The names of the volumes that it mounts.
    pub(super) mounts: Vec<String>,
    /// The whole of it.
    pub(super) fields: Map<String, Value>,
}

/// A variable of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentVariable {
    /// Name.
    pub name: String,
    /// Its value; none where it comes from elsewhere.
    pub value: Option<String>,
}

#[derive(Deserialize)]
struct Form {
    metadata: Option<Metadata>,
    spec: Spec,
}

#[derive(Default, Deserialize)]
struct Metadata {
    annotations: Option<BTreeMap<String, String>>,
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    service_account_name: Option<String>,
    service_account: Option<String>,
    host_network: Option<bool>,
    init_containers: Option<Vec<Map<String, Value>>>,
    containers: Option<Vec<Map<String, Value>>>,
    volumes: Option<Vec<Named>>,
    node_selector: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContainerForm {
    name: Option<String>,
    env: Option<Vec<VariableForm>>,
    env_from: Option<Vec<Value>>,
    volume_mounts: Option<Vec<Named>>,
}

#[derive(Deserialize)]
struct Named {
    name: Option<String>,
}

impl Named {
    fn name(self) -> String {
        self.name.unwrap_or_default()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VariableForm {
    name: Option<String>,
    value: Option<String>,
    value_from: Option<Value>,
}

impl Pod {
    /// Reads a pod, or the template of one.
    ///
    /// # Errors
    /// When it has no `spec`, or a field that matters here has another type than Kubernetes gives it.
    pub fn read(pod: &Value) -> Result<Self, serde_json::Error> {
        let form = Form::deserialize(pod)?;
        let containers =
            |list: Option<Vec<Map<String, Value>>>| -> Result<Vec<PodContainer>, serde_json::Error> {
                list.into_iter().flatten().map(PodContainer::read).collect()
            };
        let (metadata, spec) = (form.metadata.unwrap_or_default(), form.spec);
        let named = [spec.service_account_name, spec.service_account];
        Ok(Self {
            annotations: metadata.annotations.unwrap_or_default(),
            labels: metadata.labels,
            service_account: named.into_iter().flatten().find(|name| !name.is_empty()),
            host_network: spec.host_network.unwrap_or_default(),
            init_containers: containers(spec.init_containers)?,
            containers: containers(spec.containers)?,
            volumes: spec
                .volumes
                .map(|volumes| volumes.into_iter().map(Named::name).collect()),
            node_selector: spec.node_selector.unwrap_or_default(),
        })
    }

    /// A pod of one plain container.
    pub fn plain() -> Self {
        Self {
            containers: vec![PodContainer::default()],
            ..Self::default()
        }
    }

    /// Whether its label keeps the webhook from being asked.
    pub fn has_skip_label(&self) -> bool {
        self.labels.iter().any(|labels| labels.contains_key(SKIP_LABEL))
    }

    /// Whether it selects nodes with Windows as the webhook looks for it.
    pub fn is_windows(&self) -> bool {
        let mut keys = OPERATING_SYSTEM.iter();
        keys.any(|key| self.node_selector.get(*key).is_some_and(|os| os == "windows"))
    }

    /// The containers that get nothing.
    pub(super) fn skip_list(&self) -> BTreeSet<String> {
        let list = self.annotations.get(SKIP_CONTAINERS);
        list.map_or_else(BTreeSet::new, |list| skip_list::names(list))
    }
}

impl PodContainer {
    fn read(fields: Map<String, Value>) -> Result<Self, serde_json::Error> {
        let value = Value::Object(fields);
        let form = ContainerForm::deserialize(&value)?;
        let variable = |form: VariableForm| EnvironmentVariable {
            name: form.name.unwrap_or_default(),
            value: match form.value_from {
                Some(_) => None,
                None => Some(form.value.unwrap_or_default()),
            },
        };
        let Value::Object(fields) = value else {
            return Ok(Self::default());
        };
        Ok(Self {
            name: form.name.unwrap_or_default(),
            environment: form.env.into_iter().flatten().map(variable).collect(),
            has_more_variables: form.env_from.is_some_and(|from| !from.is_empty()),
            mounts: form
                .volume_mounts
                .into_iter()
                .flatten()
                .map(Named::name)
                .collect(),
            fields,
        })
    }
}
