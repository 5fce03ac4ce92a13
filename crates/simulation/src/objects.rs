//! The objects of a world, each under one name, and which of them are a step's to write.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use eksact_core::engine::Address;
use eksact_identity::cloudformation::{RoleOwner, managed_policy};
use eksact_simulator::World;

use crate::{
    hands::CONFIG_MAP,
    people::name_of,
    world::{CLUSTER, cluster_of},
};

/// An object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Object {
    /// `stack`, `role`, `access entry`, …
    pub kind: &'static str,
    /// Its key in the world.
    pub key: String,
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.key)
    }
}

fn differing<T: PartialEq>(
    kind: &'static str,
    before: &BTreeMap<String, T>,
    after: &BTreeMap<String, T>,
    into: &mut BTreeSet<Object>,
) {
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    into.extend(
        keys.into_iter()
            .filter(|key| before.get(*key) != after.get(*key))
            .map(|key| Object {
                kind,
                key: key.clone(),
            }),
    );
}

/// The objects that differ between two worlds.
pub fn changed(before: &World, after: &World) -> BTreeSet<Object> {
    let mut all = BTreeSet::new();
    differing("stack", &before.stacks, &after.stacks, &mut all);
    differing("role", &before.roles, &after.roles, &mut all);
    differing(
        "managed policy",
        &before.managed_policies,
        &after.managed_policies,
        &mut all,
    );
    differing(
        "OIDC provider",
        &before.oidc_providers,
        &after.oidc_providers,
        &mut all,
    );
    differing("change set", &before.change_sets, &after.change_sets, &mut all);
    let (one, other) = (cluster_of(before), cluster_of(after));
    differing("namespace", &one.namespaces, &other.namespaces, &mut all);
    differing(
        "service account",
        &one.service_accounts,
        &other.service_accounts,
        &mut all,
    );
    differing("config map", &one.config_maps, &other.config_maps, &mut all);
    differing("lease", &one.leases, &other.leases, &mut all);
    differing("RBAC role", &one.rbac_roles, &other.rbac_roles, &mut all);
    differing("RBAC binding", &one.rbac_bindings, &other.rbac_bindings, &mut all);
    differing(
        "access entry",
        &one.eks.access_entries,
        &other.eks.access_entries,
        &mut all,
    );
    differing(
        "identity provider",
        &one.eks.identity_providers,
        &other.eks.identity_providers,
        &mut all,
    );
    differing("add-on", &one.eks.addons, &other.eks.addons, &mut all);
    differing(
        "association",
        &one.eks.pod_identity_associations,
        &other.eks.pod_identity_associations,
        &mut all,
    );
    let mut of_cluster = |kind, differs: bool| {
        if differs {
            all.insert(Object {
                kind,
                key: String::new(),
            });
        }
    };
    of_cluster("cluster tags", one.cluster.tags != other.cluster.tags);
    of_cluster(
        "authentication mode",
        one.cluster.authentication_mode != other.cluster.authentication_mode,
    );
    all
}

/// Whose role a stack or a role is, by its tags.
fn owner(object: &Object, world: &World) -> Option<RoleOwner> {
    let tags = match object.kind {
        "stack" => &world.stacks.get(&object.key)?.stack.tags,
        "role" => &world.roles.get(&object.key)?.tags,
        "change set" => {
            let stack = &world.change_sets.get(&object.key)?.stack_id;
            &world.stacks.get(stack)?.stack.tags
        }
        _ => return None,
    };
    RoleOwner::of_tags(tags)
}

/// The id of the stack that an object is, or is of.
fn stack_id_of<'a>(object: &'a Object, world: &'a World) -> Option<&'a String> {
    match object.kind {
        "stack" => Some(&object.key),
        "change set" => Some(&world.change_sets.get(&object.key)?.stack_id),
        _ => None,
    }
}

/// Its name.
fn stack_of<'world>(object: &Object, world: &'world World) -> Option<&'world str> {
    let id = stack_id_of(object, world)?;
    Some(&world.stacks.get(id)?.stack.name)
}

/// Whether an object is this address's to write. Either world may know it.
pub fn belongs(object: &Object, address: &Address, worlds: [&World; 2]) -> bool {
    let name = address.name();
    let key = object.key.as_str();
    let is_backup = key.starts_with(CONFIG_MAP);
    let is_owned = || {
        worlds
            .iter()
            .filter_map(|world| owner(object, world))
            .any(|owner| eksact_core::live::addresses::role_of(&owner) == *address)
    };
    let of_account = || {
        let mut found = worlds
            .iter()
            .filter_map(|world| cluster_of(world).eks.pod_identity_associations.get(key));
        found.any(|found| format!("{}/{}", found.namespace, found.service_account) == name)
    };
    // Hands may have taken off the tag that says whose a stack is.
    let is_named = |wanted: &str| worlds.iter().any(|world| stack_of(object, world) == Some(wanted));
    let makes_role = |role: &str| {
        worlds.iter().any(|world| {
            let of_stack = stack_id_of(object, world).and_then(|id| world.stacks.get(id));
            of_stack.is_some_and(|stack| {
                let mut made = stack.resources.values();
                made.any(|resource| resource.physical_id == role)
            })
        })
    };
    match (address.kind(), object.kind) {
        ("oidc-provider", "OIDC provider" | "cluster tags")
        | ("authentication-mode", "authentication mode" | "access entry") => true,
        ("iam-role" | "pod-identity-role", "stack" | "role" | "change set") => is_owned(),
        ("assumable-role", "stack" | "change set") => is_owned() || makes_role(name),
        ("managed-policy", "stack" | "change set") => is_named(&managed_policy::stack_name(CLUSTER, name)),
        ("managed-policy", "managed policy") => name_of(key) == name,
        ("pod-identity-association", "association") => of_account(),
        ("namespace", "namespace")
        | ("service-account", "service account")
        | ("shared-role" | "assumable-role", "role")
        | ("access-entry", "access entry")
        | ("identity-provider", "identity provider")
        | ("addon", "add-on") => key == name,
        ("rbac-role", "RBAC role") | ("rbac-binding", "RBAC binding") => key.trim_start_matches('/') == name,
        ("aws-auth" | "identity-mapping", "config map") => is_backup,
        ("access-migration", "RBAC binding") => key.starts_with("/eksact:migration:"),
        ("pod-identity-migration", "role") => name.strip_prefix("role/") == Some(key),
        _ => false,
    }
}
