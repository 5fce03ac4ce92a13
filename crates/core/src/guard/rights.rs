//! What RBAC gives somebody of the rights that guards look at, by its bindings. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    access::{Admitted, MASTERS},
    own_rights::Right,
    rbac_rules::covers,
};
use crate::{
    live::{
        AWS_AUTH, AWS_AUTH_NAMESPACE, Live, RBAC_GROUP, RbacRoleByKey, RoleKey, binding_words, role_key,
        role_words,
    },
    ports::kubernetes::{PolicyRule, RbacBinding, RbacRole},
};
use eksact_identity::iam::trust;

/// The role that gives everything, whether or not its rules could be read.
const CLUSTER_ADMIN: &str = "cluster-admin";

/// Bindings and the roles that they give, as far as they were read.
#[derive(Clone, Debug, Default)]
pub struct Bound {
    bindings: BTreeMap<RoleKey, RbacBinding>,
    roles: BTreeMap<RoleKey, RbacRole>,
    /// Roles that do not exist. What a role gives that is neither here nor among those that were read is not known.
    absent: BTreeSet<RoleKey>,
}

impl Bound {
    /// What was read; none where bindings could not be.
    pub fn of(live: &Live) -> Option<Self> {
        let Some(Ok(bindings)) = live.bindings() else {
            return None;
        };
        let mut bound = Self::default();
        for binding in bindings {
            bound.insert(binding.clone());
        }
        for (RbacRoleByKey(key), role) in live.each() {
            match role {
                Ok(Some(role)) => {
                    bound.roles.insert(key.clone(), role.clone());
                }
                Ok(None) => {
                    bound.absent.insert(key.clone());
                }
                // Not known.
                Err(_) => {}
            }
        }
        Some(bound)
    }

    fn insert(&mut self, binding: RbacBinding) {
        self.bindings
            .insert((binding.namespace.clone(), binding.name.clone()), binding);
    }

    /// The roles that somebody has and that were not read, in words.
    pub fn unread_roles(&self, user: &Admitted) -> BTreeSet<String> {
        self.bindings
            .values()
            .filter(|binding| is_named(binding, &user.username, &user.groups))
            .map(role_key)
            .filter(|key| !self.roles.contains_key(key) && !self.absent.contains(key))
            .map(|(namespace, name)| role_words(namespace.as_deref(), &name))
            .collect()
    }

    /// What somebody may.
    pub fn rights(&self, user: &Admitted) -> BTreeSet<Right> {
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
        if whole_cluster && writes(RBAC_GROUP, "clusterrolebindings", "") {
            rights.insert(Right::WriteBindings);
        }
        if binding
            .namespace
            .as_deref()
            .is_none_or(|name| name == AWS_AUTH_NAMESPACE)
            && writes("", "configmaps", AWS_AUTH)
        {
            rights.insert(Right::WriteAwsAuth);
        }
        rights
    }

    /// The bindings that name this user by name.
    pub fn naming(&self, username: &str) -> BTreeSet<String> {
        self.bindings
            .values()
            .filter(|binding| is_named(binding, username, &[]))
            .map(|binding| binding_words(binding.namespace.as_deref(), &binding.name))
            .collect()
    }
}

/// Whether a binding names somebody of this user name or in one of these groups, as the authorizer compares (1.36:
/// `pkg/registry/rbac/validation/rule.go`, `appliesToUser`): a service account by its user name, in its own namespace or
/// else that of the binding.
pub fn is_named(binding: &RbacBinding, username: &str, groups: &[String]) -> bool {
    binding
        .subjects
        .iter()
        .any(|subject| match subject.kind.as_str() {
            "User" => subject.name == username,
            "Group" => groups.contains(&subject.name),
            "ServiceAccount" => subject
                .namespace
                .as_deref()
                .filter(|namespace| !namespace.is_empty())
                .or(binding.namespace.as_deref())
                .is_some_and(|namespace| trust::subject(namespace, &subject.name) == username),
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
    use crate::ports::kubernetes::Subject;

    /// Service accounts are compared by their user name; kinds, namespaces and names to the letter.
    #[test]
    fn subjects_are_compared_as_the_authorizer_does() {
        const USER: &str = "system:serviceaccount:ci:deployer";
        let own = [
            "system:serviceaccounts",
            "system:serviceaccounts:ci",
            "system:authenticated",
        ];
        let table = [
            (None, "ServiceAccount", "deployer", Some("ci"), true),
            (None, "ServiceAccount", "deployer", None, false),
            (None, "ServiceAccount", "deployer", Some(""), false),
            (None, "ServiceAccount", "deployer", Some("app"), false),
            (None, "ServiceAccount", "Deployer", Some("ci"), false),
            (None, "ServiceAccount", USER, Some("ci"), false),
            (Some("ci"), "ServiceAccount", "deployer", None, true),
            (Some("app"), "ServiceAccount", "deployer", None, false),
            (Some("app"), "ServiceAccount", "deployer", Some("ci"), true),
            (None, "User", USER, None, true),
            (None, "User", "deployer", None, false),
            (None, "Group", "system:serviceaccounts", None, true),
            (None, "Group", "system:serviceaccounts:ci", None, true),
            (None, "Group", "system:serviceaccounts:app", None, false),
            (None, "Group", "system:authenticated", None, true),
            (None, "Group", "System:Authenticated", None, false),
            (None, "Group", USER, None, false),
            (None, "Robot", "deployer", Some("ci"), false),
        ];
        let groups: Vec<String> = own.iter().map(|group| (*group).to_owned()).collect();
        for (of_binding, kind, name, namespace, expected) in table {
            let binding = RbacBinding {
                namespace: of_binding.map(ToOwned::to_owned),
                subjects: vec![Subject {
                    kind: kind.to_owned(),
                    name: name.to_owned(),
                    namespace: namespace.map(ToOwned::to_owned),
                }],
                ..RbacBinding::default()
            };
            assert_eq!(
                is_named(&binding, USER, &groups),
                expected,
                "{of_binding:?} {kind} {name} {namespace:?}"
            );
        }
    }

    #[test]
    fn star_among_names_gives_no_right() {
        let star = rule("", "configmaps", "*", "update");
        assert!(!covers(&star, &rule("", "configmaps", AWS_AUTH, "update")));
        let everything = PolicyRule {
            resource_names: vec!["*".to_owned()],
            ..rule("*", "*", "", "*")
        };
        assert!(!covers(&everything, &rule("*", "*", "", "*")));
    }

    #[test]
    fn roles_give_rights_where_they_are_bound() {
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
                Some(AWS_AUTH_NAMESPACE),
                vec![Right::WriteAwsAuth],
            ),
            (rule("*", "*", "", "*"), Some("app"), vec![]),
            (rule("*", "*", "", "get"), None, vec![]),
            (
                rule(RBAC_GROUP, "clusterrolebindings", "", "create"),
                None,
                vec![Right::WriteBindings],
            ),
            (
                rule(RBAC_GROUP, "clusterrolebindings", "one", "patch"),
                None,
                vec![],
            ),
            (
                rule("", "configmaps", AWS_AUTH, "update"),
                Some(AWS_AUTH_NAMESPACE),
                vec![Right::WriteAwsAuth],
            ),
            (
                rule("", "configmaps", "other", "update"),
                Some(AWS_AUTH_NAMESPACE),
                vec![],
            ),
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
