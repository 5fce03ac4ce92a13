//! A simulated Kubernetes API server: namespaces, service accounts, pods and access reviews.
//!
//! The server only, without its controllers: a new namespace gets no `default` service account by itself, and nothing
//! ever finishes terminating.

use jiff::Timestamp;

use super::field_managers::{self, Wanted};
use super::refusal::Refusal;
use super::state::{SimulatedCluster, uuid_of};
use crate::ports::CallErrorKind;
use crate::ports::kubernetes::{
    AccessReview, FIELD_MANAGER, Namespace, ServiceAccount, ServiceAccountMetadata,
};

/// Sum of the sizes of an object's annotations that the server takes, in bytes.
const MAX_ANNOTATIONS: usize = 256 * 1024;

impl SimulatedCluster {
    /// Whether the caller may, by the world's list of what is denied.
    pub(super) fn may(&self, review: &AccessReview) -> bool {
        let what = format!("{} {}", review.verb, review.resource);
        let in_namespace = review
            .namespace
            .as_ref()
            .map(|namespace| format!("{what} in {namespace}"));
        !self.denied.contains(&what) && !in_namespace.is_some_and(|what| self.denied.contains(&what))
    }

    /// Refuses what the caller may not do, in the server's words.
    pub(super) fn authorize(
        &self,
        verb: &str,
        resource: &str,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<(), Refusal> {
        let review = AccessReview {
            verb: verb.to_owned(),
            group: String::new(),
            resource: resource.to_owned(),
            namespace: namespace.map(ToOwned::to_owned),
        };
        if self.may(&review) {
            return Ok(());
        }
        let named = if name.is_empty() {
            String::new()
        } else {
            format!(" \"{name}\"")
        };
        let scope = match namespace {
            Some(namespace) => format!("in the namespace \"{namespace}\""),
            None => "at the cluster scope".to_owned(),
        };
        Err(Refusal::new(
            "Forbidden",
            format!(
                "{resource}{named} is forbidden: User \"sandbox\" cannot {verb} resource \"{resource}\" in API group \
                 \"\" {scope}"
            ),
        ))
    }

    /// POST of a namespace.
    pub(super) fn create_namespace(&mut self, name: &str) -> Result<(), Refusal> {
        if !is_label_name(name) {
            return Err(invalid(
                "Namespace",
                name,
                "metadata.name",
                name,
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start \
                 and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
                 '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
            ));
        }
        if let Some(existing) = self.namespaces.get(name) {
            let deleted = if existing.terminating {
                "object is being deleted: "
            } else {
                ""
            };
            let message = format!("{deleted}namespaces \"{name}\" already exists");
            return Err(Refusal::new("AlreadyExists", message));
        }
        self.revision += 1;
        let namespace = Namespace {
            name: name.to_owned(),
            terminating: false,
        };
        self.namespaces.insert(name.to_owned(), namespace);
        Ok(())
    }

    /// POST of a service account.
    pub(super) fn create_service_account(
        &mut self,
        metadata: &ServiceAccountMetadata,
        now: Timestamp,
    ) -> Result<ServiceAccount, Refusal> {
        let ServiceAccountMetadata { namespace, name, .. } = metadata;
        check_metadata(metadata)?;
        match self.namespaces.get(namespace) {
            None => return Err(not_found("namespaces", namespace)),
            Some(namespace) if namespace.terminating => {
                let refusal = Refusal::new(
                    "Forbidden",
                    format!(
                        "serviceaccounts \"{name}\" is forbidden: unable to create new content in namespace {} because \
                         it is being terminated",
                        namespace.name
                    ),
                );
                return Err(refusal.of_kind(CallErrorKind::Conflict));
            }
            Some(_) => {}
        }
        let key = format!("{namespace}/{name}");
        if self.service_accounts.contains_key(&key) {
            return Err(Refusal::new(
                "AlreadyExists",
                format!("serviceaccounts \"{name}\" already exists"),
            ));
        }
        self.revision += 1;
        let mut object = ServiceAccount {
            namespace: namespace.clone(),
            name: name.clone(),
            uid: uuid_of(&format!("{} {key} {} {now}", self.cluster.arn, self.revision)),
            resource_version: self.revision.to_string(),
            ..ServiceAccount::default()
        };
        field_managers::update(&mut object, FIELD_MANAGER, &wanted(metadata));
        self.service_accounts.insert(key, object.clone());
        Ok(object)
    }

    /// Forced server-side apply to an object that exists, at this version.
    pub(super) fn apply_service_account(
        &mut self,
        metadata: &ServiceAccountMetadata,
        resource_version: &str,
    ) -> Result<ServiceAccount, Refusal> {
        check_metadata(metadata)?;
        self.change(&metadata.namespace, &metadata.name, resource_version, |object| {
            field_managers::apply(object, FIELD_MANAGER, &wanted(metadata));
        })
    }

    /// Merge patch that removes labels and annotations.
    pub(super) fn remove_service_account_metadata(
        &mut self,
        (namespace, name): (&str, &str),
        labels: &[String],
        annotations: &[String],
        resource_version: &str,
    ) -> Result<ServiceAccount, Refusal> {
        self.change(namespace, name, resource_version, |object| {
            field_managers::remove(object, labels, annotations);
        })
    }

    /// DELETE with uid and version as preconditions, checked in this order (`k8s.io/apiserver`
    /// `pkg/registry/rest/delete.go`, `BeforeDelete`).
    pub(super) fn delete_service_account(
        &mut self,
        namespace: &str,
        name: &str,
        uid: &str,
        resource_version: &str,
    ) -> Result<(), Refusal> {
        let key = format!("{namespace}/{name}");
        let object = self
            .service_accounts
            .get(&key)
            .ok_or_else(|| not_found("serviceaccounts", name))?;
        if object.uid != uid {
            return Err(conflict(
                name,
                &format!(
                    "the UID in the precondition ({uid}) does not match the UID in record ({}). The object might have \
                     been deleted and then recreated",
                    object.uid
                ),
            ));
        }
        if object.resource_version != resource_version {
            return Err(conflict(
                name,
                &format!(
                    "the ResourceVersion in the precondition ({resource_version}) does not match the ResourceVersion in \
                     record ({}). The object might have been modified",
                    object.resource_version
                ),
            ));
        }
        self.revision += 1;
        self.service_accounts.remove(&key);
        Ok(())
    }

    /// Changes an object at a version; a change that changes nothing makes no new version.
    fn change(
        &mut self,
        namespace: &str,
        name: &str,
        resource_version: &str,
        change: impl FnOnce(&mut ServiceAccount),
    ) -> Result<ServiceAccount, Refusal> {
        let key = format!("{namespace}/{name}");
        let object = self
            .service_accounts
            .get_mut(&key)
            .ok_or_else(|| not_found("serviceaccounts", name))?;
        if object.resource_version != resource_version {
            return Err(conflict(
                name,
                "the object has been modified; please apply your changes to the latest version and try again",
            ));
        }
        let mut changed = object.clone();
        change(&mut changed);
        if changed != *object {
            self.revision += 1;
            changed.resource_version = self.revision.to_string();
            object.clone_from(&changed);
        }
        Ok(changed)
    }
}

fn wanted(metadata: &ServiceAccountMetadata) -> Wanted<'_> {
    Wanted {
        labels: &metadata.labels,
        annotations: &metadata.annotations,
    }
}

