//! Simulated ConfigMaps, roles and bindings: what the API server takes and refuses of them.
//!
//! Nothing here evaluates RBAC: what the sandbox's caller may do is the cluster's list of what is denied.

use std::collections::BTreeMap;

use super::object_checks::{check_metadata, check_name, check_rbac_name, is_config_key};
use super::objects::{self, Id, RBAC};
use super::refusal::Refusal;
use super::state::SimulatedCluster;
use eksact_core::ports::access::{
    ConfigMap, ConfigMapPatch, NewConfigMap, PolicyRule, RbacBinding, RbacRole, Subject,
};

/// Sum of the values of a ConfigMap (`k8s.io/kubernetes` `pkg/apis/core/validation`, `MaxSecretSize`), in bytes.
const MAX_DATA: usize = 1024 * 1024;
/// Body of a request (`k8s.io/apiserver` `server/config.go`, `MaxRequestBodyBytes`), in bytes. The sandbox has no bodies
/// and counts the values, which are most of one.
const MAX_REQUEST: usize = 3 * 1024 * 1024;

impl SimulatedCluster {
    /// POST of a ConfigMap.
    pub(super) fn create_config_map(&mut self, new: &NewConfigMap) -> Result<ConfigMap, Refusal> {
        let id = Id::config_map(&new.namespace, &new.name);
        check_size_of_request(new.data.values())?;
        self.check_namespace(&id)?;
        check_name(&id)?;
        check_metadata(&id, &new.labels, &new.annotations)?;
        check_data(&id, &new.data)?;
        let object = ConfigMap {
            namespace: new.namespace.clone(),
            name: new.name.clone(),
            labels: new.labels.clone(),
            annotations: new.annotations.clone(),
            data: new.data.clone(),
            ..ConfigMap::default()
        };
        let birth = self.cluster.arn.clone();
        objects::create(&mut self.config_maps, &mut self.revision, &id, &birth, object)
    }

    /// Merge patch of single keys at a version.
    pub(super) fn patch_config_map(
        &mut self,
        (namespace, name): (&str, &str),
        patch: &ConfigMapPatch,
        resource_version: &str,
    ) -> Result<ConfigMap, Refusal> {
        let id = Id::config_map(namespace, name);
        check_size_of_request(patch.data.values().flatten())?;
        let change = |object: &mut ConfigMap| {
            let before = object.data.clone();
            merge(&mut object.annotations, &patch.annotations);
            merge(&mut object.data, &patch.data);
            if object.immutable && object.data != before {
                return Err(id.invalid("data", "Forbidden: field is immutable when `immutable` is set"));
            }
            check_metadata(&id, &object.labels, &object.annotations)?;
            check_data(&id, &object.data)
        };
        objects::change(
            &mut self.config_maps,
            &mut self.revision,
            &id,
            resource_version,
            change,
        )
    }

    /// DELETE of a ConfigMap.
    pub(super) fn delete_config_map(
        &mut self,
        (namespace, name): (&str, &str),
        uid: &str,
        resource_version: &str,
    ) -> Result<(), Refusal> {
        let id = Id::config_map(namespace, name);
        objects::remove(
            &mut self.config_maps,
            &mut self.revision,
            &id,
            uid,
            resource_version,
        )
    }

    /// POST of a role.
    pub(super) fn create_rbac_role(&mut self, role: &RbacRole) -> Result<RbacRole, Refusal> {
        let id = Id::role(role.namespace.as_deref(), &role.name);
        self.check_namespace(&id)?;
        check_rbac_name(&id)?;
        check_metadata(&id, &role.labels, &role.annotations)?;
        check_rules(&id, &role.rules)?;
        let (object, birth) = (role.clone(), self.cluster.arn.clone());
        objects::create(&mut self.rbac_roles, &mut self.revision, &id, &birth, object)
    }

    /// Merge patch of a role's rules.
    pub(super) fn set_rbac_rules(&mut self, role: &RbacRole) -> Result<RbacRole, Refusal> {
        let id = Id::role(role.namespace.as_deref(), &role.name);
        let change = |object: &mut RbacRole| {
            check_rules(&id, &role.rules)?;
            object.rules.clone_from(&role.rules);
            Ok(())
        };
        let version = &role.resource_version;
        objects::change(&mut self.rbac_roles, &mut self.revision, &id, version, change)
    }

    /// DELETE of a role.
    pub(super) fn delete_rbac_role(&mut self, role: &RbacRole) -> Result<(), Refusal> {
        let id = Id::role(role.namespace.as_deref(), &role.name);
        let (uid, version) = (&role.uid, &role.resource_version);
        objects::remove(&mut self.rbac_roles, &mut self.revision, &id, uid, version)
    }

