//! Roles of RBAC: `Role` and `ClusterRole` differ on the wire in nothing that is read, so one type serves both.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use eksact_identity::rbac::PolicyRule;

use super::{
    metadata::{Metadata, set, wire},
    object::{Fields, Object, WireError},
    resource::{ApiResource, ObjectKey, Resources},
};

/// A `Role` (with a namespace) or a `ClusterRole` (without).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RbacRole {
    /// Namespace; none for a `ClusterRole`.
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
    /// `metadata.uid`, empty for one that shall be created.
    pub uid: String,
    /// `metadata.resourceVersion`, empty for one that shall be created.
    pub resource_version: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// Rules, in their order.
    pub rules: Vec<PolicyRule>,
    /// Whether the control plane fills the rules from other roles (`aggregationRule`).
    pub aggregated: bool,
}

impl RbacRole {
    /// The merge patch that sets the rules and nothing else.
    pub fn rules_patch(&self) -> Value {
        json!({"rules": self.rules})
    }
}

impl Object for RbacRole {
    const RESOURCES: Resources = Resources::Both {
        namespaced: ApiResource::rbac("Role", "roles"),
        cluster: ApiResource::rbac("ClusterRole", "clusterroles"),
    };

    fn key(&self) -> ObjectKey<'_> {
        ObjectKey::new(self.namespace.as_deref(), &self.name)
    }

    fn to_wire(&self) -> Value {
        let stamps = (self.uid.as_str(), self.resource_version.as_str());
        let mut wire = wire(self, stamps, &self.labels, &self.annotations);
        set(&mut wire, "rules", json!(self.rules));
        if self.aggregated {
            set(&mut wire, "aggregationRule", json!({}));
        }
        wire
    }

    fn from_fields(fields: &mut Fields) -> Result<Self, WireError> {
        let metadata = Metadata::take(fields)?;
        let rules: Vec<WireRule> = fields.take("/rules")?;
        Ok(Self {
            namespace: metadata.namespace,
            name: metadata.name,
            uid: metadata.uid,
            resource_version: metadata.resource_version,
            labels: metadata.labels,
            annotations: metadata.annotations,
            rules: rules.into_iter().map(PolicyRule::from).collect(),
            aggregated: fields.has("/aggregationRule"),
        })
    }
}

/// A rule as a server writes it: a later one may know more fields, and Go writes null for an empty list.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRule {
    api_groups: Option<Vec<String>>,
    resources: Option<Vec<String>>,
    resource_names: Option<Vec<String>>,
    #[serde(rename = "nonResourceURLs")]
    non_resource_urls: Option<Vec<String>>,
    verbs: Option<Vec<String>>,
}

impl From<WireRule> for PolicyRule {
    fn from(rule: WireRule) -> Self {
        Self {
            api_groups: rule.api_groups.unwrap_or_default(),
            resources: rule.resources.unwrap_or_default(),
            resource_names: rule.resource_names.unwrap_or_default(),
            non_resource_urls: rule.non_resource_urls.unwrap_or_default(),
            verbs: rule.verbs.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aggregated_role_without_rules_is_read() {
        let view = RbacRole::from_wire(json!({
            "kind": "ClusterRole", "metadata": {"name": "view", "uid": "u", "resourceVersion": "7"}, "rules": null,
            "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "true"}}]}
        }))
        .unwrap();
        assert!(view.aggregated && view.rules.is_empty() && view.namespace.is_none());
        assert_eq!(RbacRole::from_wire(view.to_wire()), Ok(view));
    }

    #[test]
    fn rules_go_out_as_they_come_in() {
        let rules = json!([
            {"apiGroups": ["", "apps"], "resources": ["pods/log"], "verbs": ["get"], "resourceNames": ["web-0"]},
            {"nonResourceURLs": ["/metrics"], "verbs": ["get"]}
        ]);
        let wire = json!({"metadata": {"name": "r", "namespace": "app"}, "rules": rules});
        let sent = RbacRole::from_wire(wire).unwrap().to_wire();
        assert_eq!(sent["rules"], rules);
        assert_eq!(sent["kind"], "Role");
        assert_eq!(sent["apiVersion"], "rbac.authorization.k8s.io/v1");
    }
}
