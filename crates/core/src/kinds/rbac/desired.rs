//! The roles and bindings that a request wants. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{GROUP_ANNOTATION, MANAGED_BY, MANAGED_BY_LABEL, emr_containers};
use crate::{
    config::{
        cluster_access::{GroupBinding, GroupRole, MappingSubject},
        location::SourceLocation,
    },
    engine::plan::fingerprint,
    guard::rbac_rules::normal,
    kinds::Request,
    ports::kubernetes::{PolicyRule, RbacBinding, RbacRole, Subject},
};

/// A role that shall be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WantedRole {
    pub role: RbacRole,
    pub location: Option<SourceLocation>,
    /// Whether it is changed whoever made it, as eksctl does with a service's.
    pub takes_over: bool,
}

/// A binding that shall be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WantedBinding {
    pub binding: RbacBinding,
    pub location: Option<SourceLocation>,
    pub takes_over: bool,
}

/// Everything that shall be there, each name once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Desired {
    pub roles: Vec<WantedRole>,
    pub bindings: Vec<WantedBinding>,
}

/// What `request` wants.
pub(super) fn desired(request: &Request) -> Desired {
    let mut desired = Desired::default();
    for group in &request.config.access.groups {
        for binding in &group.bindings {
            let group = &group.name.value;
            let (name, role) = match &binding.role {
                GroupRole::Existing(role) => (binding_name(group, &role.value), role.value.clone()),
                GroupRole::Own(rules) => {
                    let name = own_role_name(group, rules);
                    desired.roles.push(WantedRole {
                        role: RbacRole {
                            name: name.clone(),
                            labels: label(),
                            annotations: annotation(group),
                            rules: rules.clone(),
                            ..RbacRole::default()
                        },
                        location: binding.location.clone(),
                        takes_over: false,
                    });
                    (name.clone(), name)
                }
            };
            bindings_of(group, &name, &role, binding, &mut desired.bindings);
        }
    }
    let mut namespaces = BTreeSet::new();
    for mapping in &request.config.access.identity_mappings {
        if let MappingSubject::Service { namespace, .. } = &mapping.subject
            && namespaces.insert(namespace)
        {
            desired.roles.push(WantedRole {
                role: emr_containers::role(namespace),
                location: mapping.location.clone(),
                takes_over: true,
            });
            desired.bindings.push(WantedBinding {
                binding: emr_containers::binding(namespace),
                location: mapping.location.clone(),
                takes_over: true,
            });
        }
    }
    // The same said twice is one: a name tells what it is the name of.
    let mut names = BTreeSet::new();
    desired
        .roles
        .retain(|wanted| names.insert((wanted.role.namespace.clone(), wanted.role.name.clone())));
    names.clear();
    desired
        .bindings
        .retain(|wanted| names.insert((wanted.binding.namespace.clone(), wanted.binding.name.clone())));
    desired
}

fn bindings_of(group: &str, name: &str, role: &str, binding: &GroupBinding, into: &mut Vec<WantedBinding>) {
    let namespaces: Vec<Option<String>> = match &binding.namespaces {
        Some(namespaces) => namespaces
            .iter()
            .map(|namespace| Some(namespace.value.clone()))
            .collect(),
        None => vec![None],
    };
    into.extend(namespaces.into_iter().map(|namespace| WantedBinding {
        binding: RbacBinding {
            namespace,
            name: name.to_owned(),
            labels: label(),
            annotations: annotation(group),
            role_kind: "ClusterRole".to_owned(),
            role_name: role.to_owned(),
            subjects: vec![Subject {
                kind: "Group".to_owned(),
                name: group.to_owned(),
                namespace: None,
            }],
            ..RbacBinding::default()
        },
        location: binding.location.clone(),
        takes_over: false,
    }));
}

fn label() -> BTreeMap<String, String> {
    BTreeMap::from([(MANAGED_BY_LABEL.to_owned(), MANAGED_BY.to_owned())])
}

