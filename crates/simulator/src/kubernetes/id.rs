//! An object as requests and messages name it, and the refusals that are worded alike for every kind.

use super::Request;
use crate::refusal::Refusal;
use eksact_core::ports::CallErrorKind;
use eksact_core::ports::kubernetes::{ApiResource, Object, ObjectKey};

/// An object of a resource.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Id<'a> {
    pub(crate) resource: ApiResource,
    pub(crate) key: ObjectKey<'a>,
}

impl<'a> Id<'a> {
    /// An object of this type.
    pub(crate) fn of<O: Object>(key: ObjectKey<'a>) -> Self {
        Self {
            resource: O::RESOURCES.of(key.namespace),
            key,
        }
    }

    /// Where most kinds are kept: `namespace/name`, and `/name` for what belongs to the whole cluster.
    pub(crate) fn place(&self) -> String {
        format!("{}/{}", self.key.namespace.unwrap_or_default(), self.key.name)
    }

    fn qualified(&self, word: &str) -> String {
        if self.resource.group.is_empty() {
            word.to_owned()
        } else {
            format!("{word}.{}", self.resource.group)
        }
    }

    /// `serviceaccounts "reader"`.
    fn named(&self) -> String {
        format!("{} \"{}\"", self.qualified(self.resource.plural), self.key.name)
    }

    pub(crate) fn not_found(&self) -> Refusal {
        Refusal::new("NotFound", format!("{} not found", self.named()))
    }

    /// `k8s.io/apiserver` `pkg/registry/generic/registry/store.go`, `Create`.
    pub(super) fn already_exists(&self, terminating: bool) -> Refusal {
        let deleted = if terminating {
            "object is being deleted: "
        } else {
            ""
        };
        Refusal::new(
            "AlreadyExists",
            format!("{deleted}{} already exists", self.named()),
        )
    }

    /// `what` is the resource or the kind, as the server happens to word it.
    pub(super) fn conflict(&self, what: &str, why: &str) -> Refusal {
        let (what, name) = (self.qualified(what), self.key.name);
        let message = format!("Operation cannot be fulfilled on {what} \"{name}\": {why}");
        Refusal::new("Conflict", message)
    }

    /// The refusal of a field; `why` begins with the sort of fault: `Invalid value: …`, `Too long: …`.
    pub(super) fn invalid(&self, field: &str, why: &str) -> Refusal {
        let (kind, name) = (self.qualified(self.resource.kind), self.key.name);
        Refusal::new("Invalid", format!("{kind} \"{name}\" is invalid: {field}: {why}"))
    }

    /// Nothing more is created in a namespace that is being deleted. The server says "Forbidden", and means a state and
    /// no permission.
    pub(super) fn terminating(&self, namespace: &str) -> Refusal {
        let message = format!(
            "{} is forbidden: unable to create new content in namespace {namespace} because it is being terminated",
            self.named()
        );
        Refusal::new("Forbidden", message).of_kind(CallErrorKind::Conflict)
    }
}

/// The refusal of what the caller may not do.
pub(super) fn forbidden(request: &Request<'_>) -> Refusal {
    let Request {
        verb,
        group,
        resource,
        namespace,
        name,
    } = request;
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
