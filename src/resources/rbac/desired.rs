//! The roles and bindings that a request wants. Pure.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::{MANAGED_BY, MANAGED_BY_LABEL, emr_containers};
use crate::{
    config::{
        cluster_access::{GroupBinding, GroupRole, MappingSubject},
        location::SourceLocation,
    },
    ports::access::{RbacBinding, RbacRole, Subject},
    resources::Request,
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
        let mut own = 0;
        for binding in &group.bindings {
            let role = match &binding.role {
                GroupRole::Existing(role) => role.value.clone(),
                GroupRole::Own(rules) => {
                    own += 1;
                    let name = own_role_name(&group.name.value, own);
                    desired.roles.push(WantedRole {
                        role: RbacRole {
                            name: name.clone(),
                            labels: label(),
                            rules: rules.clone(),
                            ..RbacRole::default()
                        },
                        location: binding.location.clone(),
                        takes_over: false,
                    });
                    name
                }
            };
            let name = match &binding.role {
                GroupRole::Existing(_) => binding_name(&group.name.value, &role),
                GroupRole::Own(_) => role.clone(),
            };
            bindings_of(&group.name.value, &name, &role, binding, &mut desired.bindings);
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
    // The same binding said twice is one.
    let mut names = BTreeSet::new();
    desired
        .bindings
        .retain(|wanted| names.insert((wanted.binding.namespace.clone(), wanted.binding.name.clone())));
    desired
}

/// The groups that the configuration binds.
pub fn bound_groups(request: &Request) -> impl Iterator<Item = &str> {
    request
        .config
        .access
        .groups
        .iter()
        .filter(|group| !group.bindings.is_empty())
        .map(|group| group.name.value.as_str())
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

/// The name of a group's own role: `eksact:deployers`, `eksact:deployers:2` for its second.
fn own_role_name(group: &str, number: usize) -> String {
    let group = path_segment(group);
    match number {
        1 => format!("eksact:{group}"),
        number => format!("eksact:{group}:{number}"),
    }
}

/// The name of a binding of a role that exists: of the group and the role, so that each is there once in each place. A
/// group's own role and its bindings have one name.
fn binding_name(group: &str, role: &str) -> String {
    format!("eksact:{}:{}", path_segment(group), path_segment(role))
}

/// A name as RBAC takes it (a path segment: no `/` and no `%`, `rbac/validation`); one that had to be changed gets a hash
/// of what it was.
fn path_segment(name: &str) -> String {
    if !name.contains(['/', '%']) && name != "." && name != ".." {
        return name.to_owned();
    }
    let mut hash = hex::encode(Sha256::digest(name));
    hash.truncate(6);
    format!("{}-{hash}", name.replace(['/', '%'], "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_group_and_role_and_are_path_segments() {
        assert_eq!(own_role_name("deployers", 1), "eksact:deployers");
        assert_eq!(own_role_name("deployers", 2), "eksact:deployers:2");
        assert_eq!(binding_name("deployers", "edit"), "eksact:deployers:edit");
        let slashed = path_segment("oidc:/admins");
        assert!(
            slashed.starts_with("oidc:-admins-") && !slashed.contains('/'),
            "{slashed}"
        );
        assert_ne!(path_segment("a/b"), path_segment("a%b"));
    }
}