/// The group is told in full where a name cannot.
fn annotation(group: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(GROUP_ANNOTATION.to_owned(), group.to_owned())])
}

/// Hex digits of the digest in a name: two names of one cluster do not meet by chance.
const DIGITS: usize = 10;

/// The name of a group's own role and its bindings: `eksact:deployers:3f9a0c12de`. The digest is of the rules, so that
/// neither the place of the rules in the file matters, nor other rules ever come to those who are bound to these.
fn own_role_name(group: &str, rules: &[PolicyRule]) -> String {
    format!(
        "eksact:{}:{}",
        path_segment(group),
        digest(&(group, normal(rules)))
    )
}

/// The name of a binding of a role that exists: `eksact:deployers:edit`, so that each is there once in each place. A
/// digest follows where the colons of `system:auditors` or the letters of a role would make two things of one name.
fn binding_name(group: &str, role: &str) -> String {
    let name = format!("eksact:{}:{}", path_segment(group), path_segment(role));
    if is_plain(group) && is_plain(role) && !is_digest(role) {
        name
    } else {
        format!("{name}:{}", digest(&(group, role)))
    }
}

fn digest(of: &impl Serialize) -> String {
    let mut digest = fingerprint(of);
    digest.truncate(DIGITS);
    digest
}

fn is_digest(word: &str) -> bool {
    word.len() == DIGITS && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_plain(word: &str) -> bool {
    !word.contains([':', '/', '%'])
}

/// A word as the names of RBAC take it (a path segment: no `/` and no `%`, `rbac/validation`).
fn path_segment(word: &str) -> String {
    word.replace(['/', '%'], "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(verbs: &[&str], resources: &[&str]) -> PolicyRule {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        PolicyRule {
            api_groups: vec![String::new()],
            resources: words(resources),
            verbs: words(verbs),
            ..PolicyRule::default()
        }
    }

    #[test]
    fn names_tell_group_and_role_and_are_path_segments() {
        assert_eq!(binding_name("deployers", "edit"), "eksact:deployers:edit");
        let own = own_role_name("deployers", &[rule(&["get"], &["pods"])]);
        assert!(
            own.strip_prefix("eksact:deployers:").is_some_and(is_digest),
            "{own}"
        );
        let slashed = binding_name("oidc:/admins", "edit");
        assert!(
            slashed.starts_with("eksact:oidc:-admins:edit:") && !slashed.contains('/'),
            "{slashed}"
        );
    }

    #[test]
    fn names_of_two_things_are_two() {
        let names = [
            binding_name("oidc", "admins:view"),
            binding_name("oidc:admins", "view"),
            binding_name("oidc:admins:view", "view"),
            binding_name("a/b", "view"),
            binding_name("a%b", "view"),
            binding_name("a-b", "view"),
            own_role_name("ops", &[rule(&["get"], &["pods"])]),
            own_role_name("ops", &[rule(&["get"], &["secrets"])]),
            own_role_name("ops:2", &[rule(&["get"], &["pods"])]),
            own_role_name("a/b", &[]),
            own_role_name("a-b", &[]),
            // A role whose name is what the digest of own rules is.
            binding_name("ops", own_role_name("ops", &[]).rsplit(':').next().unwrap()),
            own_role_name("ops", &[]),
        ];
        let distinct: BTreeSet<&String> = names.iter().collect();
        assert_eq!(distinct.len(), names.len(), "{names:#?}");
    }

    #[test]
    fn order_of_rules_and_words_is_not_in_a_name() {
        let one = [rule(&["get", "list"], &["pods"]), rule(&["get"], &["nodes"])];
        let other = [
            rule(&["get"], &["nodes"]),
            rule(&["list", "get", "get"], &["pods"]),
        ];
        assert_eq!(own_role_name("ops", &one), own_role_name("ops", &other));
    }
}
