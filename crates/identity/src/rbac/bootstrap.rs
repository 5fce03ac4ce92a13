//! The rules of roles that every cluster has, as Kubernetes 1.36.3 makes them
//! (`plugin/pkg/auth/authorizer/rbac/bootstrappolicy/testdata/cluster-roles.yaml`; Apache-2.0).

use std::{collections::BTreeMap, sync::LazyLock};

use super::PolicyRule;

static RULES: LazyLock<BTreeMap<String, Vec<PolicyRule>>> = LazyLock::new(|| {
    let text = include_str!("bootstrap_roles.json");
    // A test reads it; a broken one would be no role rather than a wrong one.
    serde_json::from_str(text).unwrap_or_default()
});

/// The rules of a `ClusterRole` that Kubernetes makes; none for one that is not known here. `edit` holds what `view` does, and
/// `admin` what `edit` does, as the control plane puts them together.
pub fn bootstrap_rules(role: &str) -> Option<Vec<PolicyRule>> {
    let parts: &[&str] = match role {
        "admin" => &["admin", "edit", "view"],
        "edit" => &["edit", "view"],
        "system:aggregate-to-admin" => &["admin"],
        "system:aggregate-to-edit" => &["edit"],
        "system:aggregate-to-view" => &["view"],
        other => &[other],
    };
    let rules: Option<Vec<&Vec<PolicyRule>>> = parts.iter().map(|part| RULES.get(*part)).collect();
    Some(rules?.into_iter().flatten().cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::super::Request;
    use super::*;

    #[test]
    fn default_roles_hold_one_another() {
        let may = |role: &str, verb: &str, resource: &str| {
            let request = Request::of(verb, "", resource, Some("app"));
            bootstrap_rules(role)
                .unwrap()
                .iter()
                .any(|rule| rule.allows(&request))
        };
        for (role, verb, resource, expected) in [
            ("view", "list", "pods", true),
            ("view", "list", "secrets", false),
            ("view", "get", "pods/log", true),
            ("edit", "list", "pods", true),
            ("edit", "create", "pods/exec", true),
            ("edit", "create", "serviceaccounts/token", true),
            ("edit", "create", "resourcequotas", false),
            ("admin", "list", "pods", true),
        ] {
            assert_eq!(may(role, verb, resource), expected, "{role} {verb} {resource}");
        }
        assert!(RULES.len() > 5 && bootstrap_rules("nonsense").is_none());
    }
}
