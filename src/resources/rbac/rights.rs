//! What RBAC gives somebody of the rights that guards look at, now and once a plan is carried out. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::{RbacBindingKind, RbacRoleKind, binding, binding_words, role, role_key, rules::covers};
use crate::{
    engine::PlanDraft,
    guard::{
        access::{Admitted, MASTERS},
        own_rights::Right,
    },
    ports::access::{PolicyRule, RbacBinding, RbacRole},
    resources::{
        Kind as _, Live,
        live_access::{AWS_AUTH, NAMESPACE, RoleKey},
    },
};

/// The role that gives everything, whether or not its rules could be read.
const CLUSTER_ADMIN: &str = "cluster-admin";

/// Bindings and the roles that they give, as far as they were read.
#[derive(Clone, Debug, Default)]
pub(in crate::resources) struct Bound {
    bindings: BTreeMap<RoleKey, RbacBinding>,
    roles: BTreeMap<RoleKey, RbacRole>,
}

impl Bound {
    /// What was read; none where bindings could not be.
    pub(in crate::resources) fn now(live: &Live) -> Option<Self> {
        let Some(Ok(bindings)) = &live.access.bindings else {
            return None;
        };
        let mut bound = Self::default();
        for binding in bindings {
            bound.insert(binding.clone());
        }
        for (key, role) in &live.access.roles {
            if let Ok(Some(role)) = role {
                bound.roles.insert(key.clone(), role.clone());
            }
        }
        Some(bound)
    }

    /// The same after the steps of a plan.
    pub(in crate::resources) fn after(mut self, draft: &PlanDraft) -> Self {
        for step in draft.steps() {
            if step.address.kind() == RbacBindingKind.name() {
                match serde_json::from_value(step.operation.clone()) {
                    Ok(
                        binding::Operation::Create { binding } | binding::Operation::SetSubjects { binding },
                    ) => self.insert(binding),
                    Ok(binding::Operation::Delete { binding }) => {
                        self.bindings.remove(&(binding.namespace, binding.name));
                    }
                    Err(_) => {}
                }
            } else if step.address.kind() == RbacRoleKind.name() {
                match serde_json::from_value(step.operation.clone()) {
                    Ok(role::Operation::Create { role } | role::Operation::SetRules { role }) => {
                        self.roles
                            .insert((role.namespace.clone(), role.name.clone()), role);
                    }
                    Ok(role::Operation::Delete { role }) => {
                        self.roles.remove(&(role.namespace, role.name));
                    }
                    Err(_) => {}
                }
            }
        }
        self
    }

    fn insert(&mut self, binding: RbacBinding) {
        self.bindings
            .insert((binding.namespace.clone(), binding.name.clone()), binding);
    }

    /// What somebody may.
    pub(in crate::resources) fn rights(&self, user: &Admitted) -> BTreeSet<Right> {
        if user.is_in(MASTERS) {
            return Right::ALL.into();
        }
        let names = |binding: &&RbacBinding| is_named(binding, &user.username, &user.groups);
        let given = self.bindings.values().filter(names);
        given.flat_map(|binding| self.rights_of(binding)).collect()
    }

    fn rights_of(&self, binding: &RbacBinding) -> BTreeSet<Right> {
        let key = role_key(binding);
        let whole_cluster = binding.namespace.is_none();
        let Some(role) = self.roles.get(&key) else {
            return if whole_cluster && key == (None, CLUSTER_ADMIN.to_owned()) {
                Right::ALL.into()
            } else {
                BTreeSet::new()
            };
        };
        let gives = |wanted: &PolicyRule| role.rules.iter().any(|rule| covers(rule, wanted));
        let writes = |group: &str, resource: &str, name: &str| {
            ["create", "update", "patch"].iter().any(|verb| {
                // A creation has no name yet, and the ConfigMap is there.
                (*verb != "create" || name.is_empty()) && gives(&rule(group, resource, name, verb))
            })
        };
        let mut rights = BTreeSet::new();
        if whole_cluster && gives(&rule("*", "*", "", "*")) {
            rights.insert(Right::Everything);
        }
        if whole_cluster && writes(super::GROUP, "clusterrolebindings", "") {
            rights.insert(Right::WriteBindings);
        }
        if binding.namespace.as_deref().is_none_or(|name| name == NAMESPACE)
            && writes("", "configmaps", AWS_AUTH)
        {
            rights.insert(Right::WriteAwsAuth);
        }
        rights
    }

    /// The bindings that name this user by name.
    pub(in crate::resources) fn naming(&self, username: &str) -> BTreeSet<String> {
        self.bindings
            .values()
            .filter(|binding| is_named(binding, username, &[]))
            .map(|binding| binding_words(binding.namespace.as_deref(), &binding.name))
            .collect()
    }
}

/// Whether a binding names somebody of this user name or in one of these groups.
pub(super) fn is_named(binding: &RbacBinding, username: &str, groups: &[String]) -> bool {
    binding
        .subjects
        .iter()
        .any(|subject| match subject.kind.as_str() {
            "User" => subject.name == username,
            "Group" => groups.contains(&subject.name),
            _ => false,
        })
}

fn rule(group: &str, resource: &str, name: &str, verb: &str) -> PolicyRule {
    let word = |word: &str| vec![word.to_owned()];
    PolicyRule {
        api_groups: word(group),
        resources: word(resource),
        resource_names: if name.is_empty() { Vec::new() } else { word(name) },
        verbs: word(verb),
        ..PolicyRule::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::access::Subject;

    #[test]
    fn what_roles_give_where_they_are_bound() {
        let role = |rules: &[PolicyRule]| RbacRole {
            name: "r".to_owned(),
            rules: rules.to_vec(),
            ..RbacRole::default()
        };
        let all = vec![Right::Everything, Right::WriteBindings, Right::WriteAwsAuth];
        let table = [
            (rule("*", "*", "", "*"), None, all),
            (
                rule("*", "*", "", "*"),
                Some(NAMESPACE),
                vec![Right::WriteAwsAuth],
            ),
            (rule("*", "*", "", "*"), Some("app"), vec![]),
            (rule("*", "*", "", "get"), None, vec![]),
            (
                rule(super::super::GROUP, "clusterrolebindings", "", "create"),
                None,
                vec![Right::WriteBindings],
            ),
            (
                rule(super::super::GROUP, "clusterrolebindings", "one", "patch"),
                None,
                vec![],
            ),
            (
                rule("", "configmaps", AWS_AUTH, "update"),
                Some(NAMESPACE),
                vec![Right::WriteAwsAuth],
            ),
            (rule("", "configmaps", "other", "update"), Some(NAMESPACE), vec![]),
        ];
        for (rule, namespace, expected) in table {
            let binding = RbacBinding {
                namespace: namespace.map(ToOwned::to_owned),
                name: "b".to_owned(),
                role_kind: "ClusterRole".to_owned(),
                role_name: "r".to_owned(),
                subjects: vec![Subject {
                    kind: "Group".to_owned(),
                    name: "ops".to_owned(),
                    namespace: None,
                }],
                ..RbacBinding::default()
            };
            let mut bound = Bound::default();
            bound.insert(binding);
            bound
                .roles
                .insert((None, "r".to_owned()), role(std::slice::from_ref(&rule)));
            let user = |group: &str| Admitted {
                username: "ann".to_owned(),
                groups: vec![group.to_owned()],
            };
            let rights: Vec<Right> = bound.rights(&user("ops")).into_iter().collect();
            assert_eq!(rights, expected, "{rule:?} {namespace:?}");
            assert!(bound.rights(&user("dev")).is_empty());
        }
    }
}
