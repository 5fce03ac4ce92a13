//! What the simulated API server does alike for every kind of object: names its refusals, checks preconditions, counts
//! versions. What an object holds is its own file's matter.

use std::collections::BTreeMap;

use super::refusal::Refusal;
use super::state::uuid_of;
use eksact_core::ports::CallErrorKind;

/// The API group of roles and bindings.
pub(super) const RBAC: &str = "rbac.authorization.k8s.io";

/// An object as requests and messages name it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Id<'a> {
    /// `ConfigMap`.
    pub(super) kind: &'static str,
    /// `configmaps`.
    pub(super) resource: &'static str,
    /// API group, empty for the core one.
    pub(super) group: &'static str,
    /// None for what belongs to the whole cluster.
    pub(super) namespace: Option<&'a str>,
    pub(super) name: &'a str,
}

impl<'a> Id<'a> {
    /// An object of the core group.
    pub(super) fn core(
        kind: &'static str,
        resource: &'static str,
        namespace: Option<&'a str>,
        name: &'a str,
    ) -> Self {
        Self {
            kind,
            resource,
            group: "",
            namespace,
            name,
        }
    }

    pub(super) fn config_map(namespace: &'a str, name: &'a str) -> Self {
        Self::core("ConfigMap", "configmaps", Some(namespace), name)
    }

    pub(super) fn service_account(namespace: &'a str, name: &'a str) -> Self {
        Self::core("ServiceAccount", "serviceaccounts", Some(namespace), name)
    }

    /// A `Role`, or a `ClusterRole` without a namespace.
    pub(super) fn role(namespace: Option<&'a str>, name: &'a str) -> Self {
        let (kind, resource) = match namespace {
            Some(_) => ("Role", "roles"),
            None => ("ClusterRole", "clusterroles"),
        };
        Self {
            group: RBAC,
            ..Self::core(kind, resource, namespace, name)
        }
    }

    /// A `RoleBinding`, or a `ClusterRoleBinding` without a namespace.
    pub(super) fn binding(namespace: Option<&'a str>, name: &'a str) -> Self {
        let (kind, resource) = match namespace {
            Some(_) => ("RoleBinding", "rolebindings"),
            None => ("ClusterRoleBinding", "clusterrolebindings"),
        };
        Self {
            group: RBAC,
            ..Self::core(kind, resource, namespace, name)
        }
    }

    /// Where it is kept: `namespace/name`, and `/name` for what belongs to the whole cluster.
    pub(super) fn key(&self) -> String {
        format!("{}/{}", self.namespace.unwrap_or_default(), self.name)
    }

    fn qualified(&self, word: &str) -> String {
        if self.group.is_empty() {
            word.to_owned()
        } else {
            format!("{word}.{}", self.group)
        }
    }

    pub(super) fn not_found(&self) -> Refusal {
        let message = format!("{} \"{}\" not found", self.qualified(self.resource), self.name);
        Refusal::new("NotFound", message)
    }

    fn conflict(&self, what: &str, why: &str) -> Refusal {
        let (what, name) = (self.qualified(what), self.name);
        let message = format!("Operation cannot be fulfilled on {what} \"{name}\": {why}");
        Refusal::new("Conflict", message)
    }

    /// The refusal of a field; `why` begins with the sort of fault: `Invalid value: …`, `Too long: …`.
    pub(super) fn invalid(&self, field: &str, why: &str) -> Refusal {
        let (kind, name) = (self.qualified(self.kind), self.name);
        Refusal::new("Invalid", format!("{kind} \"{name}\" is invalid: {field}: {why}"))
    }

    /// Nothing more is created in a namespace that is being deleted. The server says "Forbidden", and means a state and
    /// no permission.
    pub(super) fn terminating(&self, namespace: &str) -> Refusal {
        let (what, name) = (self.qualified(self.resource), self.name);
        let message = format!(
            "{what} \"{name}\" is forbidden: unable to create new content in namespace {namespace} because it is being \
             terminated"
        );
        Refusal::new("Forbidden", message).of_kind(CallErrorKind::Conflict)
    }
}

