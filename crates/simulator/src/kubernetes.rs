//! A simulated Kubernetes API server: namespaces, service accounts, pods and access reviews.
//!
//! The server only, without its controllers: a new namespace gets no `default` service account by itself, and nothing
//! ever finishes terminating.

use jiff::Timestamp;

use super::access::group_of;
use super::field_managers::{self, Wanted};
use super::object_checks::{check_metadata, check_name, is_label_name};
use super::objects::{self, Id, forbidden};
use super::refusal::Refusal;
use super::state::SimulatedCluster;
use eksact_core::ports::kubernetes::{
    AccessReview, FIELD_MANAGER, Namespace, ServiceAccount, ServiceAccountMetadata,
};

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
        let group = group_of(resource);
        let review = AccessReview {
            verb: verb.to_owned(),
            group: group.to_owned(),
            resource: resource.to_owned(),
            namespace: namespace.map(ToOwned::to_owned),
        };
        if self.may(&review) {
            return Ok(());
        }
        Err(forbidden(verb, (group, resource), namespace, name))
    }

    /// POST of a namespace.
    pub(super) fn create_namespace(&mut self, name: &str) -> Result<(), Refusal> {
        if !is_label_name(name) {
            let why = format!(
                "Invalid value: \"{name}\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters \
                 or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex \
                 used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
            );
            return Err(Id::core("Namespace", "namespaces", None, name).invalid("metadata.name", &why));
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
        let id = Id::service_account(namespace, name);
        check(&id, metadata)?;
        self.check_namespace(&id)?;
        let mut object = ServiceAccount {
            namespace: namespace.clone(),
            name: name.clone(),
            ..ServiceAccount::default()
        };
        field_managers::update(&mut object, FIELD_MANAGER, &wanted(metadata));
        let birth = format!("{} {now}", self.cluster.arn);
        let accounts = &mut self.service_accounts;
        objects::create(accounts, &mut self.revision, &id, &birth, object)
    }

    /// Forced server-side apply to an object that exists, at this version.
    pub(super) fn apply_service_account(
        &mut self,
        metadata: &ServiceAccountMetadata,
        resource_version: &str,
    ) -> Result<ServiceAccount, Refusal> {
        let id = Id::service_account(&metadata.namespace, &metadata.name);
        check(&id, metadata)?;
        let accounts = &mut self.service_accounts;
        objects::change(accounts, &mut self.revision, &id, resource_version, |object| {
            field_managers::apply(object, FIELD_MANAGER, &wanted(metadata));
            Ok(())
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
        let id = Id::service_account(namespace, name);
        let accounts = &mut self.service_accounts;
        objects::change(accounts, &mut self.revision, &id, resource_version, |object| {
            field_managers::remove(object, labels, annotations);
            Ok(())
        })
    }

    /// DELETE of a service account.
    pub(super) fn delete_service_account(
        &mut self,
        namespace: &str,
        name: &str,
        uid: &str,
        resource_version: &str,
    ) -> Result<(), Refusal> {
        let id = Id::service_account(namespace, name);
        let accounts = &mut self.service_accounts;
        objects::remove(accounts, &mut self.revision, &id, uid, resource_version)
    }

    /// The namespace in which an object shall be created must be there and stay.
    pub(super) fn check_namespace(&self, id: &Id<'_>) -> Result<(), Refusal> {
        let Some(namespace) = id.namespace else {
            return Ok(());
        };
        match self.namespaces.get(namespace) {
            None => Err(Id::core("Namespace", "namespaces", None, namespace).not_found()),
            Some(found) if found.terminating => Err(id.terminating(namespace)),
            Some(_) => Ok(()),
        }
    }
}

fn wanted(metadata: &ServiceAccountMetadata) -> Wanted<'_> {
    Wanted {
        labels: &metadata.labels,
        annotations: &metadata.annotations,
    }
}

fn check(id: &Id<'_>, metadata: &ServiceAccountMetadata) -> Result<(), Refusal> {
    check_name(id)?;
    check_metadata(id, &metadata.labels, &metadata.annotations)
}
