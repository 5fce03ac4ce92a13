//! `DaemonSets`: whether an agent is installed, and runs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    metadata::{bare, set},
    object::{Fields, Object, WireError},
    resource::{ApiResource, Names, ObjectKey, Resources},
};

/// A `DaemonSet`, as far as eksact needs it: it is only read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DaemonSet {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// On how many nodes it shall run.
    pub desired: u32,
    /// On how many it is ready.
    pub ready: u32,
}

impl Object for DaemonSet {
    const RESOURCES: Resources = Resources::Namespaced(ApiResource {
        group: "apps",
        ..ApiResource::core("DaemonSet", "daemonsets", Names::Subdomain)
    });

    fn key(&self) -> ObjectKey<'_> {
        ObjectKey::namespaced(&self.namespace, &self.name)
    }

    fn to_wire(&self) -> Value {
        let mut wire = bare(self);
        let status = json!({"desiredNumberScheduled": self.desired, "numberReady": self.ready});
        set(&mut wire, "status", status);
        wire
    }

    fn from_fields(fields: &mut Fields) -> Result<Self, WireError> {
        Ok(Self {
            namespace: fields.take("/metadata/namespace")?,
            name: fields.required("/metadata/name")?,
            desired: fields.take("/status/desiredNumberScheduled")?,
            ready: fields.take("/status/numberReady")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn daemon_set_comes_back_from_the_wire() {
        let agent = DaemonSet {
            namespace: "kube-system".to_owned(),
            name: "eks-pod-identity-agent".to_owned(),
            desired: 3,
            ready: 2,
        };
        assert_eq!(DaemonSet::from_wire(agent.to_wire()), Ok(agent));
    }
}