/// The refusal of what the caller may not do.
pub(super) fn forbidden(
    verb: &str,
    (group, resource): (&str, &str),
    namespace: Option<&str>,
    name: &str,
) -> Refusal {
    let dot = if group.is_empty() { "" } else { "." };
    let named = if name.is_empty() {
        String::new()
    } else {
        format!(" \"{name}\"")
    };
    let scope = match namespace {
        Some(namespace) => format!("in the namespace \"{namespace}\""),
        None => "at the cluster scope".to_owned(),
    };
    Refusal::new(
        "Forbidden",
        format!(
            "{resource}{dot}{group}{named} is forbidden: User \"sandbox\" cannot {verb} resource \"{resource}\" in API \
             group \"{group}\" {scope}"
        ),
    )
}

/// An object with what the server alone sets.
pub(super) trait Object: Clone + PartialEq {
    fn uid(&self) -> &str;
    fn resource_version(&self) -> &str;
    fn stamp_version(&mut self, resource_version: String);
    fn stamp_uid(&mut self, uid: String);
}

macro_rules! objects {
    ($($kind:ty),*) => {$(
        impl Object for $kind {
            fn uid(&self) -> &str {
                &self.uid
            }
            fn resource_version(&self) -> &str {
                &self.resource_version
            }
            fn stamp_version(&mut self, resource_version: String) {
                self.resource_version = resource_version;
            }
            fn stamp_uid(&mut self, uid: String) {
                self.uid = uid;
            }
        }
    )*};
}

objects!(
    eksact_core::ports::kubernetes::ServiceAccount,
    eksact_core::ports::access::ConfigMap,
    eksact_core::ports::access::RbacRole,
    eksact_core::ports::access::RbacBinding
);

/// POST: a name that is taken is refused. `birth` makes the uid another than that of an object of the same name before.
pub(super) fn create<O: Object>(
    objects: &mut BTreeMap<String, O>,
    revision: &mut u64,
    id: &Id<'_>,
    birth: &str,
    mut object: O,
) -> Result<O, Refusal> {
    let key = id.key();
    if objects.contains_key(&key) {
        let what = id.qualified(id.resource);
        let message = format!("{what} \"{}\" already exists", id.name);
        return Err(Refusal::new("AlreadyExists", message));
    }
    *revision += 1;
    object.stamp_uid(uuid_of(&format!("{birth} {} {key} {revision}", id.resource)));
    object.stamp_version(revision.to_string());
    objects.insert(key, object.clone());
    Ok(object)
}

/// PATCH of an object at a version; a change that changes nothing makes no new version.
pub(super) fn change<O: Object>(
    objects: &mut BTreeMap<String, O>,
    revision: &mut u64,
    id: &Id<'_>,
    resource_version: &str,
    change: impl FnOnce(&mut O) -> Result<(), Refusal>,
) -> Result<O, Refusal> {
    let object = objects.get_mut(&id.key()).ok_or_else(|| id.not_found())?;
    if object.resource_version() != resource_version {
        return Err(id.conflict(
            id.resource,
            "the object has been modified; please apply your changes to the latest version and try again",
        ));
    }
    let mut changed = object.clone();
    change(&mut changed)?;
    if changed != *object {
        *revision += 1;
        changed.stamp_version(revision.to_string());
        object.clone_from(&changed);
    }
    Ok(changed)
}

/// DELETE with uid and version as preconditions, checked in this order and worded with the kind (`k8s.io/apiserver`
/// `pkg/registry/rest/delete.go`, `BeforeDelete`).
pub(super) fn remove<O: Object>(
    objects: &mut BTreeMap<String, O>,
    revision: &mut u64,
    id: &Id<'_>,
    uid: &str,
    resource_version: &str,
) -> Result<(), Refusal> {
    let key = id.key();
    let object = objects.get(&key).ok_or_else(|| id.not_found())?;
    if object.uid() != uid {
        return Err(id.conflict(
            id.kind,
            &format!(
                "the UID in the precondition ({uid}) does not match the UID in record ({}). The object might have been \
                 deleted and then recreated",
                object.uid()
            ),
        ));
    }
    if object.resource_version() != resource_version {
        return Err(id.conflict(
            id.kind,
            &format!(
                "the ResourceVersion in the precondition ({resource_version}) does not match the ResourceVersion in \
                 record ({}). The object might have been modified",
                object.resource_version()
            ),
        ));
    }
    *revision += 1;
    objects.remove(&key);
    Ok(())
}
