//! The verbs, the same for every kind of object. Adapters implement them over JSON; callers use the typed ones below the
//! traits: `kubernetes.get::<ServiceAccount>(key)`.

use async_trait::async_trait;
use futures::future::try_join_all;
use serde_json::Value;

use super::{
    access_review::AccessReview,
    object::{Object, WireError},
    resource::{ApiResource, ObjectKey},
    user_info::UserInfo,
};
use crate::ports::{CallError, CallErrorKind, aws::Cluster};

/// The field manager under which eksact writes.
pub const FIELD_MANAGER: &str = "eksact";

/// Which objects of a collection. The server selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selector<'a> {
    /// All of them.
    Everything,
    /// Those that bear this label with this value.
    Label(&'a str, &'a str),
    /// Those whose field has this value.
    Field(&'a str, &'a str),
}

/// Which state of an object a write may change: it fails with `Conflict` on any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Precondition<'a> {
    /// `metadata.uid`; none where the version is all that is known. Deleting needs it.
    pub uid: Option<&'a str>,
    /// `metadata.resourceVersion`.
    pub resource_version: &'a str,
}

impl<'a> Precondition<'a> {
    /// The object at this version.
    pub fn version(resource_version: &'a str) -> Self {
        Self {
            uid: None,
            resource_version,
        }
    }

    /// Exactly the object with this uid, at this version.
    pub fn exactly(uid: &'a str, resource_version: &'a str) -> Self {
        Self {
            uid: Some(uid),
            resource_version,
        }
    }
}

/// Reads a cluster's API.
#[async_trait]
pub trait KubernetesReader: Send + Sync {
    /// Tells what EKS says of the cluster to an adapter that would otherwise ask for it. The first that is told counts.
    fn learn(&self, _cluster: &Cluster) {}
    /// Whether the endpoint answers, within the adapter's short time limit; gives the server's version.
    async fn server_version(&self) -> Result<String, CallError>;
    /// One object; none when the API says that there is no such object.
    async fn get_object(&self, resource: ApiResource, key: ObjectKey<'_>)
    -> Result<Option<Value>, CallError>;
    /// The objects of a namespace, or of the whole cluster; all pages.
    async fn list_objects(
        &self,
        resource: ApiResource,
        namespace: Option<&str>,
        selector: Selector<'_>,
    ) -> Result<Vec<Value>, CallError>;
    /// The issuer that the API server puts into its service account tokens, from its own discovery document. None where
    /// the caller may not read the document (only `system:serviceaccounts` and administrators may by default) or the
    /// server has none.
    async fn service_account_issuer(&self) -> Result<Option<String>, CallError>;
    /// `SelfSubjectAccessReview`: whether the caller may.
    async fn may(&self, review: &AccessReview) -> Result<bool, CallError>;
    /// `SelfSubjectReview`: who the caller is to the API server.
    async fn user_info(&self) -> Result<UserInfo, CallError>;
}

/// Changes a cluster's objects. All that changes something which is there needs a [`Precondition`].
#[async_trait]
pub trait KubernetesWriter: Send + Sync {
    /// POST: an existing object is an error of kind `AlreadyExists`, so that one which appeared since the plan is never
    /// taken over.
    async fn create_object(
        &self,
        resource: ApiResource,
        key: ObjectKey<'_>,
        body: Value,
    ) -> Result<Value, CallError>;
    /// JSON merge patch (RFC 7386): what it does not name stays. `NotFound` when the object is gone.
    async fn merge_object(
        &self,
        resource: ApiResource,
        key: ObjectKey<'_>,
        patch: Value,
        precondition: Precondition<'_>,
    ) -> Result<Value, CallError>;
    /// Server-side apply, forced, by the field manager [`FIELD_MANAGER`]. `NotFound` when the object is gone: it is not
    /// created.
    async fn apply_object(
        &self,
        resource: ApiResource,
        key: ObjectKey<'_>,
        body: Value,
        precondition: Precondition<'_>,
    ) -> Result<Value, CallError>;
    /// Deletes exactly the object of the precondition, which names its uid.
    async fn delete_object(
        &self,
        resource: ApiResource,
        key: ObjectKey<'_>,
        precondition: Precondition<'_>,
    ) -> Result<(), CallError>;
}

impl dyn KubernetesReader + '_ {
    /// One object.
    pub async fn get<T: Object>(&self, key: ObjectKey<'_>) -> Result<Option<T>, CallError> {
        let resource = T::RESOURCES.of(key.namespace);
        let found = self.get_object(resource, key).await?;
        found
            .map(|value| T::from_wire(value).map_err(|error| unreadable("get", resource, key, &error)))
            .transpose()
    }

    /// The objects of a namespace, or of the whole cluster with all its namespaces; all pages.
    pub async fn list<T: Object>(
        &self,
        namespace: Option<&str>,
        selector: Selector<'_>,
    ) -> Result<Vec<T>, CallError> {
        let of_resource = |resource| async move {
            let found = self.list_objects(resource, namespace, selector).await?;
            let object = namespace.map_or_else(
                || "the cluster".to_owned(),
                |namespace| format!("namespace {namespace}"),
            );
            let read =
                |value| T::from_wire(value).map_err(|error| unreadable("list", resource, &object, &error));
            found.into_iter().map(read).collect::<Result<Vec<T>, CallError>>()
        };
        let found = try_join_all(T::RESOURCES.listed(namespace).into_iter().map(of_resource)).await?;
        Ok(found.into_iter().flatten().collect())
    }
}

impl dyn KubernetesWriter + '_ {
    /// Makes an object that is not there.
    pub async fn create<T: Object>(&self, object: &T) -> Result<T, CallError> {
        let key = object.key();
        let resource = T::RESOURCES.of(key.namespace);
        let made = self.create_object(resource, key, object.to_wire()).await?;
        T::from_wire(made).map_err(|error| unreadable("create", resource, key, &error))
    }

    /// Changes what the merge patch names.
    pub async fn merge<T: Object>(
        &self,
        key: ObjectKey<'_>,
        patch: Value,
        precondition: Precondition<'_>,
    ) -> Result<T, CallError> {
        let resource = T::RESOURCES.of(key.namespace);
        let changed = self.merge_object(resource, key, patch, precondition).await?;
        T::from_wire(changed).map_err(|error| unreadable("patch", resource, key, &error))
    }

    /// Sets what this object has, and takes away what eksact alone had applied before and this object has not.
    pub async fn apply<T: Object>(&self, object: &T, precondition: Precondition<'_>) -> Result<T, CallError> {
        let key = object.key();
        let resource = T::RESOURCES.of(key.namespace);
        let applied = self
            .apply_object(resource, key, object.to_wire(), precondition)
            .await?;
        T::from_wire(applied).map_err(|error| unreadable("patch", resource, key, &error))
    }

    /// Deletes an object.
    pub async fn delete<T: Object>(
        &self,
        key: ObjectKey<'_>,
        precondition: Precondition<'_>,
    ) -> Result<(), CallError> {
        let resource = T::RESOURCES.of(key.namespace);
        self.delete_object(resource, key, precondition).await
    }
}

/// The answer was a success but not the object that was asked for; a write may have happened.
fn unreadable(
    verb: &str,
    resource: ApiResource,
    object: impl std::fmt::Display,
    error: &WireError,
) -> CallError {
    CallError::new(
        "kubernetes",
        format!("{verb} {}", resource.plural),
        object.to_string(),
        CallErrorKind::ServiceFailure,
        format!("the API answered with something else than this object: {error}"),
    )
}