fn not_found(resource: &str, name: &str) -> Refusal {
    Refusal::new("NotFound", format!("{resource} \"{name}\" not found"))
}

fn conflict(name: &str, why: &str) -> Refusal {
    let message = format!("Operation cannot be fulfilled on serviceaccounts \"{name}\": {why}");
    Refusal::new("Conflict", message)
}

fn invalid(kind: &str, name: &str, field: &str, value: &str, why: &str) -> Refusal {
    let message = format!("{kind} \"{name}\" is invalid: {field}: Invalid value: \"{value}\": {why}");
    Refusal::new("Invalid", message)
}

/// The server's checks of a service account's name, labels and annotations
/// (`k8s.io/apimachinery/pkg/api/validation`).
fn check_metadata(metadata: &ServiceAccountMetadata) -> Result<(), Refusal> {
    let name = metadata.name.as_str();
    if name.len() > 253 || !name.split('.').all(is_label_characters) {
        return Err(invalid(
            "ServiceAccount",
            name,
            "metadata.name",
            name,
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must \
             start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
             '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
        ));
    }
    let invalid =
        |field: &str, value: &str, why: &str| Err(invalid("ServiceAccount", name, field, value, why));
    for (key, value) in &metadata.labels {
        if !is_qualified_name(key) {
            return invalid(
                "metadata.labels",
                key,
                "name part must be a qualified name of at most 63 characters",
            );
        }
        if !(value.is_empty() || is_name(value)) {
            return invalid(
                "metadata.labels",
                value,
                "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and \
                 must start and end with an alphanumeric character",
            );
        }
    }
    for key in metadata.annotations.keys() {
        if !is_qualified_name(&key.to_ascii_lowercase()) {
            return invalid(
                "metadata.annotations",
                key,
                "name part must be a qualified name of at most 63 characters",
            );
        }
    }
    let size: usize = metadata
        .annotations
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    if size > MAX_ANNOTATIONS {
        let message = format!(
            "ServiceAccount \"{name}\" is invalid: metadata.annotations: Too long: may not be more than \
             {MAX_ANNOTATIONS} bytes"
        );
        return Err(Refusal::new("Invalid", message));
    }
    Ok(())
}

fn is_label_name(name: &str) -> bool {
    name.len() <= 63 && is_label_characters(name)
}

fn is_label_characters(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.bytes().all(|byte| inner(byte) || byte == b'-')
        && name.bytes().next().is_some_and(inner)
        && name.bytes().next_back().is_some_and(inner)
}

/// A label's value, or the part of a key after the slash.
fn is_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric();
    name.len() <= 63
        && name.bytes().all(|byte| inner(byte) || b"-_.".contains(&byte))
        && name.bytes().next().is_some_and(inner)
        && name.bytes().next_back().is_some_and(inner)
}

fn is_qualified_name(key: &str) -> bool {
    match key.split_once('/') {
        Some((prefix, name)) => {
            prefix.len() <= 253 && prefix.split('.').all(is_label_characters) && is_name(name)
        }
        None => is_name(key),
    }
}
