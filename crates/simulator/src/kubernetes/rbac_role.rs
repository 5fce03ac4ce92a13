//! Simulated roles. Nothing here evaluates RBAC: what the sandbox's caller may do is the cluster's list of what is denied.

use std::collections::BTreeMap;

use super::checks::check_metadata;
use super::id::Id;
use super::object::SimulatedObject;
use crate::refusal::Refusal;
use crate::state::SimulatedCluster;
use eksact_core::ports::kubernetes::{PolicyRule, RbacRole};

impl SimulatedObject for RbacRole {
    fn kept(cluster: &mut SimulatedCluster) -> &mut BTreeMap<String, Self> {
        &mut cluster.rbac_roles
    }

    fn check(&self, id: &Id<'_>) -> Result<(), Refusal> {
        check_metadata(id, &self.labels, &self.annotations)?;
        check_rules(id, &self.rules)
    }
}

/// `k8s.io/kubernetes` `pkg/apis/rbac/validation`, `ValidatePolicyRule`.
fn check_rules(id: &Id<'_>, rules: &[PolicyRule]) -> Result<(), Refusal> {
    for (index, rule) in rules.iter().enumerate() {
        let field = |name: &str| format!("rules[{index}].{name}");
        if rule.verbs.is_empty() {
            let why = "Required value: verbs must contain at least one value";
            return Err(id.invalid(&field("verbs"), why));
        }
        if !rule.non_resource_urls.is_empty() {
            if id.key.namespace.is_some() {
                let why = format!(
                    "Invalid value: {}: namespaced rules cannot apply to non-resource URLs",
                    serde_json::json!(rule.non_resource_urls)
                );
                return Err(id.invalid(&field("nonResourceURLs"), &why));
            }
            continue;
        }
        for (name, values) in [("apiGroups", &rule.api_groups), ("resources", &rule.resources)] {
            if values.is_empty() {
                let why = format!("Required value: resource rules must supply at least one {name}");
                return Err(id.invalid(&field(name), &why));
            }
        }
    }
    Ok(())
}