    /// POST of a binding.
    pub(super) fn create_rbac_binding(&mut self, binding: &RbacBinding) -> Result<RbacBinding, Refusal> {
        let id = Id::binding(binding.namespace.as_deref(), &binding.name);
        self.check_namespace(&id)?;
        check_rbac_name(&id)?;
        check_metadata(&id, &binding.labels, &binding.annotations)?;
        check_role_ref(&id, &binding.role_kind)?;
        check_subjects(&id, &binding.subjects)?;
        let (object, birth) = (binding.clone(), self.cluster.arn.clone());
        objects::create(&mut self.rbac_bindings, &mut self.revision, &id, &birth, object)
    }

    /// Merge patch of a binding's subjects.
    pub(super) fn set_rbac_subjects(&mut self, binding: &RbacBinding) -> Result<RbacBinding, Refusal> {
        let id = Id::binding(binding.namespace.as_deref(), &binding.name);
        let change = |object: &mut RbacBinding| {
            check_subjects(&id, &binding.subjects)?;
            object.subjects.clone_from(&binding.subjects);
            Ok(())
        };
        let version = &binding.resource_version;
        objects::change(&mut self.rbac_bindings, &mut self.revision, &id, version, change)
    }

    /// DELETE of a binding.
    pub(super) fn delete_rbac_binding(&mut self, binding: &RbacBinding) -> Result<(), Refusal> {
        let id = Id::binding(binding.namespace.as_deref(), &binding.name);
        let (uid, version) = (&binding.uid, &binding.resource_version);
        objects::remove(&mut self.rbac_bindings, &mut self.revision, &id, uid, version)
    }
}

/// RFC 7386 on one map: none removes a key.
fn merge(map: &mut BTreeMap<String, String>, patch: &BTreeMap<String, Option<String>>) {
    for (key, value) in patch {
        match value {
            Some(value) => map.insert(key.clone(), value.clone()),
            None => map.remove(key),
        };
    }
}

fn check_size_of_request<'a>(values: impl Iterator<Item = &'a String>) -> Result<(), Refusal> {
    if values.map(String::len).sum::<usize>() > MAX_REQUEST {
        let message = format!("Request entity too large: limit is {MAX_REQUEST}");
        return Err(Refusal::new("RequestEntityTooLarge", message));
    }
    Ok(())
}

fn check_data(id: &Id<'_>, data: &BTreeMap<String, String>) -> Result<(), Refusal> {
    if let Some(key) = data.keys().find(|key| !is_config_key(key)) {
        return Err(id.invalid(
            &format!("data[{key}]"),
            &format!(
                "Invalid value: \"{key}\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' \
                 (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
            ),
        ));
    }
    if data.values().map(String::len).sum::<usize>() > MAX_DATA {
        return Err(id.invalid("[]", &format!("Too long: may not be more than {MAX_DATA} bytes")));
    }
    Ok(())
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
            if id.namespace.is_some() {
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

fn check_role_ref(id: &Id<'_>, role_kind: &str) -> Result<(), Refusal> {
    let (supported, kinds): (&[&str], _) = if id.namespace.is_some() {
        (&["Role", "ClusterRole"], "\"Role\", \"ClusterRole\"")
    } else {
        (&["ClusterRole"], "\"ClusterRole\"")
    };
    if supported.contains(&role_kind) {
        return Ok(());
    }
    let why = format!("Unsupported value: \"{role_kind}\": supported values: {kinds}");
    Err(id.invalid("roleRef.kind", &why))
}

fn check_subjects(id: &Id<'_>, subjects: &[Subject]) -> Result<(), Refusal> {
    for (index, subject) in subjects.iter().enumerate() {
        let field = |name: &str| format!("subjects[{index}].{name}");
        if subject.name.is_empty() {
            return Err(id.invalid(&field("name"), "Required value"));
        }
        if !["ServiceAccount", "User", "Group"].contains(&subject.kind.as_str()) {
            let why = format!(
                "Unsupported value: \"{}\": supported values: \"ServiceAccount\", \"User\", \"Group\"",
                subject.kind
            );
            return Err(id.invalid(&field("kind"), &why));
        }
        // In a RoleBinding the binding's own namespace serves.
        if id.namespace.is_none() && subject.kind == "ServiceAccount" && subject.namespace.is_none() {
            return Err(id.invalid(&field("namespace"), "Required value"));
        }
    }
    Ok(())
}

/// The group of a resource, for access reviews.
pub(super) fn group_of(resource: &str) -> &'static str {
    match resource {
        "roles" | "clusterroles" | "rolebindings" | "clusterrolebindings" => RBAC,
        _ => "",
    }
}
